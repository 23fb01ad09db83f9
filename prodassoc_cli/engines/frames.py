"""Frames and plain facts as bytes, between executors and from them to this process. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from prodassoc_cli import errors
from prodassoc_cli.intake.layouts.layout import Lines

_OLDEST = pl.CompatLevel.oldest()
_WORD = 8
"""Bytes of a length."""


def frame_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame as bytes of Arrow; its names, which Arrow may not hold, go beside its columns."""
    numbered = frame.rename(dict(zip(frame.columns, map(str, range(frame.width)), strict=True)))
    table = numbered.to_arrow(compat_level=_OLDEST)
    table = table.replace_schema_metadata({b"names": json.dumps(frame.columns).encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def frame_of(data: bytes) -> pl.DataFrame:
    """Return the frame that `frame_bytes` packed."""
    table = pa.ipc.open_stream(pa.BufferReader(data)).read_all()
    names = json.loads(table.schema.metadata[b"names"])
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def bundle(facts: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> bytes:
    """Return facts that JSON can hold and frames by name as bytes."""
    bodies = [frame_bytes(frame) for frame in frames.values()]
    head = json.dumps([facts, list(frames), [len(body) for body in bodies]]).encode()
    return b"".join([len(head).to_bytes(_WORD, "little"), head, *bodies])


def unbundle(data: bytes) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Return what `bundle` packed."""
    at = _WORD + int.from_bytes(data[:_WORD], "little")
    facts, names, lengths = json.loads(data[_WORD:at])
    frames = {}
    for name, length in zip(names, lengths, strict=True):
        frames[name] = frame_of(data[at : at + length])
        at += length
    return facts, frames


def nothing_of(lines: Lines) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Return lines without their rows as a bundle's facts and frames; see `lines_of`."""
    return {"columns": lines.columns}, {"fields": lines.fields.clear(), "raw": lines.raw.clear()}


def lines_of(facts: dict[str, Any], frames: dict[str, pl.DataFrame]) -> Lines:
    """Return the lines without rows that `nothing_of` took apart."""
    return Lines(frames["fields"], frames["raw"], facts["columns"])


def error_facts(problem: errors.ProdassocError) -> dict[str, str]:
    """Return an error as facts."""
    return {"class": type(problem).__name__, "message": problem.message, "hint": problem.hint}


def error_of(facts: dict[str, str]) -> errors.ProdassocError:
    """Return the error that `error_facts` took apart."""
    made: errors.ProdassocError = getattr(errors, facts["class"])(facts["message"], facts["hint"])
    return made


def one_row(schema: str, values: Sequence[Any]) -> pa.RecordBatch:
    """Return one row of numbers, texts and bytes, with the columns of a schema as Spark writes it."""
    kinds = {"int": pa.int32(), "string": pa.string(), "binary": pa.binary()}
    columns = [column.split() for column in schema.split(", ")]
    arrays = [pa.array([value], kinds[kind]) for value, (_, kind) in zip(values, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [name for name, _ in columns])
