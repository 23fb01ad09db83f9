"""Seeded chance: everything is drawn from uniform numbers, so that any numpy ≥ 2.0 gives the same shop.

numpy keeps PCG64's uniform stream fixed, but not the algorithms behind `choice`, `normal` or `poisson`;
the draws here invert distribution functions themselves.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Floats = NDArray[np.float64]


class Dice:
    """One named stream of chance; streams are independent, so that one part can change alone.

    Args:
        seed: the seed of the whole simulation.
        stream: the name of the part that draws.
    """

    def __init__(self, seed: int, stream: str) -> None:
        entropy = np.random.SeedSequence([seed, zlib.crc32(stream.encode())])
        self._uniform = np.random.Generator(np.random.PCG64(entropy))

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        return float(self._uniform.random())

    def units(self, *shape: int) -> Floats:
        """Return an array of numbers in [0, 1)."""
        return self._uniform.random(shape)

    def chance(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self.unit() < probability

    def below(self, n: int) -> int:
        """Return one of 0 … n-1, all equally likely."""
        return int(self.unit() * n)

    def pick(self, weights: Floats) -> int:
        """Return an index, each as likely as its weight (≥ 0, not all 0)."""
        cumulative = np.cumsum(weights)
        drawn = int(np.searchsorted(cumulative, self.unit() * cumulative[-1], side="right"))
        return min(drawn, len(weights) - 1)

    def one_of(self, values: Sequence[T]) -> T:
        """Return one of the values, all equally likely."""
        return values[self.below(len(values))]

    def sample(self, values: Sequence[T], k: int) -> list[T]:
        """Return k different values in random order (Fisher and Yates's shuffle, stopped after k)."""
        pool = list(values)
        for i in range(k):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]

    def geometric(self, mean: float) -> int:
        """Return how often something goes on before it stops: 0, 1, 2, … with the given mean."""
        return int(math.log(1.0 - self.unit()) / math.log(mean / (1.0 + mean)))

    def spread(self, sigma: float, *shape: int) -> Floats:
        """Return factors around 1 (log-logistic, median 1); the larger sigma, the longer the tail."""
        unit = self.units(*shape) * 0.998 + 0.001
        return (unit / (1.0 - unit)) ** sigma
