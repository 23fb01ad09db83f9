"""Recommend: a trained model and whom the lists are for in, lists with reasons out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import polars as pl

from prodassoc_cli.arrays import Bools, Floats, Ints, Longs
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.indexing import aligned_vectors
from prodassoc_cli.models.base import Evidence, Queries, Why
from prodassoc_cli.models.data import csr_of
from prodassoc_cli.models.families.content import Content, encode_attributes
from prodassoc_cli.models.kernels.dispatch import one_blas_thread
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import Options, Requests, requests
from prodassoc_cli.models.serving.counterfactual import score_drop
from prodassoc_cli.models.serving.diversity import Variety, variety
from prodassoc_cli.models.serving.filters import allowed_items
from prodassoc_cli.models.serving.lists import Cut, Lists, cut_lists
from prodassoc_cli.models.serving.reasons import Audience, reasons

Relation = Literal["complement", "substitute"]

_SCORES_A_BLOCK = 2**24
"""Scores held at once: 64 MB of f32."""

_RELATED_ARRAYS = 8
_ALL_ITEMS_ROWS = 32

FEW_LISTS = 1_000
"""Up to so many lists the weights of reasons are worked out unasked."""

ID_COLUMNS: dict[Audience, str] = {
    "users": "user_id",
    "products": "source_product_id",
    "baskets": "basket_id",
}


@dataclass
class Served:
    """Recommendations and what to say of them.

    Attributes:
        frame: in the schema of recommendations.
        notices: what was ignored or stood in, one sentence each.
        counts: lists, rows, unknown users, and rows filled up by popularity.
    """

    frame: pl.DataFrame
    notices: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass
class Blocks:
    """Recommendations that are made as they are taken, block by block.

    Attributes:
        frames: they, in the schema of recommendations; at least one frame.
        notices: as those of `Served`.
        counts: as those of `Served`; there once the frames are at their end.
    """

    frames: Iterator[pl.DataFrame]
    notices: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def recommend(model: TrainedModel, **options: Any) -> Served:  # noqa: ANN401 — those of `in_blocks`
    """Return all lists at once, see `in_blocks`."""
    made = in_blocks(model, **options)
    return Served(pl.concat(list(made.frames)), made.notices, made.counts)


def in_blocks(
    model: TrainedModel,
    *,
    k: int = 10,
    audience: Audience = "users",
    ids: Sequence[str] | None = None,
    baskets: Sequence[Sequence[str]] = (),
    include_seen: bool = False,
    where: Sequence[str] = (),
    allow: Sequence[str] | None = None,
    deny: Sequence[str] | None = None,
    products: pl.DataFrame | None = None,
    embeddings: pl.DataFrame | None = None,
    diversity: float = 0.0,
    max_per_category: int | None = None,
    relation: Relation | None = None,
    epsilon: float = 0.0,
    seed: int = 42,
    with_reasons: bool = True,
    reason_weights: bool | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Blocks:
    """Return the k best products for each user, product or basket, with reasons.

    Each list has exactly k products where k pass the filters; what a model cannot score comes last, by
    popularity. Scores are comparable within a list. The result does not depend on `threads`.

    Args:
        model: a trained model.
        k: length of the lists.
        audience: whom the lists are for.
        ids: users or products; None for all. An unknown user gets popular products.
        baskets: product ids of each basket, for baskets; their basket_id is 1, 2, ….
        include_seen: whether a list may repeat what is in the history; a product is never listed for itself.
        where: conditions as COLUMN=VALUE or COLUMN>=NUMBER, see `filters.allowed_items`.
        allow: the only products allowed.
        deny: products never listed.
        products: the catalogue of today, for titles and filters; None for the one trained with.
        embeddings: vectors of the products; None for those of the model, if it has any.
        diversity: how much the items of a list are to differ, 0 to 1, see `diversity.Variety`.
        max_per_category: most products of one category in a list.
        relation: for products, whether the lists hold complements or substitutes, see `relation.related`.
        epsilon: probability that a place shows a runner-up, see `explore`; the column propensity says how
            likely what is shown was.
        seed: seed of the exploration.
        with_reasons: whether to say why, in words and columns.
        reason_weights: whether to score again without the products named, where a model's scores are no sums
            over the history; None: only for up to a thousand lists.
        threads: threads to use.
        progress: called with rows done and rows in all.

    Raises:
        UsageProblem: the options do not fit together.
        BadData: none of the products asked for is known, or no product passes the filters.
    """
    if products is not None:
        model = model.with_catalogue(products)
    allowed, notices = allowed_items(model.items, where, allow, deny)
    if epsilon and (max_per_category is not None or relation is not None):
        raise UsageProblem(
            "`explore` goes with neither `max_per_category` nor `relation`", "drop one of them"
        )
    how = Cut(k, _variety(model, diversity, max_per_category, embeddings), epsilon, seed)
    new_only = not include_seen or audience == "products"
    asked = requests(
        audience, model, ids, baskets, notices, Options(allowed, new_only, how.depth(len(model.items)))
    )
    relate = None
    if relation is not None:
        if audience != "products":
            raise UsageProblem("`relation` is between products", "add `for_=products`")
        from prodassoc_cli.models.serving.related import related  # scipy.special, which no other list needs

        relate = partial(
            related, model, relation=relation, k=k, threads=threads, allowed=allowed,
            vectors=vectors_of(model, embeddings),
        )  # fmt: skip
    unknown, total = asked.unknown, asked.ids.len()
    reasoning = None
    if with_reasons:
        weighs = total <= FEW_LISTS if reason_weights is None else reason_weights
        reasoning = _Reasoning(audience, weighs, threads)
    if unknown.any():
        notices.append(f"users not known to the model: {int(unknown.sum())}; they get popular products")
    counts = {"lists": total, "rows": 0, "unknown_users": int(unknown.sum()), "filled_by_popularity": 0}
    dense = 0 if model.recommender.fused else 1
    width = len(model.items) * (dense if relate is None else _RELATED_ARRAYS)

    def frames() -> Iterator[pl.DataFrame]:
        for rows in blocks_of(total, width):
            with one_blas_thread():
                if relate is not None:
                    frame, fillers = _related_block(model, asked, rows, relate, reasoning), 0
                else:
                    frame, fillers = _block(model, asked, rows, ID_COLUMNS[audience], how, reasoning, threads)
            counts["rows"] += frame.height
            counts["filled_by_popularity"] += fillers
            if progress is not None:
                progress(rows.stop, total)
            yield frame
        if not total:
            yield _empty(ID_COLUMNS[audience], with_reasons=with_reasons)

    return Blocks(frames(), notices, counts)


@dataclass(frozen=True)
class _Reasoning:
    """How reasons are given: for whom, and whether their weights are worth scoring again for."""

    audience: Audience
    weighs: bool
    threads: int

    def __call__(
        self,
        model: TrainedModel,
        queries: Queries,
        items: Ints,
        scores: Floats,
        own: Bools,
        unknown: Bools,
    ) -> pl.DataFrame:
        """Return the columns of reasons; `own` says which items the model itself listed."""
        recommender = model.recommender
        evidence = recommender.explain(queries, np.where(own, items, -1), self.threads)
        evidence = evidence.where(own, Evidence.of(Why.POPULAR, items))
        again = evidence.kind == Why.AGAIN
        evidence.others[:, :, 0] = np.where(again, items, evidence.others[:, :, 0])
        if not recommender.adds_up:
            named = evidence.others if self.weighs else np.full_like(evidence.others, -1)
            weight = score_drop(recommender, queries, items, scores, named, self.threads)
            evidence = replace(evidence, weight=weight)
        return reasons(model, evidence, queries, items, self.audience, unknown=unknown)


def _block(
    model: TrainedModel,
    asked: Requests,
    rows: slice,
    column: str,
    how: Cut,
    reasoning: _Reasoning | None,
    threads: int,
) -> tuple[pl.DataFrame, int]:
    """Return the lists of some rows, and how many of their places popularity filled."""
    ids, unknown = asked.ids[rows], asked.unknown[rows]
    queries = asked.block(rows)
    frame, filled, short = _answered(model, queries, ids, unknown, column, how, reasoning, threads)
    again = []
    for start in range(0, len(short), _ALL_ITEMS_ROWS):
        # So many of their candidates were of few categories that all products must be ranked.
        few = short[start : start + _ALL_ITEMS_ROWS]
        deep = replace(queries.rows(few), depth=len(model.items))
        theirs = _answered(
            model, deep, ids.gather(pl.Series(few)), unknown[few], column, how, reasoning, threads
        )
        again.append(theirs[0])
        filled += theirs[1]
    if again:
        whole = frame.filter(~pl.col(column).is_in(pl.concat(again)[column].unique().implode()))
        order = pl.DataFrame({column: ids, "_row": np.arange(ids.len())})
        joined = pl.concat([whole, *again]).join(order, on=column, how="left")
        frame = joined.sort("_row", "rank").drop("_row")
    return frame, filled


def _related_block(
    model: TrainedModel,
    asked: Requests,
    rows: slice,
    relate: Callable[[Ints], tuple[Ints, Floats, Evidence]],
    reasoning: _Reasoning | None,
) -> pl.DataFrame:
    """Return the complements or substitutes of some products."""
    queries = asked.block(rows)
    items, scores, evidence = relate(queries.history.indices.astype(np.int32))
    lists = Lists(items, scores, items >= 0, None, np.empty(0, np.int64))
    frame = _frame(model, asked.ids[rows], ID_COLUMNS["products"], lists)
    return frame if reasoning is None else frame.hstack(reasons(model, evidence, queries, items, "products"))


def _answered(
    model: TrainedModel,
    queries: Queries,
    ids: pl.Series,
    unknown: Bools,
    column: str,
    how: Cut,
    reasoning: _Reasoning | None,
    threads: int,
) -> tuple[pl.DataFrame, int, Longs]:
    """Return the lists of the queries, the number of fillers, and the rows that need more candidates."""
    lists = cut_lists(model, queries, how, ids.to_list() if how.epsilon else (), threads)
    frame = _frame(model, ids, column, lists)
    if reasoning is not None:
        said = reasoning(model, queries, lists.items, lists.scores, lists.own, unknown)
        frame = frame.hstack(said)
    if lists.propensity is not None:
        frame = frame.with_columns(propensity=pl.Series(lists.propensity[lists.items >= 0]))
    return frame, int((lists.items >= 0).sum() - lists.own.sum()), lists.short


def _variety(
    model: TrainedModel, diversity: float, most_per_category: int | None, embeddings: pl.DataFrame | None
) -> Variety:
    if not diversity and most_per_category is None:
        return Variety()
    attributes = encode_attributes(model.items) if diversity else csr_of(np.zeros((len(model.items), 1)))
    return variety(model.items, diversity, most_per_category, vectors_of(model, embeddings), attributes)


def vectors_of(model: TrainedModel, embeddings: pl.DataFrame | None) -> Floats | None:
    """Return the vectors of the products: those given, else those of the model, else None."""
    if embeddings is not None:
        return aligned_vectors(embeddings, model.items.ids)
    parts = getattr(model.recommender, "parts", {"": model.recommender})
    return next((part.vectors for part in parts.values() if isinstance(part, Content)), None)


def blocks_of(total: int, width: int) -> Iterator[slice]:
    """Yield blocks of lists, so many at a time that their scores, `width` a list, fit in memory."""
    step = int(np.clip(_SCORES_A_BLOCK // max(1, width), 32, 4096))
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


def _frame(model: TrainedModel, ids: pl.Series, column: str, lists: Lists) -> pl.DataFrame:
    items, scores = lists.items, lists.scores
    row, slot = np.nonzero(items >= 0)
    return pl.DataFrame(
        {
            column: ids.gather(pl.Series(row)),
            "rank": pl.Series(slot + 1, dtype=pl.Int32),
            "product_id": model.items.ids.gather(pl.Series(items[row, slot])),
            "score": scores[row, slot].astype(np.float64),
        }
    )


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
