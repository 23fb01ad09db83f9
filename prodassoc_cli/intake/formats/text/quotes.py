"""Stray quotes in delimited text: one that is never closed swallows the rows that follow."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.sources import Source


class Quotes:
    """Refuses a text in which a stray quote swallowed rows: they would be lost without a trace."""

    def __init__(self, source: Source, names: list[str], delimiter: str) -> None:
        self._source = source
        self._names = names
        self._delimiter = delimiter
        self._last = (0, False)
        """Number of the last row, and whether it goes over several lines."""

    def check(self, frame: pl.DataFrame, broken: list[tuple[int, str]]) -> None:
        """Look at rows: broken ones and those that go over several lines."""
        names = self._names
        texts = [name for name in names if frame.schema[name] == pl.String]
        spans = frame.filter(pl.any_horizontal(pl.col(texts).str.contains("\n", literal=True)))
        places = [names.index(name) for name in texts]
        values = [
            (row[-1], place, value)
            for row in spans.select(*texts, ROW).iter_rows()
            for place, value in zip(places, row, strict=False)
        ]  # fmt: skip
        for number, place, value in [*values, *((number, len(names), text) for number, text in broken)]:
            first, *between, last = value.split("\n") if "\n" in value else (value, "")
            # Of a value over several lines, those between the first and the last are whole lines of the file.
            rows = sum(line.count(self._delimiter) == len(names) - 1 for line in between)
            swallowed = len(names) > 2 and rows > 1 and rows * 2 > len(between)
            # The first line would be a row by itself, and the last one begins like a row.
            begun = 0 < first.count(self._delimiter) == len(names) - 1 - place and self._delimiter in last
            if swallowed or begun:
                lines = f"{len(between)} lines" if len(between) > 1 else "line"
                raise BadData(
                    f"{self._source.name}: a quote in row {number} swallows the next {lines}",
                    "close it, or double it if it is meant as a character; if all quotes are, `quote=none`",
                )
        ends = [(number, "\n" in text) for number, text in broken]
        if frame.height:
            ends.append((frame[ROW][-1], any("\n" in value for value in frame.select(texts).row(-1))))
        self._last = max([self._last, *ends])

    def check_end(self, *, odd: bool) -> None:
        """Look at the last row: a quote that is never closed swallows all that follows."""
        number, spanning = self._last
        if odd and spanning:
            message = f"{self._source.name}: a quote opened in row {number} is never closed"
            raise BadData(message, "close it in the file")
