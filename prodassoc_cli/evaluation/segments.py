"""Parts of the users and of the products, and metrics over each: who is served well, and with what.

A segment of users keeps those users. A segment of products keeps those products of the truth: a user counts
where one of them is relevant, and only they are hits; the lists stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from prodassoc_cli.evaluation.compare import METRICS_SCHEMA, estimate, row_of
from prodassoc_cli.evaluation.judged_lists import GroundTruth, JudgedLists
from prodassoc_cli.evaluation.metrics.registry import RANKING_METRICS
from prodassoc_cli.evaluation.product_facts import NO_CATEGORY
from prodassoc_cli.numerics.arrays import Bools

FEW = 5
"""Users with fewer training products are new, products with fewer training users are cold."""

HEAVY = 0.8
"""Users from this quantile of training products on are heavy."""

MAX_CATEGORIES = 12
"""Categories with most relevant pairs; the others are not listed."""


@dataclass(frozen=True)
class Segment:
    """Some of the users, or some of the products.

    Attributes:
        name: such as `users: new`, `products: cold`, `category: Food`.
        users: mask over the judged users; None for all.
        products: mask over the products; None for all.
    """

    name: str
    users: Bools | None = None
    products: Bools | None = None


def find_segments(truth: GroundTruth) -> list[Segment]:
    """Return the segments that the inputs tell: by history, by sales, by category; none may be empty."""
    return [*_of_users(truth), *_of_products(truth), *_of_categories(truth)]


def segment_metrics(judged: Mapping[str, JudgedLists], ks: Sequence[int]) -> pl.DataFrame:
    """Return the accuracy metrics of each model in each segment, in the schema of metrics artifacts.

    Args:
        judged: name → judged lists, all by the same truth.
        ks: lengths to cut the lists to.
    """
    metrics = [each for each in RANKING_METRICS.values() if each.needs is None and each.over == "users"]
    truth = next(iter(judged.values())).truth
    rows = []
    for segment in find_segments(truth):
        for model, whole in judged.items():
            part = restrict(whole, segment)
            rows += [
                (model, metric.name, k, *row_of(estimate(metric, part, k)), segment.name)
                for metric in metrics
                for k in ks
                if len(part.truth.relevant)
            ]
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")


def restrict(judged: JudgedLists, segment: Segment) -> JudgedLists:
    """Return the lists of the users of a segment, judged by the products of it; users are numbered anew."""
    truth, width = judged.truth, judged.truth.products.height
    users = np.ones(len(truth.relevant), np.bool_) if segment.users is None else segment.users
    products = np.ones(width, np.bool_) if segment.products is None else segment.products
    pair_user, pair_product = np.divmod(truth.pairs, width)
    kept = users[pair_user] & products[pair_product]
    relevant = np.bincount(pair_user[kept], minlength=len(users))
    keep = relevant > 0
    number = np.cumsum(keep) - 1
    ground = replace(
        truth,
        users=truth.users[: len(users)].filter(pl.Series(keep)).with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("user")
        ),
        relevant=relevant[keep],
        pairs=number[pair_user[kept]] * width + pair_product[kept],
        history=None if truth.history is None else truth.history[keep],
    )  # fmt: skip
    row = keep[judged.user]
    user, position, product = number[judged.user[row]], judged.position[row], judged.product[row]
    hit = np.isin(user * width + product, ground.pairs)
    hit_user = user[hit]
    starts = np.searchsorted(hit_user, hit_user)
    return replace(
        judged,
        truth=ground,
        user=user,
        position=position,
        product=product,
        hit_user=hit_user,
        hit_position=position[hit],
        hit_number=np.arange(len(hit_user)) - starts + 1,
    )


def _of_users(truth: GroundTruth) -> Iterator[Segment]:
    if truth.history is None:
        return
    new = truth.history < FEW
    heavy = ~new & (truth.history >= np.quantile(truth.history, HEAVY))
    for name, mask in (("new", new), ("regular", ~new & ~heavy), ("heavy", heavy)):
        if mask.any():
            yield Segment(f"users: {name}", users=mask)


def _of_products(truth: GroundTruth) -> Iterator[Segment]:
    if truth.facts.holders is None:
        return
    wanted = np.unique(truth.pairs % truth.products.height)
    cold = truth.facts.holders < FEW
    for name, mask in (("cold", cold), ("warm", ~cold)):
        if mask[wanted].any():
            yield Segment(f"products: {name}", products=mask)


def _of_categories(truth: GroundTruth) -> Iterator[Segment]:
    """Yield the first levels of the category paths, most relevant pairs first."""
    if truth.facts.category is None:
        return
    tops = [path.split(" > ")[0] for path in truth.facts.categories]
    names = sorted(set(tops))
    top_of = np.array([names.index(top) for top in tops] + [NO_CATEGORY])[truth.facts.category]
    counts = np.bincount(top_of[truth.pairs % truth.products.height] + 1, minlength=len(names) + 1)[1:]
    for code in np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]:
        if counts[code]:
            yield Segment(f"category: {names[code]}", products=top_of == code)
