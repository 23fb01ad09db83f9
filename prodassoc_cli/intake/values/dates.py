"""Text → points in time, without a time zone. The order of day and month is decided once a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import polars as pl
import pyarrow as pa

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.values.numbers_ids import Parsed, is_missing

TIME = pl.Datetime("us")

_CLOCK = (
    r"(?:[T ,]+(\d{1,2})(?:[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*([AaPp])?\.?(?:[Mm]\.?)?\s*(?:(Z|z|UTC|GMT)|([+-]\d{2}):?(\d{2})?)?)?$"
)
_NUMERIC = r"^(\d{1,4})([./-])(\d{1,2})[./-](\d{1,4})\.?" + _CLOCK
_DAY_NAME = (
    r"^(?:[A-Za-z]{3,9}\.?,? +)?(\d{1,2})(?:st|nd|rd|th)?\.?[ -]([A-Za-z]{3})[a-z]*\.?,?[ -](\d{4})" + _CLOCK
)
_NAME_DAY = r"^(?:[A-Za-z]{3,9}\.?,? +)?([A-Za-z]{3})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})" + _CLOCK
_MONTHS = {name: at for at, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
)}  # fmt: skip
_CLOCK_PARTS = ("hour", "minute", "second", "fraction", "half", "utc", "zone_hours", "zone_minutes")

ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_ISO_LENGTHS = (10, 16, 19)
FIRST_YEAR = 1000
YEARS = (-30_610_224_000_000_000, 253_402_300_800_000_000)
"""Microseconds from 1970 to the first of the years 1000 and 10000: what other tools can hold."""

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
    """

    day: int = 0
    month: int = 0
    dates: int = 0
    alike: int = 0
    dotted: int = 0
    example: str = ""
    zoned: bool = False

    def __add__(self, other: DayMarks) -> DayMarks:
        return DayMarks(
            self.day + other.day,
            self.month + other.month,
            self.dates + other.dates,
            self.alike + other.alike,
            self.dotted + other.dotted,
            self.example or other.example,
            self.zoned or other.zoned,
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
        first, note = self._order(given, where)
        return first, "; ".join(each for each in (note, zone) if each)

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
                    "--dayfirst or --monthfirst keeps one order and leaves the other rows out",
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
            "--dayfirst or --monthfirst",
        )


def parse_times(
    column: pl.Series, *, dayfirst: bool | None = None, preset: bool | None = None, where: str = "the input"
) -> Parsed:
    """Parse dates and times of many shapes: ISO 8601, 31/12/2024, 12/31/24, 31.12.2024, 5 Mar 2024, epochs.

    Values with a zone are brought to UTC. Epochs may be in seconds, milli-, micro- or nanoseconds.

    Args:
        column: text, numbers (epochs) or times.
        dayfirst: the user's word on day/month (True) or month/day (False) where the column leaves it open.
        preset: the same word of a preset, which the user's overrules.
        where: name of the input and column, for messages.

    Raises:
        BadData: nothing shows which of two numbers is the day, or the column has it both ways.
    """
    parsed, marks = parse_times_as(column, day_first=True)
    first, note = marks.first(preset if dayfirst is None else dayfirst, where)
    if not first:
        parsed, _ = parse_times_as(column, day_first=False)
    return replace(parsed, note=note)


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
    plain = distinct.str.strip_chars()
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
    zoned = plain.str.contains(r"\d\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})$").any()
    table = pl.DataFrame({"text": distinct, "time": values})
    joined = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")["time"]
    return _within(joined, missing), replace(marks, zoned=zoned)


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
    # POSIX: two-digit years 69-99 are of the last century.
    short = ~pl.col("iso") & (year < 100)
    year = pl.when(short & (year < 69)).then(year + 2000).when(short).then(year + 1900).otherwise(year)
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
    """Parse dates that name the month in English: 5 Mar 2024, March 5, 2024."""
    results = []
    for pattern, names in ((_DAY_NAME, ("day", "name", "year")), (_NAME_DAY, ("name", "day", "year"))):
        parts = plain.str.extract_groups(pattern).struct.unnest()
        parts.columns = [*names, *_CLOCK_PARTS]
        month = pl.col("name").str.to_lowercase().replace_strict(_MONTHS, default=None, return_dtype=pl.Int32)
        parts = parts.with_columns(month.alias("month"))
        results.append(_assemble(parts, pl.col("year"), pl.col("month"), pl.col("day")))
    return pl.select(pl.coalesce(*results)).to_series()


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
    """Parse numbers: 20240305, 20240305143000, epochs."""
    digits = plain.str.contains(r"^\d{8}(\d{6})?$")
    day = plain.str.head(8).str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    full = plain.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    in_range = pl.Series([None], dtype=TIME).new_from_index(0, len(plain))
    dated = pl.select(
        pl.when(digits & (plain.str.len_chars() == 14)).then(full).when(digits).then(day).otherwise(in_range)
    ).to_series()
    century = dated.dt.year().is_between(1900, 2100).fill_null(value=False)
    return dated.zip_with(century, _epochs(plain.cast(pl.Float64, strict=False)))


def _epochs(numbers: pl.Series) -> pl.Series:
    """Turn seconds, milli-, micro- or nanoseconds since 1970 into times; by their magnitude."""
    size = numbers.abs()
    # From 1973 to 5138 in each unit the ranges do not meet.
    micro = (
        pl.when(size < 1e8).then(None)
        .when(size < 1e11).then(numbers * 1e6)
        .when(size < 1e14).then(numbers * 1e3)
        .when(size < 1e17).then(numbers)
        .when(size < 1e19).then(numbers / 1e3)
    )  # fmt: skip
    return pl.select(micro.round().cast(pl.Int64, strict=False).cast(TIME)).to_series()
