"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) → raw tables: the sheets that hold the table."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from prodassoc_cli.errors import BadData, NoInput, UsageProblem, did_you_mean
from prodassoc_cli.intake.columns.aliases import ALIASES, CATALOGUE_ALIASES
from prodassoc_cli.intake.columns.header import Header, find_header
from prodassoc_cli.intake.columns.match import match_columns
from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.raw_table import (
    NoRows,
    RawTable,
    check_width,
    number_rows,
    says_total,
    set_aside_like,
    total_notice,
)
from prodassoc_cli.intake.formats.reader import Format, ReadOptions, TableHead, WholeTable
from prodassoc_cli.intake.formats.sources import Source, check_unpacked, zip_names
from prodassoc_cli.intake.values.ids import floats_as_text

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

OLD_EXCEL = b"\xd0\xcf\x11\xe0"
"""First bytes of an .xls, and of a workbook that is locked by a password."""

_ORDER_FIELDS = (
    "user_id", "order_id", "product_id", "items", "quantity", "timestamp", "rating", "event", "click",
)  # fmt: skip
_LOOKED_AT = 500
_ROWS_AT_ONCE = 1 << 15
_MOST_CELLS = 10**9
"""A sheet that claims more has a stray cell far from the others; all between would be held in memory."""

_SIZE = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')

_Cell = str | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta


def _recognises(source: Source, head: bytes) -> bool:
    if head.startswith(OLD_EXCEL):
        return True
    names = zip_names(source) if head.startswith(b"PK") else []
    return any(re.fullmatch(r"xl/workbook\.(xml|bin)|content\.xml", name) for name in names)


@dataclass
class _Sheet:
    """A sheet that was looked at: its first rows, and those that follow."""

    name: str
    head: list[list[str]]
    rows: Iterator[list[_Cell]]
    header: Header | None
    fields: int
    size: int

    @property
    def names(self) -> list[str]:
        """Names of its columns."""
        if self.header is not None:
            return self.header.names
        return [str(place) for place in range(1, max(map(len, self.head)) + 1)]


def _look(source: Source, head: bytes, whole: bool, options: ReadOptions, say: Say) -> TableHead:
    with contextlib.closing(_open(source)) as book:
        sheets = [_look_at(book, name, options) for name in _names(source, book, options.sheet)]
        found = [sheet for sheet in sheets if sheet is not None]
        if not found:
            raise NoRows(f"{source.name} has no sheet with rows", "give a file with at least one row")
        best = max(found, key=lambda sheet: (sheet.fields, sheet.size))
        alike = [sheet for sheet in found if sheet.names == best.names]
        notes = _notes(best, alike, found, options)
        check_width(source, len(best.names))
        table = _read(source, alike, options, notes.append)
    if not table.frame.height:
        raise NoRows(f"{source.name} has a header but no rows", "give a file with at least one row")
    return TableHead(source, WholeTable(table), table.frame, settled=notes)


def _notes(best: _Sheet, alike: list[_Sheet], found: list[_Sheet], options: ReadOptions) -> list[str]:
    """Return what was decided of the sheets, and may surprise."""
    notes = []
    if len(found) > 1:
        read = f"the sheet {best.name}" if len(alike) == 1 else f"{len(alike)} sheets of one shape"
        others = [sheet.name for sheet in found if sheet not in alike]
        passed = f", not {', '.join(others[:5])}" if others else ""
        notes.append(f"{read} read{passed}; `sheet` names another")
    header = best.header
    if header is not None:
        if header.first and options.skip_rows is None:
            notes.append(f"{header.first} rows before the header are passed over; `skip_rows=0` reads them")
        notes += header.notes
    return notes


def _open(source: Source) -> CalamineWorkbook:
    """Open a workbook (BadData where it is broken, or locked by a password)."""
    from python_calamine import CalamineWorkbook, PasswordError

    path = source.plain_path()
    if path is not None:
        data = path.read_bytes()
    else:
        with source.open() as stream:
            data = source.read(stream)
    if data.startswith(b"PK"):
        with _readable(source), zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_unpacked(source.name, sum(each.file_size for each in archive.infolist()), len(data))
            _check_sizes(source, archive)
    with _readable(source):
        try:
            return CalamineWorkbook.from_filelike(io.BytesIO(data))
        except PasswordError as problem:
            raise BadData(f"{source.name} is locked by a password", "save it without one") from problem


def _check_sizes(source: Source, archive: zipfile.ZipFile) -> None:
    """Refuse sheets that claim more cells than can be held."""
    for name in archive.namelist():
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            with archive.open(name) as sheet:
                claimed = _SIZE.search(sheet.read(1 << 12))
            if claimed and _column(claimed[1]) * int(claimed[2]) > _MOST_CELLS:
                raise BadData(
                    f"{source.name}: a sheet of {int(claimed[2]):,} rows and {_column(claimed[1]):,} columns",
                    "delete the stray cell far from the table, or export the sheet as CSV",
                )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


@contextlib.contextmanager
def _readable(source: Source) -> Iterator[None]:
    """Turn what the reader raises inside the block into BadData."""
    try:
        yield
    except (BadData, NoInput):
        raise
    except BaseException as problem:
        # A broken file can make Rust panic, which is no Exception.
        if not isinstance(problem, Exception) and type(problem).__name__ != "PanicException":
            raise
        reason = (str(problem).splitlines() or ["unreadable"])[0][:120]
        raise BadData(f"{source.name} is a broken workbook: {reason}", "save it again") from problem


def _names(source: Source, book: CalamineWorkbook, asked: str | None) -> list[str]:
    """Return the names of the sheets to look at."""
    with _readable(source):
        known = {each.name: each for each in book.sheets_metadata}
    if asked is None:
        shown = [name for name, each in known.items() if "Visible" in str(each.visible)]
        return shown or list(known)
    if asked in known:
        return [asked]
    if asked.isdecimal() and 0 < int(asked) <= len(known):
        return [list(known)[int(asked) - 1]]
    raise UsageProblem(f"`sheet={asked}`: {source.name} has no such sheet", did_you_mean(asked, list(known)))


def _look_at(book: CalamineWorkbook, name: str, options: ReadOptions) -> _Sheet | None:
    """Look at a sheet; None where it is empty, or no sheet of cells."""
    try:
        sheet = book.get_sheet_by_name(name)
    except Exception:  # a sheet of a chart alone; that there is no other sheet is said
        return None
    rows = (row for row in sheet.iter_rows() if any(cell != "" for cell in row))
    first = list(itertools.islice(rows, (options.skip_rows or 0) + _LOOKED_AT))[options.skip_rows or 0 :]
    if not first:
        return None
    texts = [[_text(cell) or "" for cell in row] for row in first]
    header = find_header(
        texts, asked=options.header, searched=options.skip_rows is None, mapped=options.mapped
    )  # fmt: skip
    fields = 0
    if header is not None:
        aliases = CATALOGUE_ALIASES if options.catalogue else ALIASES
        matched = match_columns(header.known_as, aliases)
        wanted = CATALOGUE_ALIASES if options.catalogue else _ORDER_FIELDS
        fields = sum(name in wanted for name in matched) + len(set(options.mapped) & set(header.names))
    return _Sheet(name, texts, itertools.chain(first, rows), header, fields, sheet.height * sheet.width)


def _read(source: Source, sheets: Sequence[_Sheet], options: ReadOptions, say: Say) -> RawTable:
    """Read sheets of one shape one below the other; what is no data becomes rejects."""
    tables: list[RawTable] = []
    last = 0
    for sheet in sheets:
        header = sheet.header
        rows = itertools.islice(sheet.rows, header.data if header is not None else 0, None)
        with _readable(source):
            columns = _columns(rows, sheet.names)
        table = RawTable(source.name, number_rows(columns, last))
        last += columns.height
        for cells in header.rows if header is not None else ():
            set_aside_like(table, cells, "repeated_header")
        if not options.keep_totals and columns.height > 2:
            final = [_text(cell) or "" for cell in columns.row(-1)]
            if says_total(final):
                say(total_notice(final))
                set_aside_like(table, final, "total_row")
        tables.append(table)
    if len(tables) == 1:
        return tables[0]
    frame = pl.concat(_in_one_type([table.frame for table in tables]))
    return RawTable(source.name, frame, pl.concat([table.rejects for table in tables]))


@dataclass
class _Column:
    """A column as it is read, in parts that are of one type each."""

    name: str
    parts: list[pl.Series] = field(default_factory=list)

    def add(self, cells: Iterable[_Cell]) -> None:
        """Add cells; an empty text is none."""
        given = [None if cell == "" else cell for cell in cells]
        kinds = set(map(type, given)) - {type(None)}
        if kinds <= {float, int}:
            part = pl.Series(self.name, given, dtype=pl.Float64, strict=False)
        elif kinds <= {dt.datetime, dt.date}:
            part = pl.Series(self.name, given, dtype=pl.Datetime("us"), strict=False)
        else:
            part = pl.Series(self.name, [_text(cell) for cell in given], dtype=pl.String)
        self.parts.append(part)

    def series(self) -> pl.Series:
        """Return all of it: numbers that are whole as integers, so that an id is no fraction."""
        kinds = {part.dtype for part in self.parts if part.null_count() < len(part)}
        if len(kinds) > 1:
            whole = pl.concat([_as_text(part) for part in self.parts])
        elif kinds:
            dtype = kinds.pop()
            whole = pl.concat([part.cast(dtype) for part in self.parts])
        else:
            whole = pl.concat([part.cast(pl.String) for part in self.parts])
        if whole.dtype == pl.Float64:
            integers = whole.cast(pl.Int64, strict=False)
            return integers if (integers.cast(pl.Float64).eq_missing(whole)).all() else whole
        return whole


def _columns(rows: Iterator[list[_Cell]], names: list[str]) -> pl.DataFrame:
    """Return rows as columns, each in the type of its cells."""
    columns = [_Column(name) for name in names]
    while block := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        for column, cells in zip(columns, zip(*block, strict=True), strict=False):
            column.add(cells)
    if not columns[0].parts:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.DataFrame([column.series() for column in columns])


def _in_one_type(frames: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Bring the columns of frames to the same types: text where one is text."""
    for name in frames[0].columns:
        kinds = {frame.schema[name] for frame in frames}
        if len(kinds) > 1:
            bring: Callable[[pl.Series], pl.Series] = _as_text
            if kinds <= {pl.Int64, pl.Float64}:
                bring = _as_float
            frames = [frame.with_columns(bring(frame[name])) for frame in frames]
    return frames


def _as_float(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64)


def _as_text(column: pl.Series) -> pl.Series:
    """Return a column as its cells are written: a whole number without a point, a day without an hour."""
    if column.dtype == pl.Float64:
        return floats_as_text(column)
    if column.dtype == pl.Datetime:
        return column.dt.to_string("%Y-%m-%d %H:%M:%S").str.strip_suffix(" 00:00:00")
    return column.cast(pl.String)


def _text(cell: _Cell | None) -> str | None:
    """Return a cell as text, written as `_as_text` writes columns."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    return str(cell)


WORKBOOK = Format("workbook", _recognises, _look)
