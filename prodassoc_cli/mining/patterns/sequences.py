"""Rules across orders: who bought A also bought B in a later order, within so many days.

Counted in users: n of them, n(A) who bought A, n(B) who bought B, n(A then B) who bought B later than A and
soon enough. A user counts once, however often it happened. Since n(A then B) is at most the number of those
who bought both in any order, Fisher's p-value is on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.selection.significance import SearchSpace, corrected, log_fisher

DAY = 86_400_000_000
_BLOCK = 1 << 22
"""Pairs of products looked at together."""


@dataclass(frozen=True)
class Orders:
    """Orders with a user and a time, by user and then time.

    Attributes:
        user: int64, dense.
        time: int64, microseconds.
        indptr: int64[orders + 1], the products of each.
        items: int32, codes as in `item_ids`, frequent ones only.
        item_ids: product id of each code.
        users_of_item: int64, users who bought each.
        n_users: number of users.
    """

    user: np.ndarray
    time: np.ndarray
    indptr: np.ndarray
    items: np.ndarray
    item_ids: pl.Series
    users_of_item: np.ndarray
    n_users: int


def orders_of(baskets: Baskets, user: np.ndarray | None, timestamp: pl.Series) -> Orders:
    """Return the orders of users in their order of time.

    Args:
        baskets: made with `locate`.
        user: int32, user of each basket, -1 for none.
        timestamp: the column of the interactions they were made from.

    Raises:
        BadData: no order has both a user and a time.
    """
    assert baskets.first_rows is not None
    time = timestamp.gather(baskets.first_rows).cast(pl.Int64)
    usable = time.is_not_null().to_numpy() & (user >= 0 if user is not None else False)
    if not usable.any():
        raise BadData(
            "`sequence` follows users through time, but no order has both user_id and timestamp",
            "clean with `map=user_id=…` and `map=timestamp=…`",
        )
    assert user is not None
    chosen = np.flatnonzero(usable)
    when = time.fill_null(0).to_numpy()[chosen]
    order = np.lexsort((when, user[chosen]))
    chosen, when = chosen[order], when[order]
    _, dense = np.unique(user[chosen], return_inverse=True)
    sizes = np.diff(baskets.indptr)[chosen]
    places = np.repeat(baskets.indptr[chosen] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    items = baskets.items[places]
    bought = np.unique(np.repeat(dense, sizes) * len(baskets.item_ids) + items)
    users_of_item = np.bincount(bought % len(baskets.item_ids), minlength=len(baskets.item_ids))
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    return Orders(
        dense, when, indptr, items, baskets.item_ids, users_of_item.astype(np.int64), int(dense.max()) + 1
    )


def only_items(orders: Orders, keep: np.ndarray) -> Orders:
    """Return the orders with the items kept (bool, one per item) and no others."""
    stays = keep[orders.items]
    before = np.concatenate([[0], np.cumsum(stays)])
    return Orders(
        orders.user, orders.time, before[orders.indptr], orders.items[stays],
        orders.item_ids, orders.users_of_item, orders.n_users,
    )  # fmt: skip


def users_with_sequence(orders: Orders, days: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sequences A then B that occur, packed as A·items + B, ascending, and their users.

    Args:
        orders: the orders.
        days: B's order is later than A's, by at most so many days.
    """
    m = len(orders.item_ids)
    window = int(days * DAY)
    time = orders.time - orders.time.min(initial=0)
    lane = int(time.max(initial=0)) + window + 1
    at = orders.user * lane + time
    first = np.searchsorted(at, at, side="right")
    stop = np.searchsorted(at, at + window, side="right")
    sizes = np.diff(orders.indptr)
    later = np.concatenate([[0], np.cumsum(sizes)])
    work = sizes * (later[stop] - later[first])
    cuts = np.searchsorted(np.cumsum(work), np.arange(_BLOCK, work.sum() + _BLOCK, _BLOCK), side="left") + 1
    pairs, carried, begin = [], np.empty(0, np.int64), 0
    for end in np.unique(np.append(np.minimum(cuts, len(sizes)), len(sizes))):
        keys = np.concatenate([carried, _keys(orders, begin, int(end), first, stop, m)])
        keys = np.unique(keys)
        # the last user of a block may go on in the next
        open_from = np.searchsorted(keys, orders.user[end - 1] * m * m) if end < len(sizes) else len(keys)
        carried = keys[open_from:]
        pairs.append(np.stack(np.unique(keys[:open_from] % (m * m), return_counts=True)))
        begin = int(end)
    codes, users = np.concatenate(pairs, axis=1)
    unique, place = np.unique(codes, return_inverse=True)
    return unique, np.bincount(place, weights=users, minlength=len(unique)).astype(np.int64)


def _keys(orders: Orders, begin: int, end: int, first: np.ndarray, stop: np.ndarray, m: int) -> np.ndarray:
    """Return user, A and B, packed, of each product of these orders and each one bought later."""
    many = (orders.indptr[stop] - orders.indptr[first])[begin:end]
    sizes = np.diff(orders.indptr)[begin:end]
    lines = np.arange(orders.indptr[begin], orders.indptr[end])
    order = np.repeat(np.arange(begin, end), sizes)
    repeats = np.repeat(many, sizes)
    start = np.repeat(orders.indptr[first[order]] - (np.cumsum(repeats) - repeats), repeats)
    after = start + np.arange(len(start))
    a = orders.items[np.repeat(lines, repeats)].astype(np.int64)
    b = orders.items[after].astype(np.int64)
    user = orders.user[np.repeat(order, repeats)]
    return np.asarray(((user * m + a) * m + b)[a != b])


def sequence_rules(
    orders: Orders, days: float, *, min_count: int, min_confidence: float, min_lift: float,
    correction: str | None = None, level: float | None = None, sort_by: str = "lift", top: int | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Return the rules A then B: antecedent, consequent, count, support, confidence, lift, p_value, q_value.

    Args:
        orders: the orders.
        days: longest time between A and B.
        min_count: minimum number of users.
        min_confidence: minimum confidence.
        min_lift: minimum lift.
        correction: see `significance.corrected`; q_value only with one.
        level: maximum q-value.
        sort_by: support, confidence or lift.
        top: keep the first so many.
    """
    frequent = orders.users_of_item >= min_count
    codes, users = users_with_sequence(only_items(orders, frequent), days)
    codes, users = codes[users >= min_count], users[users >= min_count]
    m = max(len(orders.item_ids), 1)
    a, b = codes // m, codes % m
    n, n_a, n_b = orders.n_users, orders.users_of_item[a], orders.users_of_item[b]
    log_p = log_fisher(np.full(len(a), n), n_a, n_b, users)
    ids = orders.item_ids
    rules = pl.DataFrame(
        {
            "antecedent": ids.gather(a), "consequent": ids.gather(b), "count": users, "support": users / n,
            "confidence": users / n_a, "lift": users * float(n) / (n_a * n_b.astype(float)), "log_p": log_p,
        }
    ).filter(pl.col("confidence") >= min_confidence, pl.col("lift") >= min_lift)  # fmt: skip
    rules = rules.with_columns(pl.col("log_p").exp().alias("p_value"))
    if correction is not None:
        space = SearchSpace(int(frequent.sum()), max_size=2)
        q = corrected(rules["log_p"].to_numpy(), np.full(rules.height, 2), space, correction)
        rules = rules.with_columns(pl.Series("q_value", q))
    if level is not None:
        rules = rules.filter(pl.col("q_value") <= level)
    order = list(dict.fromkeys((sort_by, "support", "confidence", "lift")))
    rules = rules.sort(
        [*order, "antecedent", "consequent"], descending=[True] * len(order) + [False, False]
    ).head(top or rules.height)
    return rules.drop("log_p").with_columns(
        pl.concat_list("antecedent").alias("antecedent"), pl.concat_list("consequent").alias("consequent")
    )
