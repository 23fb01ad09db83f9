"""The searches for frequent itemsets, compiled, and the prefix tree they fill."""
