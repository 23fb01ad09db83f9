"""An artifact that is open: any of its columns, of all rows or of some, are read when asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from prodassoc_cli.artifacts.parquet.files import checked, open_parquet
from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.artifacts.store import lineage_of


class OpenArtifact:
    """A Parquet file of one kind, of which a part may be enough.

    What is read is checked as `read_artifact` checks it, but not against declared columns.

    Attributes:
        lineage: what made it; None where it came from elsewhere.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        """Open the file.

        Raises:
            NoInput, BadData: no file, not Parquet, or of another kind.
        """
        self._path = path
        self._file = open_parquet(path)
        self.lineage = lineage_of(path, self._file.schema_arrow, kind)
        self.height = self._file.metadata.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, columns: Collection[str] | None = None, rows: Sequence[int] | None = None) -> pa.Table:
        """Return columns, of the given rows (ascending) only; of a long file only their row groups are read.

        Raises:
            BadData: a page is damaged.
        """
        names = None if columns is None else list(columns)
        with checked(self._path):
            if rows is None:
                table = self._file.read(columns=names)
                table.validate(full=True)
                return table
            about = self._file.metadata
            sizes = [about.row_group(n).num_rows for n in range(about.num_row_groups)]
            ends = np.cumsum(sizes)
            # Sets and lists: for `unique`, and for arrays given to Arrow, numpy's masked arrays are loaded.
            groups = sorted(set(np.searchsorted(ends, rows, side="right").tolist()))
            table = self._file.read_row_groups(groups, columns=names)
            table.validate(full=True)
        numbers = np.concatenate([np.arange(ends[n] - sizes[n], ends[n]) for n in groups])
        whole = len(numbers) == len(rows)
        return table if whole else table.take(pa.array(np.searchsorted(numbers, rows).tolist()))


def count_rows(path: Path) -> int | None:
    """Return the number of rows that a Parquet file says it has; None where it is none."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                return None
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError, ValueError):
        return None  # reading it will tell why
