"""Histories that no model was trained on: read from lines, and answered with a list each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.errors import BadData
from prodassoc_cli.models.data import csr_of
from prodassoc_cli.models.kernels.dispatch import one_blas_thread
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.serving.audiences import Options, Requests
from prodassoc_cli.models.serving.lister import Lister, ListOptions
from prodassoc_cli.models.split import basket_queries
from prodassoc_cli.wording import number_of

_FORMS = 'a line is A,B or ["A","B"] or {"id": "x", "products": ["A","B"]}'


@dataclass(frozen=True)
class History:
    """What somebody has, or has in a basket.

    Attributes:
        name: what the answer is called by.
        products: ids of products.
    """

    name: str
    products: tuple[str, ...]


def parse_history(line: str, number: int) -> History:
    """Read a line: ids between commas, a JSON list of ids, or a JSON object with `id` and `products`.

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
    name, products = given.get("id", number), given.get("products")
    if not isinstance(products, list) or not all(isinstance(each, str | int) for each in [name, *products]):
        raise BadData(f"line {number} has no list of product ids", _FORMS)
    return History(str(name), tuple(map(str, products)))


@dataclass(frozen=True)
class HistoryIndex:
    """Finds the products of histories in a model.

    Attributes:
        model: it.
    """

    model: TrainedModel

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

        def block(rows: slice) -> Any:  # noqa: ANN401 — Queries
            return basket_queries(
                matrix[rows], allowed=options.allowed, new_only=options.new_only, depth=options.depth
            )

        names = pl.Series([history.name for history in histories], dtype=pl.String)
        return Requests(names, block, np.array(sizes) == 0), unknown


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

    Raises:
        UsageProblem, BadData: as `Lister.of`.
    """

    def __init__(self, model: TrainedModel, options: ListOptions) -> None:
        self._lister = Lister.of(model, "baskets", options)
        self._index = HistoryIndex(self._lister.model)
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
        # The rows of a history are told from those of another of the same id by their place.
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
