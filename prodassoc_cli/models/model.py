"""A trained model: the recommender with everything `recommend` needs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from prodassoc_cli.models.base import Recommender, entries_of
from prodassoc_cli.models.data import ITEM_COLUMNS, NO_TIME, Csr, Items, TrainingData, binary
from prodassoc_cli.models.newcomers import Newcomers, admit, lengthened, widened
from prodassoc_cli.models.pair_counts import Together
from prodassoc_cli.models.registry import make
from prodassoc_cli.numerics.arrays import Floats, Longs
from prodassoc_cli.numerics.indexing import index_of
from prodassoc_cli.resemblance.scale import encoder_named


@dataclass(frozen=True)
class TrainedModel:
    """A recommender, its catalogue and the histories of its users.

    Attributes:
        recommender: the fitted recommender.
        seed: what it was fitted with.
        items: the products.
        users: user ids, sorted.
        weights: users × items, how much each user wants each product.
        seen: users × items, how often each user bought (or rated) each product.
        last_seen: last time (µs since 1970) of each entry of `seen`.
        baskets: orders × items pattern; None where there are no orders or no reason speaks of them.
        basket_counts: how many orders (0 without orders) each product is in.
        dismissed: users × items that a user dismissed twice and never bought; None where nobody did.
        facts: what the fit found out, for the summary.
    """

    recommender: Recommender
    seed: int
    items: Items
    users: pl.Series
    weights: Csr
    seen: Csr
    last_seen: Longs
    baskets: Csr | None
    basket_counts: Floats
    dismissed: Csr | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the recommender."""
        return self.recommender.name

    @property
    def encoder(self) -> str | None:
        """What made the vectors of its products; None where that is not known."""
        return encoder_named(self.facts.get("text_encoder", {}))

    @cached_property
    def customers(self) -> Floats:
        """How many users have each product."""
        return np.bincount(self.weights.indices, minlength=len(self.items)).astype(np.float32)

    @cached_property
    def popularity(self) -> Floats:
        """Share of users (of orders, where there are no users) that have each product: fills short lists."""
        if self.users.len():
            return self.customers / np.float32(self.users.len())
        return self.basket_counts / max(1.0, float(self.basket_counts.max(initial=0)))

    @cached_property
    def items_by_basket(self) -> Csr | None:
        """Items × orders pattern, for counting products bought together."""
        return None if self.baskets is None else self.baskets.T.tocsr()

    @cached_property
    def items_by_customer(self) -> Csr:
        """Items × users pattern."""
        return binary(self.weights).T.tocsr()

    @cached_property
    def newest(self) -> int:
        """The last time at which anybody bought anything, µs since 1970."""
        return int(self.last_seen.max(initial=NO_TIME))

    @cached_property
    def in_baskets(self) -> Together:
        """Counts of orders that hold both products of a pair."""
        return Together(self.items_by_basket)

    @cached_property
    def by_customers(self) -> Together:
        """Counts of users who have both products of a pair."""
        return Together(self.items_by_customer)

    def history(self, users: Sequence[str]) -> pl.DataFrame:
        """Return user_id, product_id and timestamp (the last time, null if unknown) of what users bought."""
        place = index_of(pl.Series(users, dtype=pl.String), self.users).drop_nulls().sort().to_numpy()
        seen = self.seen[place]
        last = entries_of(self.seen, self.last_seen, place)
        return pl.DataFrame(
            {
                "user_id": self.users.gather(np.repeat(place, np.diff(seen.indptr))),
                "product_id": self.items.ids.gather(seen.indices),
                "timestamp": pl.Series(last).replace(NO_TIME, None).cast(pl.Datetime("us")),
            }
        )

    def with_newcomers(self, newcomers: Newcomers, threads: int) -> TrainedModel:
        """Return the model with products that it was not trained with, which nobody has bought."""
        n_items = len(newcomers.items)
        return replace(
            self,
            recommender=admit(self.recommender, newcomers, threads),
            items=newcomers.items,
            weights=widened(self.weights, n_items),
            seen=widened(self.seen, n_items),
            baskets=None if self.baskets is None else widened(self.baskets, n_items),
            basket_counts=lengthened(self.basket_counts, newcomers.count),
            dismissed=None if self.dismissed is None else widened(self.dismissed, n_items),
        )

    def with_catalogue(self, products: pl.DataFrame) -> TrainedModel:
        """Return the model with the catalogue of today.

        What a product has there counts; a title, brand, category or price that is missing there stays as it
        was. Further columns, such as a stock, are those of today alone. Products that the model has never
        seen are left out.
        """
        fresh = Items.of(self.items.ids, products).frame
        return replace(
            self,
            items=Items(
                fresh.with_columns(pl.coalesce(fresh[name], self.items.frame[name]) for name in ITEM_COLUMNS)
            ),
        )


def train(
    name: str,
    data: TrainingData,
    *,
    parameters: Sequence[str] = (),
    seed: int = 42,
    threads: int = 1,
) -> TrainedModel:
    """Fit a model on the data.

    Args:
        name: one of `registry.MODELS`.
        data: what to learn from.
        parameters: assignments `name=value`.
        seed: seed of everything random.
        threads: threads to use; they never change the result.

    Raises:
        UsageProblem: no such model or parameter, or the data lack what the model needs.
    """
    return fit(make(name, parameters), data, seed=seed, threads=threads)


def fit(recommender: Recommender, data: TrainingData, *, seed: int = 42, threads: int = 1) -> TrainedModel:
    """Fit a recommender on the data; see `train`."""
    # Sums over several BLAS threads differ in their last bits from machine to machine.
    with threadpool_limits(1, "blas"):
        recommender.fit(data, seed, threads)
    baskets = data.baskets
    counts = (
        np.zeros(data.n_items) if baskets is None else np.bincount(baskets.indices, minlength=data.n_items)
    )
    facts = {
        "model": recommender.name,
        "users": data.n_users,
        "products": data.n_items,
        "pairs": int(data.weights.nnz),
        "orders": 0 if baskets is None else int(baskets.shape[0]),
        **recommender.facts(),
    }
    if data.action != "bought":
        facts["action"] = data.action
    return TrainedModel(
        recommender,
        seed,
        data.items,
        data.users,
        data.weights,
        data.seen,
        data.last_seen,
        baskets if recommender.names_pairs else None,
        counts.astype(np.float32),
        data.dismissed,
        facts,
    )
