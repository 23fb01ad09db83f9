"""Several files replaced together: what a killed run began to put in place, the next run finishes.

A rename replaces one file at a time. Before the first one, the run writes down all of them: a note beside
each target, `.NAME.commit`, and that of the first target last. This one is the moment of decision: where it
is there, all of the renames happen, by this run or by the next that reads or writes one of the targets; where
it is not, none does. Notes name files by inode and size, so that none puts another run's file in place.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Rename:
    """One rename that is due: the finished file, what it replaces, and how it is recognised."""

    partial: Path
    target: Path
    inode: int
    size: int


def note_path(target: Path) -> Path:
    """Return where the note of a target lies."""
    return target.with_name(f".{target.name}.commit")


def _draft_path(note: Path) -> Path:
    return note.with_name(f"{note.name}.partial")


def replace_together(files: Sequence[tuple[Path, Path]]) -> None:
    """Rename every finished file over its target: all of them, even if the process is killed on the way.

    Args:
        files: (finished file, target), each pair in one folder; the files are on the disk (fsync) already.

    Raises:
        OSError: the notes cannot be written, and then nothing is replaced; or a rename fails, and then the
            next run tries again.
    """
    renames = []
    for partial, target in files:
        found = partial.stat()
        renames.append(Rename(partial, target, found.st_ino, found.st_size))
    if len(renames) > 1:
        _write_notes(renames)
    for each in renames:
        each.partial.replace(each.target)
    _sync_folders(renames)
    if len(renames) > 1:
        _remove_notes(renames)


def recover(target: Path) -> None:
    """Finish what a killed run began with this file, if it had been decided; else forget it.

    Nothing is done where the folder may not be written to: each file by itself is whole either way.
    """
    if not note_path(target).exists():
        return
    with contextlib.suppress(OSError):
        first = _first_target(note_path(target))
        renames = _read_note(note_path(first)) if first is not None else []
        if target not in [each.target for each in renames]:
            _forget(target)
            return
        for each in renames:
            _finish(each)
        _sync_folders(renames)
        _remove_notes(renames)


def _forget(target: Path) -> None:
    """Remove what a run left that was killed before the decision; nothing while it is alive."""
    partial = target.with_name(f".{target.name}.partial")
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(partial, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(partial, follow_symlinks=False).st_ino == os.fstat(descriptor).st_ino:
                partial.unlink()
        finally:
            os.close(descriptor)
    note_path(target).unlink(missing_ok=True)


def _write_notes(renames: Sequence[Rename]) -> None:
    """Write the notes, the first target's last."""
    text = json.dumps([[str(each.partial), str(each.target), each.inode, each.size] for each in renames])
    try:
        for each in reversed(renames):
            note = note_path(each.target)
            draft = _draft_path(note)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(draft, flags, 0o600), "w") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(note)
            _sync_folders([each])
    except OSError:
        _remove_notes(renames)
        raise


def _remove_notes(renames: Sequence[Rename]) -> None:
    """Remove the notes, the first target's last: it alone says that something is left to do."""
    for each in reversed(renames):
        note = note_path(each.target)
        for path in (note, _draft_path(note)):
            with contextlib.suppress(OSError):
                path.unlink()


def _finish(each: Rename) -> None:
    """Do one rename, if it is still due; wait while the run that decided it is alive and doing it."""
    try:
        descriptor = os.open(each.partial, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        found = os.fstat(descriptor)
        with contextlib.suppress(FileNotFoundError):
            still = os.stat(each.partial, follow_symlinks=False).st_ino == found.st_ino
            if still and (found.st_ino, found.st_size) == (each.inode, each.size):
                each.partial.replace(each.target)
    finally:
        os.close(descriptor)


def _first_target(note: Path) -> Path | None:
    return next((each.target for each in _read_note(note)), None)


def _read_note(note: Path) -> list[Rename]:
    """Return the renames of a note; none where there is no note or it is not one of ours."""
    return list(_renames(note))


def _renames(note: Path) -> Iterator[Rename]:
    try:
        with os.fdopen(os.open(note, os.O_RDONLY | os.O_NOFOLLOW)) as stream:
            if os.fstat(stream.fileno()).st_uid != os.geteuid():
                return  # nobody else decides what is put in place here
            rows = json.load(stream)
        for partial, target, inode, size in rows:
            # A note leads nowhere but from a partial file to the target of the same folder.
            if Path(partial) == Path(target).with_name(f".{Path(target).name}.partial"):
                yield Rename(Path(partial), Path(target), int(inode), int(size))
    except (OSError, ValueError, TypeError):
        return


def _sync_folders(renames: Sequence[Rename]) -> None:
    for folder in {each.target.parent for each in renames}:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
