"""Inputs that are in memory already, standing where a file would be named."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


class InMemory(str):
    """A text that stands for an input in memory: its name in messages and lineage.

    Attributes:
        rows: the rows.
        model: of a trained model, the header that goes with its rows; else None.
        facts: what is known of how they were made.
    """

    rows: pl.DataFrame | pa.Table
    model: dict[str, Any] | None
    facts: dict[str, Any]

    def __new__(
        cls, name: str, rows: pl.DataFrame | pa.Table, model: dict[str, Any] | None = None,
        facts: dict[str, Any] | None = None,
    ) -> Self:  # fmt: skip
        """Name the rows."""
        made = super().__new__(cls, name)
        made.rows, made.model, made.facts = rows, model, facts or {}
        return made


_FACTS: dict[int, dict[str, Any]] = {}


def remember_facts(rows: object, facts: dict[str, Any]) -> None:
    """Remember what made these rows as long as they live, since a frame cannot say it as a file does."""
    _FACTS[id(rows)] = facts
    weakref.finalize(rows, _FACTS.pop, id(rows), None)


def remembered_facts(rows: object) -> dict[str, Any]:
    """Return what is remembered of these very rows; empty for others, such as a selection of them."""
    return _FACTS.get(id(rows), {})


@contextlib.contextmanager
def memory_file(rows: pl.DataFrame | pa.Table) -> Iterator[Path]:
    """Give a path under which this process can read the rows as a Parquet file, which lies in memory.

    For readers that judge a file by its bytes.
    """
    import polars as pl

    with os.fdopen(os.memfd_create("prodassoc"), "wb") as stream:
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
        frame.write_parquet(stream)
        stream.flush()
        yield Path(f"/proc/self/fd/{stream.fileno()}")


def digest_rows(rows: pl.DataFrame | pa.Table) -> str:
    """Return the SHA-256 of rows in memory, of their bytes as an Arrow stream."""
    import hashlib
    import io

    import polars as pl

    stream = io.BytesIO()
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
    frame.write_ipc_stream(stream)
    return hashlib.sha256(stream.getbuffer()).hexdigest()
