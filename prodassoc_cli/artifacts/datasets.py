"""Artifacts of many files: a folder of parts, and a manifest that is written last and names them.

The manifest alone decides what is in the artifact. It is put in place like any other output, whole or not at
all, so a folder of parts without one is not finished, and one that is being written anew is what it was until
the new manifest is there. A part is named after its number and its content: two tasks that write the same
part do not get in each other's way, and no new part takes the place of one that the old manifest names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prodassoc_cli.errors import CannotCreate, NoInput

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.artifacts.lineage import Lineage
    from prodassoc_cli.artifacts.schemas import Kind

MANIFEST = "_manifest.json"
"""File of a dataset folder that lists its parts: {"parts": [names]}, and of our own ones their digests."""

PART_ROWS = 1 << 22
"""Rows a part has that is written by this process."""

_PART = re.compile(r"part-\d{5,}-[0-9a-f]{16}\.parquet|\.part-\d{5,}-[0-9a-f]{32}\.partial")
"""Names of parts, and of files that were to become some."""


@dataclass(frozen=True)
class Part:
    """A part that is written: its name in the folder, its rows and the SHA-256 of its bytes."""

    name: str
    rows: int
    sha256: str


def is_folder(where: str) -> bool:
    """Return whether an output that is called so is a folder of parts: it ends in a slash, or is a folder."""
    return where.endswith("/") or os.path.isdir(where)


def open_folder(folder: Path) -> bool:
    """Ensure that a folder is there and can become an artifact; return whether it was made.

    Raises:
        CannotCreate: it cannot be made, or holds what is no part of an artifact.
    """
    made = not folder.is_dir()
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError as problem:
        raise CannotCreate(f"no folder {folder.parent}", f"create it: mkdir -p {folder.parent}") from problem
    except FileExistsError as problem:
        raise CannotCreate(f"{folder} is a file, not a folder", "name a folder with `output`") from problem
    except OSError as problem:
        raise CannotCreate(
            f"cannot create {folder}: {problem.strerror}", "name another with `output`"
        ) from problem
    other = next((each.name for each in folder.iterdir() if not _is_ours(each.name)), None)
    if other is not None:
        raise CannotCreate(
            f"{folder} is a directory that holds other files, such as {other}",
            "name a file, or a new folder with a slash at its end, with `output`",
        )
    return made


def _is_ours(name: str) -> bool:
    own = (MANIFEST, f".{MANIFEST}.partial", f".{MANIFEST}.commit", f".{MANIFEST}.commit.partial")
    return name in own or _PART.fullmatch(name) is not None


def holds_parts(folder: Path) -> bool:
    """Return whether a folder holds parts as they are written here."""
    return any(_PART.fullmatch(each.name) for each in folder.iterdir())


def write_part(
    folder: Path, number: int, data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table], kind: Kind,
    lineage: Lineage,
) -> Part:  # fmt: skip
    """Write one part: a file that is an artifact by itself, of the same lineage as the others.

    Args:
        folder: the dataset's folder.
        number: which part it is; parts are read in the order of their numbers.
        data: its rows, in one frame or several.
        kind: what they are.
        lineage: what made them.
    """
    from prodassoc_cli.artifacts.store import write_artifact

    partial = folder / f".part-{number:05}-{uuid.uuid4().hex}.partial"
    try:
        with partial.open("xb") as stream:
            rows = write_artifact(data, kind, lineage, stream)
            stream.flush()
            os.fsync(stream.fileno())
        with partial.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        name = f"part-{number:05}-{sha256[:16]}.parquet"
        partial.replace(folder / name)
    finally:
        partial.unlink(missing_ok=True)
    return Part(name, rows, sha256)


def write_parts(
    folder: Path, data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table], kind: Kind,
    lineage: Lineage, rows: int = PART_ROWS,
) -> list[Part]:  # fmt: skip
    """Write rows as parts of so many rows each; see `write_part`."""
    import polars as pl
    import pyarrow as pa

    frames = [data] if isinstance(data, pl.DataFrame | pa.Table) else data
    pieces = _in_parts(iter(frames), rows)
    return [write_part(folder, number, piece, kind, lineage) for number, piece in enumerate(pieces)]


def _in_parts(
    frames: Iterator[pl.DataFrame | pa.Table], limit: int
) -> Iterator[Iterator[pl.DataFrame | pa.Table]]:
    """Cut frames that follow one another into parts of `limit` rows, of which each must be used up."""
    rest = next(frames, None)

    def part() -> Iterator[pl.DataFrame | pa.Table]:
        nonlocal rest
        room = limit
        while rest is not None and room:
            piece = rest.slice(0, room)
            yield piece
            room -= len(piece)
            rest = rest.slice(len(piece)) if len(rest) > len(piece) else next(frames, None)
        while rest is not None and not len(rest):  # nothing is no reason for another part
            rest = next(frames, None)

    while rest is not None:
        yield part()


def manifest_text(kind: Kind, parts: Sequence[Part]) -> str:
    """Return the manifest that names the parts, in their order; the same parts give the same bytes."""
    facts = {
        "kind": kind.name,
        "rows": sum(part.rows for part in parts),
        "parts": [part.name for part in parts],
        "sha256": [part.sha256 for part in parts],
    }
    return json.dumps(facts, indent=1) + "\n"


@dataclass(frozen=True)
class Listed:
    """What a manifest lists.

    Attributes:
        parts: the files, in the order of the rows.
        digested: whether it tells the digest of each, so that its own digest stands for all of them.
    """

    parts: list[Path]
    digested: bool


def listed(folder: Path) -> Listed:
    """Return what the manifest of a folder lists.

    Raises:
        NoInput: it lists nothing, or a part is missing or lies elsewhere.
    """
    again = "run again what wrote it"
    try:
        facts = json.loads((folder / MANIFEST).read_text())
        parts = [folder / name for name in facts["parts"]]
        digests = facts.get("sha256")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoInput(f"{folder / MANIFEST} lists no parts", again) from error
    below = folder.resolve()
    if not parts or not all(part.is_file() and below in part.resolve().parents for part in parts):
        raise NoInput(f"the folder {folder} lacks parts that its manifest lists", again)
    digested = isinstance(digests, list) and len(digests) == len(parts)
    return Listed(parts if digested else sorted(parts), digested)


def tidy(folder: Path, made: bool) -> None:
    """Remove what a run leaves in its folder; the folder too, where it was made for nothing."""
    from prodassoc_cli.artifacts.outputs import lock_again

    with lock_again(Path(os.path.realpath(folder / MANIFEST))) as ours:
        if ours:
            sweep(folder)
    if made:
        with contextlib.suppress(OSError):  # it holds something
            folder.rmdir()


def sweep(folder: Path) -> None:
    """Remove the parts that the manifest does not name: of a run that was killed, or of the artifact before.

    Only for who holds the lock of the manifest.
    """
    kept: set[str] = set()
    if (folder / MANIFEST).exists():
        try:
            kept = {part.name for part in listed(folder).parts}
        except NoInput:
            return
    for path in folder.iterdir():
        if _PART.fullmatch(path.name) and path.name not in kept:
            path.unlink(missing_ok=True)
