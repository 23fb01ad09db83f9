"""What other tools write where a value is missing."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

MISSING_WORDS = (
    "", "na", "n/a", "n.a.", "nan", "null", "nil", "none", "<na>", "\\n", "#n/a", "(null)", "(none)",
    "(blank)", "-", "--",
)  # fmt: skip
"""Words for a missing value of any field, in lower case."""

_MISSING = frozenset(MISSING_WORDS)

NOBODY_WORDS = (*MISSING_WORDS, "(not set)", "undefined", "anonymous", "guest", "not applicable")
"""The same where an id of a user is missing."""


def capitalised(words: Iterable[str]) -> set[str]:
    """Return words of lower case in all capitalisations that are usual."""
    forms = {form(word) for word in words for form in (str, str.upper, str.title, str.capitalize)}
    return forms | ({"NaN"} if "nan" in forms else set()) | ({"\\N"} if "\\n" in forms else set())


def says_missing(text: str) -> bool:
    """Return whether a text stands for no value; see `is_missing`."""
    return text.strip().lower() in _MISSING


def is_missing(column: pl.Series) -> pl.Series:
    """Return which values of a text column stand for none."""
    return column.str.strip_chars().str.to_lowercase().is_in(MISSING_WORDS).fill_null(value=True)
