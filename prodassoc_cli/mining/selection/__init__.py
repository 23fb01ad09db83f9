"""Which rules to keep and which to believe."""
