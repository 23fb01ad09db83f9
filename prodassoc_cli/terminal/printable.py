"""Texts that are safe to show on a terminal."""


def printable(text: str) -> str:
    """Return the text on one line, without characters that could drive a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
