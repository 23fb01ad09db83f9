"""What `evaluate` is given to judge: lists as they are, lists that a model makes now, and rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from prodassoc_cli.artifacts.schemas import MODEL, RECOMMENDATIONS, RULES
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.evaluation.stage import JudgedInputs
from prodassoc_cli.execution.frames import InMemory
from prodassoc_cli.execution.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.artifacts.lineage import Lineage


@dataclass(frozen=True)
class _Input:
    """One input: the name of its model, of its file, its rows, its kind, whether its scores are ratings.

    For a model, also what it knows of the judged users.
    """

    name: str
    file: str
    frame: pl.DataFrame
    kind: str
    rates: bool
    history: pl.DataFrame | None = None


def read_inputs(run: Run, users: Sequence[str], k: int, *, include_seen: bool) -> JudgedInputs:
    """Read each input for what it says it is; a model makes lists of k products for the users.

    Raises:
        BadData: an input is none of these.
        UsageProblem: two inputs have one name.
    """
    from prodassoc_cli.artifacts.store import read_artifact

    def lists_of(file: str, rows: pl.DataFrame | pa.Table, header: dict[str, Any] | None) -> _Input:
        return _recommend(run, file, rows, header, users, k, include_seen=include_seen)

    read = [_in_memory(each, lists_of) for each in run.in_memory["recommendations"]]
    for path, parts, lineage in _datasets(run.files("recommendations")):
        kind = lineage.kind if lineage else RECOMMENDATIONS.name
        details = lineage.details if lineage else {}
        if kind == MODEL.name:
            table, _ = read_artifact([path], MODEL)
            read.append(lists_of(path.stem, table, details.get("model")))
            continue
        frame, _ = read_artifact(parts, RULES if kind == RULES.name else RECOMMENDATIONS, text=True)
        name = path.stem if kind == RULES.name else str(details.get("model", path.stem))
        read.append(_Input(name, path.stem, frame, kind, details.get("score") == "rating"))
    found = JudgedInputs()
    for name, each in zip(_distinct_names(read), read, strict=True):
        (found.rules if each.kind == RULES.name else found.lists)[name] = each.frame
        if each.rates:
            found.ratings[name] = each.frame
        if each.history is not None:
            found.histories[name] = each.history
    return found


def _in_memory(
    given: InMemory, lists_of: Callable[[str, pl.DataFrame | pa.Table, dict[str, Any] | None], _Input]
) -> _Input:
    """Return an input that is in memory: a model, rules, or recommendations."""
    from prodassoc_cli.artifacts.store import checked_rows

    if given.model is not None:
        return lists_of(str(given), given.rows, given.model)
    names = given.rows.columns if isinstance(given.rows, pl.DataFrame) else given.rows.column_names
    kind = RULES if "antecedent" in names else RECOMMENDATIONS
    return _Input(str(given), str(given), checked_rows(given.rows, kind, str(given)), kind.name, rates=False)


def _datasets(files: Sequence[InputFile]) -> list[tuple[Path, list[Path], Lineage | None]]:
    """Return what belongs together: a file, or those of a folder that were made by one run.

    Files of a folder that do not tell what made them belong together where they are called or partitioned
    like parts.

    Returns:
        The file or folder, its parts, and what made them.
    """
    from prodassoc_cli.artifacts.store import read_lineage
    from prodassoc_cli.artifacts.texts import is_text

    found: dict[tuple[Path, str], tuple[Path, list[Path], Lineage | None]] = {}
    for each in files:
        lineage = None if is_text(each.path) else read_lineage(each.path)
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
    names = [each.file if shared[each.name] > 1 else each.name for each in read]
    for name, count in Counter(names).items():
        if count > 1:
            raise UsageProblem(f"two inputs are named '{name}'", "rename one of the files")
    return names


def _recommend(
    run: Run,
    file: str,
    rows: pl.DataFrame | pa.Table,
    header: dict[str, Any] | None,
    users: Sequence[str],
    k: int,
    *,
    include_seen: bool,
) -> _Input:
    """Return the lists that a model makes."""
    with run.kernels():
        from prodassoc_cli.models.serving.reasons.language import Language
        from prodassoc_cli.models.serving.recommend import recommend
        from prodassoc_cli.models.storage.artifact import from_arrow
    if header is None:
        raise BadData(f"{file} does not contain a model", "make it: `train interactions.parquet`")
    model = from_arrow(rows.to_arrow() if isinstance(rows, pl.DataFrame) else rows, header)
    with run.progress(f"lists of {model.name}") as progress:
        served = recommend(
            model, k=k, ids=users, include_seen=include_seen, threads=run.threads, progress=progress,
            language=Language.of(run.config.language),
        )  # fmt: skip
        lists = served.frame
    for notice in served.notices:
        run.messages.warning(f"{model.name}: {notice}")
    return _Input(
        model.name, file, lists, MODEL.name, model.recommender.predicts_ratings, model.history(users)
    )
