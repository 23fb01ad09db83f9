"""What a report takes beside the results: what only it reads, and where everything came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import RELATED_PRODUCTS, RULES
from prodassoc_cli.errors import BadData
from prodassoc_cli.execution.run import Run

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.evaluation.report.data import Provenance


@dataclass(frozen=True)
class ReportInputs:
    """What only a report shows; None for what was not given.

    Attributes:
        rules: the rules to show.
        relations: complements, substitutes and variants.
        cleaning: the summary of cleaning.
    """

    rules: pl.DataFrame | None
    relations: pl.DataFrame | None
    cleaning: dict[str, Any] | None


def read_report_inputs(run: Run) -> ReportInputs:
    """Read what only a report shows.

    Raises:
        BadData: the summary is no JSON of `clean --summary`.
    """
    rules, relations = run.read_optional("rules", RULES), run.read_optional("relations", RELATED_PRODUCTS)
    files = run.files("cleaning")
    return ReportInputs(rules, relations, _read_summary(files[0].path) if files else None)


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise BadData(f"{path} is not JSON", "give what `clean summary=FILE` wrote") from problem
    if not isinstance(facts, dict) or "rows_in" not in facts:
        raise BadData(f"{path} is not a summary of `clean`", "give what `clean summary=FILE` wrote")
    return facts


def provenance_of(run: Run) -> list[Provenance]:
    """Return where each input of a run came from."""
    from dataclasses import asdict

    from prodassoc_cli.artifacts.parquet.files import is_parquet
    from prodassoc_cli.artifacts.store import read_lineage
    from prodassoc_cli.evaluation.report.data import Provenance

    found = []
    for digest, path in run.digested():
        lineage = None if path is None or not is_parquet(path) else read_lineage(path)
        found.append(
            Provenance(digest.role, digest.name, digest.sha256, {} if lineage is None else asdict(lineage))
        )
    return found
