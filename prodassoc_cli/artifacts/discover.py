"""What artifacts lie in a folder: so that a hint can name the files that are there."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pyarrow.parquet as pq

from prodassoc_cli.artifacts.lineage import METADATA_KEY, Lineage
from prodassoc_cli.artifacts.schemas import FEEDBACK, HOLDOUT, INTERACTIONS, RECOMMENDATIONS, Kind

MAX_FILES = 100
"""Files looked at: a hint is worth no more."""


def artifacts_in(folder: Path) -> dict[str, Path]:
    """Return the newest artifact of each role in a folder.

    The role of an artifact is its kind; interactions set aside are `holdout`, a log of lists shown is
    `feedback`. What cannot be read is passed over.
    """
    found: dict[str, Path] = {}
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[-MAX_FILES:]:
            role = role_of(path)
            if role is not None:
                found[role] = path
    return found


def role_of(path: Path) -> str | None:
    """Return what an artifact is for, by its header; None where the file is no artifact."""
    try:
        schema = pq.read_schema(path)
        text = (schema.metadata or {})[METADATA_KEY]
        lineage = Lineage.from_json(text)
    except Exception:  # whatever lies there: a hint does without it
        return None
    if lineage.kind == RECOMMENDATIONS.name and "user_id" not in schema.names:
        return None  # lists of products or baskets, which no command takes
    if lineage.kind != INTERACTIONS.name:
        return lineage.kind
    if "list_id" in schema.names:
        return FEEDBACK
    return lineage.kind if "conventions" in lineage.details else HOLDOUT


def knows_users(model: Path) -> bool:
    """Return whether a model can make lists for users; taken for granted where it does not tell."""
    with contextlib.suppress(Exception):  # a hint does without it
        lineage = Lineage.from_json(pq.read_schema(model).metadata[METADATA_KEY])
        return bool(lineage.details["model"]["facts"]["users"])
    return True


def share_users(lists: Path, truth: Path) -> bool:
    """Return whether some user has both a list and rows in the truth; False where that cannot be read."""
    with contextlib.suppress(Exception):  # a hint does without it
        return not _users(lists, RECOMMENDATIONS).isdisjoint(_users(truth, INTERACTIONS))
    return False


def _users(path: Path, kind: Kind) -> set[str]:
    from prodassoc_cli.artifacts.store import read_coded_pieces
    from prodassoc_cli.artifacts.texts import is_text, read_text

    if is_text(path):
        return set(read_text(path, kind)["user_id"].to_pylist())
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    pieces = read_coded_pieces(files, kind, ["user_id"])
    return {user for piece in pieces for user in piece["user_id"].unique().to_pylist() if user is not None}
