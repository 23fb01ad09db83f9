"""Text → ids, numbers and events. How numbers are written is decided once a column, from all of it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

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
    """Tell which values of a text column stand for none."""
    return (column.str.strip_chars().str.to_lowercase().is_in(NO_VALUE)).fill_null(value=True)


def parse_ids(column: pl.Series) -> pl.Series:
    """Turn ids into text, exactly as they are; blank ones become null.

    Only a typed column of floats is rewritten: 17850.0 there is the id 17850 of a column that had gaps.
    """
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        same = (whole.cast(pl.Float64) == column.cast(pl.Float64)).fill_null(value=False)
        text = column.cast(pl.String)
        picked = pl.when(same).then(whole.cast(pl.String)).when(column.is_finite()).then(text)
        return pl.select(picked.alias(column.name)).to_series()
    text = column.cast(pl.String)
    blank = ~text.str.contains(r"\S") | text.is_in(NO_ID)
    return text.set(blank, None) if blank.any() else text


def parse_numbers(column: pl.Series, *, decimal_comma: bool = False) -> Parsed:
    """Parse numbers, with decimal comma or thousands separators where the column shows them.

    Args:
        column: text or numbers.
        decimal_comma: how to read `1,234` where nothing in the column decides.
    """
    if column.dtype.is_numeric():
        return _judge(column.cast(pl.Float64), column.is_null())
    text = column.cast(pl.String)
    values = text.cast(pl.Float64, strict=False)
    if values.null_count() == 0:
        return _judge(values, values.is_null())
    missing = is_missing(text)
    if (values.is_null() & ~missing).any():
        plain = text.str.replace_all(r"[\s'’€$£¥₹\u{a0}\u{202f}]", "")
        values, note = _separated(plain, decimal_comma=decimal_comma)
        return _judge(values, missing, note)
    return _judge(values, missing)


def _judge(values: pl.Series, missing: pl.Series, note: str = "") -> Parsed:
    """Mark as unparsable what is neither missing nor a finite number."""
    finite = values.is_finite().fill_null(value=False)
    bad = ~finite & ~missing
    if not finite.all():
        values = values.set(~finite, None)
    return Parsed(values, bad if bad.any() else None, note)


def _separated(text: pl.Series, *, decimal_comma: bool) -> tuple[pl.Series, str]:
    """Parse text whose commas and dots may be decimal marks or separators of thousands."""

    def count(pattern: str) -> int:
        return int(text.str.contains(pattern).sum() or 0)

    # What only one of the two ways of writing can mean.
    comma = count(r"^[+-]?\d*,(\d{1,2}|\d{4,})$") + count(r"^[+-]?\d{1,3}(\.\d{3})+,\d*$|^[+-]?0,\d+$")
    dot = count(r"^[+-]?\d*\.(\d{1,2}|\d{4,})$") + count(r"^[+-]?\d{1,3}(,\d{3})+\.\d*$|^[+-]?0\.\d+$")
    many = count(r"^[+-]?\d{1,3}(,\d{3}){2,}$") - count(r"^[+-]?\d{1,3}(\.\d{3}){2,}$")
    is_comma = comma > dot if comma != dot else (many < 0 or (many == 0 and decimal_comma))
    if is_comma:
        good = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?$"
        plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        note = "decimal comma"
    else:
        good = r"^[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?$"
        plain = text.str.replace_all(",", "", literal=True)
        note = "commas as separators of thousands" if count(r"\d,\d{3}") else ""
    values = plain.cast(pl.Float64, strict=False)
    return values.set(~text.str.contains(good).fill_null(value=False), None), note


def parse_events(column: pl.Series) -> Parsed:
    """Turn the names other systems give to events into those of interactions."""
    words = {word: event for event, names in EVENT_WORDS.items() for word in names.split()}
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    text = text.str.replace_all(r"[\s-]+", "_")
    events = text.replace_strict(words, default=None, return_dtype=pl.String)
    bad = events.is_null() & ~is_missing(column.cast(pl.String))
    return Parsed(events, bad if bad.any() else None)
