"""Which of the first rows names the columns, and the names that it gives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache

from prodassoc_cli.intake.columns.aliases import ALIASES, CATALOGUE_ALIASES, ITEM_LISTS
from prodassoc_cli.intake.columns.match import normal

SEARCHED_ROWS = 50
"""Among so many rows a header is looked for: titles and notes may stand before it."""

_LOOKED_AT, _LONGEST_NAME = 256, 60
"""Cells of a row that are looked at, and letters that a known name may have."""

_UNITS = frozenset(
    """
    € $ £ ¥ eur usd gbp jpy cny rmb chf % pc pcs piece pieces stk stück kg g mg l ml cl cm mm m unit str
    string text char varchar int integer number float double decimal bool date datetime timestamp 元 件 个
    """.split()  # noqa: SIM905
)
"""Cells of a second row of a header: units and types."""


@dataclass(frozen=True)
class Header:
    """The header of a table.

    Attributes:
        names: of its columns, unique.
        known_as: for each, the name by which it may be known: of several rows of a header, the best part.
        first: place of its first row, or of the first row of data where there is no header.
        rows: its rows; empty where there is none.
        notes: what was decided and may surprise.
    """

    names: list[str]
    known_as: list[str]
    first: int = 0
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def data(self) -> int:
        """Place of the first row of data."""
        return self.first + len(self.rows)


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


def find_header(rows: Sequence[Sequence[str]], *, asked: bool | None = None, searched: bool = True,
                mapped: Collection[str] = ()) -> Header | None:  # fmt: skip
    """Find the header among the first rows of a table.

    Args:
        rows: the first rows, as text.
        asked: whether the first row is a header, where that is known; None to find out.
        searched: whether it may stand below the first row, and have several rows.
        mapped: columns that the user names.

    Returns:
        The header; None where the columns have no names.
    """
    if asked is not None:
        return _header(rows, 0, 1) if asked else None
    if mapped:
        first = next((at for at, row in enumerate(rows[:SEARCHED_ROWS]) if _names_all(row, mapped)), None)
        if first is not None and (first == 0 or searched):
            return _header(rows, first, 1)
    first = _place(rows) if searched else 0
    if not first and not is_header(rows):
        return None
    if not searched:
        return _header(rows, 0, 1)
    above = first > 0 and _is_group_row(rows[first - 1], rows[first])
    first -= int(above)
    last = first + 1 + int(above)
    while last - first < 3 and last < len(rows) - 1 and _goes_on(rows, first, last):
        last += 1
    return _header(rows, first, last - first)


def _header(rows: Sequence[Sequence[str]], first: int, count: int) -> Header:
    """Return the header that these rows are, as wide as the rows of data."""
    cells = [list(row) for row in rows[first : first + count]]
    parts = [[cell.strip() for cell in row] for row in cells]
    width = max(map(len, parts))
    if count > 1:
        upper = [_filled(row) for row in parts[:-1]]
        parts = [row + [""] * (width - len(row)) for row in (*upper, parts[-1])]
    joined = [" ".join(part for part in column if part) for column in zip(*parts, strict=True)]
    naming = [row for row in parts if not _are_units(row)] or parts
    best = [_best_name(column) for column in zip(*naming, strict=True)]
    notes = []
    if count > 1:
        notes.append(f"a header of {count} rows; `skip_rows` names the row to begin with")
    body = rows[first + count :]
    usual = Counter(map(len, body)).most_common(1)[0][0] if body else width
    if usual == width + 1 and _counts_rows(body, usual):
        joined, best = ["", *joined], ["", *best]
        notes.append("the first column has no name")
    elif usual > width and all(not cell.strip() for row in body if len(row) == usual for cell in row[width:]):
        joined, best = joined + [""] * (usual - width), best + [""] * (usual - width)
    elif usual < width and not any(joined[usual:]):
        joined, best = joined[:usual], best[:usual]
    elif usual < width and usual == sum(map(bool, joined)):
        notes.append("a name without a column is left out of the header")
        given = [place for place, name in enumerate(joined) if name]
        joined, best = [joined[place] for place in given], [best[place] for place in given]
    names = header_names(joined)
    known_as = names if count == 1 else header_names(best)
    return Header(names, known_as, first, cells, notes)


def _filled(row: list[str]) -> list[str]:
    """Return a row of a header in which a merged cell stands above each of its columns."""
    filled, last = [], ""
    for cell in row:
        last = cell or last
        filled.append(last)
    return filled


def _best_name(parts: Sequence[str]) -> str:
    """Return the name of a column that has one in each row of the header: a known one, if there is any."""
    joined = " ".join(part for part in parts if part)
    return next((each for each in (joined, *reversed(parts)) if each and _is_known(each)), joined)


def _counts_rows(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return whether the first of one column more than the header names numbers the rows, from 0 or 1."""
    firsts = [row[0].strip() for row in rows if len(row) == width]
    return firsts in ([str(at + base) for at in range(len(firsts))] for base in (0, 1)) and any(
        row[-1].strip() for row in rows if len(row) == width
    )


def _place(rows: Sequence[Sequence[str]]) -> int:
    """Return the place of the row that names the most fields; 0 where none does so more than the first."""
    counts = [names_known(row) for row in rows[:SEARCHED_ROWS]]
    best = max(range(len(counts)), key=lambda at: (counts[at], -at))
    if not best:
        return 0
    titles = all(sum(bool(cell.strip()) for cell in row) < 2 for row in rows[:best])
    minimum = 1 if titles and len(rows[best]) > 1 else 2
    if counts[best] < minimum or counts[best] <= counts[0] or best == len(rows) - 1:
        return 0
    if _recurs(rows, best, _known_places(rows[best])):
        return 0
    return best


def _recurs(rows: Sequence[Sequence[str]], at: int, places: Sequence[int]) -> bool:
    """Return whether what a row seems to name at these places stands in others too: so it is data."""
    header = list(rows[at])
    others = [row for row in rows if list(row) != header]
    return any(row[place] == header[place] for row in others for place in places if place < len(row))


def _known_places(row: Sequence[str]) -> list[int]:
    return [place for place, cell in enumerate(row) if _is_known(cell)]


def _is_group_row(row: Sequence[str], below: Sequence[str]) -> bool:
    """Return whether a row names groups of columns: fewer cells than the header below has, and no number."""
    given = [cell for cell in row if cell.strip()]
    merged = 1 < len(given) < sum(bool(cell.strip()) for cell in below) and bool(row[0].strip())
    return len(row) == len(below) and merged and not any(map(_is_number, given))


def _goes_on(rows: Sequence[Sequence[str]], first: int, at: int) -> bool:
    """Return whether a header goes on in a row: its like, units, or names below the names of groups."""
    top, row = list(rows[first]), list(rows[at])
    given = [cell.strip() for cell in row if cell.strip()]
    if not given or len(row) != len(top):
        return False
    if row == top:
        return len(row) > 1
    if _are_units(row):
        return not _recurs(rows, at, [place for place, cell in enumerate(row) if cell.strip()])
    known = _known_places(row)
    return _is_group_row(top, row) and 1 < len(known) >= len(given) / 2 and not _recurs(rows, at, known)


def _are_units(row: Sequence[str]) -> bool:
    """Return whether a row says in which units or types columns are, and no more."""
    given = [cell.strip() for cell in row if cell.strip()]
    return all(cell.casefold() in _UNITS or re.fullmatch(r"[(\[].*[)\]]", cell) for cell in given)


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names columns: a known name, or no number where later rows have one."""
    first = rows[0]
    if any(_is_known(cell, catalogue=False) for cell in first):
        return True
    if len(rows) > 1 and _zero_one(rows[1:]) and not _zero_one(rows[:1]):
        return True
    return not any(_is_number(cell) for cell in first)


def names_known(row: Sequence[str]) -> int:
    """Return how many cells of a row are names of fields; 0 where one is a number."""
    cells = row[:_LOOKED_AT]
    return 0 if any(map(_is_number, cells)) else len({normal(cell) for cell in cells if _is_known(cell)})


@cache
def _known(*, catalogue: bool) -> frozenset[str]:
    aliases = (*ALIASES.values(), ITEM_LISTS, *(CATALOGUE_ALIASES.values() if catalogue else ()))
    return frozenset(normal(word) for words in aliases for word in words.split())


def _is_known(cell: str, *, catalogue: bool = True) -> bool:
    return len(cell) < _LONGEST_NAME and normal(cell) in _known(catalogue=catalogue)


def _names_all(row: Sequence[str], names: Collection[str]) -> bool:
    return set(names) <= set(header_names(row))


def _zero_one(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell.strip().casefold() for row in rows for cell in row[1:]]
    return bool(cells) and all(cell in {"", "0", "1", "true", "false"} for cell in cells)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d[\d.,:/\- ]*\s*", cell) is not None
