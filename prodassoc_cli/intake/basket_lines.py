"""Files of one basket per row, read as `clean` reads them, for those who want their baskets and no more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.raw_table import NoRows
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.rows import Text
from prodassoc_cli.intake.inputs import Inputs
from prodassoc_cli.intake.layouts.fimi import FIMI
from prodassoc_cli.intake.opening import open_inputs
from prodassoc_cli.settings import CleanConfig

_CLEAN_FIRST = "clean raw files first: order lines by `clean FILE`, a catalogue by `clean products=FILE`"


class BasketLines:
    """Inputs of one basket per row: lines of products, lists in a column, a column per product.

    Args:
        sources: where they are, at least one.
        say: receives what is found out while they are read.
        stack: closes what is open when they are no longer needed.

    Attributes:
        summary: after they are read, the counts of `clean`: rows_in, rows_kept, rows_rejected, rejects. A row
            is a product of a basket.

    Raises:
        NoInput: an input is missing.
        BadData: one is no table, or its rows are no baskets.
    """

    def __init__(self, sources: Sequence[Source], say: Say, stack: contextlib.ExitStack) -> None:
        self._sources, self._say = sources, say
        self._notices: list[str] = []
        self.summary: dict[str, Any] = {}
        with _left_to_clean():
            self._inputs: Inputs = open_inputs(sources, CleanConfig(), self._notices.append, stack)
        layout = self._inputs.layout
        if layout.whole_rows:
            raise BadData(
                f"{sources[0].name} holds neither interactions nor one basket per row, but {layout.name}",
                _CLEAN_FIRST,
            )

    def numbered(self) -> tuple[np.ndarray, np.ndarray, pl.Series] | None:
        """Return the basket and the product of each row as numbers (int32), and the text of each product.

        None where the lines hold more than whole numbers written plainly: ask for `interactions` then.
        """
        from prodassoc_cli.intake.layouts.fimi_codes import numbered_lines

        texts = [each.reader for each in self._inputs.inputs if isinstance(each.reader, Text)]
        found = (
            numbered_lines([text.bytes_of_rows for text in texts]) if self._inputs.layout is FIMI else None
        )
        if found is None or not len(found.line):
            return None
        for notice in self._notices:
            self._say(notice)
        kept = len(found.line)
        # Each line without a word is a row without a product.
        blank = found.lines - 1 - int(np.count_nonzero(np.diff(found.line)))
        self.summary = _counts(kept + blank, {"missing_product": blank})
        return found.line, found.word, found.texts

    def interactions(self, budget: int, folder: Path | None) -> Iterator[pl.DataFrame]:
        """Clean the lines, and yield the interactions in their order, part by part.

        Args:
            budget: bytes that may be used.
            folder: where rows are kept that do not fit in memory.

        Raises:
            BadData: no row is kept.
        """
        from prodassoc_cli.intake.pipeline import Cleaning

        with (
            _left_to_clean(),
            Cleaning(
                self._sources, CleanConfig(), self._say, budget=budget, folder=folder, keep_rejects=False
            ) as cleaning,
        ):
            yield from cleaning.interactions()
            self.summary = _counts(cleaning.summary["rows_in"], cleaning.summary["rejects"])


@contextlib.contextmanager
def _left_to_clean() -> Iterator[None]:
    """Name `clean` where a file must be read with options, which it has."""
    try:
        yield
    except NoRows:
        raise
    except BadData as problem:
        raise BadData(problem.message, _CLEAN_FIRST) from problem


def _counts(rows: int, rejects: dict[str, int]) -> dict[str, Any]:
    left_out = {reason: count for reason, count in rejects.items() if count}
    lost = sum(left_out.values())
    return {"rows_in": rows, "rows_kept": rows - lost, "rows_rejected": lost, "rejects": left_out}
