"""Reasons in a shopper's words: explanations and the shop's counts in, sentences and their columns out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from prodassoc_cli.models.base import Explanation, Queries, Why
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.reasons.language import Language
from prodassoc_cli.numerics.arrays import Bools, Doubles, Floats, Ints, Longs, arrow_of

Audience = Literal["users", "products", "baskets"]

_DAY = 86_400_000_000
_BY_CHANCE = 1.05
"""Up to this lift, products are not said to be bought together more often than by chance."""

KINDS = {
    Why.POPULAR: "popular",
    Why.BOUGHT_TOGETHER: "bought together",
    Why.SAME_BUYERS: "same buyers",
    Why.SIMILAR: "similar",
    Why.LOOKALIKES: "lookalikes",
    Why.TASTE: "taste",
    Why.AGAIN: "bought again",
    Why.RATED: "rated",
    Why.LATELY: "bought lately",
    Why.EXPECTED: "expected",
    Why.WORDS: "words",
}
"""Words for the kinds of reasons, as `artifacts.schemas` declares them."""

_ENOUGH_BASKETS = 2

MESSAGES = (
    "popular_customers", "popular_baskets", "new",
    "unknown+popular_customers", "unknown+popular_baskets", "unknown+new",
    "in_baskets", "in_baskets_lift", "by_customers", "by_customers_lift",
    "similar_to_product", "similar_in_basket", "similar_to_own", "similar_to_seen",
    "lookalikes", "taste_of_user", "taste_of_product", "taste_of_basket",
    "again", "again_last", "rated", "lately_customers", "lately_baskets", "expected",
    "close_to_words",
)  # fmt: skip
"""What a reason can say, by the names of messages; see `Language.sentences`."""

_PLACE = {name: np.int32(n) for n, name in enumerate(MESSAGES)}


@dataclass(frozen=True)
class _Rows:
    """What is known of the products of the lists, one after another.

    Attributes:
        model: gives the titles and the counts.
        audience: whom the lists are for.
        kind, others, more, count, value, weight: see `Explanation`.
        item: the products.
        times: how often the one whom the list is for bought the product.
        age: days since the last time; NaN if unknown.
        other_times: how often that one bought the first of the others.
        unknown: whether nothing is known of that one.
        by_basket: whether a count is one of baskets.
    """

    model: TrainedModel
    audience: Audience
    kind: Ints
    others: Ints
    more: Ints
    count: Doubles
    value: Doubles
    weight: Doubles
    item: Ints
    times: Doubles
    age: Doubles
    other_times: Doubles
    unknown: Bools
    by_basket: Bools

    @cached_property
    def customers(self) -> Doubles:
        """How many users bought each product."""
        return self.model.customers[self.item].astype(np.float64)

    @cached_property
    def in_baskets(self) -> Doubles:
        """How many baskets hold each product."""
        return self.model.basket_counts[self.item].astype(np.float64)


def reasons(
    model: TrainedModel,
    explanation: Explanation,
    queries: Queries,
    items: Ints,
    audience: Audience,
    *,
    language: Language,
    unknown: Bools | None = None,
) -> pl.DataFrame:
    """Return the columns reason, reason_kind, reason_products and reason_weight, list after list.

    Args:
        model: gives the titles and the counts.
        explanation: of lists × slots.
        queries: the rows the lists are for.
        items: lists × slots; -1 is empty and gets no row.
        audience: whom the lists are for.
        language: that of the sentences.
        unknown: lists for users the model has never seen.
    """
    row, slot = np.nonzero(items >= 0)
    item, others = items[row, slot], explanation.others[row, slot]
    rows = _Rows(
        model, audience, explanation.kind[row, slot].astype(np.int32), others, explanation.more[row, slot],
        explanation.count[row, slot], explanation.value[row, slot], explanation.weight[row, slot], item,
        *_own_history(queries, row, item, others[:, 0]),
        np.zeros(len(row), np.bool_) if unknown is None else unknown[row], np.ones(len(row), np.bool_),
    )  # fmt: skip
    rows = _with_pair_counts(rows)
    kinds = pl.Series([KINDS[why] for why in Why], dtype=pl.String)
    return pl.DataFrame(
        {
            "reason": _sentences(rows, language),
            "reason_kind": kinds[rows.kind],
            "reason_products": _products_named(model, others),
            "reason_weight": pl.Series(rows.weight).fill_nan(None),
        }
    )


def _products_named(model: TrainedModel, others: Ints) -> pl.Series:
    named = others >= 0
    ids = model.items.ids[others[named]].to_arrow(compat_level=pl.CompatLevel.newest())
    ends = np.concatenate([[0], np.cumsum(named.sum(axis=1))])
    return pl.Series(pa.LargeListArray.from_arrays(arrow_of(ends), ids), dtype=pl.List(pl.String))


def _own_history(queries: Queries, row: Longs, item: Ints, other: Ints) -> tuple[Doubles, Doubles, Doubles]:
    """Return how often each row bought the item, how many days ago last, and how often the other one."""
    seen = queries.seen
    width = seen.shape[1]
    keys = np.repeat(np.arange(len(queries), dtype=np.int64), np.diff(seen.indptr)) * width + seen.indices

    def lookup(which: Ints, values: Floats, missing: float) -> Doubles:
        wanted = row.astype(np.int64) * width + which
        at = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
        found = (keys[at] == wanted) & (which >= 0) if len(keys) else np.zeros(len(wanted), np.bool_)
        return np.where(found, values[at] if len(keys) else missing, missing).astype(np.float64)

    return lookup(item, seen.data, 0), lookup(item, queries.age, np.nan), lookup(other, seen.data, 0)


def _with_pair_counts(rows: _Rows) -> _Rows:
    """Return the rows with the shop's counts and lifts of pairs where an explanation left them open."""
    model, kind, count = rows.model, rows.kind, rows.count
    if rows.audience != "users":
        # Those close to a few products are those who bought them: all who bought both say it better.
        close = kind == Why.LOOKALIKES
        kind, count = np.where(close, np.int32(Why.SAME_BUYERS), kind), np.where(close, np.nan, count)
    left_open = np.isin(kind, (Why.BOUGHT_TOGETHER, Why.SAME_BUYERS)) & np.isnan(count)
    pair = rows.item[left_open].astype(np.int64) * len(model.items) + rows.others[left_open, 0]
    pairs, place = np.unique(pair, return_inverse=True)
    left, right = np.divmod(pairs, len(model.items))
    baskets, basket_lift = model.in_baskets(left, right)
    buyers, buyer_lift = model.by_customers(left, right)
    by_basket = (baskets >= _ENOUGH_BASKETS) | (buyers == 0)

    def filled(values: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
        values = values.copy()
        values[left_open] = found[place]
        return values

    return replace(
        rows,
        kind=kind,
        count=filled(count, np.where(by_basket, baskets, buyers)),
        value=filled(rows.value, np.where(by_basket, basket_lift, buyer_lift)),
        by_basket=filled(rows.by_basket, by_basket),
    )


def _sentences(rows: _Rows, language: Language) -> pl.Series:
    """Return an explained row in words, for each."""
    names, others = rows.model.items.names, np.maximum(rows.others, 0)
    products = [names[others[:, n]] for n in range(others.shape[1])]
    counts, values = _counts(rows), language.numbers(rows.value)
    columns = {
        "products": language.joined(products, (rows.others >= 0).sum(axis=1), rows.more).__getitem__,
        "like": products[0].__getitem__,
        "with": products[1].__getitem__,
        "count": language.numbers(counts),
        "lift": values,
        "rating": values,
        "days": values,
        "date": language.days(_last_days(rows)),
    }
    did = rows.model.facts.get("action", "bought")
    return language.sentences(MESSAGES, _messages(rows), counts, columns, did)


def _messages(rows: _Rows) -> Ints:
    """Return which of `MESSAGES` each row gets."""
    by_chance = ~(rows.value > _BY_CHANCE)
    similar: dict[Audience, Any] = {
        "users": _first_of(
            (rows.other_times >= 1, "similar_to_own"), (True, "similar_to_seen"),
        ),
        "products": _PLACE["similar_to_product"],
        "baskets": _PLACE["similar_in_basket"],
    }  # fmt: skip
    together = _first_of(
        (rows.by_basket & by_chance, "in_baskets"), (rows.by_basket, "in_baskets_lift"),
        (by_chance, "by_customers"), (True, "by_customers_lift"),
    )  # fmt: skip
    popular = _first_of(
        (rows.customers > 0, "popular_customers"), (rows.in_baskets > 0, "popular_baskets"), (True, "new")
    )
    by_kind: dict[Why, Any] = {
        Why.POPULAR: popular,
        Why.BOUGHT_TOGETHER: together,
        Why.SAME_BUYERS: together,
        Why.SIMILAR: similar[rows.audience],
        Why.LOOKALIKES: _PLACE["lookalikes"],
        Why.TASTE: _PLACE[f"taste_of_{rows.audience.removesuffix('s')}"],
        Why.AGAIN: _first_of((np.isnan(rows.age), "again"), (True, "again_last")),
        Why.RATED: _PLACE["rated"],
        Why.LATELY: _first_of((rows.customers > 0, "lately_customers"), (True, "lately_baskets")),
        Why.EXPECTED: _PLACE["expected"],
        Why.WORDS: _PLACE["close_to_words"],
    }
    known: Ints = np.select([rows.kind == why for why in by_kind], list(by_kind.values()))
    return np.where(rows.unknown, popular + _PLACE["unknown+popular_customers"], known).astype(np.int32)


def _first_of(*cases: tuple[Bools | bool, str]) -> Ints:
    """Return the place of the message of the first case that holds, for each row; of one number for all."""
    *conditions, (_, last) = cases
    return np.select([each for each, _ in conditions], [_PLACE[name] for _, name in conditions], _PLACE[last])


def _counts(rows: _Rows) -> Doubles:
    """Return the count that each sentence speaks of."""
    popular = np.where(rows.customers > 0, rows.customers, rows.in_baskets)
    counts = np.select(
        [rows.unknown | (rows.kind == Why.POPULAR), rows.kind == Why.AGAIN, rows.kind == Why.SIMILAR],
        [popular, rows.times, rows.other_times],
        rows.count,
    )
    return np.nan_to_num(counts).astype(np.int64).astype(np.float64)


def _last_days(rows: _Rows) -> Longs:
    """Return when each row bought the item last, µs since 1970; the newest time where it never did."""
    return rows.model.newest - (np.nan_to_num(rows.age) * _DAY).astype(np.int64)
