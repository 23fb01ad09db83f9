"""What `evaluate` is given to judge: lists as they are, lists that a model makes now, and rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import MODEL, RECOMMENDATIONS, RULES
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.errors import BadData, UsageProblem

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.artifacts.inputs import InputFile
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
    from prodassoc_cli.artifacts.store import read_artifact

    found = JudgedInputs()
    read: list[_Input] = []
    for path, parts, lineage in _datasets(this.files("recommendations")):
        kind = lineage.kind if lineage else RECOMMENDATIONS.name
        details = lineage.details if lineage else {}
        found.lineages[path.name] = lineage
        if kind == MODEL.name:
            name, frame, rates = _recommend(this, path, users, k, include_seen=include_seen)
        else:
            frame, _ = read_artifact(parts, RULES if kind == RULES.name else RECOMMENDATIONS)
            name = path.stem if kind == RULES.name else str(details.get("model", path.stem))
            rates = details.get("score") == "rating"
        read.append(_Input(name, path, frame, kind, rates))
    for name, each in zip(_distinct_names(read), read, strict=True):
        (found.rules if each.kind == RULES.name else found.lists)[name] = each.frame
        if each.rates:
            found.ratings[name] = each.frame
    return found


def _datasets(files: Sequence[InputFile]) -> list[tuple[Path, list[Path], Lineage | None]]:
    """Return what belongs together: a file, or those of a folder that were made by one run.

    Files of a folder that do not tell what made them belong together where they are called or partitioned
    like parts.

    Returns:
        The file or folder, its parts, and what made them.
    """
    from prodassoc_cli.artifacts.store import read_lineage

    found: dict[tuple[Path, str], tuple[Path, list[Path], Lineage | None]] = {}
    for each in files:
        lineage = read_lineage(each.path)
        is_part = each.path.name.startswith("part-") or "=" in each.path.parent.name
        place = each.folder if each.folder is not None and (lineage is not None or is_part) else each.path
        key = (place, "" if lineage is None else lineage.to_json())
        found.setdefault(key, (place, [], lineage))[1].append(each.path)
    return [
        (parts[0] if len(parts) == 1 else place, parts, lineage) for place, parts, lineage in found.values()
    ]


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
        from prodassoc_cli.models.serving.recommend import recommend
        from prodassoc_cli.models.storage.artifact import from_arrow
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
