"""`mine` in a cluster: itemsets of groups of items, searched by executors."""
