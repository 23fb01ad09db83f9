"""Setting rows aside for evaluation, without leakage and whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.intake.coding import coded, distinct_texts
from prodassoc_cli.intake.tables import PRODUCT

SORT_KEYS = ("timestamp", "order_id", "user_id", "product_id", "event", "quantity", "price", "rating")
FEEDBACK_KEYS = ("list_id", "position", "model", "propensity", "revenue")
FORMS = "last-order, last-item, time:FRACTION, random:FRACTION"


@dataclass(frozen=True)
class Split:
    """A parsed `--holdout`: its method and, where it has one, the share of rows or orders set aside."""

    method: str
    fraction: float = 0.0


def parse_split(spec: str) -> Split:
    """Read a specification such as `last-order` or `time:0.2`.

    Raises:
        UsageProblem: it is none.
    """
    method, colon, share = spec.strip().partition(":")
    if method in ("last-order", "last-item"):
        if not colon:
            return Split(method)
        raise UsageProblem(f"--holdout {spec}: {method} takes no fraction", f"known: {FORMS}")
    if method not in ("time", "random"):
        hint = did_you_mean(method, ["last-order", "last-item", "time", "random"])
        hint = f"{hint} known: {FORMS}" if hint.startswith("did") else f"known: {FORMS}"
        raise UsageProblem(f"--holdout {spec}: no such split", hint)
    try:
        fraction = float(share)
    except ValueError:
        fraction = -1.0
    if not 0 < fraction < 1:
        raise UsageProblem(
            f"--holdout {spec}: the fraction is not between 0 and 1", f"for example {method}:0.2"
        )
    return Split(method, fraction)


def in_order(interactions: pl.DataFrame) -> pl.DataFrame:
    """Sort by time, order, user and product, then by everything else, so that input order does not show.

    Lines of one order have one time as a rule, and few orders share one: rows are first put in the order of a
    number that holds time and product, and only those that this leaves open are compared by all keys. Rows
    that know their products as `coding.coded` has them lose that column.
    """
    keys = [name for name in (*SORT_KEYS, *FEEDBACK_KEYS) if name in interactions.columns]
    if interactions["timestamp"].null_count() == interactions.height:  # the number would leave all open
        return interactions.drop(PRODUCT, strict=False).sort(keys, nulls_last=True)
    number = _time_and_product(interactions)
    order = number.arg_sort()
    open_ = _left_open(interactions, number.gather(order), order)
    if len(open_):
        rows = order.gather(open_).sort()  # lines often come in the order of the long keys, which spares work
        places = pl.Series(pl.int_range(len(rows), dtype=pl.get_index_type(), eager=True))
        within = interactions.select(keys)[rows].with_columns(places.alias("\0at"))
        order = order.scatter(open_, rows.gather(within.sort(keys, nulls_last=True)["\0at"]))
    return interactions.drop(PRODUCT, strict=False)[order]


def _time_and_product(interactions: pl.DataFrame) -> pl.Series:
    """Return a number a row that has the order of its time and product; of its time, if both do not fit.

    Some row must have a time.
    """
    times = interactions["timestamp"].to_physical()
    first, last = cast("int", times.min()), cast("int", times.max())
    step = 1_000_000 if not (times % 1_000_000).cast(pl.Boolean).any() else 1
    seconds = ((times - first) // step).fill_null((last - first) // step + 1)
    product = interactions[PRODUCT] if PRODUCT in interactions.columns else coded(interactions["product_id"])
    products = len(distinct_texts(product)) + 1
    if ((last - first) // step + 2) * 2 * products >= 2**63:
        return seconds
    nobody = interactions["user_id"].is_null().cast(pl.Int64)
    return (seconds * 2 + nobody) * products + product.to_physical().cast(pl.Int64).fill_null(products - 1)


def _left_open(interactions: pl.DataFrame, number: pl.Series, order: pl.Series) -> pl.Series:
    """Return the places, ascending, of rows in an order by `number` that other keys must decide."""
    sorted_ = {name: interactions[name].gather(order) for name in ("timestamp", "order_id", "user_id")}
    changed = {name: column.ne_missing(column.shift()) for name, column in sorted_.items()}
    tied = number == number.shift()
    open_ = (tied | tied.shift(-1)).fill_null(value=False)
    # Where several orders or users share a time, they come before the product. Nobody comes last.
    missing = sorted_["user_id"].is_null()
    users = changed["user_id"] & (missing == missing.shift())
    mixed = ~changed["timestamp"] & (changed["order_id"] | users)
    if mixed[1:].any():
        of_time = changed["timestamp"].cum_sum()
        shared = pl.Series([False]).new_from_index(0, len(of_time) + 1)
        shared = shared.scatter(of_time.filter(mixed), values=True)
        open_ |= shared.gather(of_time)
    return open_.arg_true()


def split_holdout(interactions: pl.DataFrame, spec: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split interactions into those to train on and those set aside; see `holdout_masks`.

    Args:
        interactions: rows of the kind interactions.
        spec: what `parse_split` reads.
        seed: of `random`.

    Returns:
        Training rows and rows set aside, both sorted.

    Raises:
        UsageProblem: the form is unknown.
        BadData: the rows lack what it needs (users, orders, times), or one part would be empty.
    """
    rows = in_order(interactions)
    (chosen,) = holdout_masks([rows], parse_split(spec), seed)
    check_parts(int(chosen.sum()), rows.height, spec)
    return rows.filter(~chosen), rows.filter(chosen)


def check_parts(held_out: int, rows: int, spec: str) -> None:
    """Refuse a split with an empty part (BadData)."""
    if not held_out or held_out == rows:
        part = "set aside" if not held_out else "left to train on"
        raise BadData(f"--holdout {spec}: no row would be {part}", f"choose another split: {FORMS}")


def holdout_masks(parts: Iterable[pl.DataFrame], split: Split, seed: int) -> Iterator[pl.Series]:
    """Tell which rows are set aside.

    - `last-order`: the last order of each user who has two or more, by time, then order id.
    - `last-item`: the last row of each user who has two or more.
    - `time:F`: the last F of the rows; training rows are strictly earlier than any row set aside.
    - `random:F`: F of the orders, drawn with the seed; rows without an order are drawn one by one.

    What is remembered of the rows is a row a user, or the ids of all orders for `random`.

    Args:
        parts: sorted interactions in sorted parts, which are gone through more than once.
        split: what to set aside.
        seed: of `random`.

    Yields:
        A Boolean a row, part by part.

    Raises:
        BadData: the rows lack what the split needs (users, orders, times).
    """
    masks = {"last-order": _last_order, "last-item": _last_item, "time": _by_time, "random": _at_random}
    return masks[split.method](parts, split, seed)


def _order_key(parts: Iterable[pl.DataFrame]) -> pl.Expr:
    """Order ids as they were given out: numbers by size, text by letters."""
    digits, longest = True, 1
    for rows in parts:
        ids = rows["order_id"]
        digits = digits and bool(ids.str.contains(r"^\d+$").all())
        length = ids.str.len_chars().max()
        longest = max(longest, length if isinstance(length, int) else 1)
    return pl.col("order_id").str.zfill(longest) if digits else pl.col("order_id")


def _last_order(parts: Iterable[pl.DataFrame], split: Split, seed: int) -> Iterator[pl.Series]:
    key = _order_key(parts)
    last = None
    for rows in parts:
        known = rows.filter(pl.col("user_id").is_not_null() & pl.col("order_id").is_not_null())
        found = known.select(
            "user_id", "timestamp", key.alias("key"), "order_id", one="order_id", other="order_id"
        )
        last = _latest(found if last is None else pl.concat([last, found]))
    if last is None or last.is_empty():
        raise BadData(
            "--holdout last-order: no row has both a user and an order",
            "last-item needs users only, random:FRACTION neither",
        )
    chosen = last.filter(pl.col("one") != pl.col("other")).select(
        "user_id", "order_id", pl.lit(value=True).alias("last")
    )
    for rows in parts:
        joined = rows.select("user_id", "order_id").join(
            chosen, on=["user_id", "order_id"], how="left", maintain_order="left"
        )
        yield joined["last"].fill_null(value=False)


def _latest(found: pl.DataFrame) -> pl.DataFrame:
    """Keep the last order of each user; `one` and `other` differ where there are several."""
    ordered = found.sort("user_id", "timestamp", "key", "order_id", nulls_last=False)
    return ordered.group_by("user_id", maintain_order=True).agg(
        pl.col("timestamp", "key", "order_id").last(), pl.col("one").min(), pl.col("other").max()
    )


def _last_item(parts: Iterable[pl.DataFrame], split: Split, seed: int) -> Iterator[pl.Series]:
    key = _order_key(parts)
    last, seen = None, 0
    for rows in parts:
        place = pl.int_range(seen, seen + rows.height, dtype=pl.Int64)
        found = rows.select(
            "user_id", "timestamp", key.alias("key"), place.alias("place"), n=pl.lit(1, dtype=pl.Int64)
        )
        found = found.filter(pl.col("user_id").is_not_null())
        found = found if last is None else pl.concat([last, found])
        ordered = found.sort("user_id", "timestamp", "key", "place", nulls_last=False)
        last = ordered.group_by("user_id", maintain_order=True).agg(
            pl.col("timestamp", "key", "place").last(), pl.col("n").sum()
        )
        seen += rows.height
    if last is None or last.is_empty():
        raise BadData("--holdout last-item: no row has a user", "random:FRACTION needs none")
    places = last.filter(pl.col("n") > 1)["place"].sort().to_numpy()
    seen = 0
    for rows in parts:
        chosen = np.zeros(rows.height, dtype=np.bool_)
        chosen[places[(places >= seen) & (places < seen + rows.height)] - seen] = True
        seen += rows.height
        yield pl.Series("chosen", chosen)


def _by_time(parts: Iterable[pl.DataFrame], split: Split, seed: int) -> Iterator[pl.Series]:
    height = missing = 0
    for rows in parts:
        height, missing = height + rows.height, missing + rows["timestamp"].null_count()
    if missing:
        raise BadData(
            f"--holdout time: {missing:,} rows have no time",
            "map a column of times with --map timestamp=COLUMN, or use random:FRACTION",
        )
    place = height - max(1, round(split.fraction * height))
    cut = None
    for rows in parts:
        if 0 <= place < rows.height:
            cut = rows["timestamp"][place]
        place -= rows.height
    for rows in parts:
        yield rows["timestamp"] >= cut


def _at_random(parts: Iterable[pl.DataFrame], split: Split, seed: int) -> Iterator[pl.Series]:
    """Draw whole orders from their sorted list: the list, not the order of the rows, decides."""
    found, loose = [pl.Series("order_id", [], dtype=pl.String)], 0
    for rows in parts:
        found.append(rows["order_id"].drop_nulls().unique())
        loose += rows["order_id"].null_count()
    orders = pl.concat(found).unique().sort()
    size = max(1, round(split.fraction * (len(orders) + loose)))
    drawn = np.zeros(len(orders) + loose, dtype=np.bool_)
    drawn[np.random.default_rng(seed).permutation(len(drawn))[:size]] = True
    chosen = orders.filter(pl.Series(drawn[: len(orders)]))
    at = len(orders)
    for rows in parts:
        ids = rows["order_id"]
        mask = ids.is_in(chosen.implode()).fill_null(value=False).to_numpy().copy()
        places = ids.is_null().arg_true().to_numpy()
        mask[places] = drawn[at : at + len(places)]
        at += len(places)
        yield pl.Series("chosen", mask)
