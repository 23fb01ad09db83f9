"""What a run would read, do and write: `--dry-run`.

Sizes are estimates, to tell a minute's work from a night's.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, MODEL, PRODUCTS, RECOMMENDATIONS
from prodassoc_cli.settings.naming import options_given
from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.execution.targets import Target

STEPS = {
    "clean": "find out how the files are written, name their columns, read each value, leave out the rows "
    "that break a rule, sort the rest",
    "embed": "make a text of each product, encode each distinct text once",
    "mine": "make baskets, find the frequent sets, make rules of them, sort",
    "train": "number users and products, fit the model, check it on rows held back where it learns weights",
    "recommend": "score products for each list, apply the filters, keep the best, word the reasons",
    "evaluate": "make the lists of models, match lists and rules with the truth, average over users with "
    "intervals",
}
"""What a command does, in its order."""

BYTES_A_ROW = {INTERACTIONS.name: 6, PRODUCTS.name: 50, RECOMMENDATIONS.name: 13, MODEL.name: 130}
"""Size of artifacts by the rows they are made of. Measured on the simulated shop and on UCI Online Retail:
interactions 4 to 8 and a hybrid model 105 to 155 per row of interactions, recommendations 11 to 13."""

_MADE_OF = {
    INTERACTIONS.name: "orders",
    PRODUCTS.name: "products",
    EMBEDDINGS.name: "products",
    MODEL.name: "interactions",
}
_DIMENSIONS, _TFIDF_DIMENSIONS = 384, 256
_LOOKED_AT = 1 << 18
_GZIP, _BINARY = b"\x1f\x8b", (b"\x28\xb5\x2f\xfd", b"ARROW1")


@dataclass(frozen=True)
class Needs:
    """What a run takes of the machine.

    Attributes:
        place: where it runs, in words.
        memory: bytes it will hold at the least.
        memory_limit: bytes it may hold.
        seed: its random seed.
    """

    place: str
    memory: int
    memory_limit: int
    seed: int


def plan_of(
    plan: Plan, targets: dict[str, Target], reports: Sequence[Path], needs: Needs, *, is_done: bool
) -> Iterator[str]:
    """Yield what a run would read, do and write, line by line.

    Args:
        plan: its inputs and options.
        targets: its outputs.
        reports: files about the run itself.
        needs: what it takes of the machine.
        is_done: whether the outputs are up to date.
    """
    yield from plan.reads()
    if is_done:
        yield "nothing would be done: the output is up to date (`force` makes it again)"
        return
    memory = f"at least {needs.memory / 1e6:,.0f} MB of {needs.memory_limit / 1e6:,.0f} MB"
    yield plan.does()
    yield f"would run on {needs.place}, use {memory}, and draw by seed {needs.seed}"
    for name, target in targets.items():
        yield plan.writes(name, target)
    for path in reports:
        yield f"would write a report to {path}"


class Plan:
    """What is known of a run before it runs.

    Args:
        command: its name.
        config: its options.
        files: its inputs by role.
    """

    def __init__(self, command: str, config: Any, files: dict[str, list[InputFile]]) -> None:  # noqa: ANN401
        self._command, self._config, self._files = command, config, files
        self._rows = {role: _total(rows_of(each.path)[0] for each in found) for role, found in files.items()}

    def reads(self) -> Iterator[str]:
        """Say each file that would be read, with its rows and bytes."""
        for role, files in self._files.items():
            for each in files:
                rows, counted = rows_of(each.path)
                said = "" if rows is None else f"{'' if counted else 'about '}{number_of(rows, 'row')}, "
                yield f"would read {role} from {each.name} ({said}{_size(each.path)})"

    def does(self) -> str:
        """Say what would be done, and with which options."""
        given = [f"{flag} {_word(value)}".rstrip() for flag, value in options_given(self._config)]
        options = f"; given: {', '.join(given)}" if given else "; all options as they are by default"
        return f"would {STEPS[self._command]}{options}"

    def writes(self, name: str, target: Target) -> str:
        """Say where an output would go, and how large it would be where that is known."""
        is_estimated = target.form == "parquet" and name != "holdout"
        size = self._bytes(target.kind.name) if is_estimated else None
        about = "" if size is None else f", about {_bytes(size)}"
        return f"would write {target.kind.name} to {target.path or 'standard output'} as {target.form}{about}"

    def _bytes(self, kind: str) -> int | None:
        rows = self._lists() if kind == RECOMMENDATIONS.name else self._rows.get(_MADE_OF.get(kind, ""))
        if rows is None or (kind == MODEL.name and self._config.model != "hybrid"):
            return None
        return rows * (4 * self._dimensions() if kind == EMBEDDINGS.name else BYTES_A_ROW[kind])

    def _dimensions(self) -> int:
        usual = _TFIDF_DIMENSIONS if self._config.encoder == "tfidf" else _DIMENSIONS
        return self._config.dims or usual

    def _lists(self) -> int | None:
        """Return the rows of all lists; None where the model does not tell."""
        from prodassoc_cli.artifacts.store import read_lineage

        if self._config.basket:
            return len(self._config.basket) * self._config.k
        asked = self._rows.get("ids")
        with contextlib.suppress(Exception):  # a damaged model: reading it will tell
            lineage = read_lineage(self._files["model"][0].path)
            facts = lineage.details["model"]["facts"] if lineage else {}
            lists = asked or facts["products" if self._config.for_ == "products" else "users"]
            return int(lists) * self._config.k
        return None


def rows_of(path: Path) -> tuple[int | None, bool]:
    """Return how many rows a file has, and whether that is counted or estimated from its first lines."""
    from prodassoc_cli.artifacts.parquet.partial_read import count_rows

    counted = count_rows(path)
    if counted is not None:
        return counted, True
    packed = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_LOOKED_AT)
    if head.startswith(_GZIP):
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        with contextlib.suppress(zlib.error):
            text = unpacking.decompress(head, 64 * _LOOKED_AT)
            used = len(head) - len(unpacking.unconsumed_tail)
            return _lines(text, len(text) * packed // used), False
    elif not head.startswith(_BINARY):
        return _lines(head, packed), False
    return None, False


def _lines(head: bytes, size: int) -> int:
    """Return about how many lines there are below the header, by the first of them."""
    lines = head.count(b"\n")
    return max(size * lines // len(head) - 1, 0) if lines else 0


def _total(rows: Iterator[int | None]) -> int | None:
    found = list(rows)
    return None if None in found or not found else sum(each or 0 for each in found)


def _word(value: object) -> str:
    """Return the value of an option as it is written."""
    if value is True:
        return ""
    return " ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _size(path: Path) -> str:
    return number_of(path.stat().st_size, "byte")


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
