"""What kept rows show that is likely a mistake in how they were read, though each of them may be right."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from prodassoc_cli.intake.columns.schema import Caution
from prodassoc_cli.wording import number_of

_ORDERS_HELD = 1 << 14
"""Orders whose days are compared: of more, those count whose hash is a multiple of a power of two."""

_MANY = 1.2
"""Days per order from which order numbers seem to begin anew."""

_FIRST_ROWS = 1 << 12
"""Rows of which one user has most where one user has most of all."""

_FEW_ROWS = 20
"""With fewer rows with a user, one may well have most of them."""

_FEW_RATINGS, _MANY_RATINGS, _HIGH_SCALE = 4, 1 << 10, 5
"""A scale with 0 for not rated has several ratings, not thousands, and ends at 5 or above."""


class Suspicions:
    """Looks at interactions, part by part, in memory that does not grow with them."""

    def __init__(self) -> None:
        self._days = pl.DataFrame(schema={"order": pl.UInt64, "day": pl.Int32, "example": pl.String})
        self._one_in = 1
        self._user: str | None = None
        self._first_users = pl.Series(dtype=pl.String)
        self._rows_of_user = self._rows_with_user = 0
        self._ratings = pl.DataFrame(schema={"rating": pl.Float64, "count": pl.UInt32})
        self._taken: list[dict[str, pl.DataFrame]] = []

    def add(self, interactions: pl.DataFrame) -> None:
        """Look at interactions in their final order."""
        self._add_days(interactions)
        self._add_users(interactions["user_id"].drop_nulls())
        self._add_ratings(interactions["rating"].drop_nulls())

    def tables(self, interactions: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Return what a part shows, for `take`; nothing else was looked at.

        Args:
            interactions: the part, products as text.
        """
        self.add(interactions)
        users = interactions["user_id"].drop_nulls().value_counts(name="count")
        first = pl.col("user_id").sort_by("count", "user_id", descending=[True, False]).first()
        return {
            "days": self._days.with_columns(pl.lit(self._one_in).alias("one_in")),
            "ratings": self._ratings,
            "users": users.select(pl.col("user_id").hash().alias("user"), "count"),
            "most": users.select(first, pl.col("count").sum().alias("rows")).filter(pl.col("rows") > 0),
            "products": interactions.select(pl.col("product_id").unique()),
        }

    def take(self, tables: dict[str, pl.DataFrame]) -> None:
        """Take what a part showed elsewhere, as `tables` tells it."""
        self._ratings = _together(self._ratings, tables["ratings"], "rating")
        days = tables["days"]
        self._one_in = max(self._one_in, days["one_in"].to_numpy().max(initial=1).item())
        self._days = pl.concat([self._days, days.drop("one_in")]).unique(["order", "day"])
        self._sample_days()
        self._taken.append({name: tables[name] for name in ("users", "most", "products")})

    def _elsewhere(self) -> pl.Series:
        """Count the rows of the user who has most of the parts taken, and return their distinct products."""
        users = pl.concat([each["users"] for each in self._taken])
        counts = users.group_by("user").agg(pl.col("count").sum())
        names = pl.concat([each["most"] for each in self._taken]).select("user_id").unique()
        named = names.with_columns(pl.col("user_id").hash().alias("user")).join(counts, on="user")
        self._rows_with_user = int(counts["count"].sum())
        self._rows_of_user = named["count"].to_numpy().max(initial=0).item()
        return pl.concat([each["products"] for each in self._taken])["product_id"].unique()

    def cautions(self, products: pl.Series | None = None) -> Iterator[Caution]:
        """Yield what is likely wrong, and what settles it.

        Args:
            products: the distinct ids of all; None for those of the parts taken.
        """
        if products is None:
            products = self._elsewhere()
        alike = pl.DataFrame({"id": products, "same": products.str.to_lowercase()})
        alike = alike.filter(pl.col("same").is_duplicated())
        several = alike.group_by("same").agg(pl.col("id").sort()).sort("same")
        if several.height:
            yield Caution(
                f"products such as {' and '.join(several['id'][0].head(3))} differ in upper and lower case "
                f"only ({several.height:,} in all): each way of writing counts as a product of its own"
            )
        orders = self._days.group_by("order").agg(pl.len().alias("days"), pl.col("example").first())
        if self._days.height > _MANY * orders.height:
            example = orders.sort("days", "example", descending=[True, False])["example"][0]
            yield Caution(
                f"order {example} and others stand on several days: where numbers of receipts begin anew "
                "each day or in each shop, name what tells them apart: `map=order_id=STORE+DATE+RECEIPT`"
            )
        if len(self._first_users):
            self._choose_user()
        if self._rows_with_user > _FEW_ROWS and self._rows_of_user * 2 > self._rows_with_user:
            yield Caution(
                f"one user has {self._rows_of_user:,} of {self._rows_with_user:,} rows: if that is nobody: "
                "`missing=user_id=ID`"
            )

        yield from self._zeros()

    def _zeros(self) -> Iterator[Caution]:
        """Warn where 0 stands apart from the other ratings, as where nothing was rated."""
        ratings, counts = self._ratings.sort("rating")["rating"].to_list(), self._ratings["count"]
        if len(ratings) < _FEW_RATINGS or ratings[0] != 0 or ratings[1] < 1 or ratings[-1] < _HIGH_SCALE:
            return
        zeros = int(self._ratings.filter(pl.col("rating") == 0)["count"].item())
        if zeros * 4 >= int(counts.sum()):
            yield Caution(
                f"{number_of(zeros, 'rating')} of 0: if that means not rated: "
                f"`rating_scale=1,{ratings[-1]:g}`"
            )

    def _add_ratings(self, ratings: pl.Series) -> None:
        if len(ratings) and self._ratings.height <= _MANY_RATINGS:
            counted = ratings.cast(pl.Float64).alias("rating").value_counts()
            self._ratings = _together(self._ratings, counted, "rating")

    def _add_days(self, interactions: pl.DataFrame) -> None:
        hashes = interactions["order_id"].hash()
        while self._one_in * _ORDERS_HELD < len(hashes):
            self._one_in *= 2
        rows = interactions.select("order_id", "timestamp").filter(hashes % self._one_in == 0)
        day = pl.col("timestamp").dt.date().cast(pl.Int32).alias("day")
        days = rows.select(pl.col("order_id").hash().alias("order"), day, pl.col("order_id").alias("example"))
        self._days = pl.concat([self._days, days.drop_nulls()]).unique(["order", "day"])
        self._sample_days()

    def _sample_days(self) -> None:
        """Keep no more orders than may be held."""
        self._days = self._days.filter(pl.col("order") % self._one_in == 0)
        while self._days["order"].n_unique() > _ORDERS_HELD:
            self._one_in *= 2
            self._days = self._days.filter(pl.col("order") % self._one_in == 0)

    def _add_users(self, users: pl.Series) -> None:
        """Count the rows of the user who has most of the first ones, however these come in parts."""
        self._rows_with_user += len(users)
        if self._user is not None:
            self._rows_of_user += int((users == self._user).sum())
            return
        self._first_users = pl.concat([self._first_users, users])
        if len(self._first_users) >= _FIRST_ROWS:
            self._choose_user()

    def _choose_user(self) -> None:
        """Choose whose rows are counted, and count those so far."""
        self._user = self._first_users.head(_FIRST_ROWS).mode().sort()[0]
        self._rows_of_user = int((self._first_users == self._user).sum())
        self._first_users = self._first_users.clear()


def _together(counts: pl.DataFrame, more: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the counts of both tables by a column."""
    return pl.concat([counts, more]).group_by(name).agg(pl.col("count").sum())
