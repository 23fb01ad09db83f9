"""Parts of an artifact that executors write to a folder they share with this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from prodassoc_cli.artifacts.datasets import Part, write_part
from prodassoc_cli.artifacts.lineage import Lineage
from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.errors import CannotCreate, IOFailure


@dataclass(frozen=True)
class PartsOf:
    """Where the parts of an artifact go.

    Attributes:
        folder: the folder, by an absolute path.
        lineage: what every part carries.
        parts: what has been written, as far as this process knows.
    """

    folder: str
    lineage: Lineage
    parts: list[Part] = field(default_factory=list)

    def write(self, number: int, frame: pl.DataFrame, kind: Kind) -> Part:
        """Write a part, on an executor.

        Raises:
            CannotCreate: the folder is not there.
        """
        folder = Path(self.folder)
        if not folder.is_dir():
            raise CannotCreate(f"the executors do not see the folder {folder}: put it where they share it")
        return write_part(folder, number, frame, kind, self.lineage)

    def check(self) -> list[Part]:
        """Return the parts, in the order of their numbers, having seen that they are here.

        Raises:
            IOFailure: one is not: executors have a folder of their own by that name.
        """
        found = sorted(self.parts, key=lambda part: int(part.name.split("-")[1]))
        missing = next((part.name for part in found if not (Path(self.folder) / part.name).is_file()), None)
        if missing is not None:
            raise IOFailure(
                f"the executors wrote {missing}, but it is not in {self.folder}",
                "write to a file system that this machine and the executors share",
            )
        return found
