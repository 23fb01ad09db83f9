"""Trends: how often products sold since a user's last visit, and lately, beside all of their past."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.models.base import Arrays, Evidence, Queries, Why
from prodassoc_cli.models.cold import ColdProducts
from prodassoc_cli.models.data import Floats, Ints, TrainingData

FEATURES = ("since", "month", "quarter", "popularity")

_DAY = 86_400_000_000
_WINDOWS = np.unique(np.rint(7 * 2 ** (np.arange(25) / 4))).astype(np.int32)
"""Days that purchases are counted over: a week, and a fifth longer each time, up to 448."""

_MONTH, _QUARTER = (int(np.searchsorted(_WINDOWS, days)) for days in (28, 91))


class Trends:
    """Of each product log((buyers in the last d days + ½) / (buyers + 1)) for several d, and log(1 + buyers).

    What stopped selling before a user came last cannot be bought any more, and what is new since then cannot
    have been bought: so the days since the row's last purchase choose the window of the feature `since`. A
    row without one has all of the past there. Products with few buyers borrow from those with like texts, as
    their scores do.

    Attributes:
        buyers: windows × products, who bought it in the last days.
        logs: (windows + 2) × products: the ratio of each window, of all of the past, and log(1 + buyers).
    """

    def __init__(self, buyers: Floats, logs: Floats) -> None:
        self.buyers, self.logs = buyers, logs

    @classmethod
    def of(cls, data: TrainingData, cold: ColdProducts) -> Self:
        """Count the buyers; without timestamps, all of the past only."""
        # Anonymous orders count only where there is nothing else: their buyers may be few.
        who = "user" if data.n_users else "order"
        pairs = (
            data.events.filter((pl.col("weight") > 0) & (pl.col(who) >= 0))
            .group_by(who, "item")
            .agg(pl.col("timestamp").max())
            .with_columns(days=(pl.col("timestamp").max() - pl.col("timestamp")) / _DAY)
        )
        items = pairs["item"].to_numpy()
        window = np.searchsorted(_WINDOWS, pairs["days"].fill_null(np.inf).to_numpy())
        shape = (len(_WINDOWS) + 1, data.n_items)
        counts = np.bincount(window * data.n_items + items, minlength=shape[0] * shape[1]).reshape(shape)
        buyers = np.cumsum(counts, axis=0).astype(np.float32)
        if pairs["timestamp"].null_count() == pairs.height:
            buyers[:-1] = buyers[-1]
        logs = np.vstack([np.log((buyers + 0.5) / (buyers[-1] + 1)), np.log1p(buyers[-1])])
        borrowed = cold.blend(logs.copy())
        return cls(buyers[:-1], np.where(np.isfinite(borrowed), borrowed, logs).astype(np.float32))

    def features(
        self, queries: Queries, rows: NDArray[np.int64], items: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return candidates × `FEATURES` for the candidates `items` of `rows`."""
        since = np.searchsorted(_WINDOWS, _days_since(queries))
        return np.column_stack(
            [
                self.logs[since[rows], items],
                self.logs[_MONTH, items],
                self.logs[_QUARTER, items],
                self.logs[-1, items],
            ]
        )

    def explain(self, queries: Queries, items: Ints) -> Evidence:
        """Name how many bought each listed item since the row's last purchase, or in a month."""
        window = np.searchsorted(_WINDOWS, _days_since(queries))
        window[window == len(_WINDOWS)] = _MONTH
        count = self.buyers[window[:, None], np.maximum(items, 0)].astype(np.float64)
        days = np.broadcast_to(_WINDOWS[window][:, None], items.shape).astype(np.float64)
        lately = Evidence.of(Why.LATELY, items, count=count, value=days)
        return lately.where(count > 0, Evidence.of(Why.POPULAR, items))

    def arrays(self) -> Arrays:
        """Return what `from_arrays` takes."""
        return {"buyers": self.buyers, "logs": self.logs}

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_items: int) -> Self:
        """Take back what `arrays` gave."""
        buyers, logs = arrays["buyers"], arrays["logs"]
        if buyers.shape != (len(_WINDOWS), n_items) or logs.shape != (len(_WINDOWS) + 2, n_items):
            raise ValueError("the trends do not fit the products")
        return cls(buyers, logs)


def _days_since(queries: Queries) -> NDArray[np.float64]:
    """Return the days since each row's last purchase; infinite where that is not known."""
    days = np.full(len(queries), np.inf)
    rows = np.repeat(np.arange(len(queries)), np.diff(queries.seen.indptr))
    np.fmin.at(days, rows, queries.age)
    return days
