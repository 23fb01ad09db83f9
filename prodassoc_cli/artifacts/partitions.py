"""Columns that are written in the names of folders, as Hive, Spark and Arrow write partitioned datasets.

In `interactions/event=purchase/part-0.parquet` every row has the event purchase; the file has no such column.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    import pyarrow as pa

    from prodassoc_cli.artifacts.schemas import Kind

MISSING = "__HIVE_DEFAULT_PARTITION__"
"""Stands for a missing value."""


def partition_values(path: Path) -> dict[str, str | None]:
    """Return the columns that the folders of a file name, with the value that all of its rows have."""
    pairs = (folder.partition("=") for folder in path.parent.parts)
    return {
        unquote(name): None if value == MISSING else unquote(value)
        for name, equals, value in pairs
        if equals and name
    }


def with_partitions(table: pa.Table, path: Path, kind: Kind) -> pa.Table:
    """Return the rows of a file with the declared columns that its folders name; its own ones count."""
    import pyarrow as pa

    for name, value in partition_values(path).items():
        if name not in table.column_names and kind.column(name) is not None:
            table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), table.num_rows))
    return table
