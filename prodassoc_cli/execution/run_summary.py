"""What a run reports of itself in files: the summary as JSON, and figures for Prometheus."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.resources import peak_memory
from prodassoc_cli.settings import CommonConfig

if TYPE_CHECKING:
    from prodassoc_cli.artifacts.outputs import Outputs


class RunSummary:
    """Facts of one run, and where they go.

    Args:
        command: its name.
        common: the options that say where.
    """

    def __init__(self, command: str, common: CommonConfig) -> None:
        self._command, self._common = command, common
        self._started = time.monotonic()
        self._summary: dict[str, Any] = {}
        self._rows: dict[str, int] = {}

    def note(self, facts: dict[str, Any]) -> None:
        """Put facts into the summary."""
        self._summary.update(facts)

    def wrote(self, name: str, kind: str, rows: int) -> None:
        """Note that an output is written."""
        self._summary[f"{kind}_rows"] = rows
        self._rows[name] = rows

    def paths(self) -> list[Path]:
        """Return the files that will be written."""
        return [Path(each) for each in (self._common.summary, self._common.metrics_file) if each is not None]

    def write(self, files: Outputs, **about: Any) -> None:  # noqa: ANN401 — anything JSON can hold
        """Write the files that are asked for.

        Args:
            files: where they are opened.
            about: what the run was made of, for the summary: parameters, inputs, outputs.
        """
        if self._common.summary is not None:
            summary = {
                "command": self._command,
                "seed": self._common.seed,
                **about,
                "seconds": round(time.monotonic() - self._started, 3),
                "peak_memory_bytes": peak_memory(),
                **self._summary,
            }
            text = json.dumps(summary, indent=2, ensure_ascii=False, default=str)
            files.file(Path(self._common.summary)).write(f"{text}\n".encode())
        self.write_metrics(files)

    def write_metrics(self, files: Outputs) -> None:
        """Write the figures for Prometheus, if they are asked for."""
        if self._common.metrics_file is None:
            return
        from prodassoc_cli.terminal.prometheus import metrics_text

        seconds = time.monotonic() - self._started
        text = metrics_text(self._command, self._rows, seconds, peak_memory())
        files.file(Path(self._common.metrics_file)).write(text.encode())
