"""Where inputs are found: a file, a glob, a folder of parts, or standard input."""

from __future__ import annotations

import atexit
import glob
import os
import shutil
import sys
import tempfile
from pathlib import Path

from prodassoc_cli.errors import IOFailure, NoInput, did_you_mean

STDIN = "-"


def locate(spec: str) -> list[Path]:
    """Return the files that an input names, sorted; standard input is copied to a private file first.

    Args:
        spec: a file, a glob, a folder (all files in it but hidden ones), or `-`.

    Raises:
        NoInput: nothing is there, or it may not be read.
    """
    if spec == STDIN:
        return [_spool_stdin()]
    path = Path(spec)
    if path.is_dir():
        return _parts(path)
    if path.exists():
        if not os.access(path, os.R_OK):
            raise NoInput(f"{spec} may not be read", f"allow it: chmod u+r {spec}")
        return [path]
    if glob.has_magic(spec):
        found = sorted(Path(each) for each in glob.glob(spec, recursive=True) if Path(each).is_file())
        if not found:
            raise NoInput(f"no file matches {spec}")
        return found
    raise NoInput(f"no file {spec}", _neighbour_hint(path))


def display_name(spec: str, path: Path) -> str:
    """Return the name of an input file for messages and lineage: no folders, `-` for standard input."""
    return STDIN if spec == STDIN else path.name


def _parts(folder: Path) -> list[Path]:
    """Return the parts of a dataset folder: every file below it whose name is not hidden."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not found:
        raise NoInput(f"the folder {folder} holds no files")
    return found


def _spool_stdin() -> Path:
    """Copy standard input to a temporary file that goes with the process."""
    if sys.stdin is None or sys.stdin.closed:
        raise NoInput("standard input is closed", "pipe something into -, or name a file")
    folder = Path(tempfile.mkdtemp(prefix="prodassoc-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "stdin"
    try:
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy, length=1 << 20)
    except OSError as error:
        raise IOFailure(
            f"cannot copy standard input to {folder}: {error.strerror}", "set TMPDIR to a folder with space"
        ) from error
    if not path.stat().st_size:
        raise NoInput("nothing came in on standard input", "does the command before the pipe write to -o - ?")
    return path


def _neighbour_hint(path: Path) -> str:
    """Name a file of the same folder that was probably meant."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    hint = did_you_mean(path.name, [each.name for each in path.parent.iterdir()])
    return hint if hint.startswith("did you mean") else ""
