"""The six stages as runs: take inputs, open outputs, call the domain, put the results. For both entrances."""
