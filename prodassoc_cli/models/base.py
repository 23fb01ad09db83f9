"""The contract of every recommender: fit on training data, score and explain histories, become arrays.

A user, a new basket at the command line and a product are all the same to a recommender: a history, one row
of product weights. Only a recommender that learns a vector per user also looks at which user it is.
"""

from __future__ import annotations

import types
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import IntEnum
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from prodassoc_cli.declare import Setting
from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.models.data import Csr, TrainingData, csr_of
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.storage.packing import Arrays, pack, unpack
from prodassoc_cli.numerics.arrays import Bools, Doubles, Floats, Ints, Longs


@dataclass(frozen=True)
class Queries:
    """A block of histories to score.

    Attributes:
        history: rows × items of weights: how much each row wants what it has.
        users: which trained user each row is, -1 where it is none.
        seen: rows × items: times bought; where a score may depend on repeat purchase.
        age: days from each entry of `seen` to the newest interaction known, in its order; NaN if unknown.
        allowed: which items may be recommended; None for all.
        new_only: whether what a row has seen is left out of its list afterwards.
        depth: how long the lists cut from the scores will be at most.
        dismissed: rows × items that the row does not want to see again; None where there are none.
        asked: when each row asks, µs since 1970; None for now, when nothing that is known is still to come.
    """

    history: Csr
    users: Ints
    seen: Csr
    age: Floats
    allowed: Bools | None = None
    new_only: bool = True
    depth: int = 10
    dismissed: Csr | None = None
    asked: Longs | None = None

    @property
    def blocked(self) -> Csr | None:
        """What no list may hold: what was dismissed and, where lists are of new products, what was seen."""
        if self.dismissed is None:
            return self.seen if self.new_only else None
        return csr_of(self.seen + self.dismissed) if self.new_only else self.dismissed

    def __len__(self) -> int:
        return int(self.history.shape[0])

    def rows(self, rows: Longs) -> Queries:
        """Return the queries of these rows only."""
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        return replace(
            self,
            history=self.history[rows],
            users=self.users[rows],
            seen=self.seen[rows],
            age=entries_of(self.seen, self.age, rows),
            dismissed=None if self.dismissed is None else self.dismissed[rows],
            asked=None if self.asked is None else self.asked[rows],
        )

    def without(self, rows: Longs, items: Ints) -> Queries:
        """Return the queries of these rows, some products of each taken out of all it has.

        Args:
            rows: which rows, as often as wanted.
            items: len(rows) × names; -1: none.
        """
        taken = self.rows(rows)
        width = self.history.shape[1]
        gone = (np.arange(len(rows))[:, None] * width + items)[items >= 0]

        def kept(matrix: Csr) -> Bools:
            row = np.repeat(np.arange(len(rows)), np.diff(matrix.indptr))
            return ~np.isin(row * width + matrix.indices, gone)

        in_history, in_seen = kept(taken.history), kept(taken.seen)
        return replace(
            taken,
            history=_only(taken.history, in_history),
            seen=_only(taken.seen, in_seen),
            age=taken.age[in_seen],
        )


def _only(matrix: Csr, kept: Bools) -> Csr:
    ends = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], ends), shape=matrix.shape)


class Why(IntEnum):
    """What a reason rests on; `serving.reasons` has the words for each."""

    POPULAR = 0
    BOUGHT_TOGETHER = 1
    SAME_BUYERS = 2
    SIMILAR = 3
    LOOKALIKES = 4
    TASTE = 5
    AGAIN = 6
    RATED = 7
    LATELY = 8
    EXPECTED = 9
    WORDS = 10


@dataclass(frozen=True)
class Explanation:
    """Why each item of each list was recommended, as arrays of lists × slots.

    Attributes:
        kind: a `Why`.
        others: lists × slots × up to 3 items named in the reason, the one that gave most first; -1: none.
        more: how many further items the reason rests on.
        count: the number the reason speaks of; NaN where it follows from the training data.
        value: a further number: lift, or a mean rating; NaN where it follows from the training data.
        weight: what the items named gave of the score, where scores are sums over the history; else NaN.
    """

    kind: NDArray[np.int8]
    others: Ints
    more: Ints
    count: Doubles
    value: Doubles
    weight: Doubles

    @classmethod
    def of(
        cls,
        kind: Why,
        items: Ints,
        *,
        others: Ints | None = None,
        count: Doubles | None = None,
        value: Doubles | None = None,
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> Self:
        """Return an explanation of one kind; where it lacks the other item it needs, popularity is."""
        named = np.full((*items.shape, 3), -1, np.int32)
        kinds = np.full(items.shape, kind, np.int8)
        if others is not None:
            named[:, :, 0] = others
            kinds[others < 0] = Why.POPULAR
        unknown = np.full(items.shape, np.nan)
        return cls(
            kinds,
            named,
            np.zeros(items.shape, np.int32),
            unknown if count is None else count,
            unknown if value is None else value,
            unknown if weight is None else np.where(kinds == kind, weight, np.nan).astype(np.float64),
        )

    def where(self, mask: Bools, other: Explanation) -> Explanation:
        """Return this explanation where `mask` holds and the other elsewhere."""
        return Explanation(
            np.where(mask, self.kind, other.kind),
            np.where(mask[:, :, None], self.others, other.others),
            np.where(mask, self.more, other.more),
            np.where(mask, self.count, other.count),
            np.where(mask, self.value, other.value),
            np.where(mask, self.weight, other.weight),
        )

    def replaced(self, rows: Longs, mask: Bools, other: Explanation) -> Explanation:
        """Return this explanation with the other, which is about `rows` only, where `mask` holds."""
        before = Explanation(*(getattr(self, each.name)[rows] for each in fields(self)))
        merged = other.where(mask, before)
        result = []
        for each in fields(self):
            array = getattr(self, each.name).copy()
            array[rows] = getattr(merged, each.name)
            result.append(array)
        return Explanation(*result)


@dataclass(frozen=True)
class NoParameters:
    """A model without parameters."""


class Recommender(ABC):
    """One family of recommenders.

    Attributes:
        name: the word for it at the command line.
        Parameters: frozen dataclass of its parameters, each declared by `declare.setting`.
        fused: whether `top_k` goes without the scores of all items, so that blocks may be large.
        names_pairs: whether its reasons speak of products bought together, which takes the baskets.
        needs_events: whether fitting looks at single events, not at the matrices made of them alone.
        adds_up: whether a score is a sum over the history, so that an explanation says what a product gave.
        knows_cold: whether it scores products that nobody has bought, by their texts.
        judges: whether single products are scored far cheaper than all: a hybrid asks it of candidates only.
        predicts_ratings: whether its scores are ratings on the users' scale.
        learned: its learned attributes: arrays, and sparse matrices with a column per product. One
            with a default may be missing.
        by_product: its arrays with a row per product, of which scores take only those of the history.
        fit_kernels: modules of compiled kernels that fitting takes, beside those that all models share.
        serve_kernels: modules of compiled kernels that scores and reasons take, beside the shared ones.
    """

    name: ClassVar[str]
    Parameters: ClassVar[type] = NoParameters
    fused: bool = False
    names_pairs: bool = False
    needs_events: bool = True
    adds_up: bool = False
    knows_cold: bool = False
    judges: bool = False
    predicts_ratings: bool = False
    learned: tuple[str, ...] = ()
    by_product: tuple[str, ...] = ()
    fit_kernels: tuple[str, ...] = ()
    serve_kernels: tuple[str, ...] = ()

    def __init__(self, parameters: Any = None) -> None:  # noqa: ANN401 — the subclass's own dataclass
        self.parameters = type(self).Parameters() if parameters is None else parameters

    @classmethod
    def from_assignments(cls, assignments: Iterable[str]) -> Self:
        """Return the recommender with parameters set as `name=value`.

        Raises:
            UsageProblem: no such parameter, or a value that it cannot have.
        """
        return cls(parse_parameters(cls.name, cls.Parameters(), assignments))

    @classmethod
    def from_mapping(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the recommender with parameters as `describe` gives them."""
        return cls(cls.Parameters(**parameters))

    def describe(self) -> dict[str, Any]:
        """Return the parameters as plain values, for the artifact and the summary."""
        return asdict(self.parameters)

    @abstractmethod
    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Learn from the data; the same data and seed give the same arrays, whatever the threads."""

    @abstractmethod
    def score(self, queries: Queries, threads: int) -> Floats:
        """Return rows × items of scores, higher is better; -inf where the model cannot score."""

    def score_pairs(self, queries: Queries, indptr: Longs, items: Ints, threads: int) -> Floats:
        """Return what `score` has for some products of each row.

        Args:
            queries: the rows.
            indptr: bounds of each row's products in `items`, len(queries) + 1.
            items: products.
            threads: threads to use.
        """
        rows = np.repeat(np.arange(len(queries)), np.diff(indptr))
        return self.score(queries, threads)[rows, items]

    def top_k(self, queries: Queries, k: int, threads: int) -> tuple[Ints, Floats]:
        """Return the k best items allowed for each row and their scores, as `topk.top_k` does."""
        scores = self.score(queries, threads)
        return top_k(scores, k, threads, allowed=queries.allowed, blocked=queries.blocked)

    @abstractmethod
    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Return why `items` (lists × slots, -1: empty) got their scores, by what gave most of them."""

    def arrays(self) -> Arrays:
        """Return all that was learned, as numeric arrays of one or two dimensions."""
        arrays: Arrays = {}
        for name in self.learned:
            value = getattr(self, name)
            if value is not None:
                arrays |= {name: value} if isinstance(value, np.ndarray) else pack(name, value)
        return arrays

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back what `arrays` gave.

        Raises:
            KeyError, ValueError: an array is missing, or does not fit the products.
        """
        for name in self.learned:
            if f"{name}.indptr" in arrays:
                rows = n_items if name in self.by_product else None
                setattr(self, name, unpack(name, arrays, n_items, rows=rows))
            elif name in arrays or not hasattr(type(self), name):
                setattr(self, name, arrays[name])
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 — most families have nothing to prepare
        """Work out what scores need beside what was learned; after a fit and after `restore`."""

    def facts(self) -> dict[str, Any]:
        """Return what was learned about the fit, for the run's summary."""
        return {}


def entries_of(matrix: Csr, values: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Return those of `values`, one per entry of the matrix, that belong to these rows, in their order."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[np.asarray(rows) + 1] - starts
    before = np.cumsum(lengths) - lengths
    return values[np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))]


def parse_parameters(owner: str, defaults: Any, assignments: Iterable[str]) -> Any:  # noqa: ANN401
    """Return the parameters with each `name=value` applied, checked against type and bounds.

    Raises:
        UsageProblem: no such parameter, or a value that it cannot have.
    """
    known = {field.name: field for field in fields(defaults)}
    hints = get_type_hints(type(defaults))
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise UsageProblem(f"`param={assignment}`: no value", "write `param=name=value`")
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"`inspect parameters={owner}`")
            raise UsageProblem(f"`param={name}`: model '{owner}' has no such parameter", hint)
        values[name] = _value(name, text.strip(), hints[name], known[name].metadata["setting"])
    return replace(defaults, **values)


def _value(name: str, text: str, hint: Any, setting: Setting) -> Any:  # noqa: ANN401
    choices = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        if text.lower() == "none":
            return None
        hint = next(each for each in choices if each is not type(None))
    if get_origin(hint) is Literal:
        if text not in choices:
            raise UsageProblem(f"`param={name}={text}`: no such value", did_you_mean(text, choices))
        return text
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise UsageProblem(f"`param={name}={text}`: not a yes or no", "write true or false")
        return text.lower() == "true"
    if hint is str:
        return text
    try:
        number = hint(text)
    except ValueError:
        kind = "a whole number" if hint is int else "a number"
        raise UsageProblem(f"`param={name}={text}`: not {kind}", setting.meaning) from None
    low, high = setting.low, setting.high
    if not ((low is None or number >= low) and (high is None or number <= high)):
        bounds = f"{'' if low is None else f'{low} <= '}{name}{'' if high is None else f' <= {high}'}"
        raise UsageProblem(f"`param={name}={text}`: out of bounds", f"{bounds}: {setting.meaning}")
    return number
