"""Parquet files as they come: opened with every page checked, and what is wrong with them said plainly."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from prodassoc_cli.artifacts.lineage import METADATA_KEY, Lineage
from prodassoc_cli.errors import BadData, NoInput


@contextmanager
def checked(path: Path) -> Iterator[None]:
    """Turn what pyarrow says of a bad file into an error that names the file and what to do.

    Raises:
        NoInput: there is no such file.
        BadData: the file is not Parquet, is cut, or is damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NoInput(f"no file {path}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _not_parquet(path) from error


def open_parquet(path: Path, texts_as_dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a Parquet file; no column's name may stand twice.

    Args:
        path: the file.
        texts_as_dictionaries: columns to read so, where they are there and are text.

    Raises:
        NoInput: there is no such file.
        BadData: the file is not Parquet, or has a column twice.
    """
    with checked(path):
        file = pq.ParquetFile(path, page_checksum_verification=True)
        names = file.schema_arrow.names
        types = dict(zip(names, file.schema_arrow.types, strict=True))
        coded = [name for name in texts_as_dictionaries if name in types and _is_text(types[name])]
        if coded:  # which columns are there, and of which types, is only known now
            with file:
                file = pq.ParquetFile(
                    path, metadata=file.metadata, page_checksum_verification=True, read_dictionary=coded
                )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        file.close()
        raise BadData(f"{path} has the column '{twice}' more than once", "rename or leave out one of them")
    return file


def lineage_in(path: Path, metadata: dict[bytes, bytes] | None) -> Lineage | None:
    """Return what made a file, from its metadata; None where it does not say.

    Raises:
        BadData: the metadata is damaged.
    """
    text = (metadata or {}).get(METADATA_KEY)
    if text is None:
        return None
    try:
        return Lineage.from_json(text)
    except ValueError as error:
        raise BadData(f"{path} carries damaged prodassoc metadata", "make the file again") from error


def _is_text(dtype: pa.DataType) -> bool:
    return pa.types.is_string(dtype) or pa.types.is_large_string(dtype)


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _not_parquet(path: Path) -> BadData:
    size = os.path.getsize(path) if path.is_file() else 0
    if path.is_dir():
        return BadData(f"{path} is a directory", "name a file, or the folder of its parts")
    if not size:
        return BadData(f"{path} is empty", "make it again with the command that wrote it")
    if is_parquet(path):
        return BadData(f"{path} is a damaged Parquet file", "make it again with the command that wrote it")
    return BadData(
        f"{path} is not a Parquet file",
        "clean raw files first: order lines by `clean FILE`, a catalogue by `clean products=FILE`",
    )
