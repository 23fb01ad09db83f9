"""What executors do with files of raw order lines: look at one, and deal its rows out to parts.

Both are what the local `clean` does, by the same code: `intake.reading` cuts a file into lines, and
`intake.conventions` counts how they are written.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import polars as pl
import pyarrow as pa

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
from prodassoc_cli.engines.slices import Slice
from prodassoc_cli.errors import ProdassocError
from prodassoc_cli.intake.arrange.line_frames import pack, with_times
from prodassoc_cli.intake.arrange.partition_bounds import Cuts
from prodassoc_cli.intake.arrange.partitioned_lines import (
    PIECE_ROWS,
    first_keys,
    is_feedback,
    numbers_of,
    without_text,
)
from prodassoc_cli.intake.formats.detect import open_orders
from prodassoc_cli.intake.formats.inputs import Input, Piece
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.layouts.layouts import Lines, join_lines, placed
from prodassoc_cli.intake.tables import ROW, StartAgain
from prodassoc_cli.intake.values.conventions import Survey
from prodassoc_cli.intake.values.numbers_ids import NumberMarks, number_marks
from prodassoc_cli.settings import CleanConfig

DEALT = "part int, file int, number int, kind string, data binary"
"""Rows of `Deal`: lines, or rows that could not be cut into fields, of one part."""

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
        bytes_dealt: bytes of lines that are dealt out together: the more, the larger the pieces sent.
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
            (found,) = open_orders([file.source], self.config, said.append, stack).inputs
            if found.text is not None:
                found.text.tolerant = found.text.tolerant or file.tolerant
                if isinstance(file.source, Slice) and file.source.start:
                    found.text.header = False
            if found.parquet is not None:
                found.parquet.as_text |= file.as_text
            yield found

    def pieces(self, found: Input, file: RawFile) -> Iterator[Piece]:
        """Read its lines in pieces, as they are among those of all inputs."""
        for table in found.tables(self.rows if found.in_pieces else None):
            if file.first_row:
                table.frame = table.frame.with_columns(pl.col(ROW) + file.first_row)
                table.rejects = table.rejects.with_columns(pl.col("row") + file.first_row)
            lines = placed(found.lay_out(table), file.place, among=self.among)
            if self.among > 1 and self.empty is not None:
                lines = join_lines([self.empty, lines])
            yield Piece(lines, table.rejects)


@dataclass
class Surveyed:
    """What one reading of a file tells.

    Attributes:
        file: the file, with what must be known to read it again.
        said: what is to be said of it.
        facts: of the summary.
        empty: lines without rows: the columns it has.
        delimiter: of text.
        bytes_held: about how much memory it takes to clean all of it at once.
        survey: counts of how its lines are written.
        rows: how many there are, broken ones included.
        sample: fields of rows from all over it, by which parts are cut.
    """

    file: RawFile
    said: list[str]
    facts: dict[str, object]
    empty: Lines
    delimiter: str
    bytes_held: int
    survey: Survey
    rows: int
    sample: pl.DataFrame

    def to_bytes(self) -> bytes:
        """Return it as bytes, without the source."""
        told, frames = nothing_of(self.empty)
        facts = {
            "tolerant": self.file.tolerant, "as_text": sorted(self.file.as_text), "said": self.said,
            "facts": self.facts, "empty": told, "delimiter": self.delimiter, "bytes_held": self.bytes_held,
            "survey": self.survey.to_json(), "rows": self.rows,
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
            facts["facts"], lines_of(facts["empty"], frames), facts["delimiter"], facts["bytes_held"],
            Survey.from_json(facts["survey"]), facts["rows"], frames["sample"],
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
                return self._surveyed(file, found, said).to_bytes()
        except ProdassocError as problem:
            return bundle({"error": error_facts(problem)}, {})

    def _surveyed(self, file: RawFile, found: Input, said: list[str]) -> Surveyed:
        empty = placed(found.empty, file.place, among=self.reading.among)
        while True:
            survey = Survey(numbers_of(feedback=is_feedback(empty.fields.columns)))
            samples, last = [key_fields(empty.fields)], 0
            try:
                for piece in self.reading.pieces(found, file):
                    survey.add(piece.lines.fields)
                    ends = piece.lines.fields[ROW].max(), piece.rejects["row"].max()
                    last = max([last, *(end for end in ends if isinstance(end, int))])
                    samples.append(_thinned(key_fields(piece.lines.fields), _SAMPLE // 8))
                    if len(samples) > 64:
                        samples = [_thinned(_together(samples), _SAMPLE)]
                break
            except StartAgain:
                continue
        rows = last - file.first_row if last else 0
        tolerant = found.text is not None and found.text.tolerant
        as_text = frozenset(found.parquet.as_text if found.parquet is not None else ())
        return Surveyed(
            replace(file, tolerant=tolerant, as_text=as_text), said, found.facts(), empty, found.delimiter,
            found.bytes_held, survey, rows, _thinned(_together(samples), _SAMPLE),
        )  # fmt: skip


@dataclass(frozen=True)
class CountAgain:
    """Counts how the numbers of some fields are written in a file. For `chunks.map_chunks`."""

    reading: Reading
    files: Sequence[RawFile]
    fields: frozenset[str]

    def __call__(self, words: list[str]) -> bytes:
        """Count in the file of that number; return the marks by field as JSON."""
        file = self.files[int(words[0])]
        marks = dict.fromkeys(self.fields, NumberMarks())
        with self.reading.open(file, []) as found:
            for piece in self.reading.pieces(found, file):
                for name in self.fields & set(piece.lines.fields.columns):
                    marks[name] += number_marks(piece.lines.fields[name])
        return json.dumps({name: asdict(found) for name, found in marks.items()}).encode()


@dataclass(frozen=True)
class Deal:
    """Deals the lines of files out to parts; for `mapInArrow` over rows that name a file by its number.

    Attributes:
        reading: how they are read.
        files: all of them.
        day_first: whether the day stands before the month.
        cuts: where the parts begin.
        shared: whether a field is the same column in all inputs.
        key: pseudonymizes users.
    """

    reading: Reading
    files: Sequence[RawFile]
    day_first: bool
    cuts: Cuts
    shared: bool
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
                    part = (file.number + number) % self.cuts.parts
                    yield one_row(DEALT, (part, file.number, number, "uncut", frame_bytes(uncut)))
                if sum(frame.estimated_size() for frame, _ in held) >= self.reading.bytes_dealt:
                    yield from self._sent(file.number, number, held)
                    held = []
            if held:
                yield from self._sent(file.number, number, held)

    def _parted(self, lines: Lines) -> tuple[pl.DataFrame, pl.Series]:
        times = Survey((), day_first=self.day_first).add(lines.fields)
        keys = first_keys(lines.fields, times, self.key, drop_users=self.reading.config.drop_users)
        return pack(with_times(lines, times), shared=self.shared), self.cuts.part_of(keys).cast(pl.Int32)

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


def key_fields(fields: pl.DataFrame) -> pl.DataFrame:
    """Return the fields that lines may be cut into parts by."""
    names = ("timestamp", "order_id", "user_id", "product_id")
    return fields.select(name for name in names if name in fields.columns)


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="diagonal_relaxed")


def _thinned(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Return about so many rows from all over the frame."""
    return frame.gather_every(-(-frame.height // rows) or 1)
