"""What the hybrid learns by: candidates and their features, a listwise regression, and how well it ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from prodassoc_cli.arrays import Bools, Doubles, Floats, Longs
from prodassoc_cli.models.data import Csr, binary, csr_of
from prodassoc_cli.ndcg import ndcg

CUT = 10
"""Length of the lists that ways of ranking are compared by."""

_BASKET_SIZES = (1, 2, 3)


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


def ndcg_of(
    found: CandidateFeatures,
    scores: Doubles,
    labels: Bools,
    relevant: Longs,
    tested: Bools,
) -> float:
    """Return NDCG@10 of the tested candidates, mean over their rows, the ideal cut at min(10, relevant)."""
    rows, items, values, hits = found.rows[tested], found.items[tested], scores[tested], labels[tested]
    order = np.lexsort((items, -values, rows))
    place = np.arange(len(order)) - np.searchsorted(rows, rows)
    hit = hits[order]
    return float(ndcg(rows[hit], place[hit] + 1, relevant, CUT)[1::2].mean())
