"""What the results of a run are put into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from prodassoc_cli.artifacts.datasets import Part
from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.execution.targets import Target
from prodassoc_cli.stage import StageResult

if TYPE_CHECKING:
    from prodassoc_cli.artifacts.lineage import Lineage
    from prodassoc_cli.artifacts.outputs import Outputs
    from prodassoc_cli.stage import Rows


class Recorder(Protocol):
    """What a writer tells of what it writes: a run."""

    page_path: Path | None

    def lineage(self, kind: Kind, facts: dict[str, Any]) -> Lineage:
        """Return what made an artifact of this run."""

    def wrote(self, name: str, kind: Kind, rows: int) -> None:
        """Note that an output is written."""

    def keep(self, name: str, kind: Kind, rows: Rows, facts: dict[str, Any]) -> Rows:
        """Return the rows of an output that is about to be written, kept if anybody wants them."""


class Writer:
    """Where a run puts its results; see `Run.outputs`.

    Args:
        run: notes what is written.
        targets: where each output goes, by its name.
        files: the open files of the targets.
        raw_csv: leave formulas in CSV as they are.
    """

    def __init__(self, run: Recorder, targets: dict[str, Target], files: Outputs, *, raw_csv: bool) -> None:
        self._run = run
        self._raw_csv = raw_csv
        self._targets = targets
        self._files = files

    def wants(self, name: str) -> bool:
        """Return whether that output was asked for."""
        return name in self._targets

    def is_file(self, name: str) -> bool:
        """Return whether that output goes to a file rather than to standard output."""
        return self.wants(name) and self._targets[name].path is not None

    def folder(self, name: str) -> Path | None:
        """Return the folder that the parts of that output go to, absolute; None where it is one file."""
        folder = self._targets[name].folder if self.wants(name) else None
        return None if folder is None else folder.resolve()

    def lineage(self, name: str, **details: Any) -> Lineage:  # noqa: ANN401 — anything JSON can hold
        """Return what the parts of an output carry that are written elsewhere; see `put_parts`."""
        return self._run.lineage(self._targets[name].kind, details)

    def put_parts(self, name: str, parts: Sequence[Part]) -> None:
        """Note which parts of a folder, written with `datasets.write_part`, are the output."""
        from prodassoc_cli.artifacts.datasets import manifest_text
        from prodassoc_cli.artifacts.outputs import write_errors

        target = self._targets[name]
        assert target.path is not None
        with write_errors(target.path):
            self._files.file(target.path).write(manifest_text(target.kind, parts).encode())
        self._run.wrote(name, target.kind, sum(part.rows for part in parts))

    def put_page(self, text: Callable[[], str]) -> None:
        """Write the page for people, if one was asked for; only then is it made."""
        from prodassoc_cli.artifacts.outputs import write_errors

        path = self._run.page_path
        if path is not None:
            with write_errors(path):
                self._files.file(path).write(text().encode())

    def put(self, result: StageResult) -> None:
        """Write one result, if it was asked for; its output is `output`, or a name given to `Run.outputs`."""
        name = result.output
        if not self.wants(name):
            return
        from prodassoc_cli.artifacts.datasets import write_parts
        from prodassoc_cli.artifacts.outputs import write_errors
        from prodassoc_cli.artifacts.store import write_artifact
        from prodassoc_cli.terminal import output

        target = self._targets[name]
        rows = self._run.keep(name, target.kind, result.rows, result.facts)
        if target.form == "memory":
            return
        if target.folder is not None:
            with write_errors(target.folder):
                parts = write_parts(target.folder, rows, target.kind, self.lineage(name, **result.facts))
            self.put_parts(name, parts)
            return
        stream = self._files.file(target.path) if target.path else output.standard_output()
        with write_errors(target.path or Path("standard output")):
            if target.form == "parquet":
                lineage = self._run.lineage(target.kind, result.facts)
                count = write_artifact(rows, target.kind, lineage, stream)
            else:
                shown = result.view if target.form == "table" and result.view is not None else rows
                count = output.write_text(shown, target.form, stream, raw=self._raw_csv)
        self._run.wrote(name, target.kind, count)

    def put_all(self, results: Iterable[StageResult]) -> None:
        """Write results one after another."""
        for result in results:
            self.put(result)
