"""Inputs as streams of bytes: which files are meant, what they hold, and how to open them.

Nothing here trusts a suffix: compression and format are decided by the first bytes.
"""

from __future__ import annotations

import contextlib
import glob
import gzip
import os
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import pyarrow as pa

from prodassoc_cli.errors import BadData, IOFailure, NoInput, UsageProblem, did_you_mean

Format = Literal["text", "jsonl", "parquet", "arrow"]

STDIN = "-"
HEAD_BYTES = 1 << 18
SPOOL_BYTES = 1 << 28
SUFFIXES = (
    ".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".inter", ".item", ".jsonl", ".ndjson", ".json",
    ".parquet", ".pq", ".arrow", ".feather", ".ipc",
)  # fmt: skip
"""What is read from a folder; a `.gz` or `.zst` may follow."""

_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"FEA1", "a Feather file of version 1"),
)


@dataclass(frozen=True)
class Source:
    """One input.

    Attributes:
        name: what rejects and messages call it.
        path: where it is; None for standard input.
        spool: what standard input held, so that it can be read twice.
    """

    name: str
    path: Path | None = None
    spool: IO[bytes] | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the input from its start, decompressed.

        Raises:
            NoInput: it does not exist or may not be read.
            BadData: its compression is broken.
        """
        with contextlib.ExitStack() as stack:
            if self.spool is not None:
                self.spool.seek(0)
                raw = self.spool
            else:
                assert self.path is not None
                try:
                    raw = stack.enter_context(self.path.open("rb"))
                except OSError as problem:
                    raise NoInput(f"cannot open {self.name}: {problem.strerror}") from problem
            packing = _packing(raw.read(4))
            raw.seek(0)
            if packing == "gzip":
                yield cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw)))
            elif packing == "zstd":
                yield cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))
            else:
                yield raw

    def plain_path(self) -> Path | None:
        """Return where the input lies if it can be read as it is, uncompressed."""
        if self.path is None:
            return None
        with self.path.open("rb") as raw:
            return self.path if _packing(raw.read(4)) is None else None

    def read(self, stream: IO[bytes], size: int = -1) -> bytes:
        """Read up to `size` bytes of an open stream.

        Raises:
            BadData: its compression is broken.
            IOFailure: the device is.
        """
        try:
            return stream.read(size) if size >= 0 else stream.read()
        except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as problem:
            if isinstance(problem, OSError) and problem.errno:
                raise IOFailure(f"cannot read {self.name}: {problem.strerror}") from problem
            cut = isinstance(problem, EOFError) or "runcated" in str(problem)
            what = "is cut short" if cut else f"cannot be decompressed: {problem}"
            raise BadData(f"{self.name} {what}", "fetch or pack it again") from problem

    def head(self) -> tuple[bytes, bool]:
        """Return the first bytes, and whether they are all there is."""
        with self.open() as stream:
            head = b""
            while len(head) <= HEAD_BYTES and (more := self.read(stream, HEAD_BYTES + 1 - len(head))):
                head += more
        return head[:HEAD_BYTES], len(head) <= HEAD_BYTES


def _packing(magic: bytes) -> Literal["gzip", "zstd"] | None:
    """Tell how a file is compressed by its first four bytes."""
    if magic[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if magic == b"\x28\xb5\x2f\xfd" else None


def find_sources(inputs: Iterable[str]) -> list[Source]:
    """Resolve what the user named into single inputs, in a stable order.

    Args:
        inputs: files, globs, folders of parts, or `-` for standard input.

    Raises:
        NoInput: one of them does not exist or holds nothing to read.
        UsageProblem: none is given, or standard input is named twice.
    """
    inputs = list(inputs)
    if not inputs:
        raise UsageProblem("no input is given", "name a file, a folder, a glob, or - for standard input")
    if inputs.count(STDIN) > 1:
        raise UsageProblem("standard input (-) is named twice")
    paths: list[Path | None] = []
    for name in inputs:
        paths.extend([None] if name == STDIN else _expand(name))
    base = [path.name for path in paths if path is not None]
    return [
        _spooled(sys.stdin.buffer, "standard input") if path is None
        # A pipe, as from <(zcat …), can be read once only.
        else _spooled(path.open("rb"), path.name) if path.is_fifo()
        # Base names keep absolute paths out of the artifacts, unless two inputs share one.
        else Source(path.name if base.count(path.name) == 1 else str(path), path)
        for path in paths
    ]  # fmt: skip


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        parts = sorted(each for each in path.rglob("*") if each.is_file() and _is_part(each, path))
        if not parts:
            raise NoInput(f"the folder {name} holds no file to read", f"known suffixes: {' '.join(SUFFIXES)}")
        return parts
    if path.exists():
        return [path]
    if glob.has_magic(name):
        found = sorted(Path(each) for each in glob.glob(name, recursive=True) if os.path.isfile(each))
        if found:
            return found
        raise NoInput(f"no file matches {name}")
    near = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, near)
    raise NoInput(f"no such file: {name}", hint if hint.startswith("did you mean") else "")


def _is_part(path: Path, folder: Path) -> bool:
    if any(part.startswith((".", "_")) for part in path.relative_to(folder).parts):
        return False
    name = path.name.lower()
    return name.removesuffix(".gz").removesuffix(".zst").endswith(SUFFIXES)


def _spooled(stream: IO[bytes], name: str) -> Source:
    spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 — lives as long as its Source
    while block := stream.read(1 << 20):
        spool.write(block)
    return Source(name, spool=cast("IO[bytes]", spool))


def recognise(source: Source, head: bytes) -> Format:
    """Tell what an input holds from its first bytes.

    Raises:
        BadData: it is empty or no table at all.
    """
    if not head.strip():
        raise BadData(f"{source.name} is empty", "give a file with at least one row")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            mend = "unpack it" if "archive" in what else "export it as CSV or Parquet"
            raise BadData(f"{source.name} is {what}, not a table", f"{mend} first")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{") and b'"' in start[:200]:
        return "jsonl"
    if start.startswith((b"[{", b"[\n", b"[ ")):
        raise BadData(
            f"{source.name} is one JSON array; one object a line is needed",
            f"jq -c '.[]' {source.name} > rows.jsonl",
        )
    return "text"
