"""From interactions to baskets: sorted distinct (basket, product) pairs as integers.

What a basket is: the rows of one order. A row without an order belongs to the basket of its user and
timestamp (what one user did at one instant), or of its user where there is no timestamp either. A row with
neither order nor user belongs to no basket and is left out.

Which events count: purchases, if there are any; else the strongest event there is, in the order of
`BASKET_EVENTS`. Impressions and dismissals never make a basket: they say what was shown, not what was chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow.compute as pc

BASKET_EVENTS = (("purchase",), ("cart",), ("rating", "review"), ("click",), ("view",))
"""Events that make baskets, strongest first; only the first of them that occurs is used."""

HUGE_BASKET = 1_000
"""Baskets with more products slow the search down so much that they are worth a word."""


CHUNK = 1 << 22
"""Pairs worked on at a time, so that what is in between takes little memory."""

LOW = 0xFFFFFFFF
"""Masks the product of a pair."""


@dataclass(frozen=True)
class Baskets:
    """Distinct products of each basket, in compressed sparse rows.

    Attributes:
        indptr: int64[n + 1]; basket b holds `items[indptr[b] : indptr[b + 1]]`.
        items: int32 codes, ascending within a basket. Code 0 is the product in most baskets; ties by id.
        item_ids: product id of each code.
        counts: int64, baskets that contain each code, descending.
        first_rows: int64[n], the row of the interactions each basket begins with; None where not asked for.
    """

    indptr: np.ndarray
    items: np.ndarray
    item_ids: pl.Series
    counts: np.ndarray
    first_rows: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of baskets."""
        return len(self.indptr) - 1


def _silent(_: str) -> None:
    """Say nothing."""


def baskets_from_interactions(
    frame: pl.DataFrame,
    max_basket_size: int | None = None,
    say: Callable[[str], None] = _silent,
    locate: bool = False,
) -> Baskets:
    """Group interactions into baskets of distinct products.

    The order of the rows does not matter: the same interactions give the same counts and codes. At its peak
    this takes about 40 bytes a row beside the frame.

    Args:
        frame: product_id and event, with order_id, user_id and timestamp where known.
        max_basket_size: leave out baskets with more distinct products; they do not count as baskets either.
        say: told, in one line each, what was left out and which events were used.
        locate: whether to note where in the frame each basket begins.
    """
    chosen, unplaced = _basket_rows(frame, say)
    say_unplaced(unplaced, say)
    products = chosen["product_id"].to_arrow()
    encoded = pc.dictionary_encode(
        products.combine_chunks() if hasattr(products, "combine_chunks") else products
    )
    item_of = np.from_dlpack(encoded.indices).astype(np.int64)
    pairs = _without_huge(_distinct(chosen["basket"].to_numpy() << 32 | item_of), max_basket_size, say)
    kept_baskets = np.unique(pairs >> 32) if locate else None
    baskets = _compress(pairs, pl.Series("product_id", pl.from_arrow(encoded.dictionary), dtype=pl.String))
    return replace(baskets, first_rows=_first_rows(chosen, kept_baskets)) if locate else baskets


def _first_rows(chosen: pl.DataFrame, kept_baskets: np.ndarray | None) -> np.ndarray:
    """Return the first row of each basket that is left."""
    basket = chosen["basket"].to_numpy()
    first = np.full(int(basket.max(initial=-1)) + 1, -1, np.int64)
    first[basket[::-1]] = chosen["row"].to_numpy()[::-1]
    kept: np.ndarray = first[kept_baskets]
    return kept


def only_items(baskets: Baskets, keep: np.ndarray) -> Baskets:
    """Return the baskets without the other products; one that becomes empty is a basket all the same.

    Args:
        baskets: the baskets.
        keep: bool, one an item.
    """
    code = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    kept = keep[baskets.items]
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])[baskets.indptr]
    return replace(
        baskets, indptr=indptr, items=code[baskets.items[kept]],
        item_ids=baskets.item_ids.filter(pl.Series(keep)), counts=baskets.counts[keep],
    )  # fmt: skip


def baskets_from_pairs(basket: np.ndarray, item_ids: pl.Series) -> Baskets:
    """Group (basket, product) pairs, as read from a basket file, into baskets.

    Args:
        basket: int64 number of each row's basket, 0 ≤ number < 2³¹.
        item_ids: product id of each row.
    """
    encoded = pc.dictionary_encode(item_ids.cast(pl.String).to_arrow())
    pairs = _distinct(basket << 32 | np.from_dlpack(encoded.indices).astype(np.int64))
    return _compress(pairs, pl.Series("product_id", pl.from_arrow(encoded.dictionary), dtype=pl.String))


def baskets_of_pairs(
    pairs: np.ndarray, names: pl.Series, max_basket_size: int | None, say: Callable[[str], None]
) -> Baskets:
    """Group pairs into baskets.

    Args:
        pairs: int64, the number of the basket · 2³² + that of the product, in any order; used up.
        names: product id of each number.
        max_basket_size: leave out baskets with more distinct products; they do not count as baskets either.
        say: told what was left out.
    """
    return _compress(_without_huge(_distinct(pairs), max_basket_size, say), names)


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Return the distinct values, sorted; works in place. `np.unique` hashes first: ten times the work."""
    pairs.sort()
    kept, last = 0, -1
    for start in range(0, len(pairs), CHUNK):
        part = pairs[start : start + CHUNK]
        found = part[np.diff(part, prepend=last) != 0]
        last = int(part[-1])
        pairs[kept : kept + len(found)] = found
        kept += len(found)
    return pairs[:kept]


def _sizes(pairs: np.ndarray) -> np.ndarray:
    """Return how many of the sorted pairs each number of a basket has, int64."""
    sizes = np.zeros(int(pairs[-1] >> 32) + 1 if len(pairs) else 0, np.int64)
    for start in range(0, len(pairs), CHUNK):
        basket = pairs[start : start + CHUNK] >> 32
        found = np.bincount(basket - basket[0])
        sizes[basket[0] : basket[0] + len(found)] += found
    return sizes


def _basket_rows(frame: pl.DataFrame, say: Callable[[str], None]) -> tuple[pl.DataFrame, int]:
    """Return the rows that make baskets (basket, product_id, row), and how many have no basket."""
    present = set(frame["event"].unique().to_list())
    events = next((names for names in BASKET_EVENTS if present & set(names)), ("purchase",))
    if present:
        say_events(events, say)
    rows = (
        frame.with_row_index("row")
        .select(
            pl.col("row").cast(pl.Int64),
            "event",
            "product_id",
            **told_apart_by(frame),
        )
        .filter(pl.col("event").is_in(events))
    )
    placed = rows.filter(pl.col("order").is_not_null() | pl.col("user").is_not_null())
    ordered = placed.filter(pl.col("order").is_not_null())
    loose = placed.filter(pl.col("order").is_null())
    orders = _codes(ordered["order"])
    times = _codes(loose["time"].cast(pl.String).fill_null(""))
    span = int(times.max(initial=0)) + 1
    visits = _codes(pl.Series(_codes(loose["user"]) * span + times))
    baskets = np.concatenate([orders, visits + int(orders.max(initial=-1)) + 1])
    products = pl.concat([ordered["product_id"], loose["product_id"]], rechunk=True)
    places = pl.concat([ordered["row"], loose["row"]], rechunk=True)
    grouped = pl.DataFrame({"basket": baskets, "product_id": products, "row": places})
    return grouped, rows.height - placed.height


def told_apart_by(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return what tells the baskets of interactions apart: order, user and time, null where unknown."""
    columns = {
        "order": ("order_id", pl.String),
        "user": ("user_id", pl.String),
        "time": ("timestamp", pl.Int64),
    }
    return {
        name: (pl.col(column) if column in frame.columns else pl.lit(None)).cast(dtype)
        for name, (column, dtype) in columns.items()
    }


def say_events(events: tuple[str, ...], say: Callable[[str], None]) -> None:
    """Say which events baskets are made of, where they are not purchases."""
    if events != ("purchase",):
        say(f"no purchases: baskets are made of {' and '.join(events)} rows")


def say_unplaced(rows: int, say: Callable[[str], None]) -> None:
    """Say how many rows belong to no basket, if any."""
    if rows:
        say(f"{rows:,} rows have neither order_id nor user_id: they belong to no basket")


def _codes(values: pl.Series) -> np.ndarray:
    """Return a dense int64 code for each value, 0 for the first seen."""
    if values.is_empty():
        return np.empty(0, np.int64)
    codes: np.ndarray = np.from_dlpack(pc.dictionary_encode(values.to_arrow()).indices)
    return codes.astype(np.int64)


def _without_huge(pairs: np.ndarray, max_basket_size: int | None, say: Callable[[str], None]) -> np.ndarray:
    """Leave out the pairs of baskets that are too large, or warn of those that will be slow."""
    if not len(pairs):
        return pairs
    sizes = _sizes(pairs)
    if max_basket_size is None:
        huge = int((sizes > HUGE_BASKET).sum())
        if huge:
            say(
                f"{huge:,} baskets have more than {HUGE_BASKET:,} products, the largest {sizes.max():,}: "
                "if mining is slow, leave them out with --max-basket-size"
            )
        return pairs
    huge = int((sizes > max_basket_size).sum())
    if huge:
        say(f"{huge:,} baskets with more than {max_basket_size:,} products left out (--max-basket-size)")
    kept: np.ndarray = pairs[np.repeat(sizes <= max_basket_size, sizes)]
    return kept


def _compress(pairs: np.ndarray, names: pl.Series) -> Baskets:
    """Recode the products by descending count, in place, and lay the sorted pairs out in rows."""
    chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    counts = np.zeros(len(names), np.int64)
    for part in chunks:
        counts += np.bincount(part & LOW, minlength=len(names))
    order = np.lexsort((ranks_of(names), -counts))
    order = order[: int((counts > 0).sum())]
    code_of = np.empty(len(names), np.int64)
    code_of[order] = np.arange(len(order))
    for part in chunks:
        part[:] = part >> 32 << 32 | code_of[part & LOW]
    pairs.sort()
    sizes = _sizes(pairs)
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[sizes > 0], dtype=np.int64)])
    items = np.empty(len(pairs), np.int32)
    for start, part in zip(range(0, len(pairs), CHUNK), chunks, strict=True):
        items[start : start + CHUNK] = part & LOW
    return Baskets(indptr, items, names.gather(order), counts[order])


def ranks_of(names: pl.Series) -> np.ndarray:
    """Return the place of each name in their sorted order (code points), int32."""
    ranks = np.empty(len(names), np.int32)
    ranks[names.arg_sort().to_numpy()] = np.arange(len(names), dtype=np.int32)
    return ranks
