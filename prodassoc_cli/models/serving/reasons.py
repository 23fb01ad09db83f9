"""Reasons in a shopper's words: explanations and the shop's counts in, sentences and their columns out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from prodassoc_cli.arrays import Bools, Doubles, Floats, Ints, Longs
from prodassoc_cli.models.base import Explanation, Queries, Why
from prodassoc_cli.models.model import TrainedModel

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


@dataclass(frozen=True)
class _Words:
    """How a reason speaks of what users did with products.

    Attributes:
        did: the verb, of the past.
        do: the verb, of the present.
        ones: what such acts are called.
        user: one who acts so.
        basket: what acts together are in.
    """

    did: str
    do: str
    ones: str
    user: str
    basket: str

    def users(self, column: str) -> pl.Expr:
        """Return a number of users."""
        return _counted(column, self.user, f"{self.user}s")

    def baskets(self, column: str) -> pl.Expr:
        """Return a number of baskets."""
        return _counted(column, self.basket, f"{self.basket}s")


_WORDS = {
    "bought": _Words("bought", "buy", "purchases", "customer", "basket"),
    "rated": _Words("rated", "rate", "ratings", "user", "session"),
    "viewed": _Words("viewed", "view", "views", "user", "session"),
}
"""By `TrainingData.action`."""


def reasons(
    model: TrainedModel,
    explanation: Explanation,
    queries: Queries,
    items: Ints,
    audience: Audience,
    *,
    unknown: Bools | None = None,
) -> pl.DataFrame:
    """Return the columns reason, reason_kind, reason_products and reason_weight, list after list.

    Args:
        model: gives the titles and the counts.
        explanation: of lists × slots.
        queries: the rows the lists are for.
        items: lists × slots; -1 is empty and gets no row.
        audience: whom the lists are for.
        unknown: lists for users the model has never seen.
    """
    row, slot = np.nonzero(items >= 0)
    item = items[row, slot]
    others = explanation.others[row, slot]
    frame = pl.DataFrame(
        {
            "kind": explanation.kind[row, slot],
            "item": item,
            "other": others[:, 0],
            "more": explanation.more[row, slot],
            "count": explanation.count[row, slot],
            "value": explanation.value[row, slot],
            "reason_weight": explanation.weight[row, slot],
            "reason_products": _products_named(model, others),
            "unknown": np.zeros(len(row), np.bool_) if unknown is None else unknown[row],
            **_own_history(queries, row, item, others[:, 0]),
        }
    )
    if audience != "users":
        # Those close to a few products are those who bought them: all who bought both say it better.
        close = pl.col("kind") == int(Why.LOOKALIKES)
        frame = frame.with_columns(
            kind=pl.when(close).then(pl.lit(int(Why.SAME_BUYERS), pl.Int8)).otherwise("kind"),
            count=pl.when(close).then(float("nan")).otherwise("count"),
        )
    frame = _with_pair_counts(model, frame).with_columns(
        others=_names(model, others), **_customers(model, item), **_first_two(model, others)
    )
    return frame.select(
        reason=_sentence(audience, _newest(model), _WORDS[model.facts.get("action", "bought")]),
        reason_kind=pl.col("kind").replace_strict({int(why): word for why, word in KINDS.items()}),
        reason_products="reason_products",
        reason_weight=pl.col("reason_weight").fill_nan(None),
    )


def _products_named(model: TrainedModel, others: Ints) -> pl.Series:
    ids = model.items.ids.gather(pl.Series(np.maximum(others, 0).ravel()))
    named = pl.Series((others >= 0).ravel())
    frame = pl.DataFrame({"row": np.repeat(np.arange(len(others)), others.shape[1]), "id": ids})
    lists = frame.filter(named).group_by("row", maintain_order=True).agg("id")
    rows = pl.DataFrame({"row": np.arange(len(others))})
    joined = rows.join(lists, on="row", how="left", maintain_order="left")
    return joined["id"].fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def _own_history(queries: Queries, row: Longs, item: Ints, other: Ints) -> dict[str, Doubles]:
    """Return how often each row bought the item and the other one, and how many days ago the item last."""
    seen = queries.seen
    width = seen.shape[1]
    keys = np.repeat(np.arange(len(queries), dtype=np.int64), np.diff(seen.indptr)) * width + seen.indices

    def lookup(which: Ints, values: Floats, missing: float) -> Doubles:
        wanted = row.astype(np.int64) * width + which
        at = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
        found = (keys[at] == wanted) & (which >= 0) if len(keys) else np.zeros(len(wanted), np.bool_)
        return np.where(found, values[at] if len(keys) else missing, missing).astype(np.float64)

    return {
        "times": lookup(item, seen.data, 0),
        "age": lookup(item, queries.age, np.nan),
        "other_times": lookup(other, seen.data, 0),
    }


def _names(model: TrainedModel, others: Ints) -> pl.Series:
    names = model.items.names
    columns = [
        names.gather(pl.Series(np.maximum(others[:, n], 0))).zip_with(
            pl.Series(others[:, n] >= 0),
            pl.Series([None], dtype=pl.String).extend_constant(None, len(others) - 1),
        )
        if len(others)
        else pl.Series([], dtype=pl.String)
        for n in range(others.shape[1])
    ]
    frame = pl.DataFrame({str(n): column for n, column in enumerate(columns)})
    return frame.select(pl.concat_str(pl.all(), separator=" and ", ignore_nulls=True)).to_series()


def _first_two(model: TrainedModel, others: Ints) -> dict[str, pl.Series]:
    """Return the names of the first and the second product of each reason; those of product 0 for none."""
    named = {"first": others[:, 0], "second": others[:, 1]}
    return {name: model.items.names.gather(pl.Series(np.maximum(each, 0))) for name, each in named.items()}


def _customers(model: TrainedModel, item: Ints) -> dict[str, pl.Series]:
    return {
        "customers": pl.Series(model.customers[item]),
        "in_baskets": pl.Series(model.basket_counts[item]),
    }


def _with_pair_counts(model: TrainedModel, frame: pl.DataFrame) -> pl.DataFrame:
    """Add `count`, `lift` and `by_basket` of the pairs whose explanation left them to the shop's counts."""
    is_pair = pl.col("kind").is_in([Why.BOUGHT_TOGETHER, Why.SAME_BUYERS]) & pl.col("count").is_nan()
    pairs = frame.filter(is_pair).select("item", "other").unique().sort("item", "other")
    left, right = pairs["item"].to_numpy(), pairs["other"].to_numpy()
    baskets, basket_lift = model.in_baskets(left, right)
    buyers, buyer_lift = model.by_customers(left, right)
    by_basket = (baskets >= _ENOUGH_BASKETS) | (buyers == 0)
    counted = pairs.with_columns(
        pair_count=np.where(by_basket, baskets, buyers),
        pair_lift=np.where(by_basket, basket_lift, buyer_lift),
        by_basket=by_basket,
    )
    frame = frame.join(counted, on=["item", "other"], how="left", maintain_order="left")
    return frame.with_columns(
        count=pl.when(is_pair).then("pair_count").otherwise("count"),
        value=pl.when(is_pair).then("pair_lift").otherwise("value"),
        by_basket=pl.when(is_pair).then("by_basket").otherwise(pl.lit(value=True)),
    )


def _newest(model: TrainedModel) -> int:
    return int(model.last_seen.max(initial=np.iinfo(np.int64).min))


def _number(column: str) -> pl.Expr:
    """Return a number with one decimal, without a decimal where that is 0."""
    return pl.col(column).round(1).cast(pl.String).str.replace(r"\.0$", "")


def _counted(column: str, one: str, many: str) -> pl.Expr:
    whole = pl.col(column).fill_nan(0).cast(pl.Int64)
    return pl.when(whole == 1).then(pl.lit(f"1 {one}")).otherwise(pl.format(f"{{}} {many}", whole))


def _sentence(audience: Audience, newest: int, words: _Words) -> pl.Expr:
    """Return the expression that puts an explained row into words."""
    others = pl.col("others") + pl.when(pl.col("more") > 0).then(
        pl.format(" and {} more", pl.col("more"))
    ).otherwise(pl.lit(""))
    whole_count = pl.col("count").fill_nan(0).cast(pl.Int64)
    users, baskets = words.users("count"), words.baskets("count")
    chance = (
        pl.when(pl.col("value") > _BY_CHANCE)
        .then(pl.format(", {} times more often than by chance", _number("value")))
        .otherwise(pl.lit(""))
    )
    together = (
        pl.when(pl.col("by_basket"))
        .then(pl.format(f"{words.did} with {{}} in {{}}{{}}", others, baskets, chance))
        .otherwise(pl.format(f"{{}} who {words.did} {{}} {words.did} this too{{}}", users, others, chance))
    )
    sentences = {
        Why.BOUGHT_TOGETHER: together,
        Why.SAME_BUYERS: together,
        Why.SIMILAR: _similar(audience, others, words),
        Why.LOOKALIKES: pl.format(
            f"{{}} of the {words.user}s most like you {words.did} this and {{}}", whole_count, others
        ),
        Why.TASTE: _taste(audience, others, words),
        Why.AGAIN: _again(newest, words),
        Why.LATELY: pl.format(
            f"{words.did} {{}} in the last {{}} days",
            pl.when(pl.col("customers") > 0)
            .then(pl.format("by {}", users))
            .otherwise(pl.format("in {}", baskets)),
            pl.col("value").fill_nan(0).cast(pl.Int64),
        ),
        Why.EXPECTED: pl.format(
            f"expected: like {{}}, which is {words.did} with {{}}", pl.col("first"), pl.col("second")
        ),
        Why.WORDS: pl.lit("close to what you asked for"),
        Why.RATED: pl.format("rated {} on average by {} who rate alike", _number("value"), users),
    }
    known = popular = _popular(words)
    for kind, sentence in sentences.items():
        known = pl.when(pl.col("kind") == int(kind)).then(sentence).otherwise(known)
    return (
        pl.when("unknown")
        .then(pl.lit(f"no {words.ones} of yours are known yet; ") + popular)
        .otherwise(known)
    )


def _popular(words: _Words) -> pl.Expr:
    return (
        pl.when(pl.col("customers") > 0)
        .then(pl.format(f"{words.did} by {{}}", words.users("customers")))
        .when(pl.col("in_baskets") > 0)
        .then(pl.format(f"{words.did} in {{}}", words.baskets("in_baskets")))
        .otherwise(pl.lit("new in the range"))
    )


def _similar(audience: Audience, others: pl.Expr, words: _Words) -> pl.Expr:
    if audience == "products":
        return pl.format("similar to {}", others)
    if audience == "baskets":
        return pl.format("similar to {} in the basket", others)
    times = pl.col("other_times")
    tail = (
        pl.when(times > 1)
        .then(pl.format(f", which you {words.did} {{}} times", times.cast(pl.Int64)))
        .when(times == 1)
        .then(pl.lit(f", which you {words.did}"))
        .otherwise(pl.lit(", which you looked at"))
    )
    return pl.format("similar to {}{}", others, tail)


def _taste(audience: Audience, others: pl.Expr, words: _Words) -> pl.Expr:
    taste = {
        "users": "fits your taste, {} above all",
        "products": f"fits the taste of those who {words.do} {{}}",
        "baskets": "fits the taste of this basket, {} above all",
    }
    return pl.format(taste[audience], others)


def _again(newest: int, words: _Words) -> pl.Expr:
    day = (
        (pl.lit(newest, pl.Int64) - (pl.col("age") * _DAY).cast(pl.Int64, strict=False))
        .cast(pl.Datetime("us"))
        .dt.strftime("%Y-%m-%d")
    )
    last = pl.when(pl.col("age").is_not_nan()).then(pl.format(", last on {}", day)).otherwise(pl.lit(""))
    return pl.format(f"you {words.did} it {{}}{{}}", _counted("times", "time", "times"), last)
