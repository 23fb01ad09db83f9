"""Recommendations on Spark: the local search for the best k, with the model on every executor."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from prodassoc_cli.artifacts.schemas import MODEL
from prodassoc_cli.artifacts.store import read_artifact
from prodassoc_cli.engines.chunks import map_chunks, send_files, sent_file
from prodassoc_cli.errors import BadData
from prodassoc_cli.models.artifact import from_arrow
from prodassoc_cli.models.explain import Audience
from prodassoc_cli.models.rows import load_kernels
from prodassoc_cli.models.serving import FEW_LISTS, Served, blocks_of, recommend
from prodassoc_cli.models.trained import TrainedModel

_HEAD = 8
"""Bytes of the length of a result's head."""


def recommend_on_spark(
    spark: Any,  # noqa: ANN401 — a SparkSession
    path: Path,
    model: TrainedModel,
    *,
    audience: Audience = "users",
    ids: Sequence[str] | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,  # noqa: ANN401 — those of `recommend`
) -> Served:
    """Return what `models.serving.recommend` does, row for row; the executors make the lists.

    Args:
        spark: the session.
        path: the model's file, which is sent to the executors.
        model: the same model, read.
        audience: whom the lists are for; baskets, being few, are answered here.
        ids: users or products; None for all.
        threads: threads for what is done here.
        progress: called with rows done and rows in all.
        options: the further arguments of `recommend`.

    Raises:
        UsageProblem, BadData: as `recommend`.
    """
    if audience == "baskets":
        return recommend(model, audience=audience, ids=ids, threads=threads, progress=progress, **options)
    wanted, first = _wanted(model, audience, ids), 1
    if wanted is None:
        return recommend(model, audience=audience, ids=ids, threads=threads, progress=progress, **options)
    if options.get("reason_weights") is None:  # decided by all lists, not by those of a chunk
        options["reason_weights"] = len(wanted) <= FEW_LISTS
    # One list is made here: what the options cannot have is told at once, and so is the form of a list.
    tried = recommend(model, audience=audience, ids=wanted[:first].to_list(), threads=threads, **options)
    send_files(spark, [path])
    # Cut where the local search cuts: the last bits of a product of matrices depend on their heights.
    chunks = [wanted[rows].to_list() for rows in blocks_of(len(wanted), len(model.items))]
    results = map_chunks(spark, chunks, _MakeLists(path.name, audience, options))
    if progress is not None:
        progress(len(wanted), len(wanted))
    return _together(results, tried, model, audience, ids)


def _wanted(model: TrainedModel, audience: Audience, ids: Sequence[str] | None) -> pl.Series | None:
    """Return the ids to make lists for, as `recommend` takes them; None where it makes none."""
    known = model.users if audience == "users" else model.items.ids
    if ids is None:
        return known if len(known) else None
    wanted = pl.Series(list(ids), dtype=pl.String).unique(maintain_order=True)
    if audience == "products":
        wanted = wanted.filter(model.items.index_of(wanted).is_not_null())
    return wanted if len(wanted) else None


def _together(
    results: list[bytes], tried: Served, model: TrainedModel, audience: Audience, ids: Sequence[str] | None
) -> Served:
    """Put the lists of the chunks together, with what is to be said of all of them."""
    counts: Counter[str] = Counter()
    frames = []
    for result in results:
        head = int.from_bytes(result[:_HEAD], "little")
        counts.update(json.loads(result[_HEAD : _HEAD + head]))
        frames.append(pl.read_ipc(io.BytesIO(result[_HEAD + head :])))
    notices = [each for each in tried.notices if not each.startswith("users not known")]
    if counts["unknown_users"]:
        notices.append(f"users not known to the model: {counts['unknown_users']}; they get popular products")
    if audience == "products" and ids is not None:
        asked = pl.Series(list(ids), dtype=pl.String).unique(maintain_order=True)
        missing = asked.filter(model.items.index_of(asked).is_null())
        if len(missing):
            notices.append(
                f"--ids: products not known to the model, ignored: {len(missing)}, such as '{missing[0]}'"
            )
    return Served(pl.concat(frames), notices, {name: counts[name] for name in tried.counts})


@dataclass(frozen=True)
class _MakeLists:
    """What an executor does with a chunk of ids."""

    file: str
    audience: Audience
    options: dict[str, Any]

    def __call__(self, ids: list[str]) -> bytes:
        served = recommend(_model(self.file), audience=self.audience, ids=ids, threads=1, **self.options)
        head = json.dumps(served.counts).encode()
        body = io.BytesIO()
        served.frame.write_ipc(body, compression="zstd")
        return len(head).to_bytes(_HEAD, "little") + head + body.getvalue()


@lru_cache(maxsize=1)
def _model(file: str) -> TrainedModel:
    """Return the model that was sent, read once a worker."""
    load_kernels("als_kernel")
    table, lineage = read_artifact([sent_file(file)], MODEL)
    if lineage is None:
        raise BadData("the model file carries no model", "make it: prodassoc train interactions.parquet")
    return from_arrow(table.to_arrow(), lineage.details["model"])
