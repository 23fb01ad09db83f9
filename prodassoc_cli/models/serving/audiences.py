"""Whom lists are for: users, products or baskets of a command line, each turned into histories to score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.models.base import Queries
from prodassoc_cli.models.data import Csr, csr_of
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.reasons.columns import Audience
from prodassoc_cli.models.split import basket_queries, user_queries
from prodassoc_cli.numerics.arrays import Bools, Ints
from prodassoc_cli.numerics.id_overlap import id_overlap
from prodassoc_cli.numerics.indexing import index_of


@dataclass(frozen=True)
class Requests:
    """Rows to make lists for: their ids, their queries by block, and who is unknown."""

    ids: pl.Series
    block: Callable[[slice], Queries]
    unknown: Bools


@dataclass(frozen=True)
class Options:
    """What may be listed, whether what is seen may, and how many candidates are ranked."""

    allowed: Bools | None
    new_only: bool
    depth: int


def requests(
    audience: Audience,
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: Options,
) -> Requests:
    """Return the rows to make lists for.

    Args:
        audience: of which sort they are.
        model: knows users, products and histories.
        ids: users or products; None for all.
        baskets: product ids of each basket.
        notices: what is ignored is added to them.
        options: how the rows are asked.

    Raises:
        UsageProblem: there is no basket.
        BadData: none of what is asked for is known.
    """
    if audience == "users":
        return _users(model, ids, notices, options)
    if audience == "products":
        names, history = _products(model, ids, notices)
    else:
        names, history = _baskets(model, baskets, notices)

    def block(rows: slice) -> Queries:
        return basket_queries(
            history[rows], allowed=options.allowed, new_only=options.new_only, depth=options.depth
        )

    return Requests(names, block, np.zeros(len(names), np.bool_))


def unknown_users_notice(model: TrainedModel, ids: Sequence[str]) -> str:
    """Return what is to be said of the users that the model does not know; empty where it knows all."""
    wanted = _distinct(ids)
    missing = wanted.filter(index_of(wanted, model.users).is_null())
    if not len(missing):
        return ""
    cause = id_overlap(wanted, model.users, personal=True).clause
    return (
        f"users not known to the model: {len(missing):,} of {len(wanted):,}; they get popular products{cause}"
    )


def _users(model: TrainedModel, ids: Sequence[str] | None, notices: list[str], options: Options) -> Requests:
    if ids is None and not model.users.len():
        raise BadData(
            "the model knows no users: all its orders are anonymous", "ask `for_=products` or baskets"
        )
    wanted = model.users if ids is None else _distinct(ids)
    if ids is not None and (notice := unknown_users_notice(model, ids)):
        notices.append(notice)
    place = index_of(wanted, model.users).fill_null(-1).to_numpy()

    def block(rows: slice) -> Queries:
        users = place[rows]
        queries = user_queries(
            model,
            np.maximum(users, 0),
            allowed=options.allowed,
            new_only=options.new_only,
            depth=options.depth,
            newest=model.newest,
        )
        return queries if (users >= 0).all() else _emptied(queries, users)

    return Requests(wanted, block, place < 0)


def _distinct(ids: Iterable[str]) -> pl.Series:
    return pl.Series("id", list(ids), pl.String).unique(maintain_order=True)


def _emptied(queries: Queries, users: Ints) -> Queries:
    """Return the queries with the rows of unknown users (-1) made empty histories."""
    keep = sparse.diags_array((users >= 0).astype(np.float32)).tocsr()
    known = np.repeat(users >= 0, np.diff(queries.seen.indptr))
    seen = csr_of(keep @ queries.seen)
    history = csr_of(keep @ queries.history)
    for matrix in (seen, history):
        matrix.eliminate_zeros()
    dismissed = None if queries.dismissed is None else csr_of(keep @ queries.dismissed)
    return replace(
        queries, history=history, users=users, seen=seen, age=queries.age[known], dismissed=dismissed
    )


def _products(model: TrainedModel, ids: Sequence[str] | None, notices: list[str]) -> tuple[pl.Series, Csr]:
    """Return the products asked for, and each as a history of one product."""
    if ids is None:
        place = np.arange(len(model.items), dtype=np.int32)
    else:
        place = _known_products(model, _distinct(ids), "`ids`", notices)
    entries = (np.ones(len(place), np.float32), place, np.arange(len(place) + 1))
    history = sparse.csr_array(entries, shape=(len(place), len(model.items)))
    return model.items.ids.gather(pl.Series(place)), history


def _baskets(
    model: TrainedModel, baskets: Sequence[Sequence[str]], notices: list[str]
) -> tuple[pl.Series, Csr]:
    """Return the numbers of the baskets, from 1, and the baskets as histories."""
    if not baskets:
        raise UsageProblem("no basket to recommend for", "add `basket=A,B`")
    places = [
        np.sort(_known_products(model, _distinct(each.strip() for each in basket), f"basket {n}", notices))
        for n, basket in enumerate(baskets, 1)
    ]
    sizes = [len(place) for place in places]
    entries = (np.ones(sum(sizes), np.float32), np.concatenate(places), np.cumsum([0, *sizes]))
    history = csr_of(sparse.csr_array(entries, shape=(len(baskets), len(model.items))))
    return pl.Series([str(n) for n in range(1, len(baskets) + 1)]), history


def _known_products(model: TrainedModel, wanted: pl.Series, where: str, notices: list[str]) -> Ints:
    """Return the integers of the known ones, noticing the others.

    Raises:
        BadData: none is known.
    """
    place = model.items.index_of(wanted)
    missing = wanted.filter(place.is_null())
    if missing.len() == wanted.len():
        example = str(wanted[0]) if wanted.len() else ""
        raise BadData(f"{where}: no product '{example}' in the model", did_you_mean(example, model.items.ids))
    if missing.len():
        hint = did_you_mean(str(missing[0]), model.items.ids, otherwise="")
        notices.append(
            f"{where}: products not known to the model, ignored: {missing.len()}, such as '{missing[0]}'"
            + (f": {hint}" if hint else "")
        )
    return place.drop_nulls().to_numpy()
