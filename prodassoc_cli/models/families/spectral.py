"""Spectral: a low-pass graph filter over products, which smooths a history along what buyers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, TrainingData, binary, csr_of
from prodassoc_cli.models.eigenvectors import leading_eigenvectors
from prodassoc_cli.models.kernels.dispatch import csr_arrays, one_blas_thread, over_blocks, over_rows, ready
from prodassoc_cli.models.storage.packing import Arrays
from prodassoc_cli.numerics.arrays import Floats, Ints, Longs

_BLOCK = 256
_DENSE = 40
"""Purchases per product from which on the defaults are those of dense data."""


@dataclass(frozen=True)
class SpectralParameters:
    """Parameters of spectral."""

    factors: int = setting(
        512, "Eigenvectors the filter is exact on; beyond, it is linear", metavar="N", low=1, high=4_096
    )
    filter: Literal["root", "chebyshev"] = setting(
        "root", "Response to an eigenvalue s: root is s^exponent, chebyshev the plateau of ChebyCF"
    )
    exponent: float | None = setting(
        None, "Exponent of root: the smaller, the more rare tastes count [default: by density]",
        low=0.0, high=1.0, tuned=SearchRange(0.1, 0.8),
    )  # fmt: skip
    degree: float | None = setting(
        None, "How much a product's popularity counts for it [default: by density]", low=-1.0, high=2.0,
        tuned=SearchRange(0, 0.6),
    )  # fmt: skip
    order: int = setting(8, "Degree of the Chebyshev polynomial", metavar="N", low=1, high=64)
    flatness: float = setting(1.5, "How flat the plateau of chebyshev is", low=0.1, high=100.0)
    ideal: float | None = setting(
        None, "Weight of an ideal low pass added [default: 0.2 with chebyshev, else 0]", low=0.0, high=10.0
    )


class Spectral(Recommender):
    """Score = D^β · h(R̃ᵀR̃) · D^-β · history, with R̃ = D_u^-½ X D^-½ and D the buyers of each product.

    The filters of graph collaborative filtering (GF-CF, Shen et al., 2021; Turbo-CF, Park et al., 2024;
    ChebyCF, Kim et al., 2025) are such an h: a function of the eigenvalues s of R̃ᵀR̃, which lie between 0
    and 1. Here h is exact on the largest of them; on the others, all small, s itself stands for it: one
    step over the graph. So h(R̃ᵀR̃) = R̃ᵀR̃ + W·diag(±1)·Wᵀ with W the eigenvectors times √|h(s) - s|, and
    nothing as large as products × products is stored.
    """

    name = "spectral"
    judges = True
    Parameters = SpectralParameters
    serve_kernels = ("spectral",)  # for its reasons
    learned = ("graph", "vectors", "signs", "popularity")
    graph: Csr
    vectors: Floats
    signs: Floats
    popularity: Floats

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Normalise the graph and find its leading eigenvectors."""
        x = binary(data.rows)
        self.popularity = np.bincount(x.indices, minlength=x.shape[1]).astype(np.float32)
        by_row = similarity.inverse_power(similarity.degrees(x), 0.5)
        self.graph = similarity.scaled(x, rows=by_row, columns=similarity.inverse_power(self.popularity, 0.5))
        count = min(self.parameters.factors, *x.shape)
        values, vectors = leading_eigenvectors(self.graph, count, seed, threads)
        values = np.clip(values, 0, 1)
        gains = self._response(values) - values
        self.vectors = vectors * np.sqrt(np.abs(gains))
        self.signs = np.sign(gains)
        self.prepare()

    def prepare(self) -> None:
        """Index the graph by product, and weigh the products by their popularity."""
        self._by_item = self.graph.T.tocsr()
        degree = self.parameters.degree
        if degree is None:
            degree = _default(self.graph)[1]
        self._before = similarity.inverse_power(self.popularity, degree)
        self._after = similarity.inverse_power(self.popularity, -degree)

    def _response(self, s: Floats) -> Floats:
        """Return h(s)."""
        settings = self.parameters
        if settings.filter == "chebyshev":
            ideal = 0.2 if settings.ideal is None else settings.ideal
            return (chebyshev_plateau(s, settings.order, settings.flatness) + ideal).astype(np.float32)
        exponent = _default(self.graph)[0] if settings.exponent is None else settings.exponent
        return np.asarray(s**exponent + (settings.ideal or 0.0), np.float32)

    def _signal(self, queries: Queries) -> Csr:
        return similarity.scaled(binary(queries.history), columns=self._before)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the filtered histories; -inf for products nobody has and for an empty history."""
        signal = self._signal(queries)
        scores = similarity.scores_from(csr_of(signal @ self._by_item), self.graph, threads)
        spectra = np.asarray(signal @ self.vectors, np.float32) * self.signs
        scale = np.where(self.popularity > 0, self._after, np.nan).astype(np.float32)

        def block(start: int) -> None:
            rows = scores[start : start + _BLOCK]
            rows[np.isneginf(rows)] = 0
            rows += spectra[start : start + _BLOCK] @ self.vectors.T
            rows *= scale
            rows[:, np.isnan(scale)] = -np.inf

        with one_blas_thread():
            over_blocks(block, len(scores), _BLOCK, threads)
        scores[np.diff(signal.indptr) == 0] = -np.inf
        return scores

    def score_pairs(self, queries: Queries, indptr: Longs, items: Ints, threads: int) -> Floats:
        """Return what `score` has for some products of each row."""
        signal = self._signal(queries)
        near = csr_of(signal @ self._by_item)
        scores = similarity.sparse_pair_products(near, self._by_item, indptr, items, threads)
        spectra = np.asarray(signal @ self.vectors, np.float32) * self.signs
        scores += similarity.pair_products(spectra, self.vectors, indptr, items, threads)
        scores *= self._after[items]
        empty = np.repeat(np.diff(signal.indptr) == 0, np.diff(indptr))
        scores[(self.popularity[items] == 0) | empty] = -np.inf
        return scores

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the product of the history that gave most of the score."""
        sources = np.empty(items.shape, np.int32)
        arguments = (
            *csr_arrays(self._signal(queries)),
            *csr_arrays(self._by_item),
            ready(self.vectors, np.float32),
            ready(self.signs, np.float32),
            ready(items, np.int32),
            sources,
        )
        over_rows("largest_filter_terms", items.shape[0], threads, *arguments)
        return Explanation.of(Why.TASTE, items, others=sources)

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back what `arrays` gave."""
        super().restore(arrays, n_items)
        if self.vectors.shape != (n_items, len(self.signs)) or len(self.popularity) != n_items:
            raise ValueError("the eigenvectors do not fit the products")

    def facts(self) -> dict[str, Any]:
        """Return how many eigenvectors were found."""
        return {"factors": len(self.signs)}


def _default(graph: Csr) -> tuple[float, float]:
    """Return exponent and degree for a graph as dense as this one; see docs/decisions/0005-models.md."""
    return (0.25, 0.2) if graph.nnz >= _DENSE * graph.shape[1] else (0.5, 0.4)


def chebyshev_plateau(s: Floats, order: int, flatness: float) -> Floats:
    """Return ChebyCF's response to eigenvalues s of R̃ᵀR̃ (Kim et al., 2025): a polynomial near a plateau.

    With x = 2s - 1 the plateau is ½ + ½·sign(x)·|x|^flatness: 1 for s = 1, 0 for s = 0, flat between. As in
    the authors' code it is sampled at the extrema of the Chebyshev polynomial and interpolated as if at its
    roots, which bends it little.
    """
    at = np.cos(np.pi * np.arange(order + 1) / order)
    target = 0.5 + 0.5 * np.sign(at) * np.abs(at) ** flatness
    roots = np.cos(np.pi * (np.arange(order + 1) + 0.5) / (order + 1))
    polynomials = np.polynomial.chebyshev.chebvander(roots, order)
    weights = 2 / (order + 1) * (target @ polynomials)
    weights[0] /= 2
    return np.asarray(np.polynomial.chebyshev.chebval(2 * s.astype(np.float64) - 1, weights), np.float32)
