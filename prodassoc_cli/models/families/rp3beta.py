"""RP3beta: a random walk of three steps from user to product to buyer to product, popular ends held back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models.data import TrainingData, binary
from prodassoc_cli.models.families.item_knn import ItemKnn, ItemKnnParameters, item_similarities


@dataclass(frozen=True)
class Rp3BetaParameters:
    """Parameters of rp3beta."""

    neighbours: int = setting(
        400, "Products kept for each product", metavar="N", low=1, high=10_000,
        tuned=SearchRange(50, 800, log=True),
    )  # fmt: skip
    alpha: float = setting(
        0.8, "Exponent of the steps' probabilities: below 1 they differ less", low=0.0, high=2.0,
        tuned=SearchRange(0.3, 1.2),
    )  # fmt: skip
    beta: float = setting(
        0.4, "How much the popularity of the product reached counts against it", low=0.0, high=2.0,
        tuned=SearchRange(0, 0.9),
    )  # fmt: skip
    counts: Literal["none", "log", "linear"] = setting(
        "none", "How repeated purchases weigh in a user's history"
    )


class Rp3Beta(ItemKnn):
    """Score = Σ over walks i → v → j of p(i→v)^α · p(v→j)^α, divided by n_j^β (Paudel et al., 2017).

    Over who bought what, p(i→v) = 1/n_i and p(v→j) = 1/n_v: the walk is the family of item-kNN with a and
    iuf of α, b of β and a power of 1, so that the one sparse kernel takes it too.
    """

    name = "rp3beta"
    Parameters = Rp3BetaParameters  # type: ignore[assignment]

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Walk from each product, all at once, by one fused product."""
        own = self.parameters
        walk = ItemKnnParameters(neighbours=own.neighbours, a=own.alpha, b=own.beta, iuf=own.alpha, power=1.0)
        self.similar = item_similarities(binary(data.rows), walk, threads)
