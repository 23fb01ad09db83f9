"""What is counted over all kept rows, part by part, in memory that does not grow with the rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.intake.values.categories import distinct_texts

MERGE_ROWS = 1 << 22
"""Counts are added up where so many rows of them have come together."""


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


class Occurring:
    """Which of the texts occur that coded columns know (`coding.coded`), which are the same every time."""

    def __init__(self) -> None:
        self._texts = pl.Series([], dtype=pl.String)
        self._there = np.empty(0, np.bool_)

    def add(self, codes: pl.Series) -> None:
        """Look at codes, of which none is missing."""
        if not len(self._texts):
            self._texts = distinct_texts(codes)
            self._there = np.zeros(len(self._texts), np.bool_)
        self._there[codes.to_physical().to_numpy()] = True

    def texts(self) -> pl.Series:
        """Return those that occur, in their order."""
        return self._texts.filter(pl.Series(self._there))


class Description:
    """What the interactions are: the counts that are reported."""

    def __init__(self) -> None:
        self._rows = 0
        self._distinct = {name: Distinct() for name in ("user_id", "order_id", "product_id")}
        self._products = Occurring()
        self._events = Counts("event")
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, interactions: pl.DataFrame) -> None:
        """Look at interactions in their final order; products as codes, by the same texts every time."""
        self._rows += interactions.height
        for name in ("user_id", "order_id"):
            self._distinct[name].add(interactions[name])
        self._products.add(interactions["product_id"])
        self._events.add(interactions.select("event"))
        times: Any = interactions["timestamp"]
        self._add_times(times.min(), times.max())

    @property
    def products(self) -> pl.Series:
        """The distinct products."""
        return self._products.texts()

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all that was seen, for `take`."""
        self._distinct["product_id"].add(self._products.texts())
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
        self._distinct["product_id"].add(self._products.texts())
        return {
            "rows": self._rows,
            "users": self._distinct["user_id"].count(),
            "orders": self._distinct["order_id"].count(),
            "products": self._distinct["product_id"].count(),
            "events": dict(self._events.table().sort("event").rows()),
            "first": None if self._first is None else str(self._first),
            "last": None if self._last is None else str(self._last),
        }
