"""Ridge regression from product texts to item factors: what a text says of the buyers it will find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import RidgeCV

from prodassoc_cli.models import similarity
from prodassoc_cli.models.data import Csr, binary
from prodassoc_cli.numerics.arrays import Bools, Floats

_FACTORS = 64
_PENALTIES = np.logspace(-2, 3, 11)
"""Penalties to choose from; vectors have length 1, so a penalty of n weighs as much as n products."""


@dataclass(frozen=True)
class TextRidge:
    """A product's factors as a linear function of its embedding, expressed by those of the known products.

    A ridge regression predicts f(v) = Σ_j w_j(v)·f_j, a weighted sum of the targets it has seen, with
    w(v) = 1/n + (v - m)·(XᵀX + λI)⁻¹·Xᵀ for the centred vectors X of the n known products and their mean m
    (Hastie, Tibshirani, Friedman: The Elements of Statistical Learning, 3.4.1). The weights do not depend on
    the targets: what serves factors serves every score that is linear in them. The factors of the
    purchases choose λ, by leave-one-out error (generalised cross-validation).

    Attributes:
        mean: of the known products' vectors.
        dual: dimensions × known products, (XᵀX + λI)⁻¹·Xᵀ.
        penalty: λ.
    """

    mean: Floats
    dual: NDArray[np.floating]
    penalty: float

    @classmethod
    def of(cls, purchases: Csr, vectors: Floats, known: Bools, seed: int) -> Self:
        """Fit on the known products.

        Args:
            purchases: users × products.
            vectors: products × dimensions.
            known: which products have a text and buyers enough to learn from; at least two.
            seed: of the factors.
        """
        x = binary(purchases)
        rated = similarity.scaled(x, rows=similarity.inverse_power(similarity.degrees(x), 0.5)).T.tocsr()[
            known
        ]
        count = max(1, min(_FACTORS, min(rated.shape) - 1))
        factors = TruncatedSVD(count, random_state=seed).fit_transform(rated)
        texts = vectors[known].astype(np.float64)
        mean = texts.mean(axis=0)
        texts -= mean
        fitted = RidgeCV(_PENALTIES, fit_intercept=False).fit(texts, factors - factors.mean(axis=0))
        penalty = float(fitted.alpha_)
        gram = texts.T @ texts + penalty * np.eye(texts.shape[1])
        return cls(mean.astype(np.float32), np.linalg.solve(gram, texts.T), penalty)

    def weights(self, vectors: Floats) -> Floats:
        """Return products × known products: how much each known one's score counts for each of these."""
        return (1 / self.dual.shape[1] + (vectors - self.mean) @ self.dual).astype(np.float32)
