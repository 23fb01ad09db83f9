"""Text → numbers. How they are written is decided once per column, from all of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import polars as pl

from prodassoc_cli.intake.values.missing import is_missing

NumberStyle = Literal["plain", "comma", "dot"]
"""How a column of numbers is written: castable as it is, with decimal comma, or with decimal dot."""

_CURRENCIES = r"""
    usd eur gbp jpy cny rmb inr krw brl cad aud nzd chf sek nok dkk pln czk huf ron bgn rub uah try ils zar
    mxn ars clp cop pen hkd twd sgd thb vnd idr myr php aed sar egp ngn kes
    us au ca hk nt r rs\.? re\.? ₨ kr\.? zł kč ft lei лв\.? руб\.? р\.? грн\.? tl rp\.? rm s/\.? fr\.? sfr\.?
    元 円 圓 圆 원 บาท đ"""
"""Codes, abbreviations and characters of currencies; signs such as $ and € are known to Unicode."""

_CURRENCY = "|".join(sorted(_CURRENCIES.split(), key=len, reverse=True))
_BEFORE = rf"^([+(-]*)(?i:{_CURRENCY})"
_BEHIND = rf"(?i:{_CURRENCY})(\)?)$"

_FULL_WIDTH = dict(zip("０１２３４５６７８９．，（）－＋−–", "0123456789.,()-+--", strict=True))

_GROUPED_BY_COMMAS = r"\d{1,3}(?:,\d{2,3})*,\d{3}"
"""1,234,567, or in India 12,34,567."""
_GROUPED_BY_DOTS = r"\d{1,3}(?:\.\d{3})+"


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


@dataclass(frozen=True)
class NumberMarks:
    """What a text column of numbers shows of how it is written; of parts of a column, the sum tells.

    Attributes:
        odd: whether a value is there that is no plain number, so that the marks matter.
        comma: values whose comma can only be a decimal mark.
        dot: values whose dot can only be one.
        many_commas: values with commas that can only part thousands, less those with such dots.
        thousands: values with a comma before three digits.
        dots: values with a dot before three digits: decimals, or thousands.
        currencies: of the values.
    """

    odd: bool = False
    comma: int = 0
    dot: int = 0
    many_commas: int = 0
    thousands: int = 0
    dots: int = 0
    currencies: tuple[str, ...] = ()

    def __add__(self, other: NumberMarks) -> NumberMarks:
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        both = {*self.currencies, *other.currencies}
        return NumberMarks(**sums | {"odd": self.odd or other.odd, "currencies": tuple(sorted(both))})

    def to_json(self) -> dict[str, Any]:
        """Return the marks, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, marks: dict[str, Any]) -> NumberMarks:
        """Return the marks that these are."""
        return cls(**marks | {"currencies": tuple(marks["currencies"])})

    @property
    def decided(self) -> bool:
        """Whether the values tell the decimal mark."""
        return self.comma != self.dot or self.many_commas != 0

    def style(self, *, decimal_comma: bool) -> NumberStyle:
        """Decide how the column is written; `decimal_comma` tells where nothing in it does."""
        if self.decided:
            is_comma = self.comma > self.dot if self.comma != self.dot else self.many_commas < 0
        else:
            is_comma = decimal_comma
        if not self.odd and not (is_comma and self.dots):
            return "plain"
        return "comma" if is_comma else "dot"

    def note(self, style: NumberStyle) -> str:
        """Say how the column is written, where that was a choice."""
        how = "decimal comma" if style == "comma" else ""
        if style == "comma" and self.dots and not self.decided:
            how = "points as separators of thousands"
        if style == "dot" and self.thousands:
            how = "commas as separators of thousands"
        if len(self.currencies) > 1:
            mixed = f"{', '.join(self.currencies)} are taken as one currency"
            how = f"{how}; {mixed}" if how else mixed
        return how


def has_odd_numbers(column: pl.Series) -> bool:
    """Return whether a column holds a value that is neither missing nor written as a plain number."""
    if column.dtype.is_numeric():
        return False
    text = column.cast(pl.String)
    unread = text.filter(text.cast(pl.Float64, strict=False).is_null() & text.is_not_null())
    return len(unread) > 0 and not is_missing(unread).all()


def has_grouping_dots(column: pl.Series) -> bool:
    """Return whether a text column holds a value such as 1.000, whose dot may part thousands."""
    return column.dtype == pl.String and bool(column.str.contains(r"\.\d{3}\s*$").any())


def number_marks(column: pl.Series) -> NumberMarks:
    """Count what shows how the numbers of a column are written."""
    if column.dtype.is_numeric():
        return NumberMarks()
    text = column.cast(pl.String)
    bare = _bare(text)

    def count(*patterns: str) -> int:
        return sum(int(bare.str.contains(rf"^[+-]?(?:{each})$").sum() or 0) for each in patterns)

    return NumberMarks(
        has_odd_numbers(column),
        # What only one of the two ways of writing can mean.
        count(r"\d*,(?:\d{1,2}|\d{4,})", rf"{_GROUPED_BY_DOTS},\d*|0,\d+"),
        count(r"\d*\.(?:\d{1,2}|\d{4,})", rf"{_GROUPED_BY_COMMAS}\.\d*|0\.\d+"),
        count(r"\d{1,3}(?:,\d{2,3})+,\d{3}") - count(r"\d{1,3}(?:\.\d{3}){2,}"),
        count(r".*\d,\d{3}.*"),
        count(_GROUPED_BY_DOTS),
        _currencies(text),
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
    """Reduce amounts to sign, digits and marks: white space, apostrophes and currencies go.

    An amount in parentheses, or with the sign behind it, is below zero; `5,-` is 5.
    """
    text = text.str.replace_many(list(_FULL_WIDTH), list(_FULL_WIDTH.values()))
    text = text.str.replace_all(r"[\s'’\p{Sc}\u{a0}\u{202f}]", "")
    text = text.str.replace(_BEFORE, "$1").str.replace(_BEHIND, "$1")
    text = text.str.replace(r"([.,])-+$", "${1}00")
    return text.str.replace(r"^\(([\d.,]+)\)$|^([\d.,]+)-$", "-$1$2")


def _currencies(text: pl.Series) -> tuple[str, ...]:
    """Return the currencies that amounts are in; several signs and codes of one are one."""
    same = {"$": "USD", "US": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "₹": "INR", "RS": "INR"}
    bare = text.str.replace_all(r"[\s\d.,()+'-]", "").str.to_uppercase()
    known = bare.filter(bare.str.contains(rf"^(?:(?i:{_CURRENCY})?\p{{Sc}}|(?i:{_CURRENCY}))$"))
    return tuple(sorted({same.get(each, each) for each in known.unique()}))


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
        good = rf"^[+-]?(?:{_GROUPED_BY_DOTS}|\d+)?(?:,\d+)?$"
        plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        good = rf"^[+-]?(?:{_GROUPED_BY_COMMAS}|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?$"
        plain = text.str.replace_all(",", "", literal=True)
    values = plain.cast(pl.Float64, strict=False)
    return values.set(~text.str.contains(good).fill_null(value=False), None)
