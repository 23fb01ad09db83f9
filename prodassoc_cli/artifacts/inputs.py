"""Where inputs are found: a file, a glob, a folder of parts, or standard input."""

from __future__ import annotations

import atexit
import contextlib
import glob
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from prodassoc_cli.artifacts.datasets import MANIFEST, holds_parts, listed
from prodassoc_cli.artifacts.journal import recover
from prodassoc_cli.errors import IOFailure, NoInput, UsageProblem, did_you_mean
from prodassoc_cli.resources import anonymous_file

STDIN = "-"


@dataclass(frozen=True)
class InputFile:
    """One file of an input: how messages, rejects and lineage call it, and where it is.

    Attributes:
        manifest: of the folder it is a part of, where that vouches for the bytes of all parts.
        folder: which the user named, where it was found there.
    """

    name: str
    path: Path
    manifest: Path | None = None
    folder: Path | None = None


def locate(specs: Sequence[str], meanwhile: Sequence[str] = ()) -> list[InputFile]:
    """Return the files that the user names, in a stable order.

    Standard input and named pipes, which can be read only once, are copied to a private file first. Files are
    called by their own names without folders, or with their folder where two share a name.

    Args:
        specs: files, globs, folders (all files in them but hidden ones), or `-` for standard input.
        meanwhile: modules to import while standard input comes in: the command before the pipe may take long.

    Raises:
        NoInput: nothing is there, or it may not be read.
        UsageProblem: standard input is named twice.
    """
    if list(specs).count(STDIN) > 1:
        raise UsageProblem("standard input (-) is named twice")
    found = [
        (path, manifest, Path(spec) if Path(spec).is_dir() else None)
        for spec in specs
        for path, manifest in (_expand(spec) if spec != STDIN else [(None, None)])
    ]
    names = Counter(path.name for path, _, _ in found if path is not None)
    return [
        InputFile(STDIN, _spool_stdin(meanwhile))
        if path is None
        else InputFile(
            path.name if names[path.name] == 1 else f"{path.parent.name}/{path.name}",
            _readable(path),
            manifest,
            folder,
        )
        for path, manifest, folder in found
    ]


def _expand(spec: str) -> list[tuple[Path | None, Path | None]]:
    """Return the files that a word stands for, each with the manifest that vouches for it."""
    path = Path(spec)
    recover(Path(os.path.realpath(path)))
    if path.is_dir():
        return _parts(path)
    if path.exists():
        return [(path, None)]
    if glob.has_magic(spec):
        found = sorted(Path(each) for each in glob.glob(spec, recursive=True) if Path(each).is_file())
        if not found:
            raise NoInput(f"no file matches {spec}")
        return [(each, None) for each in found]
    raise NoInput(f"no file {spec}", _neighbour_hint(path))


def _readable(path: Path) -> Path:
    """Return where the file can be read, as often as is needed."""
    if not os.access(path, os.R_OK):
        raise NoInput(f"{path} may not be read", f"allow it: chmod u+r {path}")
    if path.is_file():
        return path
    with path.open("rb") as stream:  # a pipe, as from <(zcat …)
        return _spool(stream, path.name)


def _parts(folder: Path) -> list[tuple[Path | None, Path | None]]:
    """Return the parts of a dataset folder: what its manifest lists, else every file that is not hidden.

    Raises:
        NoInput: it has none, lacks one that its manifest lists, or is not finished: Spark and Hadoop keep
            parts in `_temporary` until all are written, we write the manifest last.
    """
    manifest = folder / MANIFEST
    recover(Path(os.path.realpath(manifest)))
    again = "run again what writes it"
    if (folder / "_temporary").exists():
        raise NoInput(f"the folder {folder} is not finished: it holds _temporary", again)
    if manifest.exists():
        found = listed(folder)
        return [(part, manifest if found.digested else None) for part in found.parts]
    if holds_parts(folder):
        raise NoInput(f"the folder {folder} is not finished: its manifest {MANIFEST} is missing", again)
    parts = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not parts:
        raise NoInput(f"the folder {folder} holds no files")
    return [(part, None) for part in parts]


def _spool_stdin(meanwhile: Sequence[str]) -> Path:
    if sys.stdin is None or sys.stdin.closed:
        raise NoInput("standard input is closed", "pipe something into -, or name a file")
    Thread(target=_import_all, args=(meanwhile,), name="imports").start()
    path = _spool(sys.stdin.buffer, "stdin")
    if not path.stat().st_size:
        raise NoInput("nothing came in on standard input", "does the command before the pipe write to -o - ?")
    return path


def _import_all(modules: Sequence[str]) -> None:
    with contextlib.suppress(Exception):  # whoever needs them will import them again and see
        for name in modules:
            import_module(name)


def _spool(stream: BinaryIO, name: str) -> Path:
    """Copy a stream to a temporary file that goes with the process, however the process goes."""
    try:
        copy, path = anonymous_file()
        atexit.register(copy.close)
        shutil.copyfileobj(stream, copy, length=1 << 20)
        copy.flush()
    except OSError as error:
        raise IOFailure(
            f"cannot copy {name} to {tempfile.gettempdir()}: {error.strerror}",
            "set TMPDIR to a folder with space",
        ) from error
    return path


def _neighbour_hint(path: Path) -> str:
    """Name a file of the same folder that was probably meant."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return did_you_mean(path.name, [each.name for each in path.parent.iterdir()], otherwise="")
