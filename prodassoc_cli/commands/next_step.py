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


def say_next_step(run: Run, role: str, **files: str | None) -> None:
    """Say which command comes next, with the real file names; nothing when no file was written.

    Args:
        run: a run that ended well.
        role: what its main output is; see `artifacts.discover`.
        files: other files of this run, by their roles; the rest is looked for beside the output.
    """
    if run.common.output not in (None, STDOUT):
        say_command_after(run, role, Path(str(run.common.output)), **files)


def say_command_after(run: Run, role: str, path: Path, **files: str | None) -> None:
    """Say which command takes that file next, with what lies beside it."""
    if run.common.quiet or not (path.is_file() or path.is_dir()):
        return
    from prodassoc_cli.artifacts.discover import artifacts_in
    from prodassoc_cli.artifacts.texts import is_text

    is_csv = is_text(path)
    if is_csv and role != RECOMMENDATIONS.name:
        return  # no other stage takes rows written for people
    given = {name: Path(where) for name, where in files.items() if where not in (None, STDOUT)}
    known = {name: where for name, where in given.items() if not is_text(where)}
    found = {**artifacts_in(path.parent), **known, role: path}
    command = Guide(found, path.parent).after(role)
    shows_it = command is not None and command.startswith("inspect")
    if command is not None and not (shows_it and (is_csv or run.command == "inspect")):
        run.messages.hint(f"prodassoc {command}")


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
            EMBEDDINGS.name: self._with_interactions(self._train if self._has(RULES.name) else self._mine),
            RULES.name: self._with_interactions(self._train),
            MODEL.name: self._recommend,
            RECOMMENDATIONS.name: self._evaluate,
        }
        return next_steps.get(role, lambda: None)()

    def for_newcomer(self) -> str:
        """Return the first command of the chain whose result is not there."""
        if not self._has(INTERACTIONS.name):
            return self._first()
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
        """Return the usual name for a new file of a role, where nothing else goes by it."""
        from prodassoc_cli.artifacts.discover import role_of

        path = self._folder / f"{_NAMES.get(role, role)}.parquet"
        if path.exists() and role_of(path) != role:
            path = path.with_stem(f"new-{path.stem}")
        return shlex.quote(str(path))

    def _option(self, role: str) -> str:
        return f" --{role} {self._file_of(role)}" if self._has(role) else ""

    def _with_interactions(self, step: Callable[[], str]) -> Callable[[], str | None]:
        return step if self._has(INTERACTIONS.name) else lambda: None

    def _first(self) -> str:
        """Return the first command where there are no interactions: for raw files, or for products."""
        folder = self._folder if _raw(self._folder) or not _SAMPLES.is_dir() else _SAMPLES
        orders, catalogue = _pick(folder, _ORDERS), _pick(folder, _CATALOGUE)
        others = [path for path in _raw(folder) if path != catalogue]
        if orders is None and len(others) == 1:
            orders = others[0]
        if orders is not None and (command := self._clean(orders, catalogue)):
            return command
        if catalogue is not None and not self._has(PRODUCTS.name):
            return f"clean {self._catalogue(catalogue)}"
        return self._embed() if self._misses_vectors else "clean --help"

    def _clean(self, orders: Path, catalogue: Path | None) -> str | None:
        """Return the command that cleans raw order lines, by their columns; None where they are none."""
        from prodassoc_cli.stages.clean import Columns, columns_of

        columns = columns_of(orders)
        if columns == Columns.UNKNOWN or (columns == Columns.LOG and self._has(FEEDBACK)):
            return f"evaluate --feedback {self._file_of(FEEDBACK)}" if columns == Columns.LOG else None
        file = shlex.quote(str(orders))
        if columns == Columns.LOG:
            return f"clean {file} -o {self._new(FEEDBACK)}"
        products = f" {self._catalogue(catalogue)}" if catalogue else ""
        holdout = f"--holdout {columns.value} --holdout-output {self._new(HOLDOUT)}"
        return f"clean {file}{products} {holdout} -o {self._new(INTERACTIONS.name)}"

    def _catalogue(self, catalogue: Path) -> str:
        return f"--products {shlex.quote(str(catalogue))} --products-output {self._new(PRODUCTS.name)}"

    def _embed(self) -> str:
        return f"embed {self._file_of(PRODUCTS.name)} -o {self._new(EMBEDDINGS.name)}"

    def _mine(self) -> str:
        return f"mine {self._file_of(INTERACTIONS.name)} -o {self._new(RULES.name)}"

    def _train(self) -> str:
        options = "".join(self._option(kind.name) for kind in (PRODUCTS, EMBEDDINGS, RULES))
        return f"train {self._file_of(INTERACTIONS.name)}{options} -o {self._new(MODEL.name)}"

    def _recommend(self) -> str:
        from prodassoc_cli.artifacts.discover import knows_users

        audience = "" if knows_users(self._found[MODEL.name]) else " --for products"
        return f"recommend {self._file_of(MODEL.name)} -o {self._new(RECOMMENDATIONS.name)}{audience}"

    def _evaluate(self) -> str:
        from prodassoc_cli.artifacts.discover import share_users

        lists = self._file_of(RECOMMENDATIONS.name)
        found, truth = self._found[RECOMMENDATIONS.name], self._found.get(HOLDOUT)
        if truth is None or not share_users(found, truth):
            return f"inspect {lists}"
        return f"evaluate {lists} --truth {self._file_of(HOLDOUT)} -o {self._new(METRICS.name)}"


def _pick(folder: Path, words: tuple[str, ...]) -> Path | None:
    """Return the first file of raw rows that goes by one of these words, the earlier word first."""
    return next((path for word in words for path in _raw(folder) if word in path.name.lower()), None)


def _raw(folder: Path) -> list[Path]:
    """Return the files of raw rows in a folder, by their names."""
    suffixes = (".csv", ".tsv", ".jsonl", ".csv.gz", ".csv.zst")
    return sorted(path for path in folder.glob("*") if path.name.lower().endswith(suffixes))
