"""Hybrid: learns on an inner validation split how much to trust each part, then fuses their lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np

from prodassoc_cli.association.learning import MOSTLY
from prodassoc_cli.declare import setting
from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why, parse_parameters
from prodassoc_cli.models.data import Csr, TrainingData, binary
from prodassoc_cli.models.families.als import Als
from prodassoc_cli.models.families.association import Association
from prodassoc_cli.models.families.content import Content
from prodassoc_cli.models.families.ease import Ease
from prodassoc_cli.models.families.item_knn import ItemKnn
from prodassoc_cli.models.families.mf import Mf
from prodassoc_cli.models.families.popularity import Popularity
from prodassoc_cli.models.families.rules import Rules, recounted
from prodassoc_cli.models.families.spectral import Spectral
from prodassoc_cli.models.families.user_knn import UserKnn
from prodassoc_cli.models.hybrid import purchase_features, trend_features
from prodassoc_cli.models.hybrid.cold_start import ColdProducts, ColdWay
from prodassoc_cli.models.hybrid.listwise import (
    CUT,
    CandidateFeatures,
    JudgedCandidates,
    regress,
    shares_of_largest,
    split_baskets,
    votes,
    without,
)
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.newcomers import Newcomers, admit, lengthened
from prodassoc_cli.models.split import basket_queries, inner_split, user_queries
from prodassoc_cli.models.storage.packing import Arrays
from prodassoc_cli.numerics.arrays import Doubles, Floats, Ints, Longs

PARTS: dict[str, type[Recommender]] = {
    part.name: part
    for part in (Popularity, ItemKnn, UserKnn, Rules, Mf, Content, Spectral, Ease, Als, Association)
}
"""The models a hybrid can be made of, in the order of their features."""

_DEFAULT = ",".join(name for name in PARTS if name != "mf")
"""Not mf: beside als it adds nothing on validation, and takes the longest to train."""

_BLOCK = 512
_MIN_USERS = 20
_NEIGHBOURS = ("item-knn", "user-knn", "ease")
"""Parts that put forward nearly all that any other part would: where one is, those that judge only judge."""
_GROUPS = {"repeat": purchase_features.FEATURES, "trend": trend_features.FEATURES}
"""Features that no part gives."""

_MODES = ("new", "all", "basket")


@dataclass(frozen=True)
class HybridParameters:
    """Parameters of hybrid; those of a part are set as part.name=value."""

    parts: str = setting(_DEFAULT, "Models to fuse, comma-separated", metavar="NAMES")
    candidates: int = setting(
        100, "Products that each part puts forward for a list", metavar="N", low=10, high=10_000
    )
    validation_users: int = setting(
        4000, "Most users whose last order decides how the parts are fused", metavar="N", low=_MIN_USERS
    )
    cold: ColdWay = setting("neighbours", "What a product with few buyers borrows its scores by, from texts")


class Hybrid(Recommender):
    """A weighed sum of what each part says of each candidate.

    Candidates are the best products of every part that is cheap to ask about all; the others only judge them.
    Features of a candidate: for each part its score as a share of the largest of that row's candidates; then
    whether, how often and how lately the user bought it, how often its buyers buy it again, and whether it
    was only clicked; and how it sold lately and in all.
    There are three sets of weights, all learned: for users' lists of new products only, for users' lists that
    may repeat, and for lists from a few products (baskets and single products), learned from what else was
    in the orders set aside. Weights are a plain sum of the good parts' scores, with what further votes gain.
    Where times tell what is latest, a listwise regression over all features and each part alone compete with
    it on rows not seen. A split at random is not like the future: what it rewards beyond the sum does not
    carry over.
    """

    name = "hybrid"
    names_pairs = True
    Parameters = HybridParameters
    validation: dict[str, dict[str, Any]]
    """Kind of list → how each way of ranking did on the inner split, and what was chosen."""

    def __init__(self, parameters: Any = None, parts: Mapping[str, Recommender] | None = None) -> None:  # noqa: ANN401
        super().__init__(parameters)
        names = [name.strip() for name in self.parameters.parts.split(",") if name.strip()]
        for name in names:
            if name not in PARTS:
                raise UsageProblem(f"`param=parts`: there is no part '{name}'", did_you_mean(name, PARTS))
        given = parts or {}
        self.parts = {name: given.get(name) or PARTS[name]() for name in PARTS if name in names}
        self._keep(self.parts)
        self._memo: tuple[Queries, CandidateFeatures] | None = None

    def _keep(self, names: Iterable[str]) -> None:
        self.parts = {name: self.parts[name] for name in names}
        self.parameters = replace(self.parameters, parts=",".join(self.parts))
        parts = self.parts.items()
        self.by_product = tuple(f"{name}/{array}" for name, part in parts for array in part.by_product)
        self.fit_kernels = tuple(kernel for _, part in parts for kernel in part.fit_kernels)
        self.serve_kernels = tuple(kernel for _, part in parts for kernel in part.serve_kernels)

    @classmethod
    def from_assignments(cls, assignments: Iterable[str]) -> Self:
        """Return the hybrid with its own parameters and, as part.name=value, those of its parts."""
        own: list[str] = []
        by_part: dict[str, list[str]] = {}
        for assignment in assignments:
            part, dot, rest = assignment.partition(".")
            if dot and "=" not in part:
                if part not in PARTS:
                    raise UsageProblem(f"`param={assignment}`: no part '{part}'", did_you_mean(part, PARTS))
                by_part.setdefault(part, []).append(rest)
            else:
                own.append(assignment)
        parameters = parse_parameters(cls.name, HybridParameters(), own)
        return cls(parameters, {name: PARTS[name].from_assignments(each) for name, each in by_part.items()})

    @classmethod
    def from_mapping(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the hybrid with parameters as `describe` gives them."""
        own = {name: value for name, value in parameters.items() if name not in PARTS}
        parts = {name: PARTS[name].from_mapping(parameters[name]) for name in PARTS if name in parameters}
        return cls(HybridParameters(**own), parts)

    def describe(self) -> dict[str, Any]:
        """Return its own parameters and those of each part."""
        return {**asdict(self.parameters), **{name: part.describe() for name, part in self.parts.items()}}

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of the weights."""
        return [f"{part}.score" for part in self.parts] + [
            f"{group}.{feature}" for group, named in _GROUPS.items() for feature in named
        ]

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Fit the parts on the inner split, learn the weights there, and fit the parts again on all."""
        self._keep(self.usable(data))
        self.validation = {}
        split = inner_split(data, self.parameters.validation_users, seed)
        self.weights = np.tile(self._equal_weights(), (len(_MODES), 1))
        if len(split.users) >= _MIN_USERS:
            train = split.train
            if train.rules is not None:
                train = replace(train, rules=recounted(train.rules, train.transactions))
            self._fit_parts(train, seed, threads)
            split = replace(split, train=train)
            truth = without(split.truth, train.seen[split.users])

            def ask(rows: Ints, *, new_only: bool = True) -> Queries:
                queries = user_queries(train, split.users[rows], new_only=new_only)
                return replace(queries, asked=split.times[rows])

            self._learn("new", truth, ask, split.tells_time, threads)
            if split.by_order:
                self._learn("all", split.truth, partial(ask, new_only=False), split.tells_time, threads)
            else:
                # Nothing in such a split is a repeat, so that it teaches nothing about repeats.
                self.weights[_MODES.index("all")] = self.weights[_MODES.index("new")]
            history, rest = split_baskets(split.truth, seed)

            def ask_for(rows: Ints) -> Queries:
                return replace(basket_queries(history[rows]), asked=split.times[rows])

            self._learn("basket", rest, ask_for, split.tells_time, threads)
        self._fit_parts(data, seed, threads)

    def usable(self, data: TrainingData) -> list[str]:
        """Return those of its parts that this data has something for."""
        names = list(self.parts)
        if not _has_content(data):
            names = [name for name in names if name != "content"]
        if data.embeddings is None:
            # Without texts its factors say what those of other parts do.
            names = [name for name in names if name != "association"]
        if data.baskets is None and data.rules is None:
            # Of whole histories rules say, less well, what item-knn does.
            names = [name for name in names if name != "rules"]
        ease = self.parts.get("ease")
        if ease is not None and data.n_items > ease.parameters.max_products:
            # Restricted to neighbours it takes far longer than all other parts.
            names.remove("ease")
        return names

    def _fit_parts(self, data: TrainingData, seed: int, threads: int) -> None:
        self.bought = purchase_features.Bought.of(data)
        self.cold = ColdProducts.of(data, threads, self.parameters.cold, seed)
        self.trends = trend_features.Trends.of(data, self.cold)
        for part in self.parts.values():
            part.fit(data, seed, threads)

    def _equal_weights(self) -> Doubles:
        """Weights where there is too little to learn from: all parts alike."""
        return np.array([1.0 if name.endswith(".score") else 0.0 for name in self.feature_names])

    def _learn(
        self, mode: str, truth: Csr, ask: Callable[[Ints], Queries], tells_time: bool, threads: int
    ) -> None:
        """Set the weights of a mode: learn on half of the rows, compare on the others, learn on all."""
        use = np.flatnonzero(np.diff(truth.indptr)).astype(np.int32)
        if len(use) < _MIN_USERS:
            return
        found = self._gather(use, ask, threads)
        labels = np.asarray(truth[use][found.rows, found.items]).ravel() > 0
        judged = JudgedCandidates(found.rows, found.features, labels, np.diff(truth.indptr)[use])
        learned, tested = judged.half(0), judged.half(1)
        ways = self._ways(tells_time)
        half = {way: learn(learned) for way, learn in ways.items()}
        alone = dict(zip(self.parts, np.eye(len(self.feature_names)), strict=False))
        ndcg = {way: tested.ndcg(tested.features @ weights) for way, weights in (half | alone).items()}
        chosen = max(ndcg, key=lambda way: float(ndcg[way].mean())) if tells_time else "sum"
        vector = ways[chosen](judged) if chosen in ways else alone[chosen]
        self.weights[_MODES.index(mode)] = vector
        self.validation[mode] = {
            "users": len(use),
            f"ndcg@{CUT}": {name: round(float(values.mean()), 5) for name, values in ndcg.items()},
            "chosen": chosen,
            "shares": self._shares(found, vector),
        }

    def _ways(self, tells_time: bool) -> dict[str, Callable[[JudgedCandidates], Doubles]]:
        """Return the ways to learn weights, by their names."""
        ways: dict[str, Callable[[JudgedCandidates], Doubles]]
        ways = {"sum": lambda judged: votes(judged, len(self.parts))}
        if tells_time:
            ways["regression"] = lambda judged: regress(judged.rows, judged.features, judged.labels)
        return ways

    def _gather(self, use: Ints, ask: Callable[[Ints], Queries], threads: int) -> CandidateFeatures:
        """Return the candidates of many rows, block by block."""
        everyone, starts = set(range(len(self.parts))), range(0, len(use), _BLOCK)
        return CandidateFeatures.joined(
            [self._candidates(ask(use[start : start + _BLOCK]), everyone, threads) for start in starts],
            starts,
        )

    def _shares(self, found: CandidateFeatures, weights: Doubles) -> dict[str, float]:
        """Return how much of the scores of the first places each part gave, as shares of what was added."""
        order = np.lexsort((found.items, -(found.features @ weights), found.rows))
        place = np.arange(len(order)) - np.searchsorted(found.rows, found.rows)
        given = np.maximum(self._contributions(found.features[order[place < CUT]], weights), 0).mean(axis=0)
        names = [*self.parts, *_GROUPS]
        return {
            name: round(float(value), 4)
            for name, value in zip(names, given / max(given.sum(), 1e-12), strict=True)
        }

    def _contributions(self, features: Floats, weights: Doubles) -> Doubles:
        """Return candidates × (parts + repeat + trend): what each adds to the score."""
        n_parts = len(self.parts)
        starts = [*range(n_parts + 1), n_parts + len(purchase_features.FEATURES)]
        return np.add.reduceat(features * weights, starts, axis=1)

    def _weighed_parts(self, queries: Queries) -> set[int]:
        """Return which parts have a weight: the others need not be asked."""
        return set(np.flatnonzero(self.weights[_MODES.index(_mode(queries))][: len(self.parts)]).tolist())

    def _candidates(self, queries: Queries, asked: set[int], threads: int) -> CandidateFeatures:
        """Return what these parts (by their place) put forward, with the features."""
        parts = {n: part for n, part in enumerate(self.parts.values()) if n in asked}
        only_judge = any(name in _NEIGHBOURS for n, name in enumerate(self.parts) if n in asked)
        proposing = {n: part for n, part in parts.items() if not (only_judge and part.judges)}
        lists = {n: self._put_forward(part, queries, threads) for n, part in proposing.items()}
        n_items = queries.history.shape[1]
        first = np.arange(len(queries), dtype=np.int64)[:, None] * n_items
        # A dense table of places is quicker than sorting and searching the keys.
        place = np.zeros(len(queries) * n_items, np.int32)
        for items, _ in lists.values():
            place[(first + items)[items >= 0]] = 1
        keys = np.flatnonzero(place)
        place[keys] = np.arange(len(keys))
        row, item = keys // n_items, keys % n_items
        indptr = np.searchsorted(row, np.arange(len(queries) + 1))
        scores = np.full((len(keys), len(self.parts)), -np.inf, np.float32)
        for n, (items, found) in lists.items():
            scores[place[(first + items)[items >= 0]], n] = found[items >= 0]
        if judging := sorted(parts.keys() - lists.keys()):
            judges = [partial(parts[n].score_pairs, queries, threads=threads) for n in judging]
            scores[:, judging] = self.cold.blend_pairs(judges, indptr, item.astype(np.int32))
        features = [
            shares_of_largest(scores, indptr),
            self.bought.features(queries, keys),
            self.trends.features(queries, row, item),
        ]
        return CandidateFeatures(row, item, np.concatenate(features, axis=1))

    def _put_forward(self, part: Recommender, queries: Queries, threads: int) -> tuple[Ints, Floats]:
        """Return the best products of each row by this part, and their scores."""
        depth = min(queries.history.shape[1], max(self.parameters.candidates, queries.depth))
        if part.knows_cold or not len(self.cold.items):
            return part.top_k(queries, depth, threads)
        scores = self.cold.blend(part.score(queries, threads))
        return top_k(scores, depth, threads, allowed=queries.allowed, blocked=queries.blocked)

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the fused scores of the candidates; -inf elsewhere, and for an empty history."""
        found = self._candidates(queries, self._weighed_parts(queries), threads)
        self._memo = (queries, found)
        out = np.full(queries.history.shape, -np.inf, np.float32)
        out[found.rows, found.items] = found.features @ self.weights[_MODES.index(_mode(queries))]
        out[np.diff(queries.history.indptr) == 0] = -np.inf
        expected = self._expected_rows(queries)
        if len(expected):
            out[expected] = self.parts["association"].score(queries.rows(expected), threads)
        return out

    def _expected_rows(self, queries: Queries) -> Longs:
        """Return the rows of no user whose products were hardly bought: texts say what goes with them."""
        association = self.parts.get("association")
        if not isinstance(association, Association):
            return np.empty(0, np.int64)
        own = binary(queries.history) @ association.own
        sizes = np.diff(queries.history.indptr)
        return np.flatnonzero((queries.users < 0) & (sizes > 0) & (own < MOSTLY * sizes))

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Let the part that added most to each score say why."""
        explanation = self._by_largest_part(queries, items, threads)
        rows = self._expected_rows(queries)
        if not len(rows):
            return explanation
        expected = self.parts["association"].explain(queries.rows(rows), items[rows], threads)
        return explanation.replaced(rows, items[rows] >= 0, expected)

    def _by_largest_part(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        memo = self._memo
        if memo is not None and memo[0] is queries:
            found = memo[1]
        else:
            found = self._candidates(queries, self._weighed_parts(queries), threads)
        if not len(found.rows):
            return Explanation.of(Why.POPULAR, items)
        n_items = queries.history.shape[1]
        wanted = np.arange(len(queries), dtype=np.int64)[:, None] * n_items + items
        keys = found.rows * n_items + found.items
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        listed = (items >= 0) & (keys[at] == wanted)
        # What lifts an item above the mean candidate, part by part: the Shapley values of a linear model.
        typical = found.features.mean(axis=0)
        added = self._contributions(
            found.features[at.ravel()] - typical, self.weights[_MODES.index(_mode(queries))]
        )
        has = found.features[at.ravel(), self.feature_names.index("repeat.bought")] > 0
        again, lately = len(self.parts), len(self.parts) + 1
        added[~has, again] = -np.inf  # only what was bought is bought again; a click speaks through the parts
        # What sells lately sells to everyone: it is the reason only where nothing of the user's own is one.
        added[(added[:, :lately] > 0).any(axis=1), lately] = -np.inf
        winner = np.where(listed, added.argmax(axis=1).reshape(items.shape), -1)
        if "content" in self.parts:
            # A score that came from products with like texts is explained by the texts.
            winner[listed & self.cold.mostly_borrowed(items)] = list(self.parts).index("content")
        explanation = Explanation.of(Why.POPULAR, items)
        for n, part in enumerate(self.parts.values()):
            won = winner == n
            if won.any():
                rows = np.flatnonzero(won.any(axis=1))
                why = part.explain(queries.rows(rows), np.where(won, items, -1)[rows], threads)
                explanation = explanation.replaced(rows, won[rows], why)
        explanation = explanation.where(winner != lately, self.trends.explain(items))
        return explanation.where(winner != again, Explanation.of(Why.AGAIN, items))

    def arrays(self) -> Arrays:
        """Return the weights and the arrays of each part."""
        arrays: Arrays = {"weights": self.weights, "habit": self.bought.habit}
        arrays |= {f"cold/{key}": value for key, value in self.cold.arrays().items()}
        arrays |= {f"trends/{key}": value for key, value in self.trends.arrays().items()}
        for name, part in self.parts.items():
            arrays |= {f"{name}/{key}": value for key, value in part.arrays().items()}
        return arrays

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the weights and each part."""
        self.weights, self.validation = arrays["weights"], {}
        self.bought = purchase_features.Bought(arrays["habit"])

        def of(owner: str) -> Arrays:
            mark = f"{owner}/"
            return {key.removeprefix(mark): each for key, each in arrays.items() if key.startswith(mark)}

        self.cold = ColdProducts.from_arrays(of("cold"), n_items)
        self.trends = trend_features.Trends.from_arrays(of("trends"), n_items)
        for name, part in self.parts.items():
            part.restore(of(name), n_items)

    def admit(self, newcomers: Newcomers, threads: int) -> Self:
        """Let the new products borrow from the warm ones nearest by text, as all others without buyers."""
        admitted = copy(self)
        warm = np.ones(newcomers.known, np.bool_)
        warm[self.cold.items] = False
        lent = newcomers.lent(warm & (self.trends.popularity[-1] > 0), threads)
        admitted.parts = {name: admit(part, newcomers, threads) for name, part in self.parts.items()}
        admitted.cold = self.cold.admitting(lent)
        admitted.trends = self.trends.admitting(lent)
        admitted.bought = purchase_features.Bought(lengthened(self.bought.habit, newcomers.count))
        admitted._memo = None
        return admitted

    def facts(self) -> dict[str, Any]:
        """Return how the parts and the fusion did on the validation, and what each part gives."""
        names = self.feature_names
        modes = {
            mode: found | {"weights": dict(zip(names, np.round(self.weights[n], 4).tolist(), strict=True))}
            for n, mode in enumerate(_MODES)
            if (found := self.validation.get(mode)) is not None
        }
        parts = {name: part.facts() for name, part in self.parts.items()}
        return {"learned": bool(modes), **modes, "parts": parts}


def _mode(queries: Queries) -> str:
    if not (queries.users >= 0).any():
        return "basket"
    return "new" if queries.new_only else "all"


def _has_content(data: TrainingData) -> bool:
    frame = data.items.frame
    described = any(frame[name].is_not_null().any() for name in ("category", "brand"))
    return data.embeddings is not None or described
