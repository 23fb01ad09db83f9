"""One run of a command: inputs, outputs, plan, memory, and what it reports."""
