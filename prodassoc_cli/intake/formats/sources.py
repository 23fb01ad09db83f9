"""Inputs as streams of bytes: which files are meant, what they hold, and how to open them.

Nothing here trusts a suffix: compression and format are decided by the first bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Literal, cast

import pyarrow as pa

from prodassoc_cli.errors import BadData, IOFailure, NoInput

HEAD_BYTES = 1 << 18
LONG_HEAD_BYTES = 1 << 22
"""How far the head goes on where it would end within the first row, as with 100,000 columns."""

FREE_UNPACKED_BYTES = 1 << 28
LARGEST_RATIO = 250
"""Packed text may unpack to so many bytes in any case, past them to so many times its size: order lines pack
5 to 50 times, a bomb of gzip 1,000 times."""

_TABLES = frozenset(
    """
    .csv .tsv .txt .tab .dat .data .inter .item .json .jsonl .ndjson .parquet .arrow .feather .xlsx .xlsm
    .xlsb .xls .ods""".split()  # noqa: SIM905
)
"""Suffixes of tables in an archive, beside notes on them; no format is trusted by its suffix."""

_NOTES = re.compile(r"(read.?me|licen[cs]e|notice|changelog|copying|citation)\b.*", re.IGNORECASE)

_PIECE = 1 << 24

_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Source:
    """One input.

    Attributes:
        name: what rejects and messages call it.
        path: where it is; a file that can be read as often as is needed.
        partitions: columns that its folders name, each with the value of all of its rows; None: missing.
        member: of the zip archive that the file is; empty where it is none.
    """

    name: str
    path: Path
    partitions: dict[str, str | None] = field(default_factory=dict, hash=False)
    member: str = ""

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the input from its start, decompressed.

        Raises:
            NoInput: it does not exist or may not be read.
            BadData: its compression is broken.
        """
        with contextlib.ExitStack() as stack:
            try:
                raw = stack.enter_context(self.path.open("rb"))
            except OSError as problem:
                raise NoInput(f"cannot open {self.name}: {problem.strerror}") from problem
            packing = _packing(raw.read(4))
            packed = raw.seek(0, 2)
            raw.seek(0)
            if self.member:
                stream = stack.enter_context(_open_member(raw, self.name, self.member))
                yield cast("IO[bytes]", _Unpacked(stream, self.name, packed))
            elif packing == "gzip":
                unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw))
                yield cast("IO[bytes]", _Unpacked(unpacked, self.name, packed))
            elif packing == "zstd":
                stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
                yield cast("IO[bytes]", _Unpacked(stream, self.name, packed))
            else:
                yield raw

    def plain_path(self) -> Path | None:
        """Return where the input lies if it can be read as it is, uncompressed."""
        if self.member:
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
            return stream.read(size) if size >= 0 else b"".join(iter(lambda: stream.read(_PIECE), b""))
        except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, OSError) as problem:
            if isinstance(problem, OSError) and problem.errno:
                raise IOFailure(f"cannot read {self.name}: {problem.strerror}") from problem
            cut = isinstance(problem, EOFError) or "runcated" in str(problem)
            what = "is cut short" if cut else f"cannot be decompressed: {problem}"
            raise BadData(f"{self.name} {what}", "fetch or pack it again") from problem

    def head(self) -> tuple[bytes, bool]:
        """Return the first bytes, and whether they are all there is."""
        with self.open() as stream:
            head = b""
            limit = HEAD_BYTES
            while len(head) <= limit and (more := self.read(stream, limit + 1 - len(head))):
                head += more
                if len(head) > limit and not (b"\n" in head or b"\r" in head):
                    limit = LONG_HEAD_BYTES
        return head[:limit], len(head) <= limit


class _Unpacked:
    """A decompressed stream that refuses to become a bomb."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile | pa.NativeFile, name: str, packed: int) -> None:
        self._stream = stream
        self._name = name
        self._packed, self._read = packed, 0

    def read(self, size: int) -> bytes:
        block: bytes = self._stream.read(size)
        self._read += len(block)
        check_unpacked(self._name, self._read, self._packed)
        return block


def check_unpacked(name: str, size: int, packed: int) -> None:
    """Refuse what unpacks to so many bytes that it must be a bomb (BadData)."""
    if size > max(FREE_UNPACKED_BYTES, LARGEST_RATIO * packed):
        raise BadData(
            f"{name} unpacks to more than {LARGEST_RATIO} times its size", "if you trust it, unpack it first"
        )


def zip_names(source: Source) -> list[str]:
    """Return the names of the files in a zip archive; none where it is broken, or no such archive."""
    with contextlib.suppress(zipfile.BadZipFile, OSError, BadData), source.open() as raw:
        data = raw if source.plain_path() is not None else io.BytesIO(source.read(raw))
        with zipfile.ZipFile(data) as archive:
            return archive.namelist()
    return []


@contextlib.contextmanager
def _open_member(raw: IO[bytes], name: str, member: str) -> Iterator[IO[bytes]]:
    try:
        with zipfile.ZipFile(raw) as archive, archive.open(member) as stream:
            yield stream
    except (zipfile.BadZipFile, NotImplementedError, KeyError) as problem:
        raise BadData(f"{name} cannot be unpacked: {problem}", "unpack it first") from problem
    except RuntimeError as problem:  # zipfile's word for a member that is encrypted
        raise BadData(f"{name} is locked by a password", "unpack it first") from problem


def members(source: Source) -> list[Source]:
    """Return the tables that a zip archive holds as inputs of their own; what is no archive, as it is.

    Raises:
        BadData: it holds tables of several kinds, or none.
    """
    with contextlib.suppress(OSError), source.path.open("rb") as raw:
        if raw.read(4) != _ZIP:
            return [source]
    names = zip_names(source)
    if any(name.startswith("xl/") or name == "content.xml" for name in names):
        return [source]
    files = [name for name in names if not name.endswith("/") and not _is_hidden(name)]
    kinds = {name: PurePosixPath(name).suffix.casefold() for name in files}
    tables = [name for name in files if kinds[name] in _TABLES] or files
    if len({kinds[name] for name in tables}) > 1:
        raise BadData(
            f"{source.name} holds files of several kinds: {', '.join(tables[:5])}",
            "unpack it, and give those with order lines",
        )
    return [replace(source, name=f"{source.name}/{name}", member=name) for name in sorted(tables)] or [source]


def _is_hidden(name: str) -> bool:
    """Return whether a file of an archive is no data: hidden, or a note on the others."""
    path = PurePosixPath(name)
    return any(part.startswith((".", "__MACOSX")) for part in path.parts) or bool(_NOTES.fullmatch(path.name))


def _packing(magic: bytes) -> Literal["gzip", "zstd"] | None:
    """Return how a file is compressed by its first four bytes."""
    if magic[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if magic == b"\x28\xb5\x2f\xfd" else None


def text_start(head: bytes) -> bytes:
    """Return the first bytes of a text without byte order mark and white space."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()
