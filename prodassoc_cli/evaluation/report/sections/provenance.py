"""Where it all comes from: the quality of the data, the files, the parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from prodassoc_cli.evaluation.report.charts import bar_chart
from prodassoc_cli.evaluation.report.data import Provenance, ReportData
from prodassoc_cli.evaluation.report.markup import Section
from prodassoc_cli.evaluation.report.words import Words


def quality(data: ReportData) -> Section | None:
    """What cleaning kept and left out; None without its summary."""
    facts = data.cleaning
    if not facts or not isinstance(facts.get("rows_in"), int):
        return None
    words, rows, kept = data.words, facts["rows_in"], int(facts.get("rows_kept", 0))
    cards = [
        (words.text("data.read"), words.number(rows)),
        (words.text("data.kept"), words.percent(kept / rows if rows else None)),
        (words.text("data.left_out"), words.number(rows - kept)),
        (words.text("data.no_user"), words.number(int(facts.get("missing_user", 0)))),
    ]
    rejects = {str(name): float(count) for name, count in dict(facts.get("rejects") or {}).items()}
    bars = sorted(
        ((words.known(f"rejects.{name}", name.replace("_", " ")), count) for name, count in rejects.items()),
        key=lambda bar: -bar[1],
    )
    chart = bar_chart(words, bars, words.text("data.reasons")) if bars else None
    return Section("data", {"cards": cards, "chart": chart})


def lineage(data: ReportData) -> Section:
    """The options of this run, and every file with what made it."""
    files = [(each, _made(data.words, each)) for each in data.provenance]
    return Section("origin", {"parameters": _given(data.parameters), "files": files})


def _made(words: Words, each: Provenance) -> dict[str, str] | None:
    """Return what made a file: its kind, command, inputs and parameters; None where it does not tell."""
    if not each.lineage:
        return None
    command = f"prodassoc {each.lineage.get('command')} {each.lineage.get('tool_version')}"
    made = {
        words.text("origin.kind"): each.lineage.get("kind"),
        words.text("origin.made_by"): command,
        words.text("origin.seed"): each.lineage.get("seed"),
    }
    for entry in each.lineage.get("inputs", ()):
        origin = words.text("origin.input", role=entry.get("role"))
        made[origin] = f"{entry.get('name')} (SHA-256 {str(entry.get('sha256'))[:12]}…)"
    return _given(made | dict(each.lineage.get("parameters") or {}))


def _given(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values that are set, as text."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
        if value not in (None, [], "")
    }
