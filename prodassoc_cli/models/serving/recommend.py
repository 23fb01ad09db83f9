"""Recommend: a trained model and whom the lists are for in, lists with reasons out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal

import numpy as np
import polars as pl

from prodassoc_cli.arrays import Bools, Floats, Ints, Longs
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.id_overlap import id_overlap
from prodassoc_cli.indexing import aligned_vectors
from prodassoc_cli.models.base import Explanation, Queries, Why
from prodassoc_cli.models.data import csr_of
from prodassoc_cli.models.families.content import Content, encode_attributes
from prodassoc_cli.models.kernels.dispatch import one_blas_thread
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import Options, Requests, requests
from prodassoc_cli.models.serving.counterfactual import score_drop
from prodassoc_cli.models.serving.diversity import Variety, variety
from prodassoc_cli.models.serving.filters import allowed_items
from prodassoc_cli.models.serving.lists import Lists, ListSpec, cut_lists
from prodassoc_cli.models.serving.lookalikes import groups_of
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
class Recommendations:
    """Lists that are made as they are taken, block by block.

    Attributes:
        frames: they, in the schema of recommendations; at least one frame.
        notices: what was ignored or stood in, one sentence each.
        counts: lists that hold something, rows, empty lists, unknown users, and rows filled up by popularity;
            right, as the notices are, once the frames are at their end.
        without: ids of some whose lists are empty.
    """

    frames: Iterator[pl.DataFrame]
    notices: list[str]
    counts: dict[str, int]
    without: list[str]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All lists at once."""
        return pl.concat(list(self.frames))


def recommend(
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
) -> Recommendations:
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
        max_per_category: maximum number of products of one category in a list.
        relation: for products, whether the lists hold complements or substitutes, see `related.related`.
        epsilon: probability that a place shows a runner-up, see `explore`; the column propensity says how
            likely what is shown was.
        seed: seed of the exploration.
        with_reasons: whether to say why, in words and columns.
        reason_weights: whether to score again without the products named, where a model's scores are no sums
            over the history; None: only for up to a thousand lists.
        threads: threads to use.
        progress: called with rows done and rows in all.

    Raises:
        UsageProblem: an option needs texts, categories or baskets that are not there.
        BadData: none of the products asked for is known, or no product passes the filters.
    """
    if products is not None:
        model = model.with_catalogue(products)
    allowed, notices = allowed_items(model.items, where, allow, deny)
    if products is not None:
        notices += _unknown_products(model, products["product_id"])
    spec = ListSpec(
        k, _variety(model, diversity, max_per_category, embeddings), epsilon, seed, groups_of(model.items)
    )
    new_only = not include_seen or audience == "products"
    options = Options(allowed, new_only, spec.depth(len(model.items)))
    asked = requests(audience, model, ids, baskets, notices, options)
    total, unknown = asked.ids.len(), int(asked.unknown.sum())
    weighs = total <= FEW_LISTS if reason_weights is None else reason_weights
    maker = _ListMaker(model, audience, asked, spec, with_reasons, weighs, threads)
    width = 0 if model.recommender.fused else len(model.items)
    block: Callable[[slice], tuple[pl.DataFrame, int]] = maker.block
    if relation is not None:
        width = len(model.items) * _RELATED_ARRAYS
        block = partial(maker.related, relation, allowed, _texts(model, embeddings, relation))
    counts = {
        "lists": 0, "rows": 0, "empty_lists": 0, "unknown_users": unknown, "filled_by_popularity": 0,
    }  # fmt: skip
    column = ID_COLUMNS[audience]

    without: list[str] = []

    def frames() -> Iterator[pl.DataFrame]:
        for rows in blocks_of(total, width):
            with one_blas_thread():
                frame, fillers = block(rows)
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
            yield _empty(column, with_reasons=with_reasons)
        notices.extend(empty_notice(audience, counts, without))

    return Recommendations(frames(), notices, counts, without)


def empty_notice(audience: Audience, counts: Mapping[str, int], without: Sequence[str]) -> list[str]:
    """Return what is to be said of lists that hold nothing, of which `without` are examples."""
    empty = counts["empty_lists"]
    if not empty:
        return []
    who = f"1 {audience.removesuffix('s')}" if empty == 1 else f"{empty:,} {audience}"
    total = empty + counts["lists"]
    example = "" if audience == "users" else f", such as '{without[0]}'"  # who a user is, no message says
    return [f"{who} of {total:,} got no list{example}: nothing is left that may be listed"]


def _unknown_products(model: TrainedModel, wanted: pl.Series) -> list[str]:
    """Return what is to be said of a catalogue's products that the model cannot list."""
    known = model.items.index_of(wanted)
    missing = wanted.filter(known.is_null()).unique(maintain_order=True)
    if not len(missing):
        return []
    cause = id_overlap(wanted, model.items.ids).clause
    return [
        f"`products`: {len(missing):,} of {wanted.n_unique():,} are not known to the model, so in no list, "
        f"such as '{missing[0]}'; train with them, best with embeddings{cause}"
    ]


@dataclass(frozen=True)
class _ListMaker:
    """Makes the lists that are asked for, some rows at a time, and counts the places that popularity filled.

    Attributes:
        model: gives scores, reasons and titles.
        audience: whom the lists are for.
        asked: they.
        spec: what a list is like.
        with_reasons: whether reasons are given.
        weighs: whether their weights are worth scoring again for.
        threads: threads to use.
    """

    model: TrainedModel
    audience: Audience
    asked: Requests
    spec: ListSpec
    with_reasons: bool
    weighs: bool
    threads: int

    def block(self, rows: slice) -> tuple[pl.DataFrame, int]:
        """Return the lists of these rows."""
        column, ids, unknown = ID_COLUMNS[self.audience], self.asked.ids[rows], self.asked.unknown[rows]
        queries = self.asked.block(rows)
        frame, fillers, short = self._answers(queries, ids, unknown)
        deeper = []
        for start in range(0, len(short), _ALL_ITEMS_ROWS):
            # So many of their candidates were of few categories that all products must be ranked.
            few = short[start : start + _ALL_ITEMS_ROWS]
            deep = replace(queries.rows(few), depth=len(self.model.items))
            again, more, _ = self._answers(deep, ids.gather(pl.Series(few)), unknown[few])
            deeper.append(again)
            fillers += more
        if deeper:
            whole = frame.filter(~pl.col(column).is_in(pl.concat(deeper)[column].unique().implode()))
            order = pl.DataFrame({column: ids, "_row": np.arange(ids.len())})
            joined = pl.concat([whole, *deeper]).join(order, on=column, how="left")
            frame = joined.sort("_row", "rank").drop("_row")
        return frame, fillers

    def related(
        self, relation: Relation, allowed: Bools | None, vectors: Floats, rows: slice
    ) -> tuple[pl.DataFrame, int]:
        """Return the complements or substitutes of these products; nothing fills their lists up."""
        from prodassoc_cli.models.serving.related import related  # scipy.special, which no other list needs

        queries = self.asked.block(rows)
        items, scores, explanation = related(
            self.model, queries.history.indices.astype(np.int32), relation, self.spec.k, self.threads,
            allowed=allowed, vectors=vectors, groups=self.spec.groups,
        )  # fmt: skip
        frame = self._frame(items, scores, self.asked.ids[rows])
        if self.with_reasons:
            frame = frame.hstack(reasons(self.model, explanation, queries, items, "products"))
        return frame, 0

    def _answers(self, queries: Queries, ids: pl.Series, unknown: Bools) -> tuple[pl.DataFrame, int, Longs]:
        """Return the lists of the queries, the number of fillers, and the rows that need more candidates."""
        names = ids.to_list() if self.spec.epsilon else ()
        shown = None if self.audience == "users" else queries.history
        lists = cut_lists(self.model, queries, self.spec, names, self.threads, shown)
        frame = self._frame(lists.items, lists.scores, ids)
        if self.with_reasons:
            frame = frame.hstack(self._reasons(queries, lists, unknown))
        if lists.propensity is not None:
            frame = frame.with_columns(propensity=pl.Series(lists.propensity[lists.items >= 0]))
        return frame, int((lists.items >= 0).sum() - lists.own.sum()), lists.short

    def _reasons(self, queries: Queries, lists: Lists, unknown: Bools) -> pl.DataFrame:
        recommender, items, own = self.model.recommender, lists.items, lists.own
        explanation = recommender.explain(queries, np.where(own, items, -1), self.threads)
        explanation = explanation.where(own, Explanation.of(Why.POPULAR, items))
        again = explanation.kind == Why.AGAIN
        explanation.others[:, :, 0] = np.where(again, items, explanation.others[:, :, 0])
        if not recommender.adds_up:
            named = explanation.others if self.weighs else np.full_like(explanation.others, -1)
            weight = score_drop(recommender, queries, items, lists.scores, named, self.threads)
            explanation = replace(explanation, weight=weight)
        return reasons(self.model, explanation, queries, items, self.audience, unknown=unknown)

    def _frame(self, items: Ints, scores: Floats, ids: pl.Series) -> pl.DataFrame:
        row, slot = np.nonzero(items >= 0)
        return pl.DataFrame(
            {
                ID_COLUMNS[self.audience]: ids.gather(pl.Series(row)),
                "rank": pl.Series(slot + 1, dtype=pl.Int32),
                "product_id": self.model.items.ids.gather(pl.Series(items[row, slot])),
                "score": scores[row, slot].astype(np.float64),
            }
        )


def _variety(
    model: TrainedModel, diversity: float, max_per_category: int | None, embeddings: pl.DataFrame | None
) -> Variety:
    if not diversity and max_per_category is None:
        return Variety()
    attributes = encode_attributes(model.items) if diversity else csr_of(np.zeros((len(model.items), 1)))
    return variety(model.items, diversity, max_per_category, vectors_of(model, embeddings), attributes)


def vectors_of(model: TrainedModel, embeddings: pl.DataFrame | None) -> Floats | None:
    """Return the vectors of the products: those given, else those of the model, else None."""
    if embeddings is not None:
        return aligned_vectors(embeddings, model.items.ids)
    parts = getattr(model.recommender, "parts", {"": model.recommender})
    return next((part.vectors for part in parts.values() if isinstance(part, Content)), None)


def _texts(model: TrainedModel, embeddings: pl.DataFrame | None, relation: Relation) -> Floats:
    """Return the vectors that relations are judged by; complements do without any."""
    vectors = vectors_of(model, embeddings)
    if vectors is not None and vectors.any():
        return vectors
    if relation == "substitute":
        raise UsageProblem(
            "`relation=substitute` needs texts to compare, and the model has none", "give `embeddings=FILE`"
        )
    return np.zeros((len(model.items), 1), np.float32)


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
