"""The text of rows left out, read once more: of what was parsed on the way, no text was kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl

from prodassoc_cli.intake.formats.delimited import Text
from prodassoc_cli.intake.formats.inputs import Orders
from prodassoc_cli.intake.rules.rejects import RejectFormat
from prodassoc_cli.intake.tables import ROW, RawTable

_PIECE_ROWS = 1 << 17


def retold(rejects: Iterable[pl.DataFrame], orders: Orders, showing: RejectFormat) -> Iterator[pl.DataFrame]:
    """Fill in the text of rejects that have none.

    Args:
        rejects: by source and number, in frames one after another.
        orders: the inputs, all of them texts.
        showing: how a row is shown.
    """
    texts = {each.source.name: each.text for each in orders.inputs if each.text is not None}
    retelling: _Retelling | None = None
    source = ""
    for frame in rejects:
        told = [frame.clear()]
        for part in frame.partition_by("source", maintain_order=True):
            if retelling is None or part["source"][0] != source:
                source = part["source"][0]
                retelling = _Retelling(texts[source], showing)
            told.append(part.with_columns(retelling.of(part)))
        yield pl.concat(told)


class _Retelling:
    """One input, gone through once: rows are asked for in ascending order."""

    def __init__(self, text: Text, showing: RejectFormat) -> None:
        self._pieces: Iterator[RawTable] = replace(text, types={}).pieces(_PIECE_ROWS)
        self._piece: pl.DataFrame | None = None
        self._showing = showing

    def of(self, rejects: pl.DataFrame) -> pl.Series:
        """Return the text of each row, the one it has where it has one."""
        wanted = rejects["row"].filter(rejects["raw"].is_null())
        found: list[pl.DataFrame] = []
        while len(wanted):
            last = self._piece[ROW].max() if self._piece is not None else 0
            here = wanted.filter(wanted <= last)
            if self._piece is not None and len(here):
                rows = self._piece.filter(pl.col(ROW).is_in(here.implode()))
                found.append(rows.select(pl.col(ROW).alias("row"), self._showing.texts(rows.drop(ROW))))
            wanted = wanted.filter(wanted > last)
            self._piece = next(self._pieces).frame if len(wanted) else self._piece
        if not found:
            return rejects["raw"]
        told = rejects.join(pl.concat(found), on="row", how="left", maintain_order="left")
        return told.select(pl.coalesce("raw", "raw_right").alias("raw")).to_series()
