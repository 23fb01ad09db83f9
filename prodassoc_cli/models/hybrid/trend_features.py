"""Trends: how products sold lately beside all of their past."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl

from prodassoc_cli.models.base import Explanation, Queries, Why
from prodassoc_cli.models.data import Csr, TrainingData
from prodassoc_cli.models.hybrid.cold_start import ColdProducts
from prodassoc_cli.models.newcomers import lengthened
from prodassoc_cli.models.storage.packing import Arrays
from prodassoc_cli.numerics.arrays import Doubles, Floats, Ints, Longs

FEATURES = ("lately", "popularity")

_WEEK = 7 * 86_400_000_000
_MAX_WEEKS = 256
_QUARTER = 13


class Trends:
    """Of each product log((sales of a quarter + ½) / (sales + 1)) and log(1 + sales).

    A sale is a user who bought the product in a week; a click is none. The fusion learns from orders of the
    past, and of each it may know only what had been sold by then: so there is a row of both for the end of
    every week, the first for when nothing had been sold. Products with few buyers borrow from those with like
    texts, as their scores do.

    Attributes:
        lately: weeks × products, the last row for today.
        popularity: weeks × products.
        buyers: who bought each product in the last quarter.
        newest: end of the last week, µs since 1970.
    """

    def __init__(self, lately: Floats, popularity: Floats, buyers: Floats, newest: int) -> None:
        self.lately, self.popularity, self.buyers, self.newest = lately, popularity, buyers, newest

    @classmethod
    def of(cls, data: TrainingData, cold: ColdProducts) -> Self:
        """Count the sales of each week; without timestamps all are of one."""
        # Anonymous orders count only where there is nothing else: their buyers may be few.
        who = "user" if data.n_users else "order"
        sales = data.events.with_columns(age=(pl.col("timestamp").max() - pl.col("timestamp")) // _WEEK)
        sales = sales.filter(pl.col("owning") & (pl.col("weight") > 0) & (pl.col(who) >= 0))
        age = pl.col("age").fill_null(0).clip(upper_bound=_MAX_WEEKS - 1)
        sales = sales.select(who, "item", age).unique()
        ages, items = sales["age"].to_numpy(), sales["item"].to_numpy()
        # Before the first week nothing had been sold.
        shape = (int(ages.max(initial=-1)) + 2, data.n_items)
        counts = np.bincount(
            (shape[0] - 1 - ages) * data.n_items + items, minlength=shape[0] * shape[1]
        ).reshape(shape)
        total = np.cumsum(counts, axis=0)
        quarter = total.copy()
        quarter[_QUARTER:] -= total[:-_QUARTER]
        recent = sales.filter(pl.col("age") < _QUARTER).select(who, "item").unique()
        return cls(
            _lent(np.log((quarter + 0.5) / (total + 1)), cold),
            _lent(np.log1p(total), cold),
            np.bincount(recent["item"].to_numpy(), minlength=data.n_items).astype(np.float32),
            int(data.events["timestamp"].fill_null(0).to_numpy().max(initial=0)),
        )

    def features(self, queries: Queries, rows: Longs, items: Longs) -> Floats:
        """Return candidates × `FEATURES` for the candidates `items` of `rows`."""
        last = len(self.lately) - 1
        week = np.full(len(queries), last)
        if queries.asked is not None:
            # The week in which a row asks is not over.
            week = np.clip(last - 1 - (self.newest - queries.asked) // _WEEK, 0, last)
        return np.column_stack([self.lately[week[rows], items], self.popularity[week[rows], items]])

    def explain(self, items: Ints) -> Explanation:
        """Name how many bought each listed item in the last quarter."""
        count = self.buyers[np.maximum(items, 0)].astype(np.float64)
        lately = Explanation.of(Why.LATELY, items, count=count, value=np.full(items.shape, 7.0 * _QUARTER))
        return lately.where(count > 0, Explanation.of(Why.POPULAR, items))

    def admitting(self, lent: Csr) -> Trends:
        """Return the trends with those that new products borrow; see `ColdProducts.admitting`."""
        known = self.lately.shape[1]
        borrowed = lent[:, :known].T

        def with_new(values: Floats) -> Floats:
            return np.concatenate([values, np.asarray(values @ borrowed, np.float32)], axis=1)

        buyers = lengthened(self.buyers, lent.shape[0])
        return Trends(with_new(self.lately), with_new(self.popularity), buyers, self.newest)

    def arrays(self) -> Arrays:
        """Return what `from_arrays` takes: of today only."""
        return {"lately": self.lately[-1], "popularity": self.popularity[-1], "buyers": self.buyers}

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_items: int) -> Self:
        """Take back what `arrays` gave."""
        if any(len(arrays[name]) != n_items for name in ("lately", "popularity", "buyers")):
            raise ValueError("the trends do not fit the products")
        return cls(arrays["lately"][None], arrays["popularity"][None], arrays["buyers"], 0)


def _lent(logs: Doubles, cold: ColdProducts) -> Floats:
    blended = cold.blend(logs.astype(np.float32))
    return np.where(np.isfinite(blended), blended, logs).astype(np.float32)
