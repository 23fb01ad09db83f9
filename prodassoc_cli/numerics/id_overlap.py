"""How many ids of one table are in another; and, where few are, what the difference seems to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

FEW = 0.5
"""Share of ids in common below which the two are likely written in different ways."""

_DIFFERENCES: tuple[tuple[str, Callable[[pl.Expr], pl.Expr]], ...] = (
    ("leading zeros", lambda ids: ids.str.replace(r"^0+(\d)", "$1")),
    ("a decimal .0", lambda ids: ids.str.replace(r"\.0$", "")),
    ("upper and lower case", lambda ids: ids.str.to_lowercase()),
    ("blanks", lambda ids: ids.str.replace_all(r"\s+", "")),
    ("a prefix", lambda ids: ids.str.replace(r"^(?:[A-Za-z]+[-_ ]?)?0*(\d)", "$1")),
    ("marks between the characters", lambda ids: ids.str.replace_all(r"[^\pL\pN]", "")),
)
"""How the same ids come to be written in two ways, and what makes them equal again."""


@dataclass(frozen=True)
class IdOverlap:
    """What two sets of ids have in common.

    Attributes:
        left: number of distinct ids of the first.
        right: of the second.
        both: of those in both.
        cause: how the others seem to differ, with an example; empty where nothing is known.
    """

    left: int
    right: int
    both: int
    cause: str = ""

    @property
    def few(self) -> bool:
        """Whether so few of the smaller set are in the other that something must be wrong."""
        return self.both < FEW * min(self.left, self.right)

    @property
    def clause(self) -> str:
        """The cause as the end of a sentence; empty where nothing is known."""
        return f"; {self.cause}" if self.cause else ""


def id_overlap(left: pl.Series, right: pl.Series, *, personal: bool = False) -> IdOverlap:
    """Compare two columns of ids (String); nulls do not count; no id is shown that is `personal`."""
    first, second = left.drop_nulls().unique(), right.drop_nulls().unique()
    both = int(first.is_in(second.implode()).sum())
    found = IdOverlap(len(first), len(second), both)
    return (
        IdOverlap(found.left, found.right, both, _cause(first, second, both, personal=personal))
        if found.few
        else found
    )


def _cause(left: pl.Series, right: pl.Series, both: int, *, personal: bool) -> str:
    for what, same in _DIFFERENCES:
        one, other = (
            pl.DataFrame({"id": ids}).select("id", same(pl.col("id")).alias("key")) for ids in (left, right)
        )
        joined = one.join(other, on="key", suffix="_there").filter(pl.col("id") != pl.col("id_there"))
        if joined["id"].n_unique() > max(both, FEW * min(len(left), len(right))):
            first, second = joined.sort("id", "id_there").select("id", "id_there").row(0)
            example = "" if personal else f": {first} in the one, {second} in the other"
            return f"they differ in {what}{example}"
    return ""
