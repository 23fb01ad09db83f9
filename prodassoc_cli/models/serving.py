"""Recommend: a trained model and whom the lists are for in, lists with reasons out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.models.base import Evidence, Queries, Why
from prodassoc_cli.models.counterfactual import falls
from prodassoc_cli.models.data import Csr, Floats, Ints, csr_of
from prodassoc_cli.models.explain import Audience, reasons
from prodassoc_cli.models.filters import allowed_items
from prodassoc_cli.models.rows import one_blas_thread
from prodassoc_cli.models.split import basket_queries, user_queries
from prodassoc_cli.models.topk import top_k
from prodassoc_cli.models.trained import TrainedModel

_SCORES_A_BLOCK = 2**24
"""Scores held at once: 64 MB of f32."""

_FEW_LISTS = 1_000
"""Up to so many lists the weights of reasons are worked out unasked."""

ID_COLUMNS: dict[Audience, str] = {
    "users": "user_id",
    "products": "source_product_id",
    "baskets": "basket_id",
}


@dataclass
class Served:
    """Recommendations and what to say of them.

    Attributes:
        frame: in the schema of recommendations.
        notices: what was ignored or stood in, one sentence each.
        counts: lists, rows, unknown users, and rows filled up by popularity.
    """

    frame: pl.DataFrame
    notices: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Requests:
    """Rows to make lists for: their ids, their queries by block, what may not be listed, who is unknown."""

    ids: pl.Series
    block: Callable[[slice], Queries]
    unknown: NDArray[np.bool_]


def recommend(
    model: TrainedModel,
    *,
    k: int = 10,
    audience: Audience = "users",
    ids: Sequence[str] | None = None,
    baskets: Sequence[Sequence[str]] = (),
    include_seen: bool = False,
    where: Sequence[str] = (),
    allow: Sequence[str] | None = None,
    deny: Sequence[str] | None = None,
    with_reasons: bool = True,
    reason_weights: bool | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Served:
    """Return the k best products for each user, product or basket, with reasons.

    Each list has exactly k products where k pass the filters; what a model cannot score comes last, by
    popularity. Scores are comparable within a list. The result does not depend on `threads`.

    Args:
        model: a trained model.
        k: length of the lists.
        audience: whom the lists are for.
        ids: users or products; None for all. An unknown user gets popular products.
        baskets: product ids of each basket, for baskets; their basket_id is 1, 2, ….
        include_seen: whether a list may repeat what is in the history; a product is never listed for itself.
        where: conditions COLUMN=VALUE, see `filters.allowed_items`.
        allow: the only products allowed.
        deny: products never listed.
        with_reasons: whether to say why, in words and columns.
        reason_weights: whether to score again without the products named, where a model's scores are no sums
            over the history; None: only for up to a thousand lists.
        threads: threads to use.
        progress: called with rows done and rows in all.

    Raises:
        UsageProblem: the options do not fit together.
        BadData: none of the products asked for is known, or no product passes the filters.
    """
    allowed, notices = allowed_items(model.items, where, allow, deny)
    new_only = not include_seen or audience == "products"
    requests = {
        "users": _users,
        "products": _products,
        "baskets": _baskets,
    }[audience](model, ids, baskets, notices, _Options(allowed, new_only, k))
    unknown, total = requests.unknown, requests.ids.len()
    reasoning = None
    if with_reasons:
        weighs = total <= _FEW_LISTS if reason_weights is None else reason_weights
        reasoning = _Reasoning(audience, weighs, threads)
    frames, filled = [], 0
    for rows in _blocks(total, 0 if model.recommender.fused else len(model.items)):
        with one_blas_thread():
            frame, fillers = _block(model, requests, rows, ID_COLUMNS[audience], k, reasoning, threads)
        frames.append(frame)
        filled += fillers
        if progress is not None:
            progress(rows.stop, total)
    if unknown.any():
        notices.append(f"users not known to the model: {int(unknown.sum())}; they get popular products")
    frame = pl.concat(frames) if frames else _empty(ID_COLUMNS[audience], with_reasons=with_reasons)
    counts = {
        "lists": total,
        "rows": frame.height,
        "unknown_users": int(unknown.sum()),
        "filled_by_popularity": filled,
    }
    return Served(frame, notices, counts)


@dataclass(frozen=True)
class _Reasoning:
    """How reasons are given: for whom, and whether their weights are worth scoring again for."""

    audience: Audience
    weighs: bool
    threads: int

    def __call__(
        self,
        model: TrainedModel,
        queries: Queries,
        items: Ints,
        scores: Floats,
        own: NDArray[np.bool_],
        unknown: NDArray[np.bool_],
    ) -> pl.DataFrame:
        """Return the columns of reasons; `own` says which items the model itself listed."""
        recommender = model.recommender
        evidence = recommender.explain(queries, np.where(own, items, -1), self.threads)
        evidence = evidence.where(own, Evidence.of(Why.POPULAR, items))
        again = evidence.kind == Why.AGAIN
        evidence.others[:, :, 0] = np.where(again, items, evidence.others[:, :, 0])
        if not recommender.adds_up:
            named = evidence.others if self.weighs else np.full_like(evidence.others, -1)
            weight = falls(recommender, queries, items, scores, named, self.threads)
            evidence = replace(evidence, weight=weight)
        return reasons(model, evidence, queries, items, self.audience, unknown=unknown)


def _block(
    model: TrainedModel,
    requests: _Requests,
    rows: slice,
    column: str,
    k: int,
    reasoning: _Reasoning | None,
    threads: int,
) -> tuple[pl.DataFrame, int]:
    """Return the lists of some rows, and how many of their places popularity filled."""
    queries = requests.block(rows)
    items, scores, own = _lists(model, queries, k, threads)
    frame = _frame(model, requests.ids[rows], column, items, scores)
    if reasoning is not None:
        unknown = requests.unknown[rows]
        frame = frame.hstack(reasoning(model, queries, items, scores, own, unknown))
    return frame, int((items >= 0).sum() - own.sum())


@dataclass(frozen=True)
class _Options:
    allowed: NDArray[np.bool_] | None
    new_only: bool
    k: int


def _blocks(total: int, width: int) -> Iterator[slice]:
    step = int(np.clip(_SCORES_A_BLOCK // max(1, width), 32, 4096))
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


def _lists(
    model: TrainedModel, queries: Queries, k: int, threads: int
) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """Return items, scores and whether the model itself put each there; short lists are filled up."""
    items, values = model.recommender.top_k(queries, k, threads)
    own = items >= 0
    short = np.flatnonzero(~own.all(axis=1))
    if len(short):
        _fill(model, queries.rows(short), items, values, short, threads)
    return items, values, own


def _fill(
    model: TrainedModel, queries: Queries, items: Ints, values: Floats, short: NDArray[np.int64], threads: int
) -> None:
    """Fill up short lists by popularity, below the model's own scores, in place."""
    have = items[short] >= 0
    row, slot = np.nonzero(have)
    listed = sparse.csr_array(
        (np.ones(len(row), np.float32), (row, items[short][row, slot])), shape=queries.history.shape
    )
    blocked = csr_of(listed + queries.seen if queries.new_only else listed)
    scores = np.tile(model.popularity, (len(short), 1))
    more, shares = top_k(scores, items.shape[1], threads, allowed=queries.allowed, blocked=blocked)
    count = have.sum(axis=1)
    lowest = np.where(have, values[short], np.inf).min(axis=1)
    floor = np.where(count > 0, lowest - 1, 0).astype(np.float32)
    place = np.arange(items.shape[1]) - count[:, None]
    filler = np.take_along_axis(more, np.maximum(place, 0), axis=1)
    share = np.take_along_axis(shares, np.maximum(place, 0), axis=1)
    items[short] = np.where(have, items[short], filler)
    values[short] = np.where(have, values[short], floor[:, None] + share)


def _frame(model: TrainedModel, ids: pl.Series, column: str, items: Ints, scores: Floats) -> pl.DataFrame:
    row, slot = np.nonzero(items >= 0)
    return pl.DataFrame(
        {
            column: ids.gather(pl.Series(row)),
            "rank": pl.Series(slot + 1, dtype=pl.Int32),
            "product_id": model.items.ids.gather(pl.Series(items[row, slot])),
            "score": scores[row, slot].astype(np.float64),
        }
    )


def _empty(column: str, *, with_reasons: bool) -> pl.DataFrame:
    ids = pl.Series([], dtype=pl.String)
    frame = pl.DataFrame(
        {column: ids, "rank": ids.cast(pl.Int32), "product_id": ids, "score": ids.cast(pl.Float64)}
    )
    if not with_reasons:
        return frame
    return frame.with_columns(
        reason=ids,
        reason_kind=ids,
        reason_products=pl.Series([], dtype=pl.List(pl.String)),
        reason_weight=ids.cast(pl.Float64),
    )


def _users(
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: _Options,
) -> _Requests:
    if baskets:
        raise UsageProblem("--basket is for lists for baskets", "add --for baskets")
    wanted = model.users if ids is None else pl.Series(list(ids), dtype=pl.String).unique(maintain_order=True)
    if ids is None and not model.users.len():
        raise BadData(
            "the model knows no users: all its orders are anonymous", "ask --for products or baskets"
        )
    place = _index(wanted, model.users)

    def block(rows: slice) -> Queries:
        users = place[rows]
        queries = user_queries(
            model, np.maximum(users, 0), allowed=options.allowed, new_only=options.new_only, depth=options.k
        )
        if (users >= 0).all():
            return queries
        return _emptied(queries, users)

    return _Requests(wanted, block, place < 0)


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
    return Queries(history, users, seen, queries.age[known], queries.allowed, queries.new_only, queries.depth)


def _products(
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: _Options,
) -> _Requests:
    if baskets:
        raise UsageProblem("--basket is for lists for baskets", "add --for baskets")
    if ids is None:
        place = np.arange(len(model.items), dtype=np.int32)
    else:
        wanted = pl.Series("id", list(ids), pl.String).unique(maintain_order=True)
        place = _known_products(model, wanted, "--ids", notices)
    names = model.items.ids.gather(pl.Series(place))

    def block(rows: slice) -> Queries:
        items = place[rows]
        one = sparse.csr_array(
            (np.ones(len(items), np.float32), items, np.arange(len(items) + 1)),
            shape=(len(items), len(model.items)),
        )
        return _anonymous(one, options)

    return _Requests(names, block, np.zeros(len(place), np.bool_))


def _baskets(
    model: TrainedModel,
    ids: Sequence[str] | None,
    baskets: Sequence[Sequence[str]],
    notices: list[str],
    options: _Options,
) -> _Requests:
    if not baskets:
        raise UsageProblem("no basket to recommend for", 'add --basket "A,B"')
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
    return _Requests(names, lambda rows: _anonymous(matrix[rows], options), np.zeros(len(baskets), np.bool_))


def _anonymous(history: Csr, options: _Options) -> Queries:
    return basket_queries(history, allowed=options.allowed, new_only=options.new_only, depth=options.k)


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
        notices.append(
            f"{where}: products not known to the model, ignored: {missing.len()}, such as '{missing[0]}'"
        )
    return place.drop_nulls().to_numpy()
