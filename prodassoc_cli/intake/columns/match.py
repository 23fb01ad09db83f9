"""Columns matched with fields: the user's own map first, then a preset, then the aliases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.intake.columns.aliases import ALIASES, WEIGHTS
from prodassoc_cli.intake.columns.derived import BELOW, INSTEAD, TOGETHER, split_name

FIELDS = (*ALIASES, "items")
"""What `map` may name."""

PRODUCTS, ORDERS, EVENTS = _TABLES = ("products.", "orders.", "event:")
"""Begin `map` entries of a catalogue, of a table of orders, and of words for events."""

NO_COLUMN = ""
"""What a field is mapped to that is to be read from no column."""


_RECBOLE_TYPE = re.compile(r":(token|float|token_seq|float_seq)$")
_UMLAUTS = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae"})


def normal(name: str) -> str:
    """Reduce a column name to what it is compared by; a RecBole type (`:token`) is no part of it."""
    name = _RECBOLE_TYPE.sub("", name.strip()).casefold()
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name.translate(_UMLAUTS))
    return name if name.isalnum() else "".join(filter(str.isalnum, name))


def done_with(columns: Iterable[str]) -> str:
    """Return what users did with the products, as columns of weights are called; empty where none tells."""
    named = {normal(column) for column in columns}
    return next((did for did, names in WEIGHTS.items() if named & set(map(normal, names.split()))), "")


def parse_map(entries: Iterable[str], fields: Iterable[str]) -> dict[str, str]:
    """Read `map` entries FIELD=COLUMN; without a column, as in `event=`, the field is read from none.

    Raises:
        UsageProblem: an entry has no `=`, its field is unknown, or a field is named twice.
    """
    fields = list(fields)
    mapping: dict[str, str] = {}
    for entry in entries:
        name, equals, column = entry.partition("=")
        name = name.strip()
        if not equals:
            raise UsageProblem(f"`map={entry}`: not FIELD=COLUMN", "for example `map=order_id=InvoiceNo`")
        if name not in fields:
            turned = column.strip() in fields
            hint = f"write `map={column.strip()}={name}`" if turned else did_you_mean(name, fields)
            raise UsageProblem(f"`map={entry}`: no field is called '{name}'", hint)
        if name in mapping:
            raise UsageProblem(f"`map` names {name} twice", "keep one of them")
        mapping[name] = column.strip()
    return mapping


def entries_of(entries: Iterable[str], table: str = "") -> list[str]:
    """Return the `map` entries of one table, without its name; those of the order lines have none."""
    if not table:
        return [each for each in entries if not each.startswith(_TABLES)]
    return [each.removeprefix(table) for each in entries if each.startswith(table)]


def match_columns(
    names: Sequence[str],
    aliases: dict[str, str],
    *,
    mapping: dict[str, str] | None = None,
    known: dict[str, str] | None = None,
    source: str = "the input",
) -> dict[str, str]:
    """Find the column of each field.

    What the user maps comes first, then what is known of such an export, then the aliases. A column serves
    one field only. Several columns may serve one field together, see `derived`.

    Args:
        names: the input's columns.
        aliases: field → names it goes by.
        mapping: field → column, as the user gave it; see `parse_map`.
        known: field → names it goes by in a known export; no name: it has none.
        source: name of the input, for messages.

    Returns:
        field → column, in the order of `aliases`; fields without a column are left out.

    Raises:
        UsageProblem: a column the user maps does not exist.
    """
    found = {name: _named(name, column, names, source) for name, column in (mapping or {}).items()}
    by_normal: dict[str, str] = {}
    for each in names:
        by_normal.setdefault(normal(each), each)
    for table in (known or {}, aliases):
        for name, words in table.items():
            if name in found or name not in aliases:
                continue
            taken = {part for column in found.values() for part in _parts(column, names)}
            columns = (_column_of(word, by_normal) for word in words.split())
            free = (each for each in columns if each and not taken.intersection(_parts(each, names)))
            column = next(free, NO_COLUMN)
            if column or not words:
                found[name] = column
    return {name: found[name] for name in (*aliases, *found) if found.get(name, NO_COLUMN)}


def _named(field: str, column: str, names: Sequence[str], source: str) -> str:
    """Return the column that a user names, or those joined by +, | or >."""
    exact = next((each for each in names if each == column or each.strip() == column), None)
    if exact is not None or column == NO_COLUMN:
        return exact or NO_COLUMN
    if derived := split_name(column, names):
        mark, parts = derived
        return mark.join(parts)
    raise UsageProblem(f"`map={field}={column}`: {source} has no such column", did_you_mean(column, names))


def _parts(column: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that serve no other field: the levels of a path, or the column itself."""
    derived = None if column in names else split_name(column, names)
    return derived[1] if derived is not None and derived[0] == BELOW else (column,)


def _column_of(word: str, by_normal: dict[str, str]) -> str:
    """Return the column of a name, or those of several joined by + (all), > (at least two) or | (any)."""
    mark = next((each for each in (TOGETHER, BELOW) if each in word), INSTEAD)
    parts = [by_normal.get(normal(part), "") for part in word.split(mark)]
    if (mark == TOGETHER and not all(parts)) or (mark == BELOW and sum(map(bool, parts)) < 2):
        return NO_COLUMN
    return mark.join(dict.fromkeys(filter(None, parts)))
