"""How two products stand to each other: complement, substitute or variant.

Three things are looked at. Their texts, by the cosine of the embeddings; their baskets: are they bought
together more often than by chance? And their users: are they bought by the same people? Complements meet in
baskets. Substitutes do the same job, so their texts are similar and the same people buy them, but not at
once. Variants are one product in another size or colour: nearly the same text. The definitions stand in
docs/conventions.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.indexing import aligned_vectors
from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.selection.significance import log_fisher
from prodassoc_cli.settings.mine import RELATION_LEVEL, SUBSTITUTE_SIMILARITY, VARIANT_SIMILARITY

_BLOCK = 1_024
_ROWS = 1 << 15


@dataclass(frozen=True)
class Thresholds:
    """Where one relation ends and the next begins.

    Attributes:
        variant: least similarity of variants.
        substitute: least similarity of substitutes.
        level: greatest p-value of being bought together, or by the same users.
    """

    variant: float = VARIANT_SIMILARITY
    substitute: float = SUBSTITUTE_SIMILARITY
    level: float = RELATION_LEVEL


@dataclass(frozen=True)
class Evidence:
    """What pairs of products are judged by: who holds which product, and vectors.

    Attributes:
        by_basket: baskets × items, ones.
        by_user: users × items, ones; None where there are no users.
        vectors: float32[items, dims] of length 1; zeros where a product has none.
        item_ids: product id of each item.
    """

    by_basket: sparse.csr_matrix
    by_user: sparse.csr_matrix | None
    vectors: np.ndarray
    item_ids: pl.Series


def evidence_of(baskets: Baskets, user: np.ndarray | None, embeddings: pl.DataFrame) -> Evidence:
    """Return what pairs are judged by.

    Args:
        baskets: the baskets.
        user: int32, user of each basket, -1 for none; None where there are no users.
        embeddings: product_id, embedding.
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
        by_user = held.tocsr()
        by_user.data[:] = 1
    return Evidence(by_basket, by_user, aligned_vectors(embeddings, baskets.item_ids), baskets.item_ids)


def similarity_of_sides(rules: pl.DataFrame, evidence: Evidence) -> pl.Series:
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


def _sums(lists: pl.Series, evidence: Evidence) -> np.ndarray:
    """Return the sum of the vectors of each list: it points where their mean points."""
    if lists.is_empty():
        return np.zeros((0, evidence.vectors.shape[1]), np.float32)
    place = pl.DataFrame({"id": evidence.item_ids, "at": np.arange(len(evidence.item_ids))})
    at = lists.explode().to_frame("id").join(place, on="id", how="left", maintain_order="left")["at"]
    starts = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy().astype(np.int64))[:-1]])
    return np.asarray(np.add.reduceat(evidence.vectors[at.to_numpy()], starts, axis=0))


def with_relations(rules: pl.DataFrame, evidence: Evidence, thresholds: Thresholds) -> pl.DataFrame:
    """Return the rules with the similarity of their sides and, for pairs of products, their relation.

    Args:
        rules: antecedent and consequent, lists of ids.
        evidence: what to judge by; every product of the rules is in it.
        thresholds: where one relation ends and the next begins.
    """
    rules = rules.with_columns(similarity_of_sides(rules, evidence))
    single = (rules["antecedent"].list.len() == 1) & (rules["consequent"].list.len() == 1)
    place = pl.DataFrame({"id": evidence.item_ids, "at": np.arange(len(evidence.item_ids))})
    a, b = (
        rules.filter(single)
        .select(pl.col(side).list.first().alias("id"))
        .join(place, on="id", how="left", maintain_order="left")["at"]
        .to_numpy()
        for side in ("antecedent", "consequent")
    )
    pairs = judged_pairs(a, b, evidence, thresholds)
    relation = np.full(rules.height, None, object)
    relation[single.to_numpy()] = pairs["relation"].to_list()
    return rules.with_columns(pl.Series("relation", relation.tolist(), dtype=pl.String))


def judged_pairs(a: np.ndarray, b: np.ndarray, evidence: Evidence, thresholds: Thresholds) -> pl.DataFrame:
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
    count, lift, log_p = _together(evidence.by_basket, a, b)
    frame = pl.DataFrame(
        {"similarity": similarity, "count": count, "lift": lift, "p_value": np.exp(log_p)}
    ).with_columns(pl.col("similarity").fill_nan(None).clip(-1, 1))
    if evidence.by_user is not None:
        _, user_lift, user_log_p = _together(evidence.by_user, a, b)
        frame = frame.with_columns(
            pl.Series("user_lift", user_lift).fill_nan(None), pl.Series("user_p_value", np.exp(user_log_p))
        )
    else:
        unknown = pl.lit(None, pl.Float64)
        frame = frame.with_columns(unknown.alias("user_lift"), unknown.alias("user_p_value"))
    return frame.with_columns(_relation(thresholds).alias("relation"))


def _relation(thresholds: Thresholds) -> pl.Expr:
    """Return the relation of a pair; null where it is none of them."""
    similarity, together = pl.col("similarity"), pl.col("p_value") <= thresholds.level
    same_users = (pl.col("user_p_value") <= thresholds.level) & (pl.col("user_lift") > pl.col("lift"))
    apart = (pl.col("lift") < 1) | same_users.fill_null(False)
    return (
        pl.when(similarity >= thresholds.variant)
        .then(pl.lit("variant"))
        .when((similarity >= thresholds.substitute) & apart)
        .then(pl.lit("substitute"))
        .when(together & (pl.col("lift") > 1))
        .then(pl.lit("complement"))
    )


def _together(
    held: sparse.csr_matrix, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many rows hold both items of each pair, the lift, and the log of Fisher's p-value."""
    counts = np.asarray(held.sum(axis=0)).ravel().astype(np.int64)
    both = np.zeros(len(a), np.int64)
    columns = held.tocsc()
    order = np.argsort(a, kind="stable")
    for begin in range(0, held.shape[1], _BLOCK):
        here = order[np.searchsorted(a[order], begin) : np.searchsorted(a[order], begin + _BLOCK)]
        if len(here):
            block = (columns[:, begin : begin + _BLOCK].T @ held).tocsr()
            both[here] = np.asarray(block[a[here] - begin, b[here]]).ravel()
    n = held.shape[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = both * float(n) / (counts[a].astype(float) * counts[b])
    return both, lift, log_fisher(np.full(len(a), n), counts[a], counts[b], both)


def related_pairs(
    evidence: Evidence, frequent: np.ndarray, together: tuple[np.ndarray, np.ndarray], thresholds: Thresholds
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


def _alike(vectors: np.ndarray, items: np.ndarray, least: float) -> Iterator[np.ndarray]:
    """Yield the pairs of these items with at least that similarity, int64[2, pairs], a block at a time."""
    own = vectors[items]
    for begin in range(0, len(items), _BLOCK):
        row, column = np.nonzero(own[begin : begin + _BLOCK] @ own[begin:].T >= least)
        later = column > row
        yield items[np.stack([row[later], column[later]]) + begin].astype(np.int64)
