"""Files that appear whole or not at all, and all of a run's together.

Each output is written to a partial file in its own folder, then renamed over the target. The partial file
has a fixed name and is locked while a run writes it: it is the lock. A killed run leaves at most that file,
which the next run takes over; its lock died with the process. How several are renamed together stands in
`journal.py`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from prodassoc_cli.artifacts.journal import note_path, recover, replace_together
from prodassoc_cli.errors import CannotCreate, IOFailure, OutputLocked

LOOK_AGAIN_SECONDS = 0.1
"""How often a run that waits looks whether the other one is done."""

_unfinished: set[Path] = set()
"""Partial files of this process; those that a run which must leave at once removes."""

_beginning = threading.Lock()
"""Held while a partial file is made and noted: none may come up between the removal and the end."""


def remove_unfinished(*, for_good: bool) -> None:
    """Remove the partial files of this process.

    Args:
        for_good: it ends now, whatever its other threads do, and must make no more.
    """
    held = _beginning.acquire(timeout=1)
    for partial in list(_unfinished):
        with contextlib.suppress(OSError):
            partial.unlink()
    if held and not for_good:
        _beginning.release()


class Outputs:
    """The files one run writes: all appear when the `with` block ends well, none when it does not.

    Args:
        targets: paths to write. Their folders must exist.
        wait: seconds to wait for another run that writes one of them.

    Attributes:
        waited: whether another run was waited for, so that what it wrote may be news.

    Raises:
        CannotCreate: a folder is missing or not writable, or a target is a directory.
        OutputLocked: another run is writing one of the targets.
    """

    def __init__(self, targets: list[Path], wait: float = 0.0) -> None:
        twice = next((target for target in targets if targets.count(target) > 1), None)
        if twice is not None:
            raise CannotCreate(f"two outputs go to the same file {twice}", "give each output its own file")
        # A link stays a link: what it leads to is replaced.
        self._real = {target: Path(os.path.realpath(target)) for target in targets}
        self._deadline = time.monotonic() + wait
        self.waited = False
        self._partials: dict[Path, BinaryIO] = {}
        self._devices: dict[Path, BinaryIO] = {}

    def __enter__(self) -> Self:
        """Lock every target, before any work is done."""
        try:
            for target in sorted(self._real.values()):
                if target.exists() and not target.is_file() and not target.is_dir():
                    self._devices[target] = target.open("wb")  # /dev/null, a named pipe: nothing to replace
                else:
                    recover(target)
                    self._partials[target] = self._lock(target)
        except BaseException:
            self._discard()
            raise
        return self

    def file(self, target: Path) -> BinaryIO:
        """Return the partial file of a target, open for writing."""
        real = self._real[target]
        return self._devices[real] if real in self._devices else self._partials[real]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put all files in their places, or remove all partial files when the block failed."""
        if kind is not None:
            self._discard()
            return
        try:
            for partial in self._partials.values():
                partial.flush()
                os.fsync(partial.fileno())
            self._disown()  # from here on a file that is left is whole
            replace_together([(partial_path(target), target) for target in self._partials])
        except OSError as problem:
            if not any(note_path(target).exists() for target in self._partials):
                self._discard()  # else it was decided, and the next run finishes it
            raise IOFailure(
                f"cannot write the output: {problem}",
                "free some space, or choose another folder with `output`",
            ) from problem
        finally:
            self._close()

    def _lock(self, target: Path) -> BinaryIO:
        """Lock a target, waiting for another run as long as was allowed."""
        while True:
            try:
                with _beginning:
                    stream = _lock_partial(target)
                    _unfinished.add(partial_path(target))
            except OutputLocked:
                if time.monotonic() >= self._deadline:
                    raise
            else:
                return stream
            self.waited = True
            time.sleep(LOOK_AGAIN_SECONDS)
            recover(target)

    def _disown(self) -> None:
        _unfinished.difference_update(partial_path(target) for target in self._partials)

    def _discard(self) -> None:
        for target in self._partials:
            with contextlib.suppress(OSError):
                partial_path(target).unlink()
        self._disown()
        self._close()

    def _close(self) -> None:
        for stream in (*self._partials.values(), *self._devices.values()):
            with contextlib.suppress(OSError):
                stream.close()
        self._partials.clear()
        self._devices.clear()


def partial_path(target: Path) -> Path:
    """Return the path of the file that becomes `target`."""
    return target.with_name(f".{target.name}.partial")


@contextlib.contextmanager
def lock_again(target: Path) -> Iterator[bool]:
    """Lock a target that has been written once more, to tidy up beside it; False where another run has it."""
    try:
        stream = _lock_partial(target)
    except (OutputLocked, CannotCreate):
        yield False
        return
    try:
        yield True
    finally:
        partial_path(target).unlink(missing_ok=True)
        stream.close()


@contextlib.contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Turn a failed write inside the block into `IOFailure`, a pipe nobody reads into `BrokenPipeError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        if "Broken pipe" in str(problem):  # some libraries lose the error's class on its way
            raise BrokenPipeError from problem
        reason = os.strerror(problem.errno) if problem.errno else str(problem)
        raise IOFailure(
            f"cannot write {target}: {reason}", "free some space, or choose another folder with `output`"
        ) from problem


def _lock_partial(target: Path) -> BinaryIO:
    """Open and lock the partial file of a target, empty."""
    if target.is_dir():
        raise CannotCreate(f"{target} is a directory", "name a file with `output`")
    if target.exists() and not os.access(target, os.W_OK):
        raise CannotCreate(f"{target} is read-only", "make it writable, or name another file with `output`")
    path = partial_path(target)
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise _cannot_create(target, problem) from problem
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and lock, another run may have renamed or removed this very file: then its
            # name leads elsewhere by now, and the lock is worth nothing.
            if os.stat(path, follow_symlinks=False).st_ino == os.fstat(descriptor).st_ino:
                os.ftruncate(descriptor, 0)
                os.fchmod(descriptor, _mode_of(target))
                return os.fdopen(descriptor, "wb")
        except FileNotFoundError:
            pass
        except OSError as problem:
            os.close(descriptor)
            if problem.errno in (errno.EAGAIN, errno.EACCES):
                raise OutputLocked(
                    f"another run is writing {target}",
                    "wait for it with `wait=SECONDS`, or write elsewhere with `output`",
                ) from problem
            raise _cannot_create(target, problem) from problem
        os.close(descriptor)


def _mode_of(target: Path) -> int:
    """Return the permissions the finished file gets: those it had, else what the umask leaves."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _cannot_create(target: Path, problem: OSError) -> CannotCreate:
    if problem.errno == errno.ENOENT:
        return CannotCreate(f"no folder {target.parent}", f"create it: mkdir -p {target.parent}")
    reason = os.strerror(problem.errno or 0)
    return CannotCreate(f"cannot create {target}: {reason}", "name another file with `output`")
