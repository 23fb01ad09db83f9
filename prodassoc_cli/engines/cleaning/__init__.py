"""`clean` in a cluster: executors read slices, deal rows out to parts, and apply the rules to each."""
