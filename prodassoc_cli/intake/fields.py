"""The columns of order lines matched with fields: by their names, then by what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from prodassoc_cli.intake.columns.aliases import ALIASES, CLOCKS, ITEM_LISTS
from prodassoc_cli.intake.columns.derived import TOGETHER, DerivedColumns
from prodassoc_cli.intake.columns.likeness import DESCRIPTION, Likened, ReadHeaders, liken
from prodassoc_cli.intake.columns.match import NO_COLUMN, match_columns, normal
from prodassoc_cli.intake.columns.other_names import OTHER_NAMES
from prodassoc_cli.intake.columns.presets import Preset
from prodassoc_cli.intake.layouts.layout import every
from prodassoc_cli.intake.values.dates import parse_times_as

Values = Callable[[str], Iterable[str]]
"""Gives what the first rows hold in a column, but for what is missing."""

_CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}([:.]\d{2}([.,]\d+)?)?\s*([AaPp]\.?[Mm]\.?)?")
_DATE = re.compile(r"\D*\d{1,4}\D{1,4}(\d{1,2}|\w{3,12})\D{1,4}\d{1,4}.*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_AMOUNT = re.compile(r"[^\w\s]?\s*[+-]?\d[\d.,' ]*\s*([^\W\d]{1,3}|[^\w\s])?")
_CODE = re.compile(r"(?![\d.,]*[.,]\d+$)\S{1,64}")
_WORDS = re.compile(r"(?!\S*\d\S*$).*[^\W\d_].*", re.DOTALL)

_LONG = 80
"""Letters of a description, on average; of the 3,900 titles of Online Retail the longest has 35."""

WANTED = ("product_id", "order_id", "user_id", "timestamp", "quantity", "price")
"""Fields for which a column is looked for by its header's meaning where none is called as usual."""


@dataclass(frozen=True)
class Matched:
    """What the columns of an input are.

    Attributes:
        columns: field → column.
        derived: those of the columns that are made of several.
        notes: what was found by the values rather than by a name.
        likened: what headers that are not known were taken for, or may be.
    """

    columns: dict[str, str]
    derived: DerivedColumns = field(default_factory=DerivedColumns)
    notes: tuple[str, ...] = ()
    likened: Likened = field(default_factory=Likened)


def match_fields(
    names: Sequence[str], values: Values, mapping: dict[str, str], preset: Preset, source: str
) -> Matched:
    """Match the columns of order lines with fields; a product without an id goes by its title.

    Args:
        names: the input's columns.
        values: what its first rows hold in a column of that name.
        mapping: field → column, as the user gave it.
        preset: what is known of such an export.
        source: name of the input, for messages.

    Raises:
        UsageProblem: a column the user maps does not exist.
    """
    aliases = ALIASES | {"items": ""}
    found = match_columns(names, aliases, mapping=mapping, known=preset.columns, source=source)
    if "product_id" not in found and "items" not in found:
        lists = match_columns(names, {"items": ITEM_LISTS})
        if lists and lists["items"] not in found.values():
            found |= lists
        elif "title" in found:
            found = {"product_id": found["title"]} | found
    notes: list[str] = []
    if mapping.get("timestamp") is None and preset.columns.get("timestamp") != NO_COLUMN:
        _find_times(found, names, values, notes)
    return Matched(found, DerivedColumns.of(found, names), tuple(notes))


def match_by_likeness(
    matched: Matched, names: Sequence[str], values: Values, mapping: Mapping[str, str], read: ReadHeaders
) -> Matched:
    """Match further columns with fields, by what their headers mean and of which kind their values are.

    Args:
        matched: what is known of the columns; it stays.
        names: the input's columns.
        values: what its first rows hold in a column of that name.
        mapping: field → column, as the user gave it: what is mapped to none gets none.
        read: compares headers with the names of fields; it is not called where nothing could come of it.
    """
    columns = matched.columns
    wanted = [name for name in WANTED if name not in mapping]
    further = [name for name in ("title",) if name not in mapping]
    found = liken_columns(columns, names, values, read, wanted=wanted, further=further)
    notes = (*matched.notes, *found.notes())
    columns = columns | found.taken
    if "product_id" not in columns and "title" in columns and "items" not in columns:
        columns = {"product_id": columns["title"]} | columns
    return replace(matched, columns=columns, notes=notes, likened=found)


def liken_columns(
    columns: Mapping[str, str], names: Sequence[str], values: Values, read: ReadHeaders, *,
    wanted: Sequence[str], further: Sequence[str] = (),
) -> Likened:  # fmt: skip
    """Match columns that are left with fields that have none; see `liken`.

    Args:
        columns: field → column, as found.
        names: the columns there are.
        values: what the first rows hold in a column of that name.
        read: compares headers with the names of fields.
        wanted: fields that are looked for.
        further: fields that are looked for if one of those may be found.
    """
    missing = set(wanted) - columns.keys()
    if not missing:
        return Likened()
    used = {*columns.values(), *DerivedColumns.of(columns, names).sources}
    others = {normal(name) for name in OTHER_NAMES.split(",")}
    fitting = {
        name: fields_of(values, name) for name in names if name not in used and normal(name) not in others
    }
    if not any(missing.intersection(fields) for fields in fitting.values()):
        return Likened()  # no encoder is needed
    return liken(fitting, missing | set(further) - columns.keys(), read)


def fields_of(values: Values, name: str) -> list[str]:
    """Return the fields that the values of a column may be of, by their kind; none where it is blank."""
    shown = list(values(name))
    if not shown:
        return []
    if _are_dates(values, name):
        return ["timestamp"]
    long = _are_long(shown)
    kinds = {
        ("order_id", "user_id", "product_id"): every(_CODE.fullmatch, shown),
        ("quantity",): every(_NUMBER.fullmatch, shown),
        ("price",): every(_AMOUNT.fullmatch, shown),
        ("title", "category", "brand"): every(_WORDS.fullmatch, shown) and not long,
        (DESCRIPTION,): long,
    }
    return [each for fields, fits in kinds.items() if fits for each in fields]


def _are_long(texts: Sequence[str]) -> bool:
    """Return whether texts describe something, in sentences, rather than name it."""
    return sum(map(len, texts)) >= _LONG * len(texts)


def _find_times(found: dict[str, str], names: Sequence[str], values: Values, notes: list[str]) -> None:
    """Find a column of times by its values, and the time of day that stands in a column beside a date."""
    free = [name for name in names if name not in found.values() or name == found.get("timestamp")]
    if "timestamp" not in found:
        dated = [name for name in free if _are_dates(values, name)]
        if len(dated) == 1:
            found["timestamp"] = dated[0]
            notes.append(f"times are in {dated[0]}, as its values show; `map=timestamp=COLUMN` names another")
    known = {normal(word) for word in CLOCKS.split()}
    clocks = [name for name in free if normal(name) in known and every(_CLOCK.fullmatch, values(name))]
    date = found.get("timestamp")
    if date in clocks:  # the time of day is called as times are: the date stands elsewhere
        date = next((name for name in free if _are_dates(values, name)), None)
    if date is None or not clocks or date not in free or date in clocks:
        return
    if not any(":" in each for each in values(date)):  # dates without a time
        found["timestamp"] = f"{date}{TOGETHER}{clocks[0]}"


def _are_dates(values: Values, name: str) -> bool:
    """Return whether a column holds dates, with or without a time; a number alone may be anything."""
    if not every(_DATE.fullmatch, values(name)):
        return False
    texts = pl.Series(list(values(name)))
    return any(parse_times_as(texts, day_first=order)[0].bad is None for order in (True, False))
