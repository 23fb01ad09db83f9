"""What only all rows together tell: how numbers and dates are written, and what ids usually look like.

It is counted a piece at a time, and the sum of the pieces is what the whole would give.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.values.categories import texts_of_numbers
from prodassoc_cli.intake.values.dates import DayMarks, parse_times_as
from prodassoc_cli.intake.values.numbers_ids import (
    NumberMarks,
    NumberStyle,
    Parsed,
    digits_only,
    has_odd_numbers,
    number_marks,
    parse_ids,
)
from prodassoc_cli.intake.values.parallel import run_parallel

COUNTED = ("users", "orders", "numbered_orders", "products", "coded_products")
"""Names of the counts among the facts: whether there are users; ids of orders and products, how they look."""


_TOTALS = ("rows", "users", "orders", "digits", "products", "coded")
"""Totals of a survey, by the names of its attributes."""


@dataclass(frozen=True)
class Conventions:
    """How the inputs are written.

    Attributes:
        styles: how the numbers of each field are written.
        day_first: whether the day stands before the month where both are numbers.
        some_users: whether any row names a user.
        numbered_orders: whether most order ids are digits only, but not all.
        coded_products: whether most product ids hold digits.
        plain_ids: fields of ids that are texts of which none is blank, or were parsed as they were read: they
            need not be parsed again.
    """

    styles: dict[str, NumberStyle] = field(default_factory=dict)
    day_first: bool = True
    some_users: bool = True
    numbered_orders: bool = False
    coded_products: bool = False
    plain_ids: frozenset[str] = frozenset()


class Survey:
    """Counts what decides the conventions.

    Args:
        numbers: fields of numbers.
        day_first: the order of day and month that times are read in meanwhile.
        before: the `facts` of lines cleaned before, to which these are added; None where there are none.

    Attributes:
        missed: fields of numbers whose first rows were not counted, since nothing seemed odd then.
    """

    def __init__(
        self, numbers: tuple[str, ...], *, day_first: bool = True, before: dict[str, Any] | None = None
    ) -> None:
        self.day_first = day_first
        self.before = before or {}
        self.missed: set[str] = set()
        self._marks = dict.fromkeys(numbers, NumberMarks())
        self._days = DayMarks()
        self._plain = {"user_id", "order_id"}
        self._looks_of: tuple[np.ndarray, ...] = (np.empty(0, np.bool_), np.empty(0, np.bool_))
        """`_looks` of the products that are numbered, by their numbers."""
        self._rows = 0
        self._users, self._orders, self._digits, self._products, self._coded = (
            int(self.before.get(name, 0)) for name in COUNTED
        )

    def add(self, fields: pl.DataFrame, parsed: Collection[str] = ()) -> Parsed | None:
        """Count rows, and return their times.

        Args:
            fields: of lines; products may be numbers (Categorical), the same in all pieces.
            parsed: fields of ids that are parsed already.
        """
        numbers = [name for name in self._marks if name in fields.columns]
        times, *_ = run_parallel(
            lambda: self._add_times(fields),
            lambda: self._add_products(fields["product_id"]),
            lambda: self._add_orders(fields, parsed),
            lambda: self._add_users(fields, parsed),
            *(partial(self._add_numbers, fields[name]) for name in numbers),
        )
        self._rows += fields.height
        return times

    def _add_times(self, fields: pl.DataFrame) -> Parsed | None:
        if "timestamp" not in fields.columns:
            return None
        times, days = parse_times_as(fields["timestamp"], day_first=self.day_first)
        self._days += days
        return times

    def _add_products(self, column: pl.Series) -> None:
        if not isinstance(column.dtype, pl.Categorical):
            products, coded = _looks(column)
            self._products += int(products.sum())
            self._coded += int(coded.sum())
            return
        times = np.bincount(column.to_physical().drop_nulls().to_numpy())
        known = len(self._looks_of[0])
        if len(times) > known:
            looks = _looks(texts_of_numbers(np.arange(known, len(times)), column.dtype))
            self._looks_of = tuple(np.append(*each) for each in zip(self._looks_of, looks, strict=True))
        products, coded = self._looks_of
        self._products += int(times[products[: len(times)]].sum())
        self._coded += int(times[coded[: len(times)]].sum())

    def _add_orders(self, fields: pl.DataFrame, parsed: Collection[str]) -> None:
        if "order_id" in fields.columns:
            orders = self._ids(fields["order_id"], parsed)
            self._orders += len(orders) - orders.null_count()
            self._digits += digits_only(orders)

    def _add_users(self, fields: pl.DataFrame, parsed: Collection[str]) -> None:
        if "user_id" in fields.columns:
            users = self._ids(fields["user_id"], parsed)
            self._users += len(users) - users.null_count()

    def _ids(self, column: pl.Series, parsed: Collection[str]) -> pl.Series:
        ids = column if column.name in parsed else parse_ids(column)
        if ids is not column:
            self._plain.discard(column.name)
        return ids

    def _add_numbers(self, column: pl.Series) -> None:
        name, marks = column.name, self._marks[column.name]
        if marks.odd or has_odd_numbers(column):
            if self._rows and not marks.odd:
                self.missed.add(name)
            self._marks[name] = marks + number_marks(column)

    @property
    def odd(self) -> set[str]:
        """Fields of numbers that hold one that is not plain."""
        return {name for name, marks in self._marks.items() if marks.odd}

    def merge(self, other: Survey) -> None:
        """Take what another has counted; fields that are odd in some alone become `missed`."""
        self.missed |= other.missed | (self.odd ^ other.odd if self._rows and other._rows else set())
        for name, marks in other._marks.items():
            self._marks[name] += marks
        self._days += other._days
        self._plain &= other._plain
        for name in _TOTALS:
            setattr(self, f"_{name}", getattr(self, f"_{name}") + getattr(other, f"_{name}"))

    def count_again(self, fields: pl.DataFrame) -> None:
        """Count the numbers of rows whose first count was missed."""
        for name in self.missed:
            self._marks[name] += number_marks(fields[name])

    def take(self, marks: dict[str, dict[str, Any]]) -> None:
        """Take the counts of missed fields that were made elsewhere."""
        for name, found in marks.items():
            self._marks[name] += NumberMarks(**found)

    def to_json(self) -> dict[str, Any]:
        """Return the counts, for `from_json`."""
        return {
            "marks": {name: asdict(marks) for name, marks in self._marks.items()},
            "days": asdict(self._days),
            "missed": sorted(self.missed),
            **{f"_{name}": int(getattr(self, f"_{name}")) for name in _TOTALS},
        }

    @classmethod
    def from_json(cls, counts: dict[str, Any]) -> Survey:
        """Return the survey whose counts these are."""
        found = cls(tuple(counts["marks"]))
        found._marks = {name: NumberMarks(**marks) for name, marks in counts["marks"].items()}
        found._days = DayMarks(**counts["days"])
        found.missed = set(counts["missed"])
        found._plain = set()  # others who read the lines have not seen them all
        for name in _TOTALS:
            setattr(found, f"_{name}", counts[f"_{name}"])
        return found

    def forget_missed(self) -> None:
        """Begin the counts of the missed fields anew."""
        self._marks |= dict.fromkeys(self.missed, NumberMarks())

    def order_of_days(self, told: bool | None, where: str) -> tuple[bool, str]:
        """Decide whether the day comes first, and say so; see `DayMarks.first`.

        Raises:
            BadData: nothing tells, or the lines have it another way than those before.
        """
        known = self.before.get("day_first")
        first, note = self._days.first(known if told is None else told, where)
        if known is not None and self._days.dates and first != known:
            raise _otherwise("day and month stand in another order")
        return first, note

    def facts(self, found: Conventions) -> dict[str, Any]:
        """Return what to know of these lines when others are added to them, ready for JSON."""
        counts = (self._users > 0, self._orders, self._digits, self._products, self._coded)
        return {
            **{name: int(count) for name, count in zip(COUNTED, counts, strict=True)},
            "styles": {name: style for name, style in found.styles.items() if style != "plain"},
            "day_first": found.day_first if self._days.dates else self.before.get("day_first"),
        }

    def conventions(self, day_first: bool, say: Callable[[str], None], *, decimal_comma: bool) -> Conventions:
        """Decide; `decimal_comma` tells where the numbers do not.

        Raises:
            BadData: these lines would have changed how those before were read.
        """
        styles = {}
        for name, marks in self._marks.items():
            known = self.before.get("styles", {}).get(name, "plain")
            style = marks.style(decimal_comma=decimal_comma if known == "plain" else known == "comma")
            if style == "plain":
                style = known
            elif self.before and style != known and "comma" in (style, known):
                raise _otherwise(f"numbers of the field {name} are written in another way")
            styles[name] = style
            if note := marks.note(style):
                say(f"{name}: {note}")
        found = Conventions(
            styles,
            day_first,
            some_users=self._users > 0,
            numbered_orders=_mostly_digits(self._orders, self._digits),
            coded_products=self._coded * 2 > self._products > 0,
            plain_ids=frozenset(self._plain),
        )
        if self.before:
            users, orders, digits, products, coded = (self.before[name] for name in COUNTED)
            usual = (users > 0, _mostly_digits(orders, digits), coded * 2 > products > 0)
            if usual != (found.some_users, found.numbered_orders, found.coded_products):
                raise _otherwise("users, order ids or product ids look otherwise")
        return found


def _looks(products: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Tell which texts are ids of products, and which of these hold digits."""
    ids = parse_ids(products)
    return ids.is_not_null().to_numpy(), ids.str.contains(r"\d").fill_null(value=False).to_numpy()


def _mostly_digits(orders: int, digits: int) -> bool:
    return 0 < orders <= 2 * digits < 2 * orders


def _otherwise(what: str) -> BadData:
    return BadData(
        f"the new lines cannot be added: {what}, which would change how those before were read",
        "clean all of the inputs again, without --append-to",
    )
