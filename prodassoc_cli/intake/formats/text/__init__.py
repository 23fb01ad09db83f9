"""Delimited text: its encoding and dialect, quotes, and the rows cut by Arrow."""
