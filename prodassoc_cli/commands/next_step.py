"""Which command comes next, with the names of the files that are there."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import (
    EMBEDDINGS,
    FEEDBACK,
    HOLDOUT,
    INTERACTIONS,
    METRICS,
    MODEL,
    PRODUCTS,
    RECOMMENDATIONS,
    RULES,
)

if TYPE_CHECKING:
    from prodassoc_cli.execution.run import Run

STDOUT = "-"

_NAMES = {RECOMMENDATIONS.name: "recs"}
_SAMPLES = Path("sample_data")
_ORDERS = ("order", "sale", "transaction", "invoice", "basket", "retail", "purchase", "rating")
_CATALOGUE = ("catalog", "product", "item", "article")


def say_next_step(run: Run, role: str, *, more: str = "", **files: str | None) -> None:
    """Say which command comes next, with the real file names; nothing when no file was written.

    Args:
        run: a run that ended well.
        role: what its main output is; see `artifacts.discover`.
        more: words that the next command needs beside the files.
        files: other files of this run, by their roles; the rest is looked for beside the output.
    """
    if run.common.output not in (None, STDOUT):
        say_command_after(run, role, Path(str(run.common.output)), more=more, **files)


def say_command_after(run: Run, role: str, path: Path, *, more: str = "", **files: str | None) -> None:
    """Say which command takes that file next, with what lies beside it."""
    if run.common.quiet or not (path.is_file() or path.is_dir()):
        return
    from prodassoc_cli.artifacts.discover import artifacts_in
    from prodassoc_cli.artifacts.texts import is_text

    is_csv = is_text(path)
    if is_csv and role != RECOMMENDATIONS.name:
        return  # no other stage takes rows written for people
    known = {name: Path(where) for name, where in files.items() if where not in (None, STDOUT)}
    found = {**artifacts_in(path.parent), **known, role: path}
    command = Guide(found, path.parent).after(role)
    if command is not None and not (is_csv and command.startswith("inspect")):
        run.messages.hint(f"prodassoc {command} {more}".rstrip())


class Guide:
    """Knows the chain.

    Args:
        found: the artifacts that are there, by role; see `artifacts.discover`.
        folder: where further ones will go.
    """

    def __init__(self, found: dict[str, Path], folder: Path) -> None:
        self._found = found
        self._folder = folder

    def after(self, role: str) -> str | None:
        """Return the command that takes what was just made; None where none does."""
        next_steps: dict[str, Callable[[], str | None]] = {
            INTERACTIONS.name: self._embed if self._misses_vectors else self._mine,
            HOLDOUT: lambda: None,
            FEEDBACK: lambda: f"evaluate --feedback {self._file_of(FEEDBACK)}",
            PRODUCTS.name: self._embed,
            EMBEDDINGS.name: self._train if self._has(RULES.name) else self._mine,
            RULES.name: self._train,
            MODEL.name: lambda: f"recommend {self._file_of(MODEL.name)} -o {self._new(RECOMMENDATIONS.name)}",
            RECOMMENDATIONS.name: self._evaluate,
        }
        return next_steps.get(role, lambda: None)()

    def for_newcomer(self) -> str:
        """Return the first command of the chain whose result is not there."""
        if not self._has(INTERACTIONS.name):
            return self._clean()
        for role in (INTERACTIONS, RULES, MODEL, RECOMMENDATIONS):
            following = {INTERACTIONS: RULES, RULES: MODEL, MODEL: RECOMMENDATIONS, RECOMMENDATIONS: METRICS}
            if role is INTERACTIONS and self._misses_vectors:
                return self._embed()
            if not self._has(following[role].name):
                return self.after(role.name) or ""
        return f"inspect {self._file_of(METRICS.name)}"

    @property
    def _misses_vectors(self) -> bool:
        return self._has(PRODUCTS.name) and not self._has(EMBEDDINGS.name)

    def _has(self, role: str) -> bool:
        return role in self._found

    def _file_of(self, role: str) -> str:
        """Return the file of a role, or the name it usually has."""
        return shlex.quote(str(self._found.get(role, self._folder / f"{role}.parquet")))

    def _new(self, role: str) -> str:
        return shlex.quote(str(self._folder / f"{_NAMES.get(role, role)}.parquet"))

    def _option(self, role: str) -> str:
        return f" --{role} {self._file_of(role)}" if self._has(role) else ""

    def _clean(self) -> str:
        folder = self._folder if _raw(self._folder) or not _SAMPLES.is_dir() else _SAMPLES
        orders, catalogue = _pick(folder, _ORDERS), _pick(folder, _CATALOGUE)
        others = [path for path in _raw(folder) if path != catalogue]
        if orders is None and len(others) == 1:
            orders = others[0]
        words = ["clean", shlex.quote(str(orders)) if orders else "ORDERS.csv"]
        if catalogue:
            words += ["--products", shlex.quote(str(catalogue))]
            words += ["--products-output", self._new(PRODUCTS.name)]
        holdout = shlex.quote(str(self._folder / "holdout.parquet"))
        words += ["--holdout last-order --holdout-output", holdout, "-o", self._new(INTERACTIONS.name)]
        return " ".join(words)

    def _embed(self) -> str:
        return f"embed {self._file_of(PRODUCTS.name)} -o {self._new(EMBEDDINGS.name)}"

    def _mine(self) -> str:
        return f"mine {self._file_of(INTERACTIONS.name)} -o {self._new(RULES.name)}"

    def _train(self) -> str:
        options = "".join(self._option(kind.name) for kind in (PRODUCTS, EMBEDDINGS, RULES))
        return f"train {self._file_of(INTERACTIONS.name)}{options} -o {self._new(MODEL.name)}"

    def _evaluate(self) -> str:
        if not self._has(HOLDOUT):
            return f"inspect {self._file_of(RECOMMENDATIONS.name)}"
        lists, truth = self._file_of(RECOMMENDATIONS.name), self._file_of(HOLDOUT)
        return f"evaluate {lists} --truth {truth} -o {self._new(METRICS.name)}"


def _pick(folder: Path, words: tuple[str, ...]) -> Path | None:
    """Return the first file of raw rows that goes by one of these words, the earlier word first."""
    return next((path for word in words for path in _raw(folder) if word in path.name.lower()), None)


def _raw(folder: Path) -> list[Path]:
    """Return the files of raw rows in a folder, by their names."""
    suffixes = (".csv", ".tsv", ".jsonl", ".csv.gz", ".csv.zst")
    return sorted(path for path in folder.glob("*") if path.name.lower().endswith(suffixes))
