"""Which ratings are wishes: the scale that is seen, and from where on a rating counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Relevance:
    """The ratings of some interactions.

    Attributes:
        relevant_from: lowest rating that is a wish; None: what is above the middle of the scale seen.
        lowest: lowest rating given; None without ratings.
        highest: highest rating given; None without ratings.
    """

    relevant_from: float | None = None
    lowest: float | None = None
    highest: float | None = None

    def wider(self, interactions: pl.DataFrame) -> Relevance:
        """Return the scale with the ratings of further interactions."""
        if "rating" not in interactions.columns:
            return self
        ratings: Any = interactions["rating"].cast(pl.Float32)
        lowest = min((each for each in (self.lowest, ratings.min()) if each is not None), default=None)
        highest = max((each for each in (self.highest, ratings.max()) if each is not None), default=None)
        return replace(self, lowest=lowest, highest=highest)

    def is_wish(self) -> pl.Expr:
        """Return whether a row's rating is a wish; true without a rating, and where all are alike."""
        if self.relevant_from is not None:
            return (pl.col("rating") >= self.relevant_from).fill_null(value=True)
        if self.lowest is None or self.highest is None or self.lowest == self.highest:
            return pl.lit(value=True)
        return (pl.col("rating") > (self.lowest + self.highest) / 2).fill_null(value=True)

    def note(self) -> str:
        """Say which ratings are wishes; empty without ratings."""
        if self.lowest is None or self.highest is None:
            return ""
        scale = f"ratings from {self.lowest:g} to {self.highest:g}"
        if self.relevant_from is not None:
            return f"{scale}: wishes from {self.relevant_from:g} on, what is rated lower is not recommended"
        if self.lowest == self.highest:
            return f"{scale}: all are wishes"
        middle = (self.lowest + self.highest) / 2
        return (
            f"{scale}: wishes above {middle:g}, what is rated lower is not recommended; "
            "`relevant_from` sets another bound"
        )
