"""Whom lists are for: users, products or baskets of a command line, each turned into histories to score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.arrays import Bools, Ints
from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.models.base import Queries
from prodassoc_cli.models.data import NO_TIME, Csr, csr_of
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.reasons import Audience
from prodassoc_cli.models.split import basket_queries, user_queries


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
        UsageProblem: the options do not fit together.
        BadData: none of what is asked for is known.
    """
    if baskets and audience != "baskets":
        raise UsageProblem("`basket` is for lists for baskets", "add `for_=baskets`")
    made = {"users": _users, "products": _products, "baskets": _baskets}[audience]
    return made(model, ids, baskets, notices, options)


def _users(
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: Options,
) -> Requests:
    wanted = model.users if ids is None else pl.Series(list(ids), dtype=pl.String).unique(maintain_order=True)
    if ids is None and not model.users.len():
        raise BadData(
            "the model knows no users: all its orders are anonymous", "ask `for_=products` or baskets"
        )
    place = _index(wanted, model.users)
    newest = int(model.last_seen.max(initial=NO_TIME))

    def block(rows: slice) -> Queries:
        users = place[rows]
        queries = user_queries(
            model,
            np.maximum(users, 0),
            allowed=options.allowed,
            new_only=options.new_only,
            depth=options.depth,
            newest=newest,
        )
        if (users >= 0).all():
            return queries
        return _emptied(queries, users)

    return Requests(wanted, block, place < 0)


def _index(wanted: pl.Series, known: pl.Series) -> Ints:
    index = pl.DataFrame({"id": known, "place": np.arange(known.len(), dtype=np.int32)})
    joined = pl.DataFrame({"id": wanted}).join(index, on="id", how="left", maintain_order="left")
    return joined["place"].fill_null(-1).to_numpy()


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


def _products(
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: Options,
) -> Requests:
    if ids is None:
        place = np.arange(len(model.items), dtype=np.int32)
    else:
        wanted = pl.Series("id", list(ids), pl.String).unique(maintain_order=True)
        place = _known_products(model, wanted, "`ids`", notices)
    names = model.items.ids.gather(pl.Series(place))

    def block(rows: slice) -> Queries:
        items = place[rows]
        one = sparse.csr_array(
            (np.ones(len(items), np.float32), items, np.arange(len(items) + 1)),
            shape=(len(items), len(model.items)),
        )
        return _anonymous(one, options)

    return Requests(names, block, np.zeros(len(place), np.bool_))


def _baskets(
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: Options,
) -> Requests:
    if not baskets:
        raise UsageProblem("no basket to recommend for", "add `basket=A,B`")
    rows, columns = [], []
    for n, basket in enumerate(baskets):
        wanted = pl.Series("id", [each.strip() for each in basket], pl.String).unique(maintain_order=True)
        place = np.sort(_known_products(model, wanted, f"basket {n + 1}", notices))
        rows.append(np.full(len(place), n))
        columns.append(place)
    entries = np.ones(sum(map(len, rows)), np.float32)
    shape = (len(baskets), len(model.items))
    matrix = csr_of(sparse.csr_array((entries, (np.concatenate(rows), np.concatenate(columns))), shape=shape))
    names = pl.Series([str(n + 1) for n in range(len(baskets))])
    return Requests(names, lambda rows: _anonymous(matrix[rows], options), np.zeros(len(baskets), np.bool_))


def _anonymous(history: Csr, options: Options) -> Queries:
    return basket_queries(history, allowed=options.allowed, new_only=options.new_only, depth=options.depth)


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
