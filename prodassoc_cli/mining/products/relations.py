"""How two products are related: complement, substitute or variant; the one definition of all commands.

A pair is judged by its texts (the cosine of the embeddings), its baskets (are they bought together more often
than by chance?), its users (are they bought by the same people?) and its categories. Complements meet in
baskets. Substitutes do the same job, so their texts are similar and the same people buy them, but not at
once. Variants are one product in another size or colour: nearly the same text. The definitions stand in
docs/conventions.md, and how they were chosen in docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.mining.selection.significance import log_fisher
from prodassoc_cli.numerics.indexing import aligned_vectors, index_of, numbered
from prodassoc_cli.resemblance.scale import DEFAULT_SCALE
from prodassoc_cli.settings.mine import RELATION_LEVEL

if TYPE_CHECKING:
    from prodassoc_cli.mining.baskets import Baskets

_BLOCK = 1_024
_ROWS = 1 << 15


@dataclass(frozen=True)
class Thresholds:
    """Where one relation ends and the next begins.

    Attributes:
        variant: minimum similarity of variants.
        substitute: minimum similarity of substitutes.
        level: maximum p-value of being bought together, or by the same users.
    """

    variant: float = DEFAULT_SCALE.variant
    substitute: float = DEFAULT_SCALE.substitute
    level: float = RELATION_LEVEL


class PairCounts(Protocol):
    """How many rows (baskets, or users) hold an item, and how many hold both of a pair."""

    @property
    def n(self) -> int:
        """Number of rows."""

    @property
    def sizes(self) -> np.ndarray:
        """int64[items], rows with each item."""

    def count(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return int64[pairs], rows with both items of each pair."""


@dataclass(frozen=True)
class HeldTogether:
    """`PairCounts` of many pairs at once, by sparse products.

    Attributes:
        held: rows × items, ones.
    """

    held: sparse.csr_matrix

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.held.shape[0])

    @cached_property
    def sizes(self) -> np.ndarray:
        """int64[items], rows with each item."""
        return np.asarray(self.held.sum(axis=0)).ravel().astype(np.int64)

    def count(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return int64[pairs], rows with both items of each pair."""
        both = np.zeros(len(a), np.int64)
        columns = self.held.tocsc()
        order = np.argsort(a, kind="stable")
        ordered = a[order]
        for begin in range(0, self.held.shape[1], _BLOCK):
            here = order[np.searchsorted(ordered, begin) : np.searchsorted(ordered, begin + _BLOCK)]
            if len(here):
                block = (columns[:, begin : begin + _BLOCK].T @ self.held).tocsr()
                block.sort_indices()  # so that entries are found by bisection
                both[here] = np.asarray(block[a[here] - begin, b[here]]).ravel()
        return both


@dataclass(frozen=True)
class PairEvidence:
    """What pairs of products are judged by: who holds which product, and vectors.

    Attributes:
        by_basket: counts of baskets.
        by_user: counts of users; None where there are no users.
        vectors: float32[items, dims] of length 1; zeros where a product has none.
        item_ids: product id of each item.
        category: int[items], number of each item's category, -1 where it is unknown; None for all unknown.
        unread: bool[items], whose titles the encoder hardly reads: nearly the same letters make a variant;
            what they are for is unknown. None for none.
    """

    by_basket: PairCounts
    by_user: PairCounts | None
    vectors: np.ndarray
    item_ids: pl.Series
    category: np.ndarray | None = None
    unread: np.ndarray | None = None


def evidence_of(
    baskets: Baskets,
    user: np.ndarray | None,
    embeddings: pl.DataFrame,
    products: pl.DataFrame | None = None,
    unread: pl.Series | None = None,
) -> PairEvidence:
    """Return what pairs are judged by.

    Args:
        baskets: the baskets.
        user: int32, user of each basket, -1 for none; None where there are no users.
        embeddings: product_id, embedding.
        products: product_id, category; None where categories are unknown.
        unread: ids of products whose titles the encoder hardly reads; None for none.
    """
    shape = len(baskets), len(baskets.item_ids)
    ones = np.ones(len(baskets.items), np.int32)
    by_basket = sparse.csr_matrix((ones, baskets.items, baskets.indptr), shape=shape)
    by_user = None
    if user is not None and (user >= 0).any():
        owner = np.repeat(user, np.diff(baskets.indptr))
        known = owner >= 0
        held = sparse.coo_matrix(
            (ones[known], (owner[known], baskets.items[known])), shape=(int(user.max()) + 1, shape[1])
        )
        once = held.tocsr()
        once.data[:] = 1
        by_user = HeldTogether(once)
    ids = baskets.item_ids
    category = None
    if products is not None:
        about = products.select(pl.col("product_id").cast(pl.String), "category")
        first = about.unique("product_id", keep="first", maintain_order=True)
        named = ids.to_frame("product_id").join(first, on="product_id", how="left", maintain_order="left")
        category = category_numbers(named["category"])
    vectors = aligned_vectors(embeddings, ids)
    return PairEvidence(HeldTogether(by_basket), by_user, vectors, ids, category, among(ids, unread))


def among(ids: pl.Series, named: pl.Series | None) -> np.ndarray | None:
    """Return which of the ids are named; None where none are."""
    return None if named is None else ids.cast(pl.String).is_in(named.implode()).to_numpy()


def category_numbers(paths: pl.Series) -> np.ndarray:
    """Return the number of each category path such as `Food > Dairy`, -1 where there is none."""
    steps = paths.cast(pl.String).str.split(">").list.eval(pl.element().str.strip_chars())
    return numbered(steps.list.join(">").replace("", None))[0]


def similarity_of_sides(rules: pl.DataFrame, evidence: PairEvidence) -> pl.Series:
    """Return the cosine of the mean vectors of both sides of each rule; null where a side has no vector.

    Args:
        rules: antecedent and consequent, lists of ids.
        evidence: the vectors.
    """
    parts = []
    for begin in range(0, max(rules.height, 1), _ROWS):
        left, right = (
            _sums(rules[side][begin : begin + _ROWS], evidence) for side in ("antecedent", "consequent")
        )
        lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = np.where(lengths > 0, (left * right).sum(axis=1) / lengths, np.nan)
        parts.append(np.clip(cosine, -1, 1).astype(np.float64))
    return pl.Series("similarity", np.concatenate(parts)).fill_nan(None)


def _sums(lists: pl.Series, evidence: PairEvidence) -> np.ndarray:
    """Return the sum of the vectors of each list: it points where their mean points."""
    if lists.is_empty():
        return np.zeros((0, evidence.vectors.shape[1]), np.float32)
    at = index_of(lists.explode(), evidence.item_ids)
    starts = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy().astype(np.int64))[:-1]])
    return np.asarray(np.add.reduceat(evidence.vectors[at.to_numpy()], starts, axis=0))


def with_relations(rules: pl.DataFrame, evidence: PairEvidence, thresholds: Thresholds) -> pl.DataFrame:
    """Return the rules with the similarity of their sides and, for pairs of products, their relation.

    Args:
        rules: antecedent and consequent, lists of ids.
        evidence: what to judge by; every product of the rules is in it.
        thresholds: where one relation ends and the next begins.
    """
    rules = rules.with_columns(similarity_of_sides(rules, evidence))
    single = (rules["antecedent"].list.len() == 1) & (rules["consequent"].list.len() == 1)
    a, b = (
        index_of(rules.filter(single)[side].list.first(), evidence.item_ids).to_numpy()
        for side in ("antecedent", "consequent")
    )
    pairs = judged_pairs(a, b, evidence, thresholds)
    relation = np.full(rules.height, None, object)
    relation[single.to_numpy()] = pairs["relation"].to_list()
    return rules.with_columns(pl.Series("relation", relation.tolist(), dtype=pl.String))


def judged_pairs(
    a: np.ndarray, b: np.ndarray, evidence: PairEvidence, thresholds: Thresholds
) -> pl.DataFrame:
    """Return similarity, count, lift, p_value, user_lift, user_p_value and relation of pairs of items.

    Args:
        a: one item of each pair.
        b: the other.
        evidence: what to judge by.
        thresholds: where one relation ends and the next begins.
    """
    similarity = np.full(len(a), np.nan)
    for begin in range(0, len(a), _ROWS):
        part = slice(begin, begin + _ROWS)
        left, right = evidence.vectors[a[part]], evidence.vectors[b[part]]
        known = left.any(axis=1) & right.any(axis=1)
        similarity[part] = np.where(known, (left * right).sum(axis=1), np.nan)
    count, lift, p_value = _significance(evidence.by_basket, a, b)
    frame = pl.DataFrame({"similarity": similarity, "count": count, "lift": lift, "p_value": p_value})
    frame = frame.with_columns(pl.col("similarity").fill_nan(None).clip(-1, 1))
    if evidence.by_user is not None:
        _, user_lift, user_p = _significance(evidence.by_user, a, b)
        frame = frame.with_columns(
            pl.Series("user_lift", user_lift).fill_nan(None), pl.Series("user_p_value", user_p)
        )
    else:
        unknown = pl.lit(None, pl.Float64)
        frame = frame.with_columns(unknown.alias("user_lift"), unknown.alias("user_p_value"))
    comparable = np.ones(len(a), np.bool_)
    if evidence.category is not None:
        left, right = evidence.category[a], evidence.category[b]
        comparable = (left == right) | (left < 0) | (right < 0)
    if evidence.unread is not None:
        comparable &= ~(evidence.unread[a] | evidence.unread[b])
    return frame.with_columns(_relation(thresholds, pl.lit(pl.Series(comparable))).alias("relation"))


def _relation(thresholds: Thresholds, comparable: pl.Expr) -> pl.Expr:
    """Return the relation of a pair; null where it is none. Only what is comparable can be substituted."""
    similarity, together = pl.col("similarity"), pl.col("p_value") <= thresholds.level
    same_users = (pl.col("user_p_value") <= thresholds.level) & (pl.col("user_lift") > pl.col("lift"))
    apart = (pl.col("lift") < 1) | same_users.fill_null(False)
    return (
        pl.when(similarity >= thresholds.variant)
        .then(pl.lit("variant"))
        .when((similarity >= thresholds.substitute) & comparable & apart)
        .then(pl.lit("substitute"))
        .when(together & (pl.col("lift") > 1))
        .then(pl.lit("complement"))
    )


def _significance(
    counts: PairCounts, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many rows hold both items of each pair, the lift, and Fisher's p-value."""
    both, left, right = counts.count(a, b), counts.sizes[a], counts.sizes[b]
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = both * float(counts.n) / (left.astype(float) * right)
    return both, lift, np.exp(log_fisher(np.full(len(a), counts.n), left, right, both))


def related_pairs(
    evidence: PairEvidence,
    frequent: np.ndarray,
    together: tuple[np.ndarray, np.ndarray],
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Return all related pairs (columns of `schemas.RELATED_PRODUCTS`), both ways round.

    Substitutes hardly meet in baskets, so no rule joins them: here pairs come from their texts too.

    Args:
        evidence: what to judge by.
        frequent: items frequent by themselves; only they are looked at.
        together: items a and b of the frequent pairs.
        thresholds: where one relation ends and the next begins.
    """
    found = [np.stack(together).astype(np.int64), *_alike(evidence.vectors, frequent, thresholds.substitute)]
    pairs = np.sort(np.concatenate(found, axis=1), axis=0)
    keys = np.unique(pairs[0] << 32 | pairs[1])
    a, b = keys >> 32, keys & 0xFFFFFFFF
    judged = judged_pairs(a, b, evidence, thresholds)
    ids = evidence.item_ids
    one_way, other_way = (
        judged.with_columns(ids.gather(x).alias("product_id"), ids.gather(y).alias("related_id"))
        for x, y in ((a, b), (b, a))
    )
    rows = pl.concat([one_way, other_way]).filter(pl.col("relation").is_not_null())
    best_first = (
        pl.when(pl.col("relation") == "complement").then(pl.col("lift")).otherwise(pl.col("similarity"))
    )
    return rows.sort(
        "product_id", "relation", best_first, "related_id", descending=[False, False, True, False]
    ).select(
        "product_id", "related_id", "relation", "similarity", "count", "lift", "p_value", "user_lift",
        "user_p_value",
    )  # fmt: skip


def _alike(vectors: np.ndarray, items: np.ndarray, minimum: float) -> Iterator[np.ndarray]:
    """Yield the pairs of these items with at least that similarity, int64[2, pairs], a block at a time."""
    own = vectors[items]
    for begin in range(0, len(items), _BLOCK):
        row, column = np.nonzero(own[begin : begin + _BLOCK] @ own[begin:].T >= minimum)
        later = column > row
        yield items[np.stack([row[later], column[later]]) + begin].astype(np.int64)
