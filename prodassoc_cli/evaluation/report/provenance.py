"""Where it all comes from: the quality of the data, the files, the parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from prodassoc_cli.evaluation.report.charts import bar_chart
from prodassoc_cli.evaluation.report.data import Provenance, ReportData
from prodassoc_cli.evaluation.report.markup import percent, safe
from prodassoc_cli.evaluation.report.page import Section


def quality(data: ReportData) -> Section | None:
    """What cleaning kept and left out; None without its summary."""
    facts = data.cleaning
    if not facts or not isinstance(facts.get("rows_in"), int):
        return None
    rows, kept = facts["rows_in"], int(facts.get("rows_kept", 0))
    cards = [
        ("Rows read", f"{rows:,}"),
        ("Kept", percent(kept / rows if rows else None)),
        ("Left out", f"{rows - kept:,}"),
        ("Rows without a user", f"{int(facts.get('missing_user', 0)):,}"),
    ]
    boxes = "".join(f'<div class="card"><b>{value}</b>{safe(name)}</div>' for name, value in cards)
    rejects = {str(name): float(count) for name, count in dict(facts.get("rejects") or {}).items()}
    chart = ""
    if rejects:
        bars = sorted(
            ((name.replace("_", " "), count) for name, count in rejects.items()), key=lambda bar: -bar[1]
        )
        words = "Rows left out, by reason"
        drawn = bar_chart(bars, words)
        chart = f"<figure>{drawn}<figcaption>{words}</figcaption></figure>"
    return Section("data", "The data behind it", f'<div class="cards">{boxes}</div>{chart}')


def lineage(data: ReportData) -> Section:
    """The options of this run, and every file with what made it."""
    own = _list(data.parameters)
    files = "".join(_file(each) for each in data.provenance)
    return Section("origin", "Parameters and files", f"<h3>This run</h3>{own}{files}")


def _file(each: Provenance) -> str:
    made = ""
    if each.lineage:
        head = {
            "kind": each.lineage.get("kind"),
            "made by": f"prodassoc {each.lineage.get('command')} {each.lineage.get('tool_version')}",
            "seed": each.lineage.get("seed"),
        }
        inputs = {
            f"from {entry.get('role')}": f"{entry.get('name')} (SHA-256 {str(entry.get('sha256'))[:12]}…)"
            for entry in each.lineage.get("inputs", ())
        }
        made = _list({**head, **inputs, **dict(each.lineage.get("parameters") or {})})
    digest = f"<p><code>SHA-256 {safe(each.sha256)}</code></p>" if each.sha256 else ""
    return f"<details><summary>{safe(each.role)}: {safe(each.name)}</summary>{digest}{made}</details>"


def _list(values: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<dt>{safe(name)}</dt><dd>{safe(_text(value))}</dd>"
        for name, value in values.items()
        if value not in (None, [], "")
    )
    return f"<dl>{rows}</dl>" if rows else '<p class="soft">All options at their defaults.</p>'


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
