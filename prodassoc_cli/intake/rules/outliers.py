"""Prices and quantities, counted by product, and those far from the others of their product."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from prodassoc_cli.intake.values.categories import distinct_texts, numbered
from prodassoc_cli.intake.values.counters import Counts

OUTLIER_SIGMAS = 3.5
OUTLIER_MIN_ROWS = 20
OUTLIER_FACTOR = {"price": 3.0, "quantity": 10.0}

_CENTS = 1 << 40
"""Hundredths below this are counted as integers."""


class Amounts:
    """How often each product has each number above 0, of one column.

    A product and a number of hundredths are one integer: several times as quick to count as two columns.

    Args:
        name: of the column: `price` or `quantity`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._texts = pl.Series([], dtype=pl.String)
        self._keys = np.empty(0, np.int64)
        self._times = np.empty(0, np.int64)
        self._others = Counts("product", name)
        self._others.take(pl.DataFrame(schema={"product": pl.Int64, name: pl.Float64, "n": pl.Int64}))

    def add(self, products: pl.Series, values: pl.Series) -> None:
        """Count rows.

        Args:
            products: as `coding.coded` has them, none missing, by the same texts every time.
            values: float64.
        """
        if not len(self._texts):
            self._texts = distinct_texts(products)
        codes, amounts = products.to_physical().to_numpy(), values.fill_null(0).to_numpy()
        left = amounts > 0
        if len(self._texts) * _CENTS >= 2**63:
            self._add_as_columns(codes[left], amounts[left])
            return
        # Small whole numbers, as quantities are, have places in a table no larger than the rows' own room.
        largest = np.fmin(amounts.max(initial=0), 4 * len(codes) // max(1, len(self._texts)))
        some = amounts[:: 1 + len(amounts) // 1024]
        if 2 * np.count_nonzero((some > 0) & (some <= largest) & (some == np.floor(some))) > len(some):
            whole = left & (amounts <= largest) & (amounts == np.floor(amounts))
            self._add_by_table(codes, np.where(whole, amounts, 0).astype(np.int64), int(largest) + 1)
            left &= ~whole
        if left.any():
            if not left.all():
                codes, amounts = codes[left], amounts[left]
            self._add_by_sorting(codes.astype(np.int64), amounts)

    def table(self) -> pl.DataFrame:
        """Return product_id, the number under its name, and `n`, in how many rows they were together."""
        others = self._others.table()
        table = pl.concat(
            [
                _counts(self._keys // _CENTS, self._keys % _CENTS / 100, self._times),
                _counts(*(others[name].to_numpy() for name in ("product", self._name, "n"))),
            ]
        )
        ids = self._texts.gather(table["product"]).alias("product_id")
        return pl.DataFrame([ids, table["value"].alias(self._name), table["n"]])

    def _add_by_table(self, codes: np.ndarray, amounts: np.ndarray, width: int) -> None:
        """Count whole numbers below the width; 0 stands for none."""
        times = np.bincount(codes * np.int64(width) + amounts)
        times[::width] = 0
        places = np.flatnonzero(times)
        self._add_keys(places // width * _CENTS + places % width * 100, times[places])

    def _add_by_sorting(self, codes: np.ndarray, amounts: np.ndarray) -> None:
        cents = np.rint(amounts * 100)
        exact = (cents < _CENTS) & (cents / 100 == amounts)
        if not exact.all():
            self._add_as_columns(codes[~exact], amounts[~exact])
            codes, cents = codes[exact], cents[exact]
        runs = pl.Series(codes * _CENTS + cents.astype(np.int64)).sort().rle().struct.unnest()
        self._add_keys(runs["value"].to_numpy(), runs["len"].to_numpy())

    def _add_as_columns(self, codes: np.ndarray, amounts: np.ndarray) -> None:
        self._others.add(pl.DataFrame({"product": codes.astype(np.int64), self._name: amounts}))

    def _add_keys(self, keys: np.ndarray, times: np.ndarray) -> None:
        """Add keys, which ascend, to those known."""
        places = np.searchsorted(self._keys, keys)
        known = np.zeros(len(keys), np.bool_)
        inside = places < len(self._keys)
        known[inside] = self._keys[places[inside]] == keys[inside]
        self._times[places[known]] += times[known]
        new = ~known
        if new.any():
            self._keys = np.insert(self._keys, places[new], keys[new])
            self._times = np.insert(self._times, places[new], times[new])


def _counts(product: np.ndarray, value: np.ndarray, n: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {"product": product, "value": value, "n": n},
        schema={"product": pl.Int64, "value": pl.Float64, "n": pl.Int64},
    )


def medians(groups: np.ndarray, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median of each group of counted values.

    Args:
        groups: int64, numbers of groups from 0, none of them empty.
        values: float64, one per row.
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
