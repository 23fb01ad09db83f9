"""Recommend: a trained model and whom the lists are for in, lists with reasons out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.models.kernels.dispatch import one_blas_thread
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import requests
from prodassoc_cli.models.serving.histories import Encode, History, HistoryIndex, unknown_notice
from prodassoc_cli.models.serving.lister import ID_COLUMNS, Lister, ListOptions
from prodassoc_cli.models.serving.reasons.columns import Audience
from prodassoc_cli.models.serving.todays_catalogue import vectors_of

_SCORES_A_BLOCK = 2**24
"""Scores held at once: 64 MB of f32."""

FEW_LISTS = 1_000
"""Up to so many lists the weights of reasons are worked out unasked."""


@dataclass
class Recommendations:
    """Lists that are made as they are taken, block by block.

    Attributes:
        frames: they, in the schema of recommendations; at least one frame.
        notices: what was ignored or stood in, one sentence each.
        counts: lists that hold something, rows, empty lists, unknown users, and rows filled up by popularity;
            right, as the notices are, once the frames are at their end.
        without: ids of some whose lists are empty.
        products: what is known today of the products that may be listed, as `Items.frame`.
    """

    frames: Iterator[pl.DataFrame]
    notices: list[str]
    counts: dict[str, int]
    without: list[str]
    products: pl.DataFrame

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All lists at once."""
        return pl.concat(list(self.frames))


def recommend(
    model: TrainedModel,
    *,
    audience: Audience = "users",
    ids: Sequence[str] | None = None,
    baskets: Sequence[Sequence[str]] = (),
    histories: Sequence[History] | None = None,
    encode: Encode | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,  # noqa: ANN401 — those of `ListOptions`
) -> Recommendations:
    """Return the k best products for each user, product or basket, with reasons.

    Each list has exactly k products where k pass the filters; what a model cannot score comes last, by
    popularity. Scores are comparable within a list. The result does not depend on the number of threads.

    Args:
        model: a trained model.
        audience: whom the lists are for.
        ids: users or products; None for all. An unknown user gets popular products.
        baskets: product ids of each basket, for baskets; their basket_id is 1, 2, ….
        histories: what others have, for baskets, in place of those; one without a known product gets
            popular products.
        encode: turns the words of histories into vectors of the products' space.
        progress: called with rows done and rows in all.
        options: what the lists are to be like, by the names of `ListOptions`.

    Raises:
        UsageProblem: an option needs texts, categories or baskets that are not there.
        BadData: none of the products asked for is known, or no product passes the filters.
    """
    lister = Lister.of(model, audience, ListOptions(**options))
    notices = lister.notices
    if histories is None:
        asked = requests(audience, lister.model, ids, baskets, notices, lister.asking)
    else:
        index = HistoryIndex(lister.model, encode, vectors_of(lister.model, lister.options.embeddings))
        asked, not_known = index.requests(histories, lister.asking)
        notices += unknown_notice(not_known)
    total, unknown = asked.ids.len(), int(asked.unknown.sum())
    weighs = lister.options.reason_weights
    weighs = total <= FEW_LISTS if weighs is None else weighs
    counts = {
        "lists": 0, "rows": 0, "empty_lists": 0, "unknown_users": unknown, "filled_by_popularity": 0,
    }  # fmt: skip
    column = ID_COLUMNS[audience]
    without: list[str] = []

    def frames() -> Iterator[pl.DataFrame]:
        for rows in blocks_of(total, lister.scores_per_list):
            with one_blas_thread():
                frame, fillers = lister.lists(asked, rows, weighs=weighs)
            ids_asked, held = asked.ids[rows], frame[column].unique()
            empty = ids_asked.filter(~ids_asked.is_in(held.implode()))
            counts["rows"] += frame.height
            counts["lists"] += len(held)
            counts["empty_lists"] += len(empty)
            without.extend(empty.head(1))
            counts["filled_by_popularity"] += fillers
            if progress is not None:
                progress(rows.stop, total)
            yield frame
        if not total:
            yield _empty(column, with_reasons=lister.options.with_reasons)
        notices.extend(empty_notice(audience, counts, without))

    return Recommendations(frames(), notices, counts, without, lister.model.items.frame)


def empty_notice(audience: Audience, counts: Mapping[str, int], without: Sequence[str]) -> list[str]:
    """Return what is to be said of lists that hold nothing, of which `without` are examples."""
    empty = counts["empty_lists"]
    if not empty:
        return []
    who = f"1 {audience.removesuffix('s')}" if empty == 1 else f"{empty:,} {audience}"
    total = empty + counts["lists"]
    example = "" if audience == "users" else f", such as '{without[0]}'"  # who a user is, no message says
    return [f"{who} of {total:,} got no list{example}: nothing is left that may be listed"]


def blocks_of(total: int, width: int) -> Iterator[slice]:
    """Yield blocks of lists, so many at a time that their scores, `width` per list, fit in memory."""
    step = int(np.clip(_SCORES_A_BLOCK // max(1, width), 32, 4096))
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


def _empty(column: str, *, with_reasons: bool) -> pl.DataFrame:
    ids = pl.Series([], dtype=pl.String)
    frame = pl.DataFrame(
        {column: ids, "rank": ids.cast(pl.Int32), "product_id": ids, "score": ids.cast(pl.Float64)}
    )
    if not with_reasons:
        return frame
    return frame.with_columns(
        reason=ids,
        reason_kind=ids,
        reason_products=pl.Series([], dtype=pl.List(pl.String)),
        reason_weight=ids.cast(pl.Float64),
    )
