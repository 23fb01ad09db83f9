"""What a language decides beside its words: the form of numbers, lists and messages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Message = str | Mapping[str, str]
"""A text with placeholders, or its form for a count of `one` and that for all `other` counts."""


@dataclass(frozen=True)
class Form:
    """How a language writes numbers, lists and days.

    Attributes:
        comma: between the entries of a list.
        last: before the last one.
        decimal: between units and tenths.
        thousands: between thousands and hundreds.
        thousands_from: the smallest number that is grouped so.
        percent: what follows the number of a percentage.
        date: a day, in the codes of strftime.
    """

    comma: str
    last: str
    decimal: str
    thousands: str
    thousands_from: int
    percent: str
    date: str

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[str, Any]]) -> Form:
        """Return the form that the tables `list` and `format` of a language describe."""
        return cls(tables["list"]["comma"], tables["list"]["and"], **tables["format"])

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with that many decimals."""
        whole, _, rest = f"{value:.{decimals}f}".partition(".")
        if abs(value) >= self.thousands_from:
            whole = f"{int(whole):,}".replace(",", self.thousands)
        return f"{whole}{self.decimal}{rest}" if rest else whole

    def joined(self, entries: Sequence[str]) -> str:
        """Return a list: `A, B and C`."""
        *first, end = entries
        return f"{self.comma.join(first)}{self.last}{end}" if first else end


def tables_of(language: str) -> dict[str, dict[str, Any]]:
    """Return the tables `list` and `format` of a language, free to be changed."""
    return {name: dict(table) for name, table in _formats()[language].items()}


def forms(message: Message) -> tuple[str, str]:
    """Return the form of a message for a count of one, and that for all others."""
    return (message, message) if isinstance(message, str) else (message["one"], message["other"])


@cache
def _formats() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(Path(__file__).with_name("formats.toml").read_text(encoding="utf-8"))
