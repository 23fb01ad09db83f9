"""What lists are like beside accurate: wide, even, new, unexpected, varied, and worth how much.

The definitions stand in `prodassoc_cli.evaluation.metrics.registry`.
"""

from __future__ import annotations

import numpy as np

from prodassoc_cli.evaluation.judged_lists import JudgedLists
from prodassoc_cli.evaluation.metrics.accuracy import per_user
from prodassoc_cli.evaluation.product_facts import NO_CATEGORY
from prodassoc_cli.numerics.arrays import Bools, Doubles, Longs

_USERS_A_BLOCK = 4096


def coverage(judged: JudgedLists, k: int) -> Doubles:
    """1 for each product of the catalogue that some list of the file recommends, else 0."""
    catalogue = judged.truth.facts.catalogue
    assert catalogue is not None
    return (judged.reach[catalogue] <= k).astype(np.float64)


def exposure(judged: JudgedLists, k: int) -> Longs:
    """Return in how many lists of the file, cut to k, each product of the catalogue stands."""
    catalogue = judged.truth.facts.catalogue
    assert catalogue is not None
    shown = judged.shown_product[judged.shown_position <= k]
    return np.bincount(shown, minlength=len(catalogue))[catalogue]


def gini(judged: JudgedLists, k: int) -> float | None:
    """Gini index of exposure over the catalogue: 0 all alike, towards 1 all on one product."""
    counts = np.sort(exposure(judged, k)).astype(np.float64)
    n, total = len(counts), float(counts.sum())
    if not total:
        return None
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float(weights @ counts / (n * total))


def entropy(judged: JudgedLists, k: int) -> float | None:
    """Shannon entropy of exposure in bits."""
    counts = exposure(judged, k)
    counts = counts[counts > 0]
    if not len(counts):
        return None
    shares = counts / counts.sum()
    return abs(float(shares @ np.log2(shares)))


def novelty(judged: JudgedLists, k: int) -> Doubles:
    """Mean inverse user frequency of the first k products; one nobody has counts as had by one user."""
    facts = judged.truth.facts
    assert facts.holders is not None
    return _mean_of(judged, k, -np.log2(np.maximum(facts.holders, 1) / facts.training_users))


def popularity(judged: JudgedLists, k: int) -> Doubles:
    """Mean share of training users who have the first k products."""
    facts = judged.truth.facts
    assert facts.holders is not None
    return _mean_of(judged, k, facts.holders / facts.training_users)


def serendipity(judged: JudgedLists, k: int) -> Doubles:
    """Hits that a list of the k most popular products would not give, / k."""
    holders = judged.truth.facts.holders
    assert holders is not None
    expected = np.zeros(len(holders), dtype=np.bool_)
    expected[np.lexsort((np.arange(len(holders)), -holders))[:k]] = True
    return per_user(judged, k, (~expected[hit_product(judged)]).astype(np.float64)) / k


def diversity(judged: JudgedLists, k: int) -> Doubles:
    """Share of pairs of the first k products that are of different categories."""
    category = judged.truth.facts.category
    assert category is not None
    code = category[judged.product]
    within = (judged.position <= k) & (code != NO_CATEGORY)
    users, kinds = len(judged.truth.relevant), len(judged.truth.facts.categories)
    user = judged.user[within]
    group, count = np.unique(user * kinds + code[within], return_counts=True)
    alike = np.bincount(group // kinds, count * (count - 1) / 2, minlength=users)
    listed = np.bincount(user, minlength=users)
    return _one_minus(alike.astype(np.float64), listed)


def embedding_diversity(judged: JudgedLists, k: int) -> Doubles:
    """1 - mean cosine over the pairs of the first k products, by the length of the sum of their vectors."""
    from scipy import sparse  # 0.1 s, which the other metrics go without

    vectors = judged.truth.facts.embedding
    assert vectors is not None
    has_vector: Bools = np.any(vectors, axis=1)
    within = (judged.position <= k) & has_vector[judged.product]
    user, product, users = judged.user[within], judged.product[within], len(judged.truth.relevant)
    listed = np.bincount(user, minlength=users)
    rows = sparse.csr_array(
        (np.ones(len(user), np.float32), product, np.concatenate([[0], np.cumsum(listed)])),
        shape=(users, len(vectors)),
    )
    squares = np.zeros(users)
    for start in range(0, users, _USERS_A_BLOCK):
        sums = (rows[start : start + _USERS_A_BLOCK] @ vectors).astype(np.float64)
        squares[start : start + len(sums)] = np.einsum("ij,ij->i", sums, sums)
    return _one_minus((squares - listed) / 2, listed)


def price(judged: JudgedLists, k: int) -> Doubles:
    """Mean price of the first k products; those without a price are left out."""
    prices = judged.truth.facts.price
    assert prices is not None
    return _mean_of(judged, k, prices)


def revenue(judged: JudgedLists, k: int) -> Doubles:
    """Sum of the prices of the hits."""
    prices = judged.truth.facts.price
    assert prices is not None
    return per_user(judged, k, np.nan_to_num(prices)[hit_product(judged)])


def hit_product(judged: JudgedLists) -> Longs:
    """Return the product of each hit."""
    starts = np.searchsorted(judged.user, judged.hit_user)
    return judged.product[starts + judged.hit_position - 1]


def _mean_of(judged: JudgedLists, k: int, value: Doubles) -> Doubles:
    """Average a value of products over each list; NaN for a user without a list, NaN values left out."""
    found = value[judged.product]
    within = (judged.position <= k) & ~np.isnan(found)
    users = len(judged.truth.relevant)
    sums = np.bincount(judged.user[within], found[within], minlength=users)
    rows = np.bincount(judged.user[within], minlength=users)
    return np.divide(sums, rows, out=np.full(users, np.nan), where=rows > 0)


def _one_minus(alike: Doubles, listed: Longs) -> Doubles:
    """Return 1 - alike / pairs; NaN for lists of fewer than two."""
    pairs = listed * (listed - 1) / 2
    return 1 - np.divide(alike, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
