"""What a report takes beside the results: what only it reads, where everything came from, rules alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import RULES
from prodassoc_cli.errors import BadData
from prodassoc_cli.execution.run import Run

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.evaluation.report.data import Provenance


def read_report_inputs(run: Run) -> tuple[pl.DataFrame | None, dict[str, Any] | None]:
    """Return the rules to show and the summary of cleaning; None for what was not given.

    Raises:
        BadData: the summary is no JSON of `clean --summary`.
    """
    rules = run.read_optional("rules", RULES)
    files = run.files("cleaning")
    if not files:
        return rules, None
    path = files[0].path
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise BadData(f"{path} is not JSON", "give what `clean summary=FILE` wrote") from problem
    if not isinstance(facts, dict) or "rows_in" not in facts:
        raise BadData(f"{path} is not a summary of `clean`", "give what `clean summary=FILE` wrote")
    return rules, facts


def provenance_of(run: Run) -> list[Provenance]:
    """Return where each input of a run came from."""
    from dataclasses import asdict

    from prodassoc_cli.artifacts.store import read_lineage
    from prodassoc_cli.evaluation.report.data import Provenance

    found = []
    for digest, path in run.digested():
        lineage = None if path is None or path.suffix == ".json" else read_lineage(path)
        found.append(
            Provenance(digest.role, digest.name, digest.sha256, {} if lineage is None else asdict(lineage))
        )
    return found


def rules_report(run: Run, rules: pl.DataFrame, products: pl.DataFrame | None, config: object) -> str:
    """Return a report of rules alone."""
    from prodassoc_cli.declare import result_parameters
    from prodassoc_cli.evaluation.report.build import render_rules
    from prodassoc_cli.evaluation.report.data import ReportData

    return render_rules(
        ReportData(
            rules=rules,
            products=products,
            provenance=provenance_of(run),
            parameters=result_parameters(config),
        )
    )
