"""Histories that no model was trained on: read from lines, and answered with a list each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.models.base import Queries
from prodassoc_cli.models.data import Csr, csr_of
from prodassoc_cli.models.kernels.dispatch import one_blas_thread
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import Options, Requests
from prodassoc_cli.models.serving.lister import Lister, ListOptions
from prodassoc_cli.models.serving.todays_catalogue import vectors_of
from prodassoc_cli.models.split import basket_queries
from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.wording import number_of

Encode = Callable[[Sequence[str]], Floats]
"""texts → texts × d of length 1, in the space of the products' vectors."""

_FORMS = 'a line is A,B or ["A","B"] or {"id": "x", "products": ["A","B"], "text": "words"}'

_NEAREST, _SHARPNESS = 10, 8.0
"""Products that words become a history of, weighed by the cosine to this power."""


@dataclass(frozen=True)
class History:
    """What somebody has, or has in a basket.

    Attributes:
        name: what the answer is called by.
        products: ids of products.
        text: words that are asked with; empty for none.
    """

    name: str
    products: tuple[str, ...] = ()
    text: str = ""


def parse_history(line: str, number: int) -> History:
    """Read a line: ids between commas, a JSON list of ids, or a JSON object with `id`, `products` and `text`.

    Args:
        line: the line.
        number: its number, by which the answer is called where the line has no id.

    Raises:
        BadData: it is none of these.
    """
    text = line.strip()
    if not text.startswith(("{", "[")):
        return History(str(number), tuple(filter(None, (each.strip() for each in text.split(",")))))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise BadData(f"line {number} is no JSON: {problem}", _FORMS) from problem
    given = value if isinstance(value, dict) else {"products": value}
    words = given.get("text", "")
    name, products = given.get("id", number), given.get("products", [] if words else None)
    if not isinstance(products, list) or not all(isinstance(each, str | int) for each in [name, *products]):
        raise BadData(f"line {number} has no list of product ids", _FORMS)
    if not isinstance(words, str):
        raise BadData(f"line {number}: its text is none", _FORMS)
    return History(str(name), tuple(map(str, products)), words)


@dataclass(frozen=True)
class HistoryIndex:
    """Finds the products of histories in a model.

    Attributes:
        model: it.
        encode: turns words into vectors; None where nobody can ask with words.
        vectors: those of the products, in the same space.
    """

    model: TrainedModel
    encode: Encode | None = None
    vectors: Floats | None = None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {product: place for place, product in enumerate(self.model.items.ids)}

    def requests(
        self, histories: Sequence[History], options: Options
    ) -> tuple[Requests, list[tuple[str, ...]]]:
        """Return the histories as rows to make lists for, and the products of each that nobody knows.

        A history of which no product is known gets popular products, as an unknown user does.
        """
        known = [
            sorted({self._places[each] for each in history.products if each in self._places})
            for history in histories
        ]
        unknown = [
            tuple(dict.fromkeys(each for each in history.products if each not in self._places))
            for history in histories
        ]
        sizes = [len(places) for places in known]
        places = np.array([place for places in known for place in places], np.int32)
        bounds = np.cumsum([0, *sizes])
        shape = (len(histories), len(self.model.items))
        matrix = csr_of(sparse.csr_array((np.ones(len(places), np.float32), places, bounds), shape=shape))

        wanted = self._with_words(matrix, [history.text for history in histories])

        def block(rows: slice) -> Queries:
            queries = basket_queries(
                matrix[rows], allowed=options.allowed, new_only=options.new_only, depth=options.depth
            )
            return queries if wanted is None else replace(queries, history=wanted[rows])

        names = pl.Series([history.name for history in histories], dtype=pl.String)
        has_words = np.array([bool(history.text) for history in histories], np.bool_)
        return Requests(names, block, (np.array(sizes) == 0) & ~has_words), unknown

    def _with_words(self, matrix: Csr, texts: Sequence[str]) -> Csr | None:
        """Return histories with the products nearest to what is asked; they count together as one product.

        Raises:
            UsageProblem: nobody can ask with words.
        """
        asked = np.flatnonzero([bool(text) for text in texts])
        if not len(asked):
            return None
        if self.encode is None or self.vectors is None:
            raise UsageProblem(
                "the model has no embeddings to ask with words", "train with `embeddings=FILE`"
            )
        likeness = self.encode([text for text in texts if text]) @ self.vectors.T
        likeness[:, ~self.vectors.any(axis=1)] = -1
        near = np.argsort(-likeness, axis=1, kind="stable")[:, :_NEAREST]
        weights = np.maximum(np.take_along_axis(likeness, near, axis=1), 1e-3) ** _SHARPNESS
        weights /= weights.sum(axis=1, keepdims=True)
        rows = np.repeat(asked, near.shape[1])
        words = sparse.csr_array((weights.ravel(), (rows, near.ravel())), shape=matrix.shape)
        return csr_of(matrix + words)


def read_histories(lines: Sequence[str], notices: list[str]) -> list[History]:
    """Read lines; broken ones are left out, and noticed.

    Args:
        lines: the lines of a file.
        notices: what was left out is added to them.

    Raises:
        BadData: no line can be read, or two have one id.
    """
    histories: list[History] = []
    broken: list[BadData] = []
    for number, line in enumerate(lines, 1):
        try:
            histories.append(parse_history(line, number))
        except BadData as problem:
            broken.append(problem)
    if broken and not histories:
        raise broken[0]
    if broken:
        notices.append(
            f"`histories`: {number_of(len(broken), 'line')} of {len(lines):,} get no list: "
            f"{broken[0].message} ({broken[0].hint})"
        )
    names = pl.Series([history.name for history in histories], dtype=pl.String)
    if names.is_duplicated().any():
        twice = names.filter(names.is_duplicated())[0]
        raise BadData(f"`histories`: two lines have the id '{twice}'", "give each an id of its own, or none")
    return histories


def histories_of(interactions: pl.DataFrame) -> list[History]:
    """Return the histories of users, or the baskets where there are no users, in the order they first come.

    Args:
        interactions: user_id, order_id (either may be missing) and product_id; rows of neither are left out.
    """
    columns = [name for name in ("user_id", "order_id") if name in interactions.columns]
    owner = next((name for name in columns if interactions[name].null_count() < interactions.height), None)
    if owner is None:
        return []
    own = interactions.select(
        pl.col(owner).cast(pl.String), pl.col("product_id").cast(pl.String)
    ).drop_nulls()
    grouped = own.group_by(owner, maintain_order=True).agg(pl.col("product_id").unique(maintain_order=True))
    return [History(name, tuple(products)) for name, products in grouped.rows()]


def unknown_notice(unknown: Sequence[Sequence[str]]) -> list[str]:
    """Return what is to be said of products of histories that nobody knows."""
    missing = list(dict.fromkeys(each for products in unknown for each in products))
    if not missing:
        return []
    return [
        f"`histories`: products not known to the model, ignored: {len(missing):,}, such as '{missing[0]}'"
    ]


class Answers:
    """Answers lines with lists, as often as asked.

    Args:
        model: a trained model.
        options: what the lists are to be like.
        encode: turns words into vectors of the products' space; None where nobody can ask with words.

    Raises:
        UsageProblem, BadData: as `Lister.of`.
    """

    def __init__(self, model: TrainedModel, options: ListOptions, encode: Encode | None = None) -> None:
        self._lister = Lister.of(model, "baskets", options)
        vectors = vectors_of(self._lister.model, options.embeddings)
        self._index = HistoryIndex(self._lister.model, encode, vectors)
        self._lines = 0

    @property
    def notices(self) -> list[str]:
        """What was ignored or stood in, one sentence each."""
        return self._lister.notices

    def of(self, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield an answer for each line, in their order, ready for JSON.

        An answer has `id`, `recommendations` (rank, product_id, score and, if asked for, reason) and
        `unknown` where there are products that nobody knows; or `id` and `error` where the line is broken.
        """
        histories: list[History | BadData] = []
        for line in lines:
            self._lines += 1
            try:
                histories.append(parse_history(line, self._lines))
            except BadData as problem:
                histories.append(problem)
        first = self._lines - len(lines) + 1
        lists = self._lists([each for each in histories if isinstance(each, History)])
        for number, history in enumerate(histories, first):
            if isinstance(history, BadData):
                yield {"id": str(number), "error": f"{history.message} ({history.hint})"}
            else:
                yield next(lists)

    def _lists(self, histories: Sequence[History]) -> Iterator[dict[str, Any]]:
        if not histories:
            return
        asked, unknown = self._index.requests(histories, self._lister.asking)
        # The rows of a history are distinguished from those of another of the same id by their place.
        asked = Requests(pl.Series(map(str, range(len(histories)))), asked.block, asked.unknown)
        with one_blas_thread():
            frame, _ = self._lister.lists(
                asked, slice(0, len(histories)), weighs=bool(self._lister.options.reason_weights)
            )
        shown = [name for name in ("rank", "product_id", "score", "reason") if name in frame.columns]
        rows = frame.select(shown).to_dicts()
        counts = np.bincount(frame["basket_id"].cast(pl.Int64).to_numpy(), minlength=len(histories))
        stops = np.cumsum(counts)
        for history, ids, count, stop in zip(histories, unknown, counts, stops, strict=True):
            answer: dict[str, Any] = {"id": history.name, "recommendations": rows[stop - count : stop]}
            yield answer | ({"unknown": list(ids)} if ids else {})
