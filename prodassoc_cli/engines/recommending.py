"""Recommendations on Spark: the local search for the best k, with the model on every executor."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from prodassoc_cli.artifacts.datasets import Part
from prodassoc_cli.artifacts.schemas import MODEL, RECOMMENDATIONS
from prodassoc_cli.artifacts.store import read_artifact
from prodassoc_cli.engines.chunks import map_chunks, send_files, sent_file
from prodassoc_cli.engines.parts import PartsOf
from prodassoc_cli.engines.session import parallelism
from prodassoc_cli.errors import BadData
from prodassoc_cli.models.kernels.dispatch import load_kernels
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import unknown_users_notice
from prodassoc_cli.models.serving.reasons.columns import Audience
from prodassoc_cli.models.serving.recommend import (
    FEW_LISTS,
    Recommendations,
    blocks_of,
    empty_notice,
    recommend,
)
from prodassoc_cli.models.serving.todays_catalogue import of_today
from prodassoc_cli.models.storage.artifact import from_arrow

_PART_ROWS = 1 << 20
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
    into: PartsOf | None = None,
    **options: Any,  # noqa: ANN401 — those of `recommend`
) -> Recommendations:
    """Return what `models.serving.recommend` does, row for row; the executors make the lists.

    Args:
        spark: the session.
        path: the model's file, which is sent to the executors.
        model: the same model, read.
        audience: whom the lists are for; baskets, being few, are answered here.
        ids: users or products; None for all.
        threads: threads for what is done here.
        progress: called with rows done and rows in all.
        into: where executors write the lists; what is returned then holds one of them, for people. None to
            have all of them come here.
        options: the further arguments of `recommend`.

    Raises:
        UsageProblem, BadData: as `recommend`.
    """
    if audience == "baskets":
        return recommend(model, audience=audience, ids=ids, threads=threads, progress=progress, **options)
    today, _ = of_today(model, options.get("products"), options.get("embeddings"), threads)
    wanted, first = _wanted(today, audience, ids), 1
    if wanted is None:
        return recommend(model, audience=audience, ids=ids, threads=threads, progress=progress, **options)
    if options.get("reason_weights") is None:  # decided by all lists, not by those of a chunk
        options["reason_weights"] = len(wanted) <= FEW_LISTS
    # One list is asked for here: what the options cannot have is said at once.
    tried = recommend(model, audience=audience, ids=wanted[:first].to_list(), threads=threads, **options)
    send_files(spark, [path])
    # Cut where the local search cuts: the last bits of a product of matrices depend on their heights.
    blocks = list(blocks_of(len(wanted), len(today.items)))
    together = 1 if into is None else _blocks_a_part(blocks, options["k"], 4 * parallelism(spark))
    starts = [rows.start for rows in blocks[::together]]
    chunks = [
        [str(number), *wanted[start:stop].to_list()]
        for number, (start, stop) in enumerate(pairwise([*starts, len(wanted)]))
    ]
    results = map_chunks(spark, chunks, _MakeLists(path.name, audience, options, into))
    if progress is not None:
        progress(len(wanted), len(wanted))
    return _together(results, tried, today, audience, ids, into)


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
    results: list[bytes], tried: Recommendations, model: TrainedModel, audience: Audience,
    ids: Sequence[str] | None, into: PartsOf | None,
) -> Recommendations:  # fmt: skip
    """Put the lists of the chunks together, with what is to be said of all of them."""
    counts: Counter[str] = Counter()
    frames, without = [], []
    for result in results:
        head = int.from_bytes(result[:_HEAD], "little")
        made, empty = json.loads(result[_HEAD : _HEAD + head])
        counts.update(made)
        without += empty
        if into is not None:
            into.parts.append(Part(**json.loads(result[_HEAD + head :])))
            continue
        frames.append(pl.read_ipc(io.BytesIO(result[_HEAD + head :])))
    notices = [each for each in tried.notices if not each.startswith("users not known")]
    if audience == "users" and ids is not None and (notice := unknown_users_notice(model, ids)):
        notices.append(notice)
    if audience == "products" and ids is not None:
        asked = pl.Series(list(ids), dtype=pl.String).unique(maintain_order=True)
        missing = asked.filter(model.items.index_of(asked).is_null())
        if len(missing):
            notices.append(
                f"`ids`: products not known to the model, ignored: {len(missing)}, such as '{missing[0]}'"
            )
    notices += empty_notice(audience, counts, without)
    frame = pl.concat(frames) if into is None else tried.frame
    counted = {name: counts[name] for name in tried.counts}
    return Recommendations(iter([frame]), notices, counted, without, tried.products)


@dataclass(frozen=True)
class _MakeLists:
    """What an executor does with a chunk of ids."""

    file: str
    audience: Audience
    options: dict[str, Any]
    into: PartsOf | None

    def __call__(self, texts: list[str]) -> bytes:
        number, *ids = texts
        served = recommend(_model(self.file), audience=self.audience, ids=ids, threads=1, **self.options)
        frame, body = served.frame, io.BytesIO()
        head = json.dumps([served.counts, served.without]).encode()  # right once all lists are made
        if self.into is None:
            frame.write_ipc(body, compression="zstd")
        else:
            part = self.into.write(int(number), frame, RECOMMENDATIONS)
            body.write(json.dumps(asdict(part)).encode())
        return len(head).to_bytes(_HEAD, "little") + head + body.getvalue()


def _blocks_a_part(blocks: Sequence[slice], k: int, tasks: int) -> int:
    """Return how many blocks of lists make a part: enough for a file, few enough that all tasks have some."""
    lists = max(1, blocks[0].stop)
    return max(1, min(_PART_ROWS // (lists * k), len(blocks) // tasks))


@lru_cache(maxsize=1)
def _model(file: str) -> TrainedModel:
    """Return the model that was sent, read once a worker."""
    load_kernels("als")
    table, lineage = read_artifact([sent_file(file)], MODEL)
    if lineage is None:
        raise BadData("the model file carries no model", "make it: `train interactions.parquet`")
    return from_arrow(table.to_arrow(), lineage.details["model"])
