"""Where a stage runs when it is not this process."""
