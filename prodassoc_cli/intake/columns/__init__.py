"""Which column means what: aliases, presets and the user's own map, matched with the header."""
