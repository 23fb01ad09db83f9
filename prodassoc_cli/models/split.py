"""The inner validation split: what a learner may set aside of its own training data to choose by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from prodassoc_cli.models.base import Queries, entries_of
from prodassoc_cli.models.data import NO_TIME, Csr, TrainingData, csr
from prodassoc_cli.numerics.arrays import Bools, Floats, Ints, Longs

_DAY = 86_400_000_000
_MIN_PRODUCTS = 5
_SHARE = 0.2
_SOME_DAY = 2**62


@dataclass(frozen=True)
class InnerSplit:
    """Training data with something set aside.

    Attributes:
        train: the data without what was set aside.
        users: the users that something was set aside of, ascending.
        truth: len(users) × items, 1 for what was set aside.
        by_order: whether whole orders were set aside, so that repeats are among them.
        times: when the first of what was set aside was bought, µs since 1970; far ahead where not known.
    """

    train: TrainingData
    users: Ints
    truth: Csr
    by_order: bool
    times: Longs

    @property
    def tells_time(self) -> bool:
        """Whether what was set aside is the latest, as what a model is asked for is; else it is random."""
        return bool((self.times < _SOME_DAY).any())


def inner_split(data: TrainingData, max_users: int, seed: int) -> InnerSplit:
    """Set aside the last order of users with two or more, else a fifth of the products of users with five.

    That fifth is the latest where there are timestamps, else random, and then set aside of every user, as a
    test part is: beside users who keep all that they have, neighbours look better than they will be.

    Args:
        data: all that training may use.
        max_users: of more users than this, a random sample is judged.
        seed: decides the sample and the products.
    """
    rng = np.random.default_rng(seed)
    events = data.events.with_row_index("row")
    wanted = events.filter((pl.col("user") >= 0) & (pl.col("weight") > 0))
    orders = (
        wanted.filter(pl.col("order") >= 0)
        .group_by("user", "order")
        .agg(pl.col("timestamp").max())
        .sort("user", "timestamp", "order", nulls_last=False)
    )
    last = orders.group_by("user", maintain_order=True).agg(pl.col("order").last(), n=pl.len())
    last = last.filter(pl.col("n") > 1).drop("n")
    if last.height:
        last = last.filter(pl.col("user").is_in(_sample(last["user"].to_numpy(), max_users, rng).tolist()))
        aside = wanted.join(last, on=["user", "order"]).select("row", "user", "item", "timestamp")
    else:
        pairs = wanted.group_by("user", "item").agg(pl.col("timestamp").max()).sort("user", "item")
        sizes = pairs.group_by("user").len().filter(pl.col("len") >= _MIN_PRODUCTS).sort("user")
        users = _sample(sizes["user"].to_numpy(), max_users, rng)
        of = users if wanted["timestamp"].is_not_null().any() else sizes["user"].to_numpy()
        pairs = pairs.filter(pl.col("user").is_in(of.tolist()))
        # The latest products, where there are times: what comes next is not like what was bought at random.
        pairs = pairs.with_columns(draw=pl.Series(rng.random(pairs.height), dtype=pl.Float64))
        order = pl.struct(-pl.col("timestamp").fill_null(NO_TIME + 1), "draw").rank("ordinal").over("user")
        chosen = pairs.filter(order <= pl.len().over("user") * _SHARE)
        aside = wanted.join(chosen.select("user", "item"), on=["user", "item"]).select(
            "row", "user", "item", "timestamp"
        )
    kept = events.join(aside.select("row"), on="row", how="anti", maintain_order="left").drop("row")
    if not last.height:
        aside = aside.filter(pl.col("user").is_in(users.tolist()))
    entries = aside.select("user", "item").unique().sort("user", "item")
    users = entries["user"].unique().sort().to_numpy().astype(np.int32)
    place = pl.Series(np.searchsorted(users, entries["user"].to_numpy()))
    truth = csr(place, entries["item"], None, (len(users), data.n_items))
    first = aside.group_by("user").agg(pl.col("timestamp").min()).sort("user")["timestamp"]
    times = first.fill_null(_SOME_DAY).to_numpy()
    return InnerSplit(data.with_events(kept), users, truth, by_order=last.height > 0, times=times)


def _sample(users: Ints, most: int, rng: np.random.Generator) -> Ints:
    return users if len(users) <= most else np.sort(rng.choice(users, most, replace=False))


class Histories(Protocol):
    """Whatever knows what its users bought: training data, or a trained model."""

    @property
    def weights(self) -> Csr: ...  # noqa: D102

    @property
    def seen(self) -> Csr: ...  # noqa: D102

    @property
    def last_seen(self) -> Longs: ...  # noqa: D102
    @property
    def dismissed(self) -> Csr | None: ...  # noqa: D102


def user_queries(
    known: Histories,
    users: Ints,
    *,
    allowed: Bools | None = None,
    new_only: bool = True,
    depth: int = 10,
    newest: int | None = None,
) -> Queries:
    """Return the histories of these users as queries; `newest` is the last time known, if at hand."""
    last = int(known.last_seen.max(initial=NO_TIME)) if newest is None else newest
    return Queries(
        known.weights[users],
        users.astype(np.int32),
        known.seen[users],
        days_before(entries_of(known.seen, known.last_seen, users), last),
        allowed=allowed,
        new_only=new_only,
        depth=depth,
        dismissed=None if known.dismissed is None else known.dismissed[users],
    )


def basket_queries(
    history: Csr, *, allowed: Bools | None = None, new_only: bool = True, depth: int = 10
) -> Queries:
    """Return histories that are no trained user's as queries: baskets, or single products."""
    nobody = np.full(history.shape[0], -1, np.int32)
    ages = np.full(history.nnz, np.nan, np.float32)
    return Queries(history, nobody, history, ages, allowed=allowed, new_only=new_only, depth=depth)


def days_before(times: Longs, newest: int) -> Floats:
    """Return how many days each time (µs) lies before the newest; NaN for NO_TIME."""
    days = (newest - np.maximum(times, 0)) / _DAY
    return np.where(times == NO_TIME, np.nan, days).astype(np.float32)
