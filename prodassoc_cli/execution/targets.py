"""Where the results of a run go: files of some format, standard output, or memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prodassoc_cli.artifacts.datasets import MANIFEST, is_folder
from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import Format

STDOUT = "-"

IN_MEMORY = ":memory:"
"""Stands where a path would, for a result that is wanted back and in no file."""

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
        path: the file that appears when it is whole, of a folder its manifest; None where there is none.
        form: its format; `memory` for a result that is only returned.
        folder: the folder of its parts; None where it is one file.
    """

    kind: Kind
    path: Path | None
    form: Format | Literal["memory"]
    folder: Path | None = None

    @classmethod
    def at(cls, kind: Kind, where: str, form: Format | None = None) -> Target:
        """Return the target that a word of the command line stands for: a file, or a folder of parts.

        Raises:
            UsageProblem: a folder should hold something else than Parquet.
        """
        if where == IN_MEMORY:
            return cls(kind, None, "memory")
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
