"""Models as Arrow tables: written, read, described."""
