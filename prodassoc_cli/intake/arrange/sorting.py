"""The order of interactions: time, order, user, product, then all else, so that input order does not show.

Comparing texts row by row is slow, and few rows need it. Rows are first put in the order of numbers that hold
the leading keys and the product: time and product, since lines of one order have one time as a rule and few
orders share one; then, of the rows this leaves open, time, order and product. Only what is open after
that is compared by all keys. The first of these orders is found before lines are judged: in it, rows that
tell the same are neighbours too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import polars as pl

from prodassoc_cli.intake.columns.schema import FURTHER, INTERACTIONS
from prodassoc_cli.intake.values.categories import coded, known

_LEADING = ("timestamp", "order_id", "user_id")
SORT_KEYS = (*_LEADING, *(name for name in INTERACTIONS if name not in _LEADING))

_LIMIT = 2**63


@dataclass(frozen=True)
class Codes:
    """Numbers from 0 up that have the order of one or more keys.

    Attributes:
        values: int64.
        size: how many there may be.
        last: how many there may be of the keys put last by `then`; 1 where there are none such.
    """

    values: pl.Series
    size: int
    last: int = 1

    def of(self, rows: pl.Series) -> Codes:
        """Return the codes of some rows."""
        return replace(self, values=self.values.gather(rows))

    def last_of(self, rows: pl.Series) -> Codes:
        """Return the codes of the keys put last, of some rows."""
        return Codes(self.values.gather(rows) % self.last, self.last)

    def then(self, other: Codes) -> Codes:
        """Return the codes of these keys followed by others; of these alone, where both do not fit."""
        if self.size * other.size >= _LIMIT:
            return replace(self, last=1)
        return Codes(self.values * other.size + other.values, self.size * other.size, other.size)


@dataclass(frozen=True)
class RowOrder:
    """Rows in the order of time, of whether they have a user, and of product; equal ones as they came.

    Attributes:
        rows: they themselves; None where they stand in that order.
        codes: of these keys, ascending.
    """

    rows: pl.Series | None
    codes: Codes

    @classmethod
    def of(cls, times: pl.Series, users: pl.Series, products: pl.Series) -> RowOrder:
        """Find the order.

        Args:
            times: of the rows; some must be there.
            users: of the rows; those of nobody come after the others of their time.
            products: of the rows, as `categories.coded` has them.
        """
        codes = _times(times).then(_nobody_and_product(users, products))
        return cls(None, codes) if codes.values.is_sorted() else cls(*_stable_order(codes))

    def alike(self) -> pl.Series:
        """Return the rows, ascending, of which a neighbour has the same keys."""
        tied = _tied(self.codes.values)
        return tied.arg_true() if self.rows is None else self.rows.filter(tied).sort()

    def among(self, chosen: pl.Series) -> tuple[pl.Series, Codes]:
        """Return those of the rows that a Boolean of each chooses, and their codes."""
        mask = chosen if self.rows is None else chosen.gather(self.rows)
        rows = chosen.arg_true() if self.rows is None else self.rows.filter(mask)
        return rows, replace(self.codes, values=self.codes.values.filter(mask))


def in_order(interactions: pl.DataFrame, codes: Codes | None = None) -> pl.DataFrame:
    """Sort interactions by all keys; null comes last. Products may be codes, as `categories.coded` has them.

    Args:
        interactions: the rows.
        codes: those of `RowOrder`, where the rows stand in their order; None to find them.
    """
    if codes is None:
        if interactions["timestamp"].null_count() == interactions.height:  # orders lie together as a rule
            return interactions.sort(_keys(interactions), nulls_last=True)
        codes = _times(interactions["timestamp"]).then(_last_keys(interactions))
    order, open_ = _settled(interactions, None, codes, ("order_id", "user_id"))
    if len(open_):
        rows = open_ if order is None else order.gather(open_)
        last = _last_keys(interactions).of(rows) if codes.last == 1 else codes.last_of(rows)
        lead = _times_and_orders(interactions, rows)
        settled, left = _settled(interactions, rows, lead.then(last), ("user_id",))
        if order is None:
            order = pl.int_range(interactions.height, dtype=pl.get_index_type(), eager=True)
        order, open_ = order.scatter(open_, cast("pl.Series", settled)), open_.gather(left)
        if len(open_):
            order = order.scatter(open_, _by_all_keys(interactions, order.gather(open_)))
    return interactions if order is None else _gathered(interactions, order)


def _gathered(interactions: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return rows of interactions; a column that is the same everywhere stays as it is."""
    often = (interactions[name] for name in ("event", "rating"))
    same = [column.name for column in often if not column.ne_missing(column[0]).any()]
    gathered = interactions.drop(same)[rows]
    return gathered.with_columns(interactions.select(same)).select(interactions.columns)


def _stable_order(codes: Codes) -> tuple[pl.Series, Codes]:
    """Return rows in the order of their codes, equal ones in the order they came; and the codes in it."""
    rows = pl.int_range(len(codes.values), dtype=pl.Int64, eager=True)
    bits = len(rows).bit_length()
    if codes.size << bits >= _LIMIT:
        ordered = pl.DataFrame({"code": codes.values, "row": rows}).sort("code", "row")
        return ordered["row"], replace(codes, values=ordered["code"])
    # Sorting one number that holds both takes half the time of sorting one by the other.
    both = pl.Series((codes.values.to_numpy() << bits) | rows.to_numpy()).sort().to_numpy()
    return pl.Series(both & ((1 << bits) - 1)), replace(codes, values=pl.Series(both >> bits))


def _tied(codes: pl.Series) -> pl.Series:
    """Return which of sorted codes are there more than once."""
    again = codes == codes.shift()
    return (again | again.shift(-1)).fill_null(value=False)


def _keys(interactions: pl.DataFrame) -> list[str]:
    return [name for name in (*SORT_KEYS, *FURTHER) if name in interactions.columns]


def _times(column: pl.Series) -> Codes:
    """Return codes of times, in seconds if they are whole; some row must have one."""
    times = column.to_physical()
    first, last = cast("int", times.min()), cast("int", times.max())
    step = 1_000_000 if not (times % 1_000_000).cast(pl.Boolean).any() else 1
    steps = (last - first) // step + 1
    return Codes(((times - first) // step).fill_null(steps), steps + 1)


def _times_and_orders(interactions: pl.DataFrame, rows: pl.Series) -> Codes:
    """Return codes of time and order of rows that stand in the order of their times; both always fit."""
    times = interactions["timestamp"].gather(rows)
    time = times.ne_missing(times.shift()).cast(pl.Int64).cum_sum()
    return Codes(time, len(rows) + 1).then(_texts(coded(interactions["order_id"].gather(rows))))


def _last_keys(interactions: pl.DataFrame) -> Codes:
    return _nobody_and_product(interactions["user_id"], known(interactions["product_id"]))


def _nobody_and_product(users: pl.Series, products: pl.Series) -> Codes:
    """Return codes of whether the user is missing, and of the product."""
    return Codes(users.is_null().cast(pl.Int64), 2).then(_texts(products))


def _texts(codes: pl.Series) -> Codes:
    places = codes.to_physical()
    size = 1 + cast("int", places.max()) if places.count() else 0
    return Codes(places.cast(pl.Int64).fill_null(size), size + 1)


def _settled(
    interactions: pl.DataFrame, rows: pl.Series | None, number: Codes, between: tuple[str, ...]
) -> tuple[pl.Series | None, pl.Series]:
    """Put rows in the order of their codes.

    Args:
        interactions: all of them.
        rows: those to be put in order; None for all.
        number: codes of the leading keys and, last, those of `_nobody_and_product`; one for each of `rows`.
        between: the keys between the two. Where they differ among rows of one lead, or rows are equal in all
            codes, other keys must decide. Nobody comes last, so a user beside nobody decides nothing.

    Returns:
        The rows in that order, None for all as they are; and the places in it, ascending, that are open.
    """
    codes = number.values
    if not codes.is_sorted():
        ranked = codes.arg_sort()
        rows, codes = ranked if rows is None else rows.gather(ranked), codes.gather(ranked)
    open_ = _tied(codes)
    if number.last > 1:
        lead_of = codes // number.last
        again = (lead_of == lead_of.shift()).fill_null(value=False)
        mixed = pl.Series([False]).new_from_index(0, len(codes))
        for name in between:
            values = interactions[name] if rows is None else interactions[name].gather(rows)
            changed = again & values.ne_missing(values.shift())
            if name == "user_id":
                missing = values.is_null()
                changed &= missing == missing.shift()
            mixed |= changed
        if mixed.any():
            group = (~again).cast(pl.get_index_type()).cum_sum()
            shared = pl.Series([False]).new_from_index(0, len(codes) + 1)
            open_ |= shared.scatter(group.filter(mixed), values=True).gather(group)
    return rows, open_.arg_true()


def _by_all_keys(interactions: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """Return rows, which stand in the order of time and order, in the order of all keys."""
    keys = _keys(interactions)
    among = interactions.select(keys)[rows]
    group = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in keys[:2]).cum_sum()
    # A key that is the same everywhere decides nothing: often there is one event, and no rating.
    deciding = [name for name in keys[2:] if among[name].ne_missing(among[name].shift())[1:].any()]
    places = pl.int_range(pl.len(), dtype=pl.get_index_type())
    within = among.select(group.alias("\0group"), *deciding, places.alias("\0at"))
    return rows.gather(within.sort("\0group", *deciding, nulls_last=True)["\0at"])
