"""Where the results of a run go: files of some format, or standard output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.datasets import MANIFEST, Part, is_folder
from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import Format

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.artifacts.lineage import Lineage
    from prodassoc_cli.artifacts.outputs import Outputs
    from prodassoc_cli.commands.execution.run import Run

_FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "table",
}


@dataclass(frozen=True)
class Target:
    """One output of a run.

    Attributes:
        kind: its kind.
        path: the file that appears when it is whole, of a folder its manifest; None where it is shown.
        form: its format.
        folder: the folder of its parts; None where it is one file.
    """

    kind: Kind
    path: Path | None
    form: Format
    folder: Path | None = None

    @classmethod
    def at(cls, kind: Kind, where: str, form: Format | None = None) -> Target:
        """Return the target that a word of the command line stands for: a file, or a folder of parts.

        Raises:
            UsageProblem: a folder should hold something else than Parquet.
        """
        if not is_folder(where):
            return cls(kind, Path(where), form or format_of(Path(where)))
        if form not in (None, "parquet"):
            raise UsageProblem(f"{where} is a folder, and its parts are Parquet", "drop `format`")
        return cls(kind, Path(where) / MANIFEST, "parquet", Path(where))

    @property
    def place(self) -> str:
        """Where it goes, in words."""
        if self.folder is not None:
            return f"{self.folder}/"
        return "standard output" if self.path is None else str(self.path)

    @property
    def is_file(self) -> bool:
        """Whether it goes to a file rather than to standard output."""
        return self.path is not None


def format_of(path: Path) -> Format:
    """Return the format that a file's suffix stands for; Parquet where it says nothing."""
    return _FORMAT_OF_SUFFIX.get(path.suffix.lower(), "parquet")


class Writer:
    """Where a run puts its results; see `Run.outputs`."""

    def __init__(self, run: Run, targets: dict[str, Target], files: Outputs) -> None:
        self._run = run
        self._targets = targets
        self._files = files

    def wants(self, name: str) -> bool:
        """Tell whether that output was asked for."""
        return name in self._targets

    def is_file(self, name: str) -> bool:
        """Tell whether that output goes to a file rather than to standard output."""
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

    def put(
        self,
        name: str,
        data: pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table],
        view: pl.DataFrame | None = None,
        **details: Any,  # noqa: ANN401 — anything JSON can hold
    ) -> None:
        """Write one result, if it was asked for.

        Args:
            name: `output`, or a name given to `Run.outputs`.
            data: its rows; frames of them one after another where they are too many to hold.
            view: what a table for people shows instead, where the rows alone would say less.
            details: facts its readers need; they go into the lineage.
        """
        if not self.wants(name):
            return
        from prodassoc_cli.artifacts.datasets import write_parts
        from prodassoc_cli.artifacts.outputs import write_errors
        from prodassoc_cli.artifacts.store import write_artifact
        from prodassoc_cli.terminal import output

        target = self._targets[name]
        if target.folder is not None:
            with write_errors(target.folder):
                parts = write_parts(target.folder, data, target.kind, self.lineage(name, **details))
            self.put_parts(name, parts)
            return
        stream = self._files.file(target.path) if target.path else output.standard_output()
        with write_errors(target.path or Path("standard output")):
            if target.form == "parquet":
                lineage = self._run.lineage(target.kind, details)
                rows = write_artifact(data, target.kind, lineage, stream)
            else:
                shown = view if target.form == "table" and view is not None else data
                rows = output.write_text(shown, target.form, stream, raw=self._run.common.raw_csv)
        self._run.wrote(name, target.kind, rows)
