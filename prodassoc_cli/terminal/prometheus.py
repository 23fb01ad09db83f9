"""Figures of a run in the text format that Prometheus' node exporter collects from files.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import time
from collections.abc import Mapping


def metrics_text(command: str, rows: Mapping[str, int], seconds: float, peak_memory: int) -> str:
    """Return the figures of a run that ended well.

    Args:
        command: the command that ran.
        rows: output → rows written; empty where the outputs were up to date.
        seconds: how long it took.
        peak_memory: the most memory it held, in bytes.
    """
    label = f'{{command="{command}"}}'
    now = round(time.time(), 3)
    figures: list[tuple[str, str, dict[str, float]]] = [
        ("run_end_time_seconds", "End of the last good run, seconds since 1970.", {label: now}),
        ("run_seconds", "How long it took.", {label: round(seconds, 3)}),
        ("run_peak_memory_bytes", "The most memory it held.", {label: peak_memory}),
        (
            "run_rows",
            "Rows it wrote, by output; none where all was up to date.",
            {f'{{command="{command}",output="{name}"}}': number for name, number in rows.items()},
        ),
    ]
    lines = []
    for name, meaning, values in figures:
        if values:
            lines += [f"# HELP prodassoc_{name} {meaning}", f"# TYPE prodassoc_{name} gauge"]
            lines += [f"prodassoc_{name}{labels} {value}" for labels, value in values.items()]
    return "\n".join(lines) + "\n"
