"""Columns matched with fields: the user's own map first, then a preset, then the aliases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.intake.columns.aliases import ALIASES, ITEM_LISTS
from prodassoc_cli.intake.columns.presets import PRESETS

FIELDS = (*ALIASES, "items")
"""What `map` may name."""


def normal(name: str) -> str:
    """Reduce a column name to what it is compared by; a RecBole type (`:token`) is no part of it."""
    name = re.sub(r":(token|float|token_seq|float_seq)$", "", name.strip())
    name = name.casefold().replace("ß", "ss").replace("ü", "ue").replace("ö", "oe").replace("ä", "ae")
    name = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in name if letter.isalnum())


def parse_map(entries: Iterable[str], fields: Iterable[str]) -> dict[str, str]:
    """Read `--map field=column` entries.

    Raises:
        UsageProblem: an entry has no `=`, its field is unknown, or a field is named twice.
    """
    fields = list(fields)
    mapping: dict[str, str] = {}
    for entry in entries:
        name, equals, column = entry.partition("=")
        name = name.strip()
        if not equals or not column.strip():
            raise UsageProblem(f"--map {entry}: not FIELD=COLUMN", "for example --map order_id=InvoiceNo")
        if name not in fields:
            turned = column.strip() in fields
            hint = f"write --map {column.strip()}={name}" if turned else did_you_mean(name, fields)
            raise UsageProblem(f"--map {entry}: no field is called '{name}'", hint)
        if name in mapping:
            raise UsageProblem(f"--map names {name} twice", "keep one of them")
        mapping[name] = column.strip()
    return mapping


def match_columns(
    names: Sequence[str],
    aliases: dict[str, str],
    *,
    mapping: dict[str, str] | None = None,
    preset: str | None = None,
    source: str = "the input",
) -> dict[str, str]:
    """Find the column of each field.

    What the user maps comes first, then the preset, then the aliases. A column serves one field only.

    Args:
        names: the input's columns.
        aliases: field → names it goes by.
        mapping: field → column, as the user gave it.
        preset: name of a preset.
        source: name of the input, for messages.

    Returns:
        field → column, in the order of `aliases`; fields without a column are left out.

    Raises:
        UsageProblem: a column the user maps does not exist.
    """
    found: dict[str, str] = {}
    for name, column in (mapping or {}).items():
        exact = column if column in names else next((each for each in names if each.strip() == column), None)
        if exact is None:
            raise UsageProblem(
                f"--map {name}={column}: {source} has no such column", did_you_mean(column, names)
            )
        found[name] = exact
    by_normal: dict[str, str] = {}
    for each in names:
        by_normal.setdefault(normal(each), each)
    tables = [PRESETS[preset].columns] if preset else []
    for table in (*tables, aliases):
        for name, words in table.items():
            if name in found or name not in aliases:
                continue
            for word in words.split():
                column = by_normal.get(normal(word), "")
                if column and column not in found.values():
                    found[name] = column
                    break
    return {name: found[name] for name in (*aliases, *found) if name in found}


def field_columns(
    names: Sequence[str], mapping: dict[str, str], preset: str | None, source: str
) -> dict[str, str]:
    """Match the columns of order lines with FIELDS; a product without an id goes by its title.

    Raises:
        UsageProblem: a column the user maps does not exist.
    """
    found = match_columns(names, ALIASES | {"items": ""}, mapping=mapping, preset=preset, source=source)
    if "product_id" not in found and "items" not in found:
        lists = match_columns(names, {"items": ITEM_LISTS})
        if lists and lists["items"] not in found.values():
            found |= lists
        elif "title" in found:
            found = {"product_id": found["title"]} | found
    return found
