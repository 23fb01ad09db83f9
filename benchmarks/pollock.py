"""Score how `clean` reads the files of the Pollock benchmark (VLDB 2023), by its own measure.

    python -m benchmarks.pollock FOLDER

FOLDER is its `polluted_files`: `csv/` has the polluted files, `clean/` the tables that they are. In it or
beside it stand the weights, `pollock_weights.json`; without them only the simple score is given. The measure
has ten parts, each from 0 to 1: whether a file is read at all, then precision, recall and F1 of the cells of
the header, of the records and of all cells, as multisets; cells are compared as they are written. See
https://github.com/HPI-Information-Systems/Pollock.

A row that is set aside with a reason counts as lost. A file that is refused because it is empty was read
right if nothing is in it.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import sys
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.header import find_header
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.reader import ReadOptions
from prodassoc_cli.intake.formats.registry import look
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.inputs import until_settled

csv.field_size_limit(1 << 30)


@dataclass
class Loaded:
    """A file as it was read.

    Attributes:
        rows: cells of its rows, first the header where it has one.
        rejects: rows that were set aside: number, reason, text.
        said: what was said of it.
    """

    rows: list[list[str]] = field(default_factory=list)
    rejects: list[tuple[int, str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def load(path: Path) -> Loaded:
    """Read a file as `clean` does, as far as tables.

    Raises:
        BadData: it is refused.
    """
    loaded = Loaded()
    with contextlib.ExitStack() as stack:
        head = look(Source(path.name, path), ReadOptions(), loaded.said.append)
        header = find_header(head.rows)
        names = header.names if header else [str(place) for place in range(len(head.rows[0]))]
        skip = head.lines_before(header.data if header else 0)
        above = header.rows if header else []
        reader = head.open(names, header=above, skip=skip, say=loaded.said.append, stack=stack)
        tables = []
        with contextlib.suppress(_NoRows), _no_rows():
            tables = until_settled(lambda: list(reader.pieces()))
    loaded.rows = [names] if header else []
    for table in tables:
        loaded.rows += [[cell or "" for cell in row] for row in table.frame.drop(ROW).rows()]
        loaded.rejects += table.rejects.select("row", "reason", "raw").rows()
    return loaded


class _NoRows(Exception):
    """A file of a header alone."""


@contextlib.contextmanager
def _no_rows() -> Iterable[None]:
    try:
        yield
    except BadData as problem:
        if "header but no rows" not in problem.message:
            raise
        raise _NoRows from problem


def score(loaded: list[list[str]] | None, clean: list[list[str]]) -> float:
    """Return the sum of the ten parts; `loaded` is None for a file that is refused."""
    if not clean:
        return 10.0
    if loaded is None:
        return 0.0
    parts = 1.0
    for found, wanted in (
        (loaded[:1] and loaded[0], clean[0]),
        ([tuple(row) for row in loaded[1:]], [tuple(row) for row in clean[1:]]),
        ([cell for row in loaded for cell in row], [cell for row in clean for cell in row]),
    ):
        parts += sum(_agreement(found, wanted))
    return parts


def _agreement(found: Iterable[Hashable], wanted: Iterable[Hashable]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of two multisets."""
    found, wanted = Counter(found), Counter(wanted)
    if not wanted:
        return 1.0, 1.0, 1.0
    both = (found & wanted).total()
    if not both:
        return 0.0, 0.0, 0.0
    precision, recall = both / found.total(), both / wanted.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def main() -> None:
    """Score every file of a folder, and show those that lose anything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    files = sorted(path for path in (folder / "csv").iterdir() if (folder / "clean" / path.name).exists())
    if not files:
        sys.exit(f"{folder}: no files in csv/ that clean/ has too")
    weights = {}
    for place in (folder, folder.parent):
        with contextlib.suppress(OSError):
            weights = json.loads((place / "pollock_weights.json").read_text()) or weights
    scores = {}
    for path in files:
        with (folder / "clean" / path.name).open(encoding="utf-8-sig", newline="") as file:
            clean = list(csv.reader(file))
        try:
            scores[path.name] = score(load(path).rows, clean)
            refusal = ""
        except BadData as problem:
            scores[path.name], refusal = score(None, clean), problem.message
        if scores[path.name] < 9.9:
            print(f"{scores[path.name]:6.2f}  {path.name}  {refusal}")
    total = sum(weights.get(name, 0.0) for name in scores)
    print(f"{len(scores):,} files: simple {sum(scores.values()) / len(scores):.3f}", end="")
    if total:
        weighted = sum(weights.get(name, 0.0) * each for name, each in scores.items()) / total
        print(f", weighted {weighted:.3f}", end="")
    print(" of 10")


if __name__ == "__main__":
    main()
