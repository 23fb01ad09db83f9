"""Whether the first row is a header, and the names of columns that it gives."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prodassoc_cli.intake.columns.aliases import ALIASES, ITEM_LISTS
from prodassoc_cli.intake.columns.match import normal


def header_names(cells: Sequence[str]) -> list[str]:
    """Make the cells of a header unique, non-empty names; `Name`, `Name` become `Name`, `Name_2`."""
    names: list[str] = []
    taken: set[str] = set()
    for place, cell in enumerate(cells, 1):
        name = base = cell.strip() or f"column_{place}"
        again = 2
        while name in taken:
            name, again = f"{base}_{again}", again + 1
        taken.add(name)
        names.append(name)
    return names


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names columns: a known name, or no number where later rows have one."""
    first = rows[0]
    known = {normal(word) for words in (*ALIASES.values(), ITEM_LISTS) for word in words.split()}
    if any(normal(cell) in known for cell in first):
        return True
    if len(rows) > 1 and _zero_one(rows[1:]) and not _zero_one(rows[:1]):
        return True
    return not any(_is_number(cell) for cell in first)


def _zero_one(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell.strip().casefold() for row in rows for cell in row[1:]]
    return bool(cells) and all(cell in {"", "0", "1", "true", "false"} for cell in cells)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d[\d.,:/\- ]*\s*", cell) is not None
