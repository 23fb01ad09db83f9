"""Setting rows aside for evaluation, without leakage and whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.wording import number_of

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
        raise UsageProblem(f"`holdout={spec}`: {method} takes no fraction", f"known: {FORMS}")
    if method not in ("time", "random"):
        hint = did_you_mean(method, ["last-order", "last-item", "time", "random"])
        hint = f"{hint} known: {FORMS}" if hint.startswith("did") else f"known: {FORMS}"
        raise UsageProblem(f"`holdout={spec}`: no such split", hint)
    try:
        fraction = float(share)
    except ValueError:
        fraction = -1.0
    if not 0 < fraction < 1:
        raise UsageProblem(
            f"`holdout={spec}`: the fraction is not between 0 and 1", f"for example {method}:0.2"
        )
    return Split(method, fraction)


def check_parts(held_out: int, rows: int, spec: str) -> None:
    """Refuse a split with an empty part (BadData)."""
    if not held_out or held_out == rows:
        part = "set aside" if not held_out else "left to train on"
        raise BadData(f"`holdout={spec}`: no row would be {part}", f"choose another split: {FORMS}")


def holdout_masks(parts: Iterable[pl.DataFrame], split: Split, seed: int) -> Iterator[pl.Series]:
    """Return which rows are set aside.

    - `last-order`: the last order of each user who has two or more, by time, then order id.
    - `last-item`: the last row of each user who has two or more.
    - `time:F`: the last F of the rows; training rows are strictly earlier than any row set aside.
    - `random:F`: F of the orders, drawn with the seed; rows without an order are drawn one by one.

    What is remembered of the rows is a row per user, or the ids of all orders for `random`.

    Args:
        parts: sorted interactions in sorted parts, which are gone through more than once.
        split: what to set aside.
        seed: of `random`.

    Yields:
        One Boolean per row, part by part.

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
            "`holdout=last-order`: no row has both a user and an order",
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
        raise BadData("`holdout=last-item`: no row has a user", "random:FRACTION needs none")
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
            f"`holdout=time`: {number_of(missing, 'row')} without a time",
            "map a column of times with `map=timestamp=COLUMN`, or use random:FRACTION",
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
