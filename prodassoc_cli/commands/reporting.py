"""A report as an output of a command: its file, what only it reads, and where everything came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import RULES
from prodassoc_cli.commands.run import Run
from prodassoc_cli.errors import BadData

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.evaluation.report.data import Provenance


@contextmanager
def report_file(where: str | None) -> Iterator[Callable[[str], None] | None]:
    """Give what writes the report, or None where none was asked for; it appears whole or not at all."""
    if where is None:
        yield None
        return
    from prodassoc_cli.artifacts.outputs import Outputs, write_errors

    path = Path(where)
    with Outputs([path]) as files:

        def put(text: str) -> None:
            with write_errors(path):
                files.file(path).write(text.encode())

        yield put


def read_report_inputs(this: Run) -> tuple[pl.DataFrame | None, dict[str, Any] | None]:
    """Return the rules to show and the summary of cleaning; None for what was not given.

    Raises:
        BadData: the summary is no JSON of `clean --summary`.
    """
    rules = this.read_optional("rules", RULES)
    files = this.files("cleaning")
    if not files:
        return rules, None
    path = files[0].path
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise BadData(f"{path} is no JSON", "give what prodassoc clean --summary FILE wrote") from problem
    if not isinstance(facts, dict) or "rows_in" not in facts:
        raise BadData(
            f"{path} is no summary of prodassoc clean", "give what prodassoc clean --summary FILE wrote"
        )
    return rules, facts


def provenance_of(this: Run) -> list[Provenance]:
    """Return where each input of a run came from."""
    from dataclasses import asdict

    from prodassoc_cli.artifacts.store import read_lineage
    from prodassoc_cli.evaluation.report.data import Provenance

    found = []
    for digest, path in this.digested():
        lineage = None if path.suffix == ".json" else read_lineage(path)
        found.append(
            Provenance(digest.role, digest.name, digest.sha256, {} if lineage is None else asdict(lineage))
        )
    return found
