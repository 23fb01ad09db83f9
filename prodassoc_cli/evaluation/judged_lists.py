"""Recommendation lists laid beside what users then did: ids in, dense integers out.

Everything that a ranking metric reads is one of three things: how many products were relevant to each
user, at which positions the list hit them, and which products the list holds. `judge_lists` checks the
lists and works these out once; every metric at every k is then a few array operations
(`prodassoc_cli.evaluation.metrics.registry`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.artifacts.schemas import EVENTS
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.evaluation.notices import Notice
from prodassoc_cli.evaluation.product_facts import ProductFacts, gather_facts
from prodassoc_cli.numerics.arrays import Bools, Longs
from prodassoc_cli.numerics.id_overlap import id_overlap
from prodassoc_cli.wording import number_of

RELEVANT_EVENTS = tuple(event for event in EVENTS if event not in ("impression", "dismiss"))
"""Events that make a product relevant to a user: whatever the user did with it of their own will.
An impression is the shop's doing, and a dismissal says the contrary."""

_STARS, _TENTHS = 5, 10
"""Usual ends of scales that begin at 1."""

NEVER = np.iinfo(np.int64).max
"""Position of a product that no list has."""


@dataclass(frozen=True)
class GroundTruth:
    """What the lists are judged by, shared by all of them.

    Attributes:
        users: user_id, user: the judged users are 0 … len(relevant) - 1 in the order of their ids; users who
            have a list and no truth follow them.
        products: product_id, product: 0 … in the order of the ids, so that integers break ties as ids would.
        relevant: number of relevant products of each judged user (≥ 1).
        pairs: user · len(products) + product of every relevant pair, sorted.
        facts: what is known of the products.
        history: number of training products of each judged user; None without training rows.
    """

    users: pl.DataFrame
    products: pl.DataFrame
    relevant: Longs
    pairs: Longs
    facts: ProductFacts
    history: Longs | None


@dataclass(frozen=True)
class JudgedLists:
    """One model's lists of the judged users, as arrays.

    Attributes:
        truth: what they were judged by.
        user: judged user of each row, ascending.
        position: place of each row in its list, from 1 without gaps.
        product: product of each row.
        hit_user: judged user of each hit, ascending; a hit is a row whose product is relevant to its user.
        hit_position: place of each hit in its list, ascending within a user.
        hit_number: how many hits the list has up to and with this one.
        shown_position: place of each row of the file, those of users without truth included.
        shown_product: product of each row of the file.
        reach: smallest position of each product in any list of the file; `NEVER` where no list has it.
    """

    truth: GroundTruth
    user: Longs
    position: Longs
    product: Longs
    hit_user: Longs
    hit_position: Longs
    hit_number: Longs
    shown_position: Longs
    shown_product: Longs
    reach: Longs


def judge_lists(
    lists: Mapping[str, pl.DataFrame],
    truth: pl.DataFrame,
    train: pl.DataFrame | None = None,
    products: pl.DataFrame | None = None,
    embeddings: pl.DataFrame | None = None,
) -> dict[str, JudgedLists]:
    """Check recommendation lists and find their hits; all are judged on the same users, those with truth.

    Within a list rows are ordered by rank, and by product_id where ranks are equal.

    Args:
        lists: name → recommendations for users (user_id, rank, product_id).
        truth: interactions set aside; rows without a user or of no relevant event are left out.
        train: interactions the models learnt from, for novelty; its products are the catalogue
            where `products` is not given.
        products: the catalogue, with category and price where it has them.
        embeddings: vectors of the products, for diversity.

    Raises:
        BadData: a list has a product twice, a gap in its ranks or a missing value; the truth holds nothing
            relevant; no user with truth has a list.
        UsageProblem: the lists are for baskets or products, not for users.
    """
    for name, frame in lists.items():
        require_user_lists(name, frame)
    ground = _ground_truth(lists, truth, train, products, embeddings)
    return {name: _judge(name, frame, ground) for name, frame in lists.items()}


def relevant_pairs(interactions: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct (user_id, product_id) pairs of relevant events, in no certain order."""
    return (
        interactions.lazy()
        .filter(pl.col("user_id").is_not_null() & pl.col("event").is_in(RELEVANT_EVENTS))
        .select("user_id", "product_id")
        .unique()
        .collect()
    )


def without_low_ratings(
    truth: pl.DataFrame, train: pl.DataFrame | None = None, relevant_from: float | None = None
) -> tuple[pl.DataFrame, str]:
    """Return the truth without the ratings that are too low for a hit, and what is to be said of them.

    Args:
        truth: interactions set aside.
        train: interactions the models learnt from, whose ratings show the scale too.
        relevant_from: lowest rating of a hit. None: what is above the middle of the scale, which is that of
            the ratings seen, but 1 to 5 at least where all are from 1 to 10; where all are alike, each is.

    Raises:
        BadData: nothing is left.
    """
    if "rating" not in truth.columns or not truth["rating"].count():
        return truth, ""
    if relevant_from is not None:
        low, bound = pl.col("rating") < relevant_from, f"below {relevant_from:g}"
        name, values = "low_ratings", {"bound": f"{relevant_from:g}"}
    else:
        frames = [
            frame["rating"] for frame in (truth, train) if frame is not None and "rating" in frame.columns
        ]
        seen = pl.concat([each.cast(pl.Float64) for each in frames]).drop_nulls()
        lowest, highest = float(seen.min()), float(seen.max())  # type: ignore[arg-type]
        if lowest == highest:
            return truth, ""
        if lowest >= 1 and highest <= _TENTHS:
            lowest, highest = 1.0, max(highest, _STARS)
        middle = (lowest + highest) / 2
        low = pl.col("rating") <= middle
        bound = f"not above {middle:g}, the middle of the scale from {lowest:g} to {highest:g}"
        name = "low_on_scale"
        values = {"middle": f"{middle:g}", "lowest": f"{lowest:g}", "highest": f"{highest:g}"}
    kept = truth.filter(~low.fill_null(value=False))
    ratings, low_ratings = truth["rating"].count(), truth.height - kept.height
    if kept.is_empty():
        raise BadData(
            f"no rating of the truth is a hit: all {ratings:,} are {bound}", "set `relevant_from` lower"
        )
    if not low_ratings:
        return truth, ""
    return kept, Notice(name, low=low_ratings, ratings=ratings, **values)


def notices(judged: Mapping[str, JudgedLists], ks: Sequence[int]) -> list[Notice]:
    """Return what a reader of the metrics should know of the lists, one sentence each."""
    said = []
    for name, each in judged.items():
        users = len(each.truth.relevant)
        without = users - len(np.unique(each.user))
        if without:
            said.append(Notice("no_list", model=name, without=without, users=users))
        longest = int(each.position.max(initial=0))
        if longest < max(ks):
            said.append(Notice("short_lists", model=name, longest=longest, k=max(ks)))
        if each.truth.facts.catalogue is not None:
            outside = int(np.count_nonzero((each.reach != NEVER) & ~each.truth.facts.catalogue))
            if outside:
                said.append(Notice("outside_catalogue", model=name, outside=outside))
    return said


def overlap_notices(lists: Mapping[str, pl.DataFrame], truth: pl.DataFrame) -> list[Notice]:
    """Return where the ids of lists and truth do not meet, or are written in two ways, one sentence each."""
    pairs = relevant_pairs(truth)
    said = []
    for name, frame in lists.items():
        for column, what in (("user_id", "users"), ("product_id", "products")):
            met = id_overlap(pairs[column], frame[column], personal=column == "user_id")
            if frame.height and (met.both == 0 or met.cause):
                found = {"both": met.both, "all": met.left, "model": name, "clause": met.clause}
                said.append(Notice(f"strange_{what}", **found))
    return said


def require_user_lists(
    name: str, frame: pl.DataFrame, columns: Sequence[str] = ("user_id", "rank", "product_id")
) -> None:
    """Raise unless the frame has these columns of lists for users, without a null.

    Raises:
        UsageProblem: the lists are for baskets or products.
        BadData: a column or a value is missing.
    """
    for other, whom in (("basket_id", "baskets"), ("source_product_id", "products")):
        if other in frame.columns and "user_id" not in frame.columns:
            raise UsageProblem(
                f"'{name}' holds lists for {whom} (column {other}); evaluate judges lists for users",
                "make them with: `recommend MODEL for_=users`",
            )
    for column in columns:
        if column not in frame.columns:
            raise BadData(
                f"'{name}' has no column {column}", "recommendations have user_id, rank, product_id, score"
            )
        if nulls := frame[column].null_count():
            raise BadData(f"'{name}' has {number_of(nulls, 'row')} without {column}")


def _ground_truth(
    lists: Mapping[str, pl.DataFrame],
    truth: pl.DataFrame,
    train: pl.DataFrame | None,
    products: pl.DataFrame | None,
    embeddings: pl.DataFrame | None,
) -> GroundTruth:
    """Number the users and products and lay out what is known of them."""
    pairs = relevant_pairs(truth)
    if pairs.is_empty():
        raise BadData(
            f"the truth has no row with a user and a relevant event ({', '.join(RELEVANT_EVENTS)})",
            "make one with: `clean ORDERS holdout=last-order holdout_output=holdout.parquet`",
        )
    judged = pairs.select("user_id").unique().sort("user_id")
    others = _ids("user_id", *lists.values()).join(judged, on="user_id", how="anti").sort("user_id")
    users = _numbered(pl.concat([judged, others]), "user")
    known = [frame for frame in (train, products) if frame is not None]
    every = _numbered(_ids("product_id", pairs, *lists.values(), *known).sort("product_id"), "product")
    numbers = pairs.join(users, on="user_id").join(every, on="product_id")
    user = numbers["user"].to_numpy()
    learnt = None if train is None else relevant_pairs(train)
    return GroundTruth(
        users=users,
        products=every,
        relevant=np.bincount(user, minlength=judged.height).astype(np.int64),
        pairs=np.sort(user * every.height + numbers["product"].to_numpy()),
        facts=gather_facts(every, learnt, train, products, embeddings),
        history=None if learnt is None else _history(judged, learnt),
    )


def _ids(column: str, *frames: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame.select(column) for frame in frames]).unique()


def _numbered(ids: pl.DataFrame, name: str) -> pl.DataFrame:
    return ids.with_row_index(name).with_columns(pl.col(name).cast(pl.Int64))


def _history(judged: pl.DataFrame, pairs: pl.DataFrame) -> Longs:
    """Return how many products each judged user has in training."""
    counted = judged.join(pairs.group_by("user_id").len(), on="user_id", how="left", maintain_order="left")
    return counted["len"].fill_null(0).cast(pl.Int64).to_numpy()


def _judge(name: str, frame: pl.DataFrame, truth: GroundTruth) -> JudgedLists:
    """Check one model's lists and find their hits."""
    rows = (
        frame.lazy()
        .select("user_id", "product_id", pl.col("rank").cast(pl.Int64))
        .join(truth.users.lazy(), on="user_id")
        .join(truth.products.lazy(), on="product_id")
        .select("user", "rank", "product")
        .sort("user", "rank", "product")
        .collect()
    )
    user, rank, product = (rows[column].to_numpy() for column in ("user", "rank", "product"))
    position = _numbers_within(user)
    _require_ranks_without_gaps(name, truth, user, rank, position)
    code = user * truth.products.height + product
    _require_distinct_products(name, truth, code)

    judged = user < len(truth.relevant)
    if len(user) and not judged.any():
        raise BadData(
            f"none of the {number_of(len(truth.relevant), 'user')} of the truth has a list in '{name}' "
            f"(the truth has '{truth.users.item(0, 'user_id')}', "
            f"the lists '{truth.users.item(int(user[0]), 'user_id')}')",
            "take the truth and the lists from the same interactions",
        )
    reach = np.full(truth.products.height, NEVER, dtype=np.int64)
    np.minimum.at(reach, product, position)
    # Judged users come first, so theirs are the first rows: views, no copies.
    own = slice(0, int(np.count_nonzero(judged)))
    user, hit = user[own], _member(code[own], truth.pairs)
    return JudgedLists(
        truth,
        user,
        position[own],
        product[own],
        hit_user=user[hit],
        hit_position=position[own][hit],
        hit_number=_numbers_within(user[hit]),
        shown_position=position,
        shown_product=product,
        reach=reach,
    )


def _member(values: Longs, ordered: Longs) -> Bools:
    """Return which values stand in a sorted, non-empty array; np.isin would sort the values themselves."""
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[place] == values)


def _numbers_within(group: Longs) -> Longs:
    """Number the rows of each run of equal values from 1."""
    row = np.arange(len(group), dtype=np.int64)
    starts = np.ones(len(group), dtype=np.bool_)
    starts[1:] = group[1:] != group[:-1]
    return row - np.maximum.accumulate(np.where(starts, row, 0)) + 1


def _require_ranks_without_gaps(
    name: str, truth: GroundTruth, user: Longs, rank: Longs, position: Longs
) -> None:
    """Raise unless ranks run 1, 2, 3 …; rows may share a rank, and the next one may count them or not."""
    previous = np.where(position == 1, 0, np.roll(rank, 1))
    step = rank - previous
    wrong = ((step != 0) & (step != 1) & (rank != position)) | (rank < 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        who = truth.users.item(int(user[row]), "user_id")
        where = f"follows rank {previous[row]}" if position[row] > 1 else "is the first"
        raise BadData(
            f"'{name}': rank {rank[row]} {where} in the list of user '{who}'",
            "the ranks of a list run 1, 2, 3 … without gaps",
        )


def _require_distinct_products(name: str, truth: GroundTruth, code: Longs) -> None:
    """Raise if a list has a product twice."""
    ordered = np.sort(code)
    twice = ordered[1:] == ordered[:-1]
    if twice.any():
        user, product = divmod(int(ordered[int(np.argmax(twice))]), truth.products.height)
        raise BadData(
            f"'{name}': product '{truth.products.item(product, 'product_id')}' stands twice in the list "
            f"of user '{truth.users.item(user, 'user_id')}'"
        )
