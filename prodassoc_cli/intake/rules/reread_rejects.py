"""The text of rows left out, read once more: none is kept of rows on their way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.formats.reader import Reader
from prodassoc_cli.intake.rules.rejects import RejectFormat

_PIECE_ROWS = 1 << 17


def with_texts(
    rejects: Iterable[pl.DataFrame], readers: dict[str, Reader], shown: RejectFormat
) -> Iterator[pl.DataFrame]:
    """Fill in the text of rejects that have none.

    Args:
        rejects: by source and number, in frames one after another.
        readers: what reads each source.
        shown: how a row is shown.
    """
    rereading: _Rereading | None = None
    source = ""
    for frame in rejects:
        filled = [frame.clear()]
        for part in frame.partition_by("source", maintain_order=True):
            if rereading is None or part["source"][0] != source:
                source = part["source"][0]
                rereading = _Rereading(readers[source], shown)
            filled.append(part.with_columns(rereading.of(part)))
        yield pl.concat(filled)


class _Rereading:
    """One input, gone through once: rows are asked for in ascending order."""

    def __init__(self, reader: Reader, shown: RejectFormat) -> None:
        self._pieces: Iterator[RawTable] = reader.texts(_PIECE_ROWS)
        self._piece: pl.DataFrame | None = None
        self._shown = shown

    def of(self, rejects: pl.DataFrame) -> pl.Series:
        """Return the text of each row, the one it has where it has one."""
        wanted = rejects["row"].filter(rejects["raw"].is_null()).unique().sort()
        found: list[pl.DataFrame] = []
        while len(wanted):
            last = self._piece[ROW].max() if self._piece is not None else 0
            here = wanted.filter(wanted <= last)
            if self._piece is not None and len(here):
                rows = self._piece.filter(pl.col(ROW).is_in(here.implode()))
                found.append(rows.select(pl.col(ROW).alias("row"), self._shown.texts(rows.drop(ROW))))
            wanted = wanted.filter(wanted > last)
            self._piece = next(self._pieces).frame if len(wanted) else self._piece
        if not found:
            return rejects["raw"]
        joined = rejects.join(pl.concat(found), on="row", how="left", maintain_order="left")
        return joined.select(pl.coalesce("raw", "raw_right").alias("raw")).to_series()
