"""What artifacts lie in a folder: so that a hint can name the files that are there."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pyarrow.parquet as pq

from prodassoc_cli.artifacts.lineage import METADATA_KEY, Lineage
from prodassoc_cli.artifacts.schemas import FEEDBACK, HOLDOUT, INTERACTIONS

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
    if lineage.kind != INTERACTIONS.name:
        return lineage.kind
    if "list_id" in schema.names:
        return FEEDBACK
    return lineage.kind if "conventions" in lineage.details else HOLDOUT
