"""From texts to factors: kernel ridge regression on the products that were bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from prodassoc_cli.numerics.arrays import Floats, Longs

SHARPNESS = 2.0
"""The kernel is exp(2 · (cosine − 1))."""


@dataclass(frozen=True)
class Teacher:
    """Learns the factors of products from their texts.

    Attributes:
        vectors: products × d of length 1.
        known: the products learned from.
        kernel: their kernel, len(known) × len(known).
    """

    vectors: Floats
    known: Longs
    kernel: Floats

    @classmethod
    def of(cls, vectors: Floats, known: Longs) -> Teacher:
        """Return what learns from these products."""
        return cls(vectors, known, _kernel(vectors[known], vectors[known]))

    def lent(self, factors: Floats, ridge: float) -> Floats:
        """Return products × dims of factors as the texts alone have them.

        Args:
            factors: products × dims, of which those of the known ones are learned.
            ridge: what is added to the diagonal of the kernel; the more, the smoother.
        """
        held = self.kernel + np.float32(ridge) * np.eye(len(self.known), dtype=np.float32)
        weights = cho_solve(cho_factor(held, lower=True, overwrite_a=True), factors[self.known])
        found = np.empty((len(self.vectors), factors.shape[1]), np.float32)
        for start in range(0, len(found), 4096):
            rows = slice(start, start + 4096)
            found[rows] = _kernel(self.vectors[rows], self.vectors[self.known]) @ weights
        return found


def _kernel(left: Floats, right: Floats) -> Floats:
    return np.exp(np.float32(SHARPNESS) * (left @ right.T - np.float32(1)))
