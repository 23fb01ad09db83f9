"""Text → points in time, without a time zone. The order of day and month is decided once a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import polars as pl
import pyarrow as pa

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.values.missing import is_missing
from prodassoc_cli.intake.values.numbers import Parsed

TIME = pl.Datetime("us")

_CLOCK = (
    r"(?:[T ,]+([0-9]{1,2})(?:[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    r"\s*([AaPp])?\.?(?:[Mm]\.?)?\s*(?:(Z|z|UTC|GMT)|([+-][0-9]{2}):?([0-9]{2})?)?)?$"
)
_NUMERIC = r"^([0-9]{1,4})([./-])([0-9]{1,2})[./-]([0-9]{1,4})\.?" + _CLOCK
_WEEKDAY = r"^(?:\p{L}{2,12}\.?,? +)?"
_DAY_NAME = (
    _WEEKDAY
    + r"([0-9]{1,2})(?:st|nd|rd|th|er|º|ª)?\.?[ /-]*(\p{L}{3,12})\.?,?[ /-]*'?([0-9]{4}|[0-9]{2})"
    + _CLOCK
)
_NAME_DAY = (
    _WEEKDAY + r"(\p{L}{3,12})\.?[ /-]([0-9]{1,2})(?:st|nd|rd|th)?,?[ /-]+'?([0-9]{4}|[0-9]{2})" + _CLOCK
)
_YEAR_NAME = r"^([0-9]{4})[ /-](\p{L}{3,12})\.?[ /-]([0-9]{1,2})" + _CLOCK
_MONTHS = {
    word: month
    for month, words in enumerate(
        (
            "jan january januar jänner janvier janv enero ene gennaio gen janeiro januari января янв stycznia"
            " sty",
            "feb february februar fev februari février févr fév febrero febbraio fevereiro февраля фев lutego"
            " lut",
            "mar march märz mrz mär mars marzo março maart mrt марта мар marca",
            "apr april avril avr abril abr aprile апреля апр kwietnia kwi",
            "may mai mayo maggio mag maio mei maj мая май maja",
            "jun june juni juin junio giugno giu junho июня июн czerwca cze",
            "jul july juli juillet juil julio luglio lug julho июля июл lipca lip",
            "aug august août aou agosto ago augustus augusti августа авг sierpnia sie",
            "sep sept september septembre septiembre settembre set setembro сентября сен września wrz",
            "oct october oktober okt octobre octubre ottobre ott outubro out октября окт października paź",
            "nov november novembre noviembre novembro ноября ноя listopada lis",
            "dec december dezember dez décembre déc diciembre dic dicembre dezembro декабря дек grudnia gru",
        ),
        1,
    )
    for word in words.split()
}
"""Names of months in a dozen languages, in lower case, as they stand in a date."""

_EAST_ASIAN = (
    (r"\s*[年년]\s*|\s*[月월]\s*", "-"), (r"\s*[日号號일]", ""),
    (r"\s*(?:上午|午前|오전|早上|凌晨)\s*([0-9].*)$", " $1 AM"),
    (r"\s*(?:下午|午後|오후|晚上|中午)\s*([0-9].*)$", " $1 PM"),
    (r"([0-9])\s*[时時点點시]\s*([0-9])", "$1:$2"), (r"([0-9])\s*[时時点點시]", "$1:00"),
    (r"([0-9])\s*[分분]\s*([0-9])", "$1:$2"), (r"[分분秒초]", ""),
)  # fmt: skip
"""How Chinese, Japanese and Korean write dates and times, as what is understood; one after another."""

_ZONES = {
    "PST": "-08", "PDT": "-07", "MST": "-07", "MDT": "-06", "CST": "-06", "CDT": "-05", "EST": "-05",
    "EDT": "-04", "CET": "+01", "CEST": "+02", "EET": "+02", "EEST": "+03", "JST": "+09",
}  # fmt: skip
"""Names of time zones, those of RFC 2822 (section 4.3) and of Europe, and hours from UTC."""

_ZONED = (
    r"(?:[0-9][T ][0-9]{2}|:[0-9]{2}(?:[.,][0-9]+)?)\s*(?:[AaPp]\.?[Mm]\.?\s*)?"
    r"(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})$"
)
_CLOCK_PARTS = ("hour", "minute", "second", "fraction", "half", "utc", "zone_hours", "zone_minutes")

ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_ISO_LENGTHS = (10, 16, 19)
FIRST_YEAR = 1000
YEARS = (-30_610_224_000_000_000, 253_402_300_800_000_000)
"""Microseconds from 1970 to the first of the years 1000 and 10000: what other tools can hold."""

SERIAL_DAYS = (20_000, 80_000)
"""Numbers that are read as days of a spreadsheet."""

MINORITY = 0.01
"""Share up to which values that contradict the order of day and month count as broken."""


@dataclass(frozen=True)
class DayMarks:
    """What a column of times shows of the order of day and month; of parts of a column, the sum tells.

    Attributes:
        day: values that can only be day/month.
        month: values that can only be month/day.
        dates: values that are dates of numbers without the year in front.
        alike: those in which both numbers are the same, so that it does not matter.
        dotted: those with dots.
        example: one that may be either.
        zoned: whether a value has a time zone.
        serial: a value that is a number of days, as spreadsheets count.
    """

    day: int = 0
    month: int = 0
    dates: int = 0
    alike: int = 0
    dotted: int = 0
    example: str = ""
    zoned: bool = False
    serial: str = ""

    def __add__(self, other: DayMarks) -> DayMarks:
        return DayMarks(
            self.day + other.day,
            self.month + other.month,
            self.dates + other.dates,
            self.alike + other.alike,
            self.dotted + other.dotted,
            self.example or other.example,
            self.zoned or other.zoned,
            self.serial or other.serial,
        )

    def first(self, given: bool | None, where: str) -> tuple[bool, str]:
        """Decide whether the day comes first: the data tell, then the user; and say so.

        Args:
            given: order that the user or a preset names; None for none.
            where: name of the input and column, for messages.

        Raises:
            BadData: nothing tells, or the column has it both ways.
        """
        zone = "times with a zone were brought to UTC" if self.zoned else ""
        days = f"numbers such as {self.serial} are days as spreadsheets count them" if self.serial else ""
        first, note = self._order(given, where)
        return first, "; ".join(each for each in (note, zone, days) if each)

    def _order(self, given: bool | None, where: str) -> tuple[bool, str]:
        day, month = self.day, self.month
        if not self.dates:
            return True, ""
        if day and month:
            if min(day, month) <= MINORITY * (day + month):
                return day > month, f"dates are {_order(day > month)}"
            if given is None:
                raise BadData(
                    f"{where}: dates are day/month in {day:,} values and month/day in {month:,}",
                    "`dayfirst=True` or `dayfirst=False` keeps one order and leaves the other rows out",
                )
            return given, f"dates are {_order(given)}, as given"
        if day or month:
            return day > 0, f"dates are {_order(day > 0)}"
        if given is not None:
            return given, f"dates are {_order(given)}, as given"
        if self.alike == self.dates:
            return True, ""
        if self.dotted == self.dates:
            return True, "dates with dots are day.month"
        raise BadData(
            f"{where}: {self.example} may be day/month or month/day, and no date decides",
            "give `dayfirst=True` or `dayfirst=False`",
        )


def parse_times_as(column: pl.Series, *, day_first: bool) -> tuple[Parsed, DayMarks]:
    """Parse times in a known order of day and month, and tell what the column shows of it."""
    if column.dtype.is_temporal():
        return _within(_typed(column), column.is_null()), DayMarks()
    if column.dtype.is_numeric():
        missing = column.is_null()
        column = column.cast(pl.Float64, strict=False)
        return _within(_epochs(column), missing), DayMarks()
    text = column.cast(pl.String)
    values = _iso(text)
    if values is not None and len(values) and (values.dt.year() >= FIRST_YEAR).all():
        return Parsed(values), DayMarks()
    return _varied(text, day_first=day_first)


def _iso(text: pl.Series) -> pl.Series | None:
    """Parse times that are all written as `ISO_FORMATS`, by Arrow; None where one is not."""
    if not text.str.len_bytes().is_in(_ISO_LENGTHS).all():
        return None
    try:
        times = text.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    return cast("pl.Series", pl.from_arrow(times)).alias(text.name)


def _typed(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(TIME)


def _varied(text: pl.Series, *, day_first: bool) -> tuple[Parsed, DayMarks]:
    """Parse each distinct value once: files repeat their times line after line."""
    missing = is_missing(text)
    counted = text.filter(~missing).rename("text").value_counts(name="rows")
    distinct = counted["text"]
    plain = _western(distinct.str.strip_chars())
    if plain.str.contains(r"[0-9]\s*(?:[AP]M\s+)?[A-Z]{3,4}$").any():
        for zone, hours in _ZONES.items():
            plain = plain.str.replace(rf"\s*\b{zone}$", hours)
    values = pl.Series("time", [None], dtype=TIME).new_from_index(0, len(plain))
    marks = DayMarks()
    numeric = plain.str.extract_groups(_NUMERIC)
    if (found := numeric.struct[0].is_not_null()).any():
        parts = _numeric_parts(numeric)
        marks = _day_marks(parts, counted["rows"])
        values = values.zip_with(~found, _numeric_dates(parts, day_first=day_first))
    if (rest := values.is_null() & ~found).any():
        times = _compact(plain).zip_with(rest, values)
        named = _named_dates(plain)
        values = pl.select(pl.coalesce(values, times, named)).to_series()
    zoned = plain.str.contains(_ZONED).any()
    serial = plain.filter(plain.cast(pl.Float64, strict=False).is_between(*SERIAL_DAYS, closed="left"))
    table = pl.DataFrame({"text": distinct, "time": values})
    joined = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")["time"]
    return _within(joined, missing), replace(marks, zoned=zoned, serial=str(serial.min() or ""))


def _western(plain: pl.Series) -> pl.Series:
    """Write dates and times of East Asia with numbers and Western marks."""
    if not plain.str.contains(r"[年月日년월일午전후]").any():
        return plain
    for pattern, written in _EAST_ASIAN:
        plain = plain.str.replace_all(pattern, written)
    plain = plain.str.replace(r"^([0-9]+-[0-9]+-[0-9]+)\s*(?:[(（].[)）])?\s*", "$1 ")
    return plain.str.replace_all(r":([0-9])(\D|$)", ":0$1$2").str.strip_chars()


def _within(times: pl.Series, missing: pl.Series) -> Parsed:
    """Mark as unparsable what is there but no time of the years 1000-9999."""
    inside = times.to_physical().is_between(*YEARS, closed="left").fill_null(value=False)
    bad = ~inside & ~missing
    return Parsed(times.set(~inside, None) if bad.any() else times, bad if bad.any() else None)


def _numeric_parts(groups: pl.Series) -> pl.DataFrame:
    """Take the groups of `_NUMERIC` apart; `iso` where the year is in front."""
    parts = groups.struct.unnest()
    parts.columns = ["a", "mark", "b", "c", *_CLOCK_PARTS]
    return parts.with_columns(
        pl.col("a", "b", "c").cast(pl.Int32), (pl.col("a").str.len_chars() == 4).alias("iso")
    )


def _numeric_dates(parts: pl.DataFrame, *, day_first: bool) -> pl.Series:
    year = pl.when("iso").then("a").otherwise("c")
    year = pl.when("iso").then(year).otherwise(_whole_year(year))
    month = pl.when("iso").then("b").otherwise("b" if day_first else "a")
    day = pl.when("iso").then("c").otherwise("a" if day_first else "b")
    return _assemble(parts, year, month, day)


def _day_marks(parts: pl.DataFrame, rows: pl.Series) -> DayMarks:
    """Count, in rows, what shows the order of day and month."""
    a, b, n = pl.col("a"), pl.col("b"), pl.col("rows")
    dates = parts.with_columns(rows.alias("rows")).filter(~pl.col("iso") & a.is_not_null())
    counts = dates.select(
        n.filter((a > 12) & (b <= 12)).sum().alias("day"),
        n.filter((b > 12) & (a <= 12)).sum().alias("month"),
        n.sum().alias("dates"),
        n.filter(a == b).sum().alias("alike"),
        n.filter(pl.col("mark") == ".").sum().alias("dotted"),
    ).row(0, named=True)
    either = dates.filter(a != b)
    example = either.sort("c", "a", "b").row(0, named=True) if either.height else None
    shown = example["mark"].join(str(example[part]) for part in "abc") if example else ""
    return DayMarks(**counts, example=shown)


def _order(first: bool) -> str:
    return "day/month" if first else "month/day"


def _named_dates(plain: pl.Series) -> pl.Series:
    """Parse dates that name the month: 5 Mar 2024, March 5, 2024, 05-JAN-24, 5 de enero de 2024."""
    plain = plain.str.replace_all(r"(?i) de[l]? ", " ")
    results = []
    for pattern, names in (
        (_DAY_NAME, ("day", "name", "year")), (_NAME_DAY, ("name", "day", "year")),
        (_YEAR_NAME, ("year", "name", "day")),
    ):  # fmt: skip
        parts = plain.str.extract_groups(pattern).struct.unnest()
        parts.columns = [*names, *_CLOCK_PARTS]
        month = pl.col("name").str.to_lowercase().replace_strict(_MONTHS, default=None, return_dtype=pl.Int32)
        parts = parts.with_columns(month.alias("month"), pl.col("year").cast(pl.Int32))
        results.append(_assemble(parts, _whole_year(pl.col("year")), pl.col("month"), pl.col("day")))
    return pl.select(pl.coalesce(*results)).to_series()


def _whole_year(year: pl.Expr) -> pl.Expr:
    """Complete years of two digits: 69-99 are of the last century (POSIX)."""
    return pl.when(year < 69).then(year + 2000).when(year < 100).then(year + 1900).otherwise(year)


def _assemble(parts: pl.DataFrame, year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Series:
    """Join parts into times; what is no date (30 February, 25:61) becomes null."""

    def two(part: pl.Expr) -> pl.Expr:
        return part.cast(pl.String).str.zfill(2)

    hour = pl.col("hour").cast(pl.Int32).fill_null(0)
    half = pl.col("half").str.to_lowercase()
    hour = pl.when(half.is_null()).then(hour).when(hour > 12).then(99).otherwise(
        hour % 12 + pl.when(half == "p").then(12).otherwise(0)
    )  # fmt: skip
    stamp = pl.concat_str(
        year.cast(pl.String).str.zfill(4), pl.lit("-"), two(month), pl.lit("-"), two(day), pl.lit(" "),
        two(hour), pl.lit(":"), pl.col("minute").fill_null("00"), pl.lit(":"),
        pl.col("second").fill_null("00"),
    )  # fmt: skip
    time = stamp.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    micro = pl.col("fraction").str.pad_end(6, "0").str.head(6).cast(pl.Int64).fill_null(0)
    sign = pl.when(pl.col("zone_hours").str.starts_with("-")).then(-1).otherwise(1)
    minutes = pl.col("zone_minutes").cast(pl.Int64).fill_null(0)
    offset = pl.col("zone_hours").cast(pl.Int64).fill_null(0) * 60 + sign * minutes
    shifted = time + pl.duration(microseconds=micro) - pl.duration(minutes=offset)
    return parts.select(shifted.cast(TIME)).to_series()


def _compact(plain: pl.Series) -> pl.Series:
    """Parse numbers: 20240305, 202403051430, 20240305143000, epochs, days of a spreadsheet."""
    digits = plain.str.contains(r"^(?:19|20)[0-9]{6}(?:[0-9]{4}(?:[0-9]{2})?)?$")
    length = plain.str.len_chars()
    dated = [
        pl.when(digits & (length == digits_of))
        .then(plain.str.to_datetime(form, strict=False, time_unit="us"))
        for digits_of, form in ((8, "%Y%m%d"), (12, "%Y%m%d%H%M"), (14, "%Y%m%d%H%M%S"))
    ]  # fmt: skip
    return pl.select(pl.coalesce(*dated, _epochs(plain.cast(pl.Float64, strict=False)))).to_series()


def _epochs(numbers: pl.Series) -> pl.Series:
    """Turn numbers into times by their magnitude.

    They are days since 1899-12-30, as spreadsheets count (ISO/IEC 29500), of the years 1954 to 2119; or
    seconds, milli-, micro- or nanoseconds since 1970, of 1973 to 5138, whose ranges do not meet.
    """
    size = numbers.abs()
    micro = (
        pl.when(numbers.is_between(*SERIAL_DAYS, closed="left"))
        .then(((numbers - 25_569) * 86_400e3).round() * 1e3)
        .when(size < 1e8).then(None)
        .when(size < 1e11).then(numbers * 1e6)
        .when(size < 1e14).then(numbers * 1e3)
        .when(size < 1e17).then(numbers)
        .when(size < 1e19).then(numbers / 1e3)
    )  # fmt: skip
    return pl.select(micro.round().cast(pl.Int64, strict=False).cast(TIME)).to_series()
