"""What is counted over all kept rows, a part at a time, in memory that does not grow with the rows."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.intake.coding import distinct_texts, numbered

OUTLIER_SIGMAS = 3.5
OUTLIER_MIN_ROWS = 20
OUTLIER_FACTOR = {"price": 3.0, "quantity": 10.0}
MERGE_ROWS = 1 << 22
"""Counts are added up where so many rows of them have come together."""


_CENTS = 1 << 40
"""Hundredths below this are counted as integers."""


class Counts:
    """How often each combination of values occurs."""

    def __init__(self, *columns: str) -> None:
        self._columns = columns
        self._parts: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows."""
        self.take(rows.group_by(self._columns).agg(pl.len().cast(pl.Int64).alias("n")))

    def take(self, counts: pl.DataFrame) -> None:
        """Add combinations that were counted, with their counts `n`."""
        self._parts.append(counts)
        if sum(part.height for part in self._parts[1:]) > max(MERGE_ROWS, self._parts[0].height):
            self._parts = [self._added_up()]

    def table(self) -> pl.DataFrame:
        """Return the combinations with their counts `n`, in no order; texts as such."""
        return self._added_up().cast({pl.Categorical: pl.String})

    def _added_up(self) -> pl.DataFrame:
        if len(self._parts) == 1:
            return self._parts[0]
        return pl.concat(self._parts).group_by(self._columns).agg(pl.col("n").sum())


def values_of_products(product: pl.Series, values: pl.Series) -> pl.DataFrame:
    """Count the combinations of products and numbers above 0.

    Args:
        product: as `coding.coded` has them, none missing.
        values: float64; its name is that of the column returned.

    Returns:
        product_id (Categorical, so that counts are quickly added up), the value under its name and `n`.
    """
    texts = distinct_texts(product)
    codes, amounts = product.to_physical().to_numpy(), values.fill_null(0).to_numpy()
    counts = []
    positive = amounts > 0
    # Small whole numbers, as quantities are, have a place each in a table, no larger than the rows' own room.
    largest = np.fmin(amounts.max(initial=0), 4 * len(codes) // max(1, len(texts)))
    whole = positive & (amounts <= largest) & (amounts == np.floor(amounts))
    if 2 * np.count_nonzero(whole) > len(codes):
        counts.append(
            _counted_by_table(codes, np.where(whole, amounts, 0).astype(np.int64), int(largest) + 1)
        )
        positive &= ~whole
    if positive.any():
        if not positive.all():
            codes, amounts = codes[positive], amounts[positive]
        counts.append(_counted_by_sorting(codes.astype(np.int64), amounts, len(texts)))
    table = pl.concat([_counts(*(np.empty(0, np.int64),) * 3), *counts])
    ids = texts.cast(pl.Categorical).gather(table["product"]).alias("product_id")
    return pl.DataFrame([ids, table["value"].alias(values.name), table["n"]])


def _counted_by_table(codes: np.ndarray, amounts: np.ndarray, width: int) -> pl.DataFrame:
    """Count whole numbers below the width; 0 stands for none."""
    times = np.bincount(codes * np.int64(width) + amounts)
    times[::width] = 0
    places = np.flatnonzero(times)
    return _counts(places // width, places % width, times[places])


def _counted_by_sorting(codes: np.ndarray, amounts: np.ndarray, n_products: int) -> pl.DataFrame:
    cents = np.rint(amounts * 100)
    if n_products * _CENTS < 2**63 and ((cents < _CENTS) & (cents / 100 == amounts)).all():
        # A product and a number of cents are one integer: several times as quick to count as two columns.
        runs = pl.Series(codes * _CENTS + cents.astype(np.int64)).sort().rle().struct.unnest()
        both = runs["value"].to_numpy()
        return _counts(both // _CENTS, both % _CENTS / 100, runs["len"].to_numpy())
    rows = pl.DataFrame({"product": codes, "value": amounts})
    found = rows.group_by("product", "value").agg(pl.len().alias("n"))
    return _counts(*(found[name].to_numpy() for name in ("product", "value", "n")))


def _counts(product: np.ndarray, value: np.ndarray, n: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {"product": product, "value": value, "n": n},
        schema={"product": pl.Int64, "value": pl.Float64, "n": pl.Int64},
    )


class Distinct:
    """How many distinct texts there are, by 64-bit hashes: of ten million, 1 run in 400,000 is off by 1."""

    def __init__(self) -> None:
        self._seen = [np.empty(0, np.uint64)]

    def add(self, texts: pl.Series) -> None:
        """Look at texts; sorted ones are quickest."""
        changed = texts.filter((texts != texts.shift()).fill_null(value=True)).drop_nulls()
        self._seen.append(changed.hash().unique().to_numpy())
        if sum(map(len, self._seen[1:])) > max(MERGE_ROWS, len(self._seen[0])):
            self.count()

    def take(self, hashes: np.ndarray) -> None:
        """Take what was looked at elsewhere, as `hashes` tells it."""
        self._seen = [self.hashes, hashes]

    @property
    def hashes(self) -> np.ndarray:
        """The hashes of all distinct texts, uint64, in any order."""
        if len(self._seen) > 1:
            self._seen = [pl.Series(np.concatenate(self._seen)).unique().to_numpy()]
        return self._seen[0]

    def count(self) -> int:
        """Return how many there were."""
        return len(self.hashes)


class Description:
    """What the interactions are: the counts people are told."""

    def __init__(self) -> None:
        self._rows = 0
        self._distinct = {name: Distinct() for name in ("user_id", "order_id", "product_id")}
        self._events = Counts("event")
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, interactions: pl.DataFrame, products: pl.Series) -> None:
        """Look at interactions in their final order, and at the products that occur in them."""
        self._rows += interactions.height
        for name in ("user_id", "order_id"):
            self._distinct[name].add(interactions[name])
        self._distinct["product_id"].add(products)
        self._events.add(interactions.select("event"))
        times: Any = interactions["timestamp"]
        self._add_times(times.min(), times.max())

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all that was seen, for `take`."""
        whole = {"rows": self._rows, "first": self._first, "last": self._last}
        hashes = {name: pl.DataFrame({"hash": each.hashes}) for name, each in self._distinct.items()}
        times = dict.fromkeys(("first", "last"), pl.Datetime("us"))
        return {
            "whole": pl.DataFrame([whole], schema_overrides=times), "events": self._events.table(), **hashes
        }  # fmt: skip

    def take(self, tables: dict[str, pl.DataFrame]) -> None:
        """Take what was looked at elsewhere, as `tables` tells it."""
        rows, first, last = tables["whole"].row(0)
        self._rows += rows
        self._add_times(first, last)
        self._events.take(tables["events"])
        for name, distinct in self._distinct.items():
            distinct.take(tables[name]["hash"].to_numpy())

    def _add_times(self, first: datetime | None, last: datetime | None) -> None:
        self._first = min((each for each in (self._first, first) if each is not None), default=None)
        self._last = max((each for each in (self._last, last) if each is not None), default=None)

    def facts(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        return {
            "rows": self._rows,
            "users": self._distinct["user_id"].count(),
            "orders": self._distinct["order_id"].count(),
            "products": self._distinct["product_id"].count(),
            "events": dict(self._events.table().sort("event").rows()),
            "first": None if self._first is None else str(self._first),
            "last": None if self._last is None else str(self._last),
        }


def medians(groups: np.ndarray, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median of each group of counted values.

    Args:
        groups: int64, numbers of groups from 0, none of them empty.
        values: float64, one a row.
        counts: int64, how often it occurs in its group.

    Returns:
        Group by group, the median and the number of values.
    """
    if groups.any():
        keys = pl.DataFrame({"group": groups, "value": values})
        order = keys.select(pl.arg_sort_by("group", "value")).to_series().to_numpy()
    else:
        order = np.argsort(values)
    ends = np.cumsum(counts[order])
    rows = np.bincount(groups, counts).astype(np.int64)
    starts = np.cumsum(rows) - rows
    low = values[order[np.searchsorted(ends, starts + (rows - 1) // 2, side="right")]]
    high = values[order[np.searchsorted(ends, starts + rows // 2, side="right")]]
    return np.where(low == high, low, (low + high) / 2), rows


def outliers(counts: pl.DataFrame, name: str) -> pl.DataFrame:
    """Flag values far from the others of their product, robustly and on a log scale.

    A value x is flagged where |ln x - m| > 3.5 s, with m the median of ln x and s = 1.4826 times the median
    absolute deviation from it (the modified z-score of Iglewicz & Hoaglin, 1993), taken over the product's
    rows where there are at least 20, else over all rows. Within a factor of 3 (price) or 10 (quantity) of the
    median nothing is flagged, however steady the product. Values that are missing or not above 0 never are.

    Args:
        counts: product_id, the value under its name, and `n`, how many rows have both.
        name: `price` or `quantity`.

    Returns:
        The rows of `counts` that are flagged.
    """
    counts = counts.filter(pl.col(name) > 0)
    if counts.is_empty():
        return counts
    product, _ = numbered(counts["product_id"])
    logs, n = counts[name].log().to_numpy(), counts["n"].to_numpy()
    everything = np.zeros_like(product)
    (middle,), _ = medians(everything, logs, n)
    (spread,), _ = medians(everything, np.abs(logs - middle), n)
    own_middle, rows = medians(product, logs, n)
    enough = rows >= OUTLIER_MIN_ROWS
    away = np.abs(logs - np.where(enough, own_middle, middle)[product])
    own_spread, _ = medians(product, away, n)
    bound = np.maximum(
        OUTLIER_SIGMAS * 1.4826 * np.where(enough, own_spread, spread), math.log(OUTLIER_FACTOR[name])
    )
    return counts.filter(pl.Series(away > bound[product]))
