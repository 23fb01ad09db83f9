"""Columns that no map, preset or alias names, matched with fields by what their headers mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

NO_FIELD = ""
"""What a column is that no field is read from, in likenesses."""

TITLE, DESCRIPTION = "title", "description"
"""Headers of both are known as one; the length of the texts tells which a column is."""

TAKEN, AHEAD = 0.4, 0.15
"""Likeness from which on a header names a field, and by how much it must be ahead of what else it may name.
Of the 40 headers to choose by, 36 are taken by the multilingual model and 19 by the default, none wrong."""


class ReadHeaders(Protocol):
    """Compares headers with the names of fields."""

    def __call__(self, headers: Sequence[str]) -> list[dict[str, float]]:
        """Return for each header field → likeness, NO_FIELD among them; nothing where it is not read."""

    @property
    def name(self) -> str:
        """Name of the encoder that read headers; empty where none was read."""

    @property
    def hint(self) -> str:
        """What would read the headers that are not read."""


@dataclass(frozen=True)
class Likened:
    """What columns are by their headers and values.

    Attributes:
        taken: field → the one column that fits.
        proposed: field → columns that may be it, the likeliest first.
        hint: what would read the headers that were not read.
        read_by: name of the encoder; empty where no column was taken.
    """

    taken: dict[str, str] = field(default_factory=dict)
    proposed: dict[str, list[str]] = field(default_factory=dict)
    hint: str = ""
    read_by: str = ""

    def facts(self) -> dict[str, object]:
        """Return which encoder read the headers that were taken, ready for JSON; empty where none was."""
        return {"headers_read_by": self.read_by, "by_header": self.taken} if self.taken else {}

    def notes(self, table: str = "") -> list[str]:
        """Return what to say of them; entries of `map` begin with the name of their table."""
        return [
            *(
                f"{name}={column}, as its header and values suggest; `map={table}{name}=COLUMN` names another"
                for name, column in self.taken.items()
            ),
            *(
                f"{name} may be in {' or '.join(columns)}: name it by `map={table}{name}=COLUMN`"
                for name, columns in self.proposed.items()
            ),
        ]


def liken(fitting: Mapping[str, Collection[str]], wanted: Collection[str], read: ReadHeaders) -> Likened:
    """Match columns with fields; a column is taken for one field at most.

    Args:
        fitting: column → fields that its values may be of.
        wanted: fields without a column.
        read: compares headers with the names of fields.
    """
    names = list(fitting)
    found: dict[str, list[tuple[float, bool, str]]] = defaultdict(list)
    likeness = read(names)
    for name, scores in zip(names, likeness, strict=True):
        if DESCRIPTION in fitting[name]:
            scores = {DESCRIPTION if each == TITLE else each: score for each, score in scores.items()}
        best, *others = sorted(scores, key=scores.__getitem__, reverse=True) or [NO_FIELD]
        if best in wanted and best in fitting[name] and scores[best] >= TAKEN:
            clear = all(scores[best] - scores[other] >= AHEAD for other in others)
            found[best].append((scores[best], clear, name))
    taken = {each: columns[0][2] for each, columns in found.items() if len(columns) == 1 and columns[0][1]}
    proposed = {
        each: [name for _, _, name in sorted(columns, reverse=True)]
        for each, columns in found.items()
        if each not in taken
    }
    return Likened(taken, proposed, "" if all(likeness) else read.hint, read.name if taken else "")
