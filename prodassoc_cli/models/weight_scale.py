"""Weights of interactions: how much was played or watched, beside what is usual."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from prodassoc_cli.artifacts.schemas import Event

WEIGHED: Event = "view"
"""The event that a weight tells how much there was of."""


@dataclass(frozen=True)
class WeightScale:
    """The weights of some interactions.

    Attributes:
        logs: sum of the logarithms of the weights.
        count: how many there are.
    """

    logs: float = 0.0
    count: int = 0

    def wider(self, interactions: pl.DataFrame) -> WeightScale:
        """Return the scale with the weights of further interactions."""
        if "weight" not in interactions.columns:
            return self
        weights = interactions["weight"].filter(_is_weighed(interactions)).to_numpy()
        return replace(self, logs=self.logs + float(np.log(weights).sum()), count=self.count + len(weights))

    @property
    def usual(self) -> float:
        """The geometric mean of the weights; six digits of it, so that the order of rows does not show."""
        return float(f"{np.exp(self.logs / self.count):.6g}") if self.count else 1.0

    def factor(self) -> pl.Expr:
        """Return how much a row counts beside the usual: log2(1 + weight / usual); 1 without a weight.

        The logarithm keeps what was played hundreds of times from drowning all else, as in Hu, Koren and
        Volinsky (2008), 1 + α·log(1 + r/ε), whose ε is here what is usual.
        """
        weight = pl.when(pl.col("weight") > 0).then(pl.col("weight"))
        return (weight / self.usual + 1).log(2).fill_null(1.0)


def _is_weighed(interactions: pl.DataFrame) -> pl.Series:
    return interactions.select(
        ((pl.col("event") == WEIGHED) & (pl.col("weight") > 0)).fill_null(value=False)
    ).to_series()
