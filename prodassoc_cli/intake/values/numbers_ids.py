"""Text → ids, numbers and events. How numbers are written is decided once per column, from all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

NumberStyle = Literal["plain", "comma", "dot"]
"""How a column of numbers is written: castable as it is, with decimal comma, or with decimal dot."""

NO_ID = ("nan", "NaN", "NULL", "null", "None", "<NA>", "\\N", "#N/A")
"""What other tools write where an id is missing."""

NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "<na>", "\\n", "#n/a", "-")
"""The same for numbers and times, in lower case."""

EVENT_WORDS = {
    "purchase": "purchase purchased buy bought order sale transaction checkout in_app_purchase 4 购买",
    "view": "view viewed view_item click_detail detail product_view pageview_item pv browse 浏览",
    "cart": "cart add_to_cart addtocart add_cart basket 加购",
    "rating": "rating rate rated",
    "review": "review reviewed",
    "impression": "impression view_item_list shown exposure 曝光",
    "click": "click clicked select_item 点击",
    "dismiss": "dismiss dismissed skip hide dislike",
}
"""Event → words it goes by."""


@dataclass(frozen=True)
class Parsed:
    """A parsed column.

    Attributes:
        values: typed values; null where missing or unparsable.
        bad: true where a value is there but cannot be parsed; None where there is none such.
        note: how it was read, where that was a choice.
    """

    values: pl.Series
    bad: pl.Series | None = None
    note: str = ""


def is_missing(column: pl.Series) -> pl.Series:
    """Return which values of a text column stand for none."""
    return (column.str.strip_chars().str.to_lowercase().is_in(NO_VALUE)).fill_null(value=True)


def parse_ids(column: pl.Series) -> pl.Series:
    """Turn ids into text, exactly as they are; blank ones become null.

    Texts of which none is blank are returned as they came.
    Only a typed column of floats is rewritten: 17850.0 there is the id 17850 of a column that had gaps.
    """
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        same = (whole.cast(pl.Float64) == column.cast(pl.Float64)).fill_null(value=False)
        text = column.cast(pl.String)
        picked = pl.when(same).then(whole.cast(pl.String)).when(column.is_finite()).then(text)
        return pl.select(picked.alias(column.name)).to_series()
    text = column.cast(pl.String)
    blank = text.is_in(NO_ID)
    # White space is below ! or beyond ASCII, also as the first character of a text that is nothing else.
    odd = ((text < "!") | (text > "~")).arg_true()
    if len(odd):
        blank = blank.scatter(odd.filter(~text.gather(odd).str.contains(r"\S")), values=True)
    if blank.any():
        return text.set(blank, None)
    return column if column.dtype == pl.String else text


def digits_only(ids: pl.Series) -> int:
    """Count the texts of nothing but digits, of any script."""
    # Numbers are cut from texts several times as quick as patterns are found; a sign or what is no number of
    # 64 bits leaves the rest to those.
    plain = (ids >= "0") & (ids < ":") & ids.cast(pl.UInt64, strict=False).is_not_null()
    return int(plain.sum() or 0) + int(ids.filter(~plain).str.contains(r"^\d+$").sum() or 0)


@dataclass(frozen=True)
class NumberMarks:
    """What a text column of numbers shows of how it is written; of parts of a column, the sum tells.

    Attributes:
        odd: whether a value is there that is no plain number, so that the marks matter.
        comma: values whose comma can only be a decimal mark.
        dot: values whose dot can only be one.
        many_commas: values with commas that can only part thousands, less those with such dots.
        thousands: values with a comma before three digits.
    """

    odd: bool = False
    comma: int = 0
    dot: int = 0
    many_commas: int = 0
    thousands: int = 0

    def __add__(self, other: NumberMarks) -> NumberMarks:
        return NumberMarks(
            self.odd or other.odd,
            self.comma + other.comma,
            self.dot + other.dot,
            self.many_commas + other.many_commas,
            self.thousands + other.thousands,
        )

    def style(self, *, decimal_comma: bool) -> NumberStyle:
        """Decide how the column is written; `decimal_comma` tells where nothing in it does."""
        if not self.odd:
            return "plain"
        many = self.many_commas
        is_comma = (
            self.comma > self.dot if self.comma != self.dot else many < 0 or (not many and decimal_comma)
        )
        return "comma" if is_comma else "dot"

    def note(self, style: NumberStyle) -> str:
        """Say how the column is written, where that was a choice."""
        if style == "comma":
            return "decimal comma"
        return "commas as separators of thousands" if style == "dot" and self.thousands else ""


def has_odd_numbers(column: pl.Series) -> bool:
    """Return whether a column holds a value that is neither missing nor written as a plain number."""
    if column.dtype.is_numeric():
        return False
    text = column.cast(pl.String)
    unread = text.filter(text.cast(pl.Float64, strict=False).is_null() & text.is_not_null())
    return len(unread) > 0 and not is_missing(unread).all()


def number_marks(column: pl.Series) -> NumberMarks:
    """Count what shows how the numbers of a column are written."""
    if column.dtype.is_numeric():
        return NumberMarks()
    text = _bare(column.cast(pl.String))

    def count(pattern: str) -> int:
        return int(text.str.contains(pattern).sum() or 0)

    return NumberMarks(
        has_odd_numbers(column),
        # What only one of the two ways of writing can mean.
        count(r"^[+-]?\d*,(\d{1,2}|\d{4,})$") + count(r"^[+-]?\d{1,3}(\.\d{3})+,\d*$|^[+-]?0,\d+$"),
        count(r"^[+-]?\d*\.(\d{1,2}|\d{4,})$") + count(r"^[+-]?\d{1,3}(,\d{3})+\.\d*$|^[+-]?0\.\d+$"),
        count(r"^[+-]?\d{1,3}(,\d{3}){2,}$") - count(r"^[+-]?\d{1,3}(\.\d{3}){2,}$"),
        count(r"\d,\d{3}"),
    )


def parse_numbers(column: pl.Series, *, decimal_comma: bool = False) -> Parsed:
    """Parse numbers, with decimal comma or thousands separators where the column shows them.

    Args:
        column: text or numbers.
        decimal_comma: how to read `1,234` where nothing in the column decides.
    """
    marks = number_marks(column) if has_odd_numbers(column) else NumberMarks()
    style = marks.style(decimal_comma=decimal_comma)
    return replace(parse_numbers_as(column, style), note=marks.note(style))


def parse_numbers_as(column: pl.Series, style: NumberStyle) -> Parsed:
    """Parse numbers that are written in a known way: plain, with decimal comma, or with decimal dot."""
    if column.dtype.is_numeric():
        return _judge(column.cast(pl.Float64), column.is_null())
    text = column.cast(pl.String)
    if style != "plain":
        return _judge(_separated(_bare(text), style), is_missing(text))
    values = text.cast(pl.Float64, strict=False)
    plain = values.null_count() == 0 and values.is_finite().all()
    return Parsed(values) if plain else _judge(values, is_missing(text))


def _bare(text: pl.Series) -> pl.Series:
    """Leave out white space, apostrophes and signs of currencies."""
    return text.str.replace_all(r"[\s'’€$£¥₹\u{a0}\u{202f}]", "")


def _judge(values: pl.Series, missing: pl.Series, note: str = "") -> Parsed:
    """Mark as unparsable what is neither missing nor a finite number."""
    finite = values.is_finite().fill_null(value=False)
    bad = ~finite & ~missing
    if not finite.all():
        values = values.set(~finite, None)
    return Parsed(values, bad if bad.any() else None, note)


def _separated(text: pl.Series, style: NumberStyle) -> pl.Series:
    """Parse text whose commas and dots are decimal marks and separators of thousands."""
    if style == "comma":
        good = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?$"
        plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        good = r"^[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?$"
        plain = text.str.replace_all(",", "", literal=True)
    values = plain.cast(pl.Float64, strict=False)
    return values.set(~text.str.contains(good).fill_null(value=False), None)


def parse_events(column: pl.Series) -> Parsed:
    """Turn the names other systems give to events into those of interactions."""
    words = {word: event for event, names in EVENT_WORDS.items() for word in names.split()}
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    text = text.str.replace_all(r"[\s-]+", "_")
    events = text.replace_strict(words, default=None, return_dtype=pl.String)
    bad = events.is_null() & ~is_missing(column.cast(pl.String))
    return Parsed(events, bad if bad.any() else None)
