"""What the hybrid learns by: candidates and their features, a listwise regression, and how well it ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from prodassoc_cli.models.data import Csr, binary, csr_of
from prodassoc_cli.numerics.arrays import Bools, Doubles, Floats, Longs
from prodassoc_cli.numerics.ndcg import ndcg

CUT = 10
"""Length of the lists that ways of ranking are compared by."""

_BASKET_SIZES = (1, 2, 3)
_GOOD = 0.5
"""Share of the best part's NDCG from which on a part has a vote from the start."""

_MOST_VOTES = 12
"""Votes given beside those of the start."""


@dataclass
class CandidateFeatures:
    """What the parts put forward for a block of rows.

    Attributes:
        rows: row of each candidate, ascending.
        items: item of each candidate.
        features: candidates × features.
    """

    rows: Longs
    items: Longs
    features: Floats

    @classmethod
    def joined(cls, blocks: Sequence[Self], starts: Iterable[int]) -> Self:
        """Return the candidates of blocks of rows, each of which begins with the row `starts` has for it."""
        rows = [block.rows + start for block, start in zip(blocks, starts, strict=True)]
        return cls(
            np.concatenate(rows),
            np.concatenate([block.items for block in blocks]),
            np.concatenate([block.features for block in blocks]),
        )


@dataclass(frozen=True)
class JudgedCandidates:
    """Candidates of which it is known which are right.

    Attributes:
        rows: row of each candidate, ascending, from 0 on without a gap but for rows without candidates.
        features: candidates × features.
        labels: which candidates are right.
        relevant: how many products are right for each row, candidates or not.
    """

    rows: Longs
    features: Floats
    labels: Bools
    relevant: Longs

    def half(self, odd: int) -> Self:
        """Return every second row, the even ones (0) or the odd ones (1)."""
        kept = self.rows % 2 == odd
        return replace(
            self,
            rows=self.rows[kept] // 2,
            features=self.features[kept],
            labels=self.labels[kept],
            relevant=self.relevant[odd::2],
        )

    @cached_property
    def _place(self) -> Longs:
        """The place of each candidate within its row."""
        return np.arange(len(self.rows)) - np.searchsorted(self.rows, self.rows)

    @cached_property
    def _right(self) -> Bools:
        return self._table(self.labels, fill=False)

    def _table(self, values: NDArray[Any], fill: Any) -> NDArray[Any]:  # noqa: ANN401 — of the values' type
        table = np.full((len(self.relevant), int(self._place.max(initial=0)) + 1), fill, values.dtype)
        table[self.rows, self._place] = values
        return table

    def ndcg(self, scores: NDArray[np.floating]) -> Doubles:
        """Return NDCG@10 of each row ranked by these scores; of equal ones at the cut any may come."""
        table = self._table(scores, -np.inf)
        row = np.arange(len(table))[:, None]
        top = np.sort(np.argpartition(-table, min(CUT, table.shape[1]) - 1, axis=1)[:, :CUT], axis=1)
        top = np.take_along_axis(top, np.argsort(-table[row, top], axis=1, kind="stable"), axis=1)
        row, place = np.nonzero(self._right[row, top])
        return ndcg(row, place + 1, self.relevant, CUT)


def split_baskets(orders: Csr, seed: int) -> tuple[Csr, Csr]:
    """Return one to three random products of each order as a history, and the rest of it as the truth."""
    rng = np.random.default_rng(seed)
    sizes = np.diff(orders.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((rng.random(orders.nnz), rows))
    place = np.empty(orders.nnz, np.int64)
    place[order] = np.arange(orders.nnz) - np.repeat(orders.indptr[:-1], sizes)
    history = place < rng.choice(_BASKET_SIZES, len(sizes))[rows]

    def part(mask: Bools) -> Csr:
        return csr_of(sparse.csr_array((orders.data[mask], (rows[mask], orders.indices[mask])), orders.shape))

    return part(history), part(~history)


def without(matrix: Csr, other: Csr) -> Csr:
    """Return the entries of a pattern that the other has not."""
    result = binary(matrix) - binary(matrix).multiply(binary(other))
    result = result.tocsr()
    result.eliminate_zeros()
    result.sort_indices()
    return result


def to_unit(scores: Floats, listed: Bools) -> Floats:
    """Return scores scaled to 0–1 over each list, 1 where all of a list are equal."""
    low = np.where(listed, scores, np.inf).min(axis=1, keepdims=True)
    high = np.where(listed, scores, -np.inf).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        scaled = (scores - low) / (high - low)
    return np.where(high > low, scaled, 1.0).astype(np.float32)


def shares_of_largest(scores: Floats, indptr: Longs) -> Floats:
    """Return scores as shares of their column's largest in that row, within -1 and 1.

    A score of -inf, and any where none is above 0, becomes 0.

    Args:
        scores: candidates × columns.
        indptr: bounds of each row's candidates.
    """
    finite = np.where(np.isfinite(scores), scores, 0)
    sizes = np.diff(indptr)
    filled = sizes > 0
    largest = np.zeros((len(sizes), scores.shape[1]), np.float32)
    if filled.any():
        largest[filled] = np.maximum.reduceat(finite, indptr[:-1][filled], axis=0)
    divisor = np.repeat(largest, sizes, axis=0)
    shares = np.divide(finite, divisor, out=np.zeros_like(finite), where=divisor > 0)
    return np.clip(shares, -1, 1)


def regress(rows: Longs, features: Floats, labels: Bools, ridge: float = 1e-3) -> Doubles:
    """Return the weights w that make softmax(features·w) over each row's candidates fall on its labels.

    The listwise cross-entropy of ListNet (Cao et al., 2007), linear, by L-BFGS: unlike a pointwise
    logistic regression it compares candidates within their row only, as a list does.

    Args:
        rows: row of each candidate, ascending.
        features: candidates × features.
        labels: which candidates are right; a row without any teaches nothing.
        ridge: pull of the weights towards zero.
    """
    from scipy.optimize import minimize  # 0.1 s to import, and to recommend takes none of it

    hits = np.bincount(rows, labels, minlength=int(rows.max(initial=-1)) + 1)
    used = hits[rows] > 0
    if not used.any():
        return np.zeros(features.shape[1])
    x = features[used].astype(np.float64)
    _, starts, place = np.unique(rows[used], return_index=True, return_inverse=True)
    target = labels[used] / hits[rows[used]]

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        scores = x @ weights
        scores -= np.maximum.reduceat(scores, starts)[place]
        powers = np.exp(scores)
        total = np.add.reduceat(powers, starts)
        entropy = -(target @ scores) + np.log(total).sum()
        slope = x.T @ (powers / total[place] - target)
        n = len(starts)
        return entropy / n + ridge * weights @ weights, slope / n + 2 * ridge * weights

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return np.asarray(found.x, np.float64)


def votes(judged: JudgedCandidates, n_parts: int) -> Doubles:
    """Return the weights of a sum of the parts' scores: how many votes each part has, as shares of all.

    Ensemble selection with replacement (Caruana et al., 2004), begun from one vote for every good part in the
    place of none: as long as one more vote lets NDCG grow, the part that gains most gets it. The start is a
    prior for the plain sum, which carries over to other splits better than what is best on one.

    Args:
        judged: candidates, the scores of the parts being their first features.
        n_parts: how many these are.
    """
    scores = np.ascontiguousarray(judged.features[:, :n_parts].T)
    alone = np.array([judged.ndcg(each).mean() for each in scores])
    count = (alone >= _GOOD * alone.max()).astype(np.float64)
    total = (count @ scores).astype(np.float32)
    best = judged.ndcg(total).mean()
    for _ in range(_MOST_VOTES):
        with_one_more = [judged.ndcg(total + each).mean() for each in scores]
        chosen = int(np.argmax(with_one_more))
        if with_one_more[chosen] <= best:
            break
        best = with_one_more[chosen]
        total += scores[chosen]
        count[chosen] += 1
    return np.concatenate([count / count.sum(), np.zeros(judged.features.shape[1] - n_parts)])
