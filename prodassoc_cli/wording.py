"""Numbers in sentences."""

from __future__ import annotations


def number_of(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: `1 row`, `2,000 rows`.

    Args:
        count: how many there are.
        noun: what they are, in the singular.
        plural: its plural where that is not the noun with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
