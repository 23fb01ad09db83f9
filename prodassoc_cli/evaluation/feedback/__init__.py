"""Logs of lists that were shown, read as experiments."""
