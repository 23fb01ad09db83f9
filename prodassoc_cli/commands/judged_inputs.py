"""What `evaluate` is given to judge: lists as they are, lists that a model makes now, and rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import MODEL, RECOMMENDATIONS, RULES
from prodassoc_cli.commands.run import Run
from prodassoc_cli.errors import BadData, UsageProblem

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.artifacts.lineage import Lineage


@dataclass
class JudgedInputs:
    """The inputs by the name of the model (or file) they come from.

    Attributes:
        lists: recommendations.
        ratings: those whose scores are predicted ratings.
        rules: association rules.
        lineages: what made each file, by its name.
    """

    lists: dict[str, pl.DataFrame] = field(default_factory=dict)
    ratings: dict[str, pl.DataFrame] = field(default_factory=dict)
    rules: dict[str, pl.DataFrame] = field(default_factory=dict)
    lineages: dict[str, Lineage | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Input:
    """One input: the name of its model, its file, its rows, its kind, whether its scores are ratings."""

    name: str
    path: Path
    frame: pl.DataFrame
    kind: str
    rates: bool


def read_inputs(this: Run, users: Sequence[str], k: int, *, include_seen: bool) -> JudgedInputs:
    """Read each input for what it says it is; a model makes lists of k products for the users.

    Raises:
        BadData: an input is none of these.
        UsageProblem: two inputs have one name.
    """
    from prodassoc_cli.artifacts.store import read_artifact, read_lineage

    found = JudgedInputs()
    read: list[_Input] = []
    for path in (each.path for each in this.files("recommendations")):
        lineage = read_lineage(path)
        kind = lineage.kind if lineage else RECOMMENDATIONS.name
        details = lineage.details if lineage else {}
        found.lineages[path.name] = lineage
        if kind == MODEL.name:
            name, frame, rates = _recommend(this, path, users, k, include_seen=include_seen)
        else:
            frame, _ = read_artifact([path], RULES if kind == RULES.name else RECOMMENDATIONS)
            name = path.stem if kind == RULES.name else str(details.get("model", path.stem))
            rates = details.get("score") == "rating"
        read.append(_Input(name, path, frame, kind, rates))
    for name, each in zip(_distinct_names(read), read, strict=True):
        (found.rules if each.kind == RULES.name else found.lists)[name] = each.frame
        if each.rates:
            found.ratings[name] = each.frame
    return found


def _distinct_names(read: Sequence[_Input]) -> list[str]:
    """Return the name of each input's model, or of its file where several are of one model."""
    shared = Counter(each.name for each in read)
    names = [each.path.stem if shared[each.name] > 1 else each.name for each in read]
    for name, count in Counter(names).items():
        if count > 1:
            raise UsageProblem(f"two inputs are named '{name}'", "rename one of the files")
    return names


def _recommend(
    this: Run, path: Path, users: Sequence[str], k: int, *, include_seen: bool
) -> tuple[str, pl.DataFrame, bool]:
    """Return the name of a model, its lists, and whether its scores are ratings."""
    from prodassoc_cli.artifacts.store import read_artifact
    from prodassoc_cli.terminal.progress import progress_bar

    with this.kernels():
        from prodassoc_cli.models.artifact import from_arrow
        from prodassoc_cli.models.serving import recommend
    table, lineage = read_artifact([path], MODEL)
    if lineage is None or "model" not in lineage.details:
        raise BadData(f"{path} carries no model", "make it: prodassoc train interactions.parquet")
    model = from_arrow(table.to_arrow(), lineage.details["model"])
    with progress_bar(f"lists of {model.name}", quiet=this.common.quiet) as progress:
        served = recommend(
            model, k=k, ids=users, include_seen=include_seen, threads=this.threads, progress=progress
        )
    for notice in served.notices:
        this.messages.warning(f"{model.name}: {notice}")
    return model.name, served.frame, model.recommender.predicts_ratings
