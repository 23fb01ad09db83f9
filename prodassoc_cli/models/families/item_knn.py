"""Item-kNN: products whose buyers are the same, with a generalised normalisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.numerics.arrays import Floats, Ints

_DENSE = 40
"""Purchases per product from which on b is that of dense data."""

_B_SPARSE, _B_DENSE = 0.2, 0.6
_BM25_K1, _BM25_B = 1.2, 0.75


@dataclass(frozen=True)
class ItemKnnParameters:
    """Parameters of item-knn."""

    neighbours: int = setting(
        400, "Similar products kept for each product", metavar="N", low=1, high=10_000,
        tuned=SearchRange(50, 800, log=True),
    )  # fmt: skip
    similarity: Literal["custom", "cosine", "asymmetric", "conditional", "jaccard", "bm25"] = setting(
        "custom", "Named similarity; custom is made of a, b, iuf and power, asymmetric of a"
    )
    a: float = setting(
        0.65, "How much the popularity of the product bought counts against", low=0.0, high=2.0,
        tuned=SearchRange(0.3, 0.9),
    )  # fmt: skip
    b: float | None = setting(
        None, "How much the popularity of the product scored counts against [default: by density]",
        low=0.0, high=2.0, tuned=SearchRange(0.1, 0.8),
    )  # fmt: skip
    iuf: float = setting(
        0.6, "How much less those say who buy much (inverse user frequency)", low=0.0, high=2.0,
        tuned=SearchRange(0, 1),
    )  # fmt: skip
    power: float = setting(
        1.4, "Exponent of the similarity: above 1 favours near neighbours", low=0.1, high=5.0,
        tuned=SearchRange(0.8, 2),
    )  # fmt: skip
    counts: Literal["none", "log", "linear"] = setting(
        "none", "How repeated purchases weigh in a user's history"
    )


class ItemKnn(Recommender):
    """S = (D_i^-a Xᵀ D_u^-iuf X D_j^-b)^power, the k best per row; a user's score of j is Σ_i w_i S_ij.

    X has a row per user and a row per anonymous order; D_i and D_u hold the sums of its columns and rows.
    The family contains cosine (a = b = ½), the asymmetric cosine (a = 1 - b; Aiolli, 2013), conditional
    probability (a = 1, b = 0; Deshpande and Karypis, 2004), and where all neighbours are kept Turbo-CF's
    linear filter (a = b = 1 - α, iuf = 2α, power = s; Park et al., 2024). With BM25 (Robertson and Zaragoza,
    2009) a product is a text whose words are its buyers: other factors for D_i and D_u, the same product.
    Jaccard, c / (n_i + n_j - c), is computed apart.
    """

    name = "item-knn"
    fused = True
    names_pairs = True
    needs_events = False
    adds_up = True
    learned = by_product = ("similar",)
    Parameters = ItemKnnParameters
    similar: Csr
    product = staticmethod(similarity.top_k_product)
    """What multiplies; it may do so elsewhere."""

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Compute the similarities by one fused product."""
        self.similar = item_similarities(binary(data.rows), self.parameters, threads, self.product)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the sums of similarities to the history."""
        return similarity.scores_from(weighed(queries.history, self.parameters.counts), self.similar, threads)

    def top_k(self, queries: Queries, k: int, threads: int) -> tuple[Ints, Floats]:
        """Return the best of the sums, of which only those above 0 are held."""
        history = weighed(queries.history, self.parameters.counts)
        return similarity.best_from(history, self.similar, queries, k, threads)

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history that gave most of the score."""
        history = weighed(queries.history, self.parameters.counts)
        sources, terms = similarity.main_terms(history, self.similar, items, threads)
        return Explanation.of(Why.SAME_BUYERS, items, others=sources, weight=terms)

    def facts(self) -> dict[str, Any]:
        """Return the number of similarities kept."""
        return {"similarities": int(self.similar.nnz)}


def weighed(history: Csr, counts: str) -> Csr:
    """Return the history with its weights taken as they are, dampened by log(1 + w), or all as 1."""
    if counts == "linear":
        return history
    if counts == "none":
        return binary(history)
    dampened = history.copy()
    dampened.data = np.log1p(dampened.data) / np.float32(np.log(2))
    return dampened


def item_similarities(
    x: Csr,
    parameters: ItemKnnParameters,
    threads: int,
    product: Callable[..., Csr] = similarity.top_k_product,
) -> Csr:
    """Return items × items similarities of the rows × items pattern `x`, the best of each row."""
    if parameters.similarity == "jaccard":
        return _jaccard(x, parameters.neighbours, threads, product)
    transposed = x.T.tocsr()
    buyers, bought = similarity.degrees(transposed), similarity.degrees(x)
    power = parameters.power if parameters.similarity == "custom" else 1.0
    if parameters.similarity == "bm25":
        of_source, of_user = _bm25(buyers, bought)
        of_target = of_source
    else:
        a, b, iuf = _exponents(x, parameters)
        of_source, of_target = similarity.inverse_power(buyers, a), similarity.inverse_power(buyers, b)
        of_user = similarity.inverse_power(bought, iuf)
    result = product(
        transposed,
        similarity.scaled(x, rows=of_user),
        parameters.neighbours,
        threads,
        column_scale=of_target,
        excluded=np.arange(x.shape[1]),
    )
    result.data *= np.repeat(of_source, np.diff(result.indptr))
    if power != 1.0:
        np.power(result.data, np.float32(power), out=result.data)
    return result


def _exponents(x: Csr, parameters: ItemKnnParameters) -> tuple[float, float, float]:
    """Return a, b and iuf."""
    match parameters.similarity:
        case "cosine":
            return 0.5, 0.5, 0.0
        case "asymmetric":
            return parameters.a, 1 - parameters.a, 0.0
        case "conditional":
            return 1.0, 0.0, 0.0
        case _:
            return parameters.a, _b_by_density(x) if parameters.b is None else parameters.b, parameters.iuf


def _bm25(buyers: Floats, bought: Floats) -> tuple[Floats, Floats]:
    """Return BM25's factors of products and of users (idf²), with its usual constants."""
    length = 1 - _BM25_B + _BM25_B * buyers / max(float(buyers.mean()), 1e-12)
    of_product = ((_BM25_K1 + 1) / (_BM25_K1 * length + 1)).astype(np.float32)
    idf = np.log(len(buyers)) - np.log1p(bought)
    return of_product, (idf**2).astype(np.float32)


def _b_by_density(x: Csr) -> float:
    """Return the default b: where products have many buyers each, their popularity says less of a taste.

    On validation parts of Gowalla (20 users per product) 0.2 is best, of Online Retail (60) and MovieLens 1M
    (143) 0.6 is, each by far.
    """
    sold = int(np.count_nonzero(np.bincount(x.indices)))
    return _B_DENSE if x.nnz >= _DENSE * max(1, sold) else _B_SPARSE


def _jaccard(x: Csr, k: int, threads: int, product: Callable[..., Csr]) -> Csr:
    # Jaccard does not factor into a row and a column scale, so all co-counts are made and then cut.
    transposed = x.T.tocsr()
    n = similarity.degrees(transposed)
    common = product(transposed, x, x.shape[1], threads, excluded=np.arange(x.shape[1]))
    rows = np.repeat(np.arange(x.shape[1]), np.diff(common.indptr))
    common.data = common.data / (n[rows] + n[common.indices] - common.data)
    identity = Csr((np.ones(x.shape[1], np.float32), np.arange(x.shape[1]), np.arange(x.shape[1] + 1)))
    return similarity.top_k_product(identity, common, k, threads)
