"""What executors do with files of raw order lines: look at one, and deal its typed rows out to parts.

Both are what the local `clean` does, by the same code: `intake.inputs` cuts a file into lines,
`intake.values` finds out how they are written and parses them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from prodassoc_cli.engines.cleaning.slices import Slice
from prodassoc_cli.engines.frames import (
    bundle,
    error_facts,
    error_of,
    frame_bytes,
    lines_of,
    nothing_of,
    one_row,
    unbundle,
)
from prodassoc_cli.errors import ProdassocError
from prodassoc_cli.intake.arrange.partition_bounds import Bounds, first_keys
from prodassoc_cli.intake.columns.schema import ROW, SOURCE
from prodassoc_cli.intake.formats.parquet import ParquetRows
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.rows import Text
from prodassoc_cli.intake.gather import PIECE_ROWS, text_values, with_reasons, without_text
from prodassoc_cli.intake.inputs import Input, Piece, until_settled
from prodassoc_cli.intake.layouts.layout import Layout, Lines, join_lines, placed
from prodassoc_cli.intake.layouts.registry import layout_of
from prodassoc_cli.intake.opening import open_inputs
from prodassoc_cli.intake.typed_rows import typed_rows
from prodassoc_cli.intake.values.conventions import Conventions, Marks
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.intake.values.usual_ids import IdCounts
from prodassoc_cli.settings import CleanConfig

DEALT = "part int, file int, number int, kind string, data binary"
"""Rows of `Deal`: typed rows, or rows that could not be cut into fields, of one part."""

_SAMPLE = 2_000
"""Rows of a file whose keys decide where parts are cut."""


@dataclass(frozen=True)
class RawFile:
    """One input, or a slice of one, and what was found at first, without which rows could come twice.

    Attributes:
        source: where it is.
        place: which of the inputs it is.
        number: which of the files, or slices of files, it is.
        first_row: rows of the input before it.
        tolerant: whether broken rows are left out rather than looked for.
        as_text: columns of Parquet that must be read as text.
    """

    source: Source
    place: int
    number: int
    first_row: int = 0
    tolerant: bool = False
    as_text: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """How every file is read.

    Attributes:
        config: the options of `clean`.
        among: number of inputs.
        empty: lines without rows that have the columns of all inputs, in types that hold them; None as long
            as these are not known.
        rows: rows that are read at once, about.
        bytes_dealt: bytes of rows that are dealt out together: the more, the larger the pieces sent.
    """

    config: CleanConfig
    among: int
    empty: Lines | None = None
    rows: int = PIECE_ROWS
    bytes_dealt: int = 1 << 28

    @contextlib.contextmanager
    def open(self, file: RawFile, said: list[str]) -> Iterator[Input]:
        """Look at a file; what is to be said of it goes to `said`."""
        with contextlib.ExitStack() as stack:
            (found,) = open_inputs([file.source], self.config, said.append, stack).inputs
            if isinstance(found.reader, Text):
                if file.tolerant:
                    found.reader.tolerate()
                if isinstance(file.source, Slice) and file.source.start:
                    found.reader.begin_at_once()
            if isinstance(found.reader, ParquetRows):
                found.reader.as_text |= file.as_text
            yield found

    def pieces(self, found: Input, file: RawFile) -> Iterator[Piece]:
        """Read its lines in pieces, as they are among those of all inputs."""
        for table in found.reader.pieces(self.rows if found.in_pieces else None):
            if file.first_row:
                table.frame = table.frame.with_columns(pl.col(ROW) + file.first_row)
                table.rejects = table.rejects.with_columns(pl.col("row") + file.first_row)
            lines = self.placed(found, found.lines(table), file)
            if self.among > 1 and self.empty is not None:
                lines = join_lines([self.empty, lines])
            yield Piece(lines, table.rejects)

    def placed(self, found: Input, lines: Lines, file: RawFile) -> Lines:
        """Return lines of a file as those of one among all inputs."""
        return placed(lines, found.layout, file.place, among=self.among)


@dataclass
class Surveyed:
    """What one reading of a file shows.

    Attributes:
        file: the file, with what must be known to read it again.
        said: what is to be said of it.
        facts: of the summary.
        layout: how its rows hold baskets.
        empty: lines without rows: the columns it has.
        delimiter: of text.
        bytes_held: about how much memory it takes to clean all of it at once.
        marks: what its dates show.
        odd: fields of numbers that are not written plainly.
        ids: counts of ids; see `IdCounts`.
        rows: how many there are, broken ones included.
        sample: fields of rows from all over it, by which parts are cut.
    """

    file: RawFile
    said: list[str]
    facts: dict[str, object]
    layout: Layout
    empty: Lines
    delimiter: str
    bytes_held: int
    marks: Marks
    odd: set[str]
    ids: dict[str, int]
    rows: int
    sample: pl.DataFrame

    def to_bytes(self) -> bytes:
        """Return it as bytes, without the source."""
        columns, frames = nothing_of(self.empty)
        facts = {
            "tolerant": self.file.tolerant, "as_text": sorted(self.file.as_text), "said": self.said,
            "facts": self.facts, "layout": self.layout.name, "empty": columns, "delimiter": self.delimiter,
            "bytes_held": self.bytes_held, "marks": self.marks.to_json(), "odd": sorted(self.odd),
            "ids": self.ids, "rows": self.rows,
        }  # fmt: skip
        return bundle(facts, frames | {"sample": self.sample})

    @classmethod
    def of(cls, file: RawFile, data: bytes) -> Surveyed:
        """Return what was found in a file.

        Raises:
            ProdassocError: why it cannot be read.
        """
        facts, frames = unbundle(data)
        if "error" in facts:
            raise error_of(facts["error"])
        return cls(
            replace(file, tolerant=facts["tolerant"], as_text=frozenset(facts["as_text"])), facts["said"],
            facts["facts"], layout_of(facts["layout"]), lines_of(facts["empty"], frames), facts["delimiter"],
            facts["bytes_held"], Marks.from_json(facts["marks"]), set(facts["odd"]), facts["ids"],
            facts["rows"], frames["sample"],
        )  # fmt: skip


@dataclass(frozen=True)
class SurveyFile:
    """Reads a file once: what is in it, and how its lines are written. For `chunks.map_chunks`."""

    reading: Reading
    files: Sequence[RawFile]

    def __call__(self, words: list[str]) -> bytes:
        """Look at the file of that number; return a `Surveyed`, or the error, as bytes."""
        file = self.files[int(words[0])]
        said: list[str] = []
        try:
            with self.reading.open(file, said) as found:
                return until_settled(lambda: self._surveyed(file, found, said)).to_bytes()
        except ProdassocError as problem:
            return bundle({"error": error_facts(problem)}, {})

    def _surveyed(self, file: RawFile, found: Input, said: list[str]) -> Surveyed:
        empty = self.reading.placed(found, found.empty, file)
        marks, odd, ids = Marks(floats=found.float_ids()), set[str](), IdCounts()
        samples, last = [key_fields(empty.fields)], 0
        for piece in self.reading.pieces(found, file):
            fields = piece.lines.fields
            odd |= marks.look(fields, text_values(fields))
            _count_ids(ids, fields)
            ends = fields[ROW].max(), piece.rejects["row"].max()
            last = max([last, *(end for end in ends if isinstance(end, int))])
            samples.append(_thinned(key_fields(fields), _SAMPLE // 8))
            if len(samples) > 64:
                samples = [_thinned(_together(samples), _SAMPLE)]
        reader = found.reader
        file = replace(
            file, tolerant=isinstance(reader, Text) and reader.tolerant,
            as_text=frozenset(reader.as_text if isinstance(reader, ParquetRows) else ()),
        )  # fmt: skip
        return Surveyed(
            file, said, found.facts(), found.layout, empty, found.delimiter, reader.bytes_held, marks, odd,
            ids.facts(), last - file.first_row if last else 0, _thinned(_together(samples), _SAMPLE),
        )  # fmt: skip


def _count_ids(ids: IdCounts, fields: pl.DataFrame) -> None:
    ids.add(
        *(parse_ids(fields[name]) if name in fields.columns else None for name in ("order_id", "user_id"))
    )
    products = parse_ids(fields["product_id"]).value_counts(name="n")
    ids.add_products(products.to_series(0), products["n"].to_numpy().astype(np.int64))


@dataclass(frozen=True)
class CountNumbers:
    """Counts how the numbers of some fields are written in a file. For `chunks.map_chunks`."""

    reading: Reading
    files: Sequence[RawFile]
    fields: frozenset[str]

    def __call__(self, words: list[str]) -> bytes:
        """Count in the file of that number; return the marks as JSON."""
        file, marks = self.files[int(words[0])], Marks()
        with self.reading.open(file, []) as found:
            for piece in self.reading.pieces(found, file):
                marks.count(piece.lines.fields, sorted(self.fields & set(piece.lines.fields.columns)))
        return json.dumps(marks.to_json()).encode()


@dataclass(frozen=True)
class Deal:
    """Deals the rows of files out to parts; for `mapInArrow` over rows that name a file by its number.

    Attributes:
        reading: how they are read.
        files: all of them.
        layout: how their rows hold baskets.
        conventions: how numbers and dates are written.
        bounds: where the parts begin.
        key: pseudonymizes users.
    """

    reading: Reading
    files: Sequence[RawFile]
    layout: Layout
    conventions: Conventions
    bounds: Bounds
    key: bytes | None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Turn numbers of files into the rows of DEALT."""
        for batch in batches:
            for number in batch.column("file").to_pylist():
                yield from self._dealt(self.files[number])

    def _dealt(self, file: RawFile) -> Iterator[pa.RecordBatch]:
        hidden = self.key is not None or self.reading.config.drop_users
        with self.reading.open(file, []) as found:
            held: list[tuple[pl.DataFrame, pl.Series]] = []
            number = 0
            for number, piece in enumerate(self.reading.pieces(found, file)):
                held.append(self._parted(piece.lines))
                if piece.rejects.height:
                    uncut = without_text(piece.rejects) if hidden else piece.rejects
                    # They belong to no part; they are spread over all.
                    part = (file.number + number) % self.bounds.partitions
                    yield one_row(DEALT, (part, file.number, number, "uncut", frame_bytes(uncut)))
                if sum(frame.estimated_size() for frame, _ in held) >= self.reading.bytes_dealt:
                    yield from self._sent(file.number, number, held)
                    held = []
            if held:
                yield from self._sent(file.number, number, held)

    def _parted(self, lines: Lines) -> tuple[pl.DataFrame, pl.Series]:
        rows = keyed_rows(lines, self.layout, self.conventions, self.key)
        keys = first_keys(rows, drop_users=self.reading.config.drop_users)
        return rows, self.bounds.partition_of(keys).cast(pl.Int32)

    def _sent(
        self, file: int, number: int, held: list[tuple[pl.DataFrame, pl.Series]]
    ) -> Iterator[pa.RecordBatch]:
        lines = pl.concat([frame for frame, _ in held])
        part = pl.concat([parts for _, parts in held])
        rows = (
            pl.DataFrame({"part": part}).with_row_index("at").group_by("part", maintain_order=True).agg("at")
        )
        for at, places in rows.iter_rows():
            yield one_row(DEALT, (at, file, number, "lines", frame_bytes(lines[places])))


def keyed_rows(lines: Lines, layout: Layout, conventions: Conventions, key: bytes | None) -> pl.DataFrame:
    """Return lines as typed rows whose products are texts, as they came; see `typed_rows`."""
    rows, bad = typed_rows(lines, layout, conventions, products=None)
    return with_reasons(rows, bad, key)


def key_fields(fields: pl.DataFrame) -> pl.DataFrame:
    """Return the fields that lines may be cut into parts by."""
    names = (SOURCE, ROW, "timestamp", "order_id", "user_id", "product_id")
    return fields.select(name for name in names if name in fields.columns)


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="diagonal_relaxed")


def _thinned(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Return about so many rows from all over the frame."""
    return frame.gather_every(-(-frame.height // rows) or 1)
