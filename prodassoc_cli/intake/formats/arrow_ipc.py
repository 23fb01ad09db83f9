"""Arrow IPC files and streams → raw tables."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.raw_table import NoRows, RawTable, check_width, number_rows
from prodassoc_cli.intake.formats.reader import Format, ReadOptions, TableHead, WholeTable
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.typed_columns import (
    artifact_of,
    frame_of,
    plain_columns,
    readable,
    unusable_columns,
)


def read_whole(
    source: Source, what: str, read: Callable[[pa.NativeFile], pa.Table]
) -> tuple[RawTable, str, list[str]]:
    """Read a typed file whole; return it, the kind of artifact that it says it is (else empty), and notes.

    Arrow reads and validates it before polars sees it: polars can abort on a hostile file.

    Raises:
        BadData: the file is broken or has no rows.
    """
    with readable(source, what):
        path = source.plain_path()
        if path is not None:
            with pa.OSFile(str(path)) as file:
                table = read(file)
        else:
            with source.open() as stream:
                data = source.read(stream)
            table = read(pa.BufferReader(data))
        table.validate(full=True)
        artifact = artifact_of(source, table.schema)
    if not table.num_rows:
        raise NoRows(f"{source.name} has no rows", "give a file with at least one row")
    check_width(source, table.num_columns)
    rows = number_rows(plain_columns(frame_of(table)))
    return RawTable(source.name, rows), artifact, unusable_columns(table.schema)


def _read(data: pa.NativeFile) -> pa.Table:
    try:
        return pa.ipc.open_file(data).read_all()
    except pa.ArrowInvalid:
        data.seek(0)
        return pa.ipc.open_stream(data).read_all()


def _look(source: Source, head: bytes, whole: bool, options: ReadOptions, say: Say) -> TableHead:
    table, artifact, notes = read_whole(source, "Arrow", _read)
    return TableHead(source, WholeTable(table), table.frame, artifact, notes)


ARROW = Format("Arrow", lambda _, head: head.startswith((b"ARROW1", b"\xff\xff\xff\xff")), _look)
