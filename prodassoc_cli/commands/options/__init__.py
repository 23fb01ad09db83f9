"""From declared settings to flags, variables, TOML and help."""
