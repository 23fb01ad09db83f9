"""A model and what lists are to be like → lists with reasons, for whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.base import Explanation, Queries, Why
from prodassoc_cli.models.data import csr_of
from prodassoc_cli.models.families.association import Association
from prodassoc_cli.models.families.content import Content, encode_attributes
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import Options, Requests
from prodassoc_cli.models.serving.diversity import Variety, variety
from prodassoc_cli.models.serving.filters import allowed_items
from prodassoc_cli.models.serving.lists import Lists, ListSpec, cut_lists
from prodassoc_cli.models.serving.lookalikes import groups_of
from prodassoc_cli.models.serving.reasons.columns import Audience, reasons
from prodassoc_cli.models.serving.reasons.counterfactual import score_drop
from prodassoc_cli.models.serving.reasons.language import Language, english
from prodassoc_cli.models.serving.todays_catalogue import of_today, part_of, vectors_of
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs
from prodassoc_cli.resemblance.scale import SimilarityScale, scale_of

Relation = Literal["complement", "substitute"]

_RELATED_ARRAYS = 8
_ALL_ITEMS_ROWS = 32

ID_COLUMNS: dict[Audience, str] = {
    "users": "user_id",
    "products": "source_product_id",
    "baskets": "basket_id",
}


@dataclass(frozen=True)
class ListOptions:
    """What lists are to be like.

    Attributes:
        k: their length.
        include_seen: whether a list may repeat what is in the history; a product is never listed for itself.
        where: conditions as COLUMN=VALUE or COLUMN>=NUMBER, see `filters.allowed_items`.
        allow: the only products allowed.
        deny: products never listed.
        products: the catalogue of today, for titles, filters and products that came after the training; None
            for the one trained with.
        embeddings: vectors of the products of today; None for those of the model, if it has any.
        diversity: how much the items of a list are to differ, 0 to 1, see `diversity.Variety`.
        max_per_category: maximum number of products of one category in a list.
        relation: for products, whether the lists hold complements or substitutes, see `related.related`.
        unread: ids of products whose titles the encoder of the vectors hardly reads; None for none.
        scale: similarities that relations are judged by; None for those of the encoder that the model names.
        epsilon: probability that a place shows a runner-up, see `explore`; the column propensity says how
            likely what is shown was.
        seed: seed of the exploration.
        with_reasons: whether to say why, in words and columns.
        reason_weights: whether to score again without the products named, where a model's scores are no sums
            over the history; None: only for up to a thousand lists.
        language: that of the reasons.
        threads: threads to use.
    """

    k: int = 10
    include_seen: bool = False
    where: Sequence[str] = ()
    allow: Sequence[str] | None = None
    deny: Sequence[str] | None = None
    products: pl.DataFrame | None = None
    embeddings: pl.DataFrame | None = None
    diversity: float = 0.0
    max_per_category: int | None = None
    relation: Relation | None = None
    unread: pl.Series | None = None
    scale: SimilarityScale | None = None
    epsilon: float = 0.0
    seed: int = 42
    with_reasons: bool = True
    reason_weights: bool | None = None
    language: Language = field(default_factory=english)
    threads: int = 1


@dataclass(frozen=True)
class Lister:
    """Makes lists, some rows at a time, and counts the places that popularity filled.

    Attributes:
        model: gives scores, reasons and titles.
        audience: whom the lists are for.
        options: what a list is like.
        spec: how it is cut from scores.
        allowed: which products may be listed; None for all.
        notices: what was ignored or stood in, one sentence each.
    """

    model: TrainedModel
    audience: Audience
    options: ListOptions
    spec: ListSpec
    allowed: Bools | None
    notices: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, model: TrainedModel, audience: Audience, options: ListOptions) -> Lister:
        """Return what makes such lists.

        Raises:
            UsageProblem: an option needs texts, categories or brands that are not there.
            BadData: no product passes the filters.
        """
        model, notices = of_today(model, options.products, options.embeddings, options.threads)
        if (content := part_of(model, Content)) is not None:
            content.alike = scale_of(model.encoder).alike
        allowed, ignored = allowed_items(model.items, options.where, options.allow, options.deny)
        notices += ignored
        varied = _variety(model, options)
        spec = ListSpec(options.k, varied, options.epsilon, options.seed, groups_of(model.items))
        lister = cls(model, audience, options, spec, allowed, notices)
        if options.relation is not None:
            lister._texts  # noqa: B018 — whether there are any is said before lists are made
        return lister

    @property
    def asking(self) -> Options:
        """How the rows that lists are for are asked."""
        new_only = not self.options.include_seen or self.audience == "products"
        return Options(self.allowed, new_only, self.spec.depth(len(self.model.items)))

    @property
    def scores_per_list(self) -> int:
        """How many scores are held at once for each list; 0 for some candidates only."""
        if self.options.relation is not None:
            return len(self.model.items) * _RELATED_ARRAYS
        return 0 if self.model.recommender.fused else len(self.model.items)

    def lists(self, asked: Requests, rows: slice, *, weighs: bool) -> tuple[pl.DataFrame, int]:
        """Return the lists of some of the rows asked for, and how many places popularity filled.

        Args:
            asked: whom lists are for.
            rows: which of them.
            weighs: whether weights of the reasons are worth scoring again for.
        """
        if self.options.relation is not None:
            return self._related(self.options.relation, asked, rows)
        column, ids, unknown = ID_COLUMNS[self.audience], asked.ids[rows], asked.unknown[rows]
        queries = asked.block(rows)
        frame, fillers, short = self._answers(queries, ids, unknown, weighs)
        deeper = []
        for start in range(0, len(short), _ALL_ITEMS_ROWS):
            # So many of their candidates were of few categories that all products must be ranked.
            few = short[start : start + _ALL_ITEMS_ROWS]
            deep = replace(queries.rows(few), depth=len(self.model.items))
            again, more, _ = self._answers(deep, ids.gather(pl.Series(few)), unknown[few], weighs)
            deeper.append(again)
            fillers += more
        if deeper:
            whole = frame.filter(~pl.col(column).is_in(pl.concat(deeper)[column].unique().implode()))
            order = pl.DataFrame({column: ids, "_row": np.arange(ids.len())})
            joined = pl.concat([whole, *deeper]).join(order, on=column, how="left")
            frame = joined.sort("_row", "rank").drop("_row")
        return frame, fillers

    def _related(self, relation: Relation, asked: Requests, rows: slice) -> tuple[pl.DataFrame, int]:
        """Return the complements or substitutes of these products; nothing fills their lists up."""
        # scipy.special, which no other list needs
        from prodassoc_cli.mining.products.relations import Thresholds
        from prodassoc_cli.models.serving.related import related

        queries, scale = asked.block(rows), self.options.scale or scale_of(self.model.encoder)
        items, scores, explanation = related(
            self.model, queries.history.indices.astype(np.int32), relation, self.spec.k, self.options.threads,
            allowed=self.allowed, vectors=self._texts, groups=self.spec.groups,
            thresholds=Thresholds(scale.variant, scale.substitute),
            association=part_of(self.model, Association), unread=self.options.unread,
        )  # fmt: skip
        frame = self._frame(items, scores, asked.ids[rows])
        if self.options.with_reasons:
            frame = frame.hstack(self._said(explanation, queries, items))
        return frame, 0

    @cached_property
    def _texts(self) -> Floats:
        """Return the vectors that relations are judged by; complements do without any."""
        vectors = vectors_of(self.model, self.options.embeddings)
        if vectors is not None and vectors.any():
            return vectors
        if self.options.relation == "substitute":
            raise UsageProblem(
                "`relation=substitute` needs texts to compare, and the model has none",
                "give `embeddings=FILE`",
            )
        return np.zeros((len(self.model.items), 1), np.float32)

    def _answers(
        self, queries: Queries, ids: pl.Series, unknown: Bools, weighs: bool
    ) -> tuple[pl.DataFrame, int, Longs]:
        """Return the lists of the queries, the number of fillers, and the rows that need more candidates."""
        names = ids.to_list() if self.spec.epsilon else ()
        shown = None if self.audience == "users" else queries.history
        lists = cut_lists(self.model, queries, self.spec, names, self.options.threads, shown)
        frame = self._frame(lists.items, lists.scores, ids)
        if self.options.with_reasons:
            frame = frame.hstack(self._reasons(queries, lists, unknown, weighs))
        if lists.propensity is not None:
            frame = frame.with_columns(propensity=pl.Series(lists.propensity[lists.items >= 0]))
        return frame, int((lists.items >= 0).sum() - lists.own.sum()), lists.short

    def _reasons(self, queries: Queries, lists: Lists, unknown: Bools, weighs: bool) -> pl.DataFrame:
        recommender, items, own = self.model.recommender, lists.items, lists.own
        explanation = recommender.explain(queries, np.where(own, items, -1), self.options.threads)
        explanation = explanation.where(own, Explanation.of(Why.POPULAR, items))
        again = explanation.kind == Why.AGAIN
        explanation.others[:, :, 0] = np.where(again, items, explanation.others[:, :, 0])
        if not recommender.adds_up:
            # Of what is only expected, the products named are others than those of the history.
            counted = explanation.kind != Why.EXPECTED
            named = np.where(counted[:, :, None] & weighs, explanation.others, -1)
            weight = score_drop(recommender, queries, items, lists.scores, named, self.options.threads)
            explanation = replace(explanation, weight=weight)
        popular = Explanation.of(Why.POPULAR, items)
        explanation = explanation.where(~(explanation.weight <= 0), popular)  # what gave nothing is no reason
        by_words = _asked_by_words(queries, items)
        if by_words.any():
            explanation = explanation.where(~by_words, Explanation.of(Why.WORDS, items))
        return self._said(explanation, queries, items, unknown)

    def _said(
        self, explanation: Explanation, queries: Queries, items: Ints, unknown: Bools | None = None
    ) -> pl.DataFrame:
        return reasons(
            self.model, explanation, queries, items, self.audience,
            language=self.options.language, unknown=unknown,
        )  # fmt: skip

    def _frame(self, items: Ints, scores: Floats, ids: pl.Series) -> pl.DataFrame:
        row, slot = np.nonzero(items >= 0)
        return pl.DataFrame(
            {
                ID_COLUMNS[self.audience]: ids[row],
                "rank": pl.Series(slot + 1, dtype=pl.Int32),
                "product_id": self.model.items.ids[items[row, slot]],
                "score": scores[row, slot].astype(np.float64),
            }
        )


def _asked_by_words(queries: Queries, items: Ints) -> Bools:
    """Return which items are what somebody's words are nearest to: in a history of nobody, but not bought."""
    asked = (queries.users < 0) & (np.diff(queries.history.indptr) > np.diff(queries.seen.indptr))
    found = np.zeros(items.shape, np.bool_)
    for row in np.flatnonzero(asked):
        of_words = np.setdiff1d(
            queries.history.indices[queries.history.indptr[row] : queries.history.indptr[row + 1]],
            queries.seen.indices[queries.seen.indptr[row] : queries.seen.indptr[row + 1]],
        )
        found[row] = np.isin(items[row], of_words)
    return found


def _variety(model: TrainedModel, options: ListOptions) -> Variety:
    if not options.diversity and options.max_per_category is None:
        return Variety()
    attributes = (
        encode_attributes(model.items) if options.diversity else csr_of(np.zeros((len(model.items), 1)))
    )
    vectors = vectors_of(model, options.embeddings)
    return variety(model.items, options.diversity, options.max_per_category, vectors, attributes)
