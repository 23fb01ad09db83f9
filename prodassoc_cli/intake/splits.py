"""Setting rows aside for evaluation, without leakage and whatever the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean

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
    """Sort by time, order, user and product, then by everything else, so that input order does not show."""
    keys = [name for name in (*SORT_KEYS, *FEEDBACK_KEYS) if name in interactions.columns]
    return interactions.sort(keys, nulls_last=True)


def split_holdout(interactions: pl.DataFrame, spec: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split interactions into those to train on and those set aside.

    - `last-order`: the last order of each user who has two or more, by time, then order id.
    - `last-item`: the last row of each user who has two or more.
    - `time:F`: the last F of the rows; training rows are strictly earlier than any row set aside.
    - `random:F`: F of the orders, drawn with the seed; rows without an order are drawn one by one.

    Args:
        interactions: rows of the kind interactions.
        spec: one of the forms above.
        seed: of `random`.

    Returns:
        Training rows and rows set aside, both sorted.

    Raises:
        UsageProblem: the form is unknown.
        BadData: the rows lack what it needs (users, orders, times), or one part would be empty.
    """
    split = parse_split(spec)
    rows = in_order(interactions)
    match split.method:
        case "last-order":
            chosen = _last_order(rows)
        case "last-item":
            chosen = _last_item(rows)
        case "time":
            chosen = _by_time(rows, split.fraction)
        case _:
            chosen = _at_random(rows, split.fraction, seed)
    train, holdout = rows.filter(~chosen), rows.filter(chosen)
    if not holdout.height or not train.height:
        part = "set aside" if not holdout.height else "left to train on"
        raise BadData(f"--holdout {spec}: no row would be {part}", f"choose another split: {FORMS}")
    return train, holdout


def _order_key(rows: pl.DataFrame) -> pl.Expr:
    """Order ids as they were given out: numbers by size, text by letters."""
    ids = rows["order_id"]
    if ids.str.contains(r"^\d+$").all():
        longest = ids.str.len_chars().max()
        return pl.col("order_id").str.zfill(longest if isinstance(longest, int) else 1)
    return pl.col("order_id")


def _last_order(rows: pl.DataFrame) -> pl.Series:
    known = rows.filter(pl.col("user_id").is_not_null() & pl.col("order_id").is_not_null())
    if not known.height:
        raise BadData(
            "--holdout last-order: no row has both a user and an order",
            "last-item needs users only, random:FRACTION neither",
        )
    orders = known.group_by("user_id", "order_id").agg(pl.col("timestamp").max())
    orders = orders.with_columns(_order_key(orders).alias("key"))
    orders = orders.sort("user_id", "timestamp", "key", nulls_last=False)
    last = orders.filter(pl.len().over("user_id") > 1).group_by("user_id", maintain_order=True).last()
    last = last.select("user_id", "order_id", pl.lit(value=True).alias("last"))
    joined = rows.select("user_id", "order_id").join(
        last, on=["user_id", "order_id"], how="left", maintain_order="left"
    )
    return joined["last"].fill_null(value=False)


def _last_item(rows: pl.DataFrame) -> pl.Series:
    if rows["user_id"].null_count() == rows.height:
        raise BadData("--holdout last-item: no row has a user", "random:FRACTION needs none")
    place = pl.int_range(pl.len())
    ordered = rows.select("user_id", "timestamp", _order_key(rows).alias("key"), place.alias("place"))
    ordered = ordered.filter(pl.col("user_id").is_not_null())
    ordered = ordered.sort("timestamp", "key", "place", nulls_last=False)
    last = ordered.filter(pl.len().over("user_id") > 1).group_by("user_id").agg(pl.col("place").last())
    chosen = np.zeros(rows.height, dtype=np.bool_)
    chosen[last["place"].to_numpy()] = True
    return pl.Series("chosen", chosen)


def _by_time(rows: pl.DataFrame, fraction: float) -> pl.Series:
    if rows["timestamp"].null_count():
        raise BadData(
            f"--holdout time: {rows['timestamp'].null_count():,} rows have no time",
            "map a column of times with --map timestamp=COLUMN, or use random:FRACTION",
        )
    size = max(1, round(fraction * rows.height))
    cut = rows["timestamp"][rows.height - size]
    return rows["timestamp"] >= cut


def _at_random(rows: pl.DataFrame, fraction: float, seed: int) -> pl.Series:
    """Draw whole orders from their sorted list: the list, not the order of the rows, decides."""
    order = pl.col("order_id")
    keys = rows.select(order, pl.when(order.is_null()).then(pl.int_range(pl.len())).alias("row"))
    units = keys.unique().sort("order_id", "row", nulls_last=True)
    size = max(1, round(fraction * units.height))
    drawn = np.zeros(units.height, dtype=np.bool_)
    drawn[np.random.default_rng(seed).permutation(units.height)[:size]] = True
    units = units.with_columns(pl.Series("drawn", drawn))
    joined = keys.join(units, on=["order_id", "row"], how="left", nulls_equal=True, maintain_order="left")
    return joined["drawn"]
