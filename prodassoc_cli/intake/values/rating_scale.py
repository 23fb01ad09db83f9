"""The scale that ratings are on, as a user says, and what is not on it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.intake.columns.schema import EVENT


@dataclass(frozen=True)
class RatingScale:
    """The lowest and the highest rating that can be given; a 0 below the lowest means not rated."""

    lowest: float
    highest: float

    @classmethod
    def parse(cls, text: str) -> RatingScale:
        """Read `1,5`, as `rating_scale` has it.

        Raises:
            UsageProblem: these are no two numbers, the lower one first.
        """
        try:
            lowest, highest = map(float, text.split(","))
        except ValueError:
            lowest, highest = 0.0, 0.0
        if not lowest < highest:
            raise UsageProblem(
                f"`rating_scale={text}`: not the lowest and the highest rating",
                "for example `rating_scale=1,5`",
            )
        return cls(lowest, highest)

    def without_unrated(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows in which a 0 below the scale is no rating: such a row is a view, or what it says."""
        if self.lowest <= 0:
            return rows
        unrated = (pl.col("rating") == 0).fill_null(value=False)
        is_rating = pl.col("event") == "rating"
        return rows.with_columns(
            pl.when(~unrated).then(pl.col("rating")).alias("rating"),
            pl.when(unrated & is_rating)
            .then(pl.lit("view", EVENT))
            .otherwise(pl.col("event"))
            .alias("event"),
        )

    def off(self, ratings: pl.Series) -> pl.Series:
        """Return which ratings are not on the scale."""
        return ~ratings.is_between(self.lowest, self.highest).fill_null(value=True)
