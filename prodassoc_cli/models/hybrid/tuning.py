"""Search for a model's parameters on an inner validation split of its training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import itemgetter
from typing import Any, get_type_hints

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from prodassoc_cli.declare import SearchRange
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.base import Recommender
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.families.rules import recounted
from prodassoc_cli.models.hybrid.fusion import Hybrid
from prodassoc_cli.models.hybrid.listwise import CUT, without
from prodassoc_cli.models.kernels.topk import top_k
from prodassoc_cli.models.registry import family, make
from prodassoc_cli.models.split import InnerSplit, inner_split, user_queries
from prodassoc_cli.numerics.ndcg import ndcg
from prodassoc_cli.stage import Progress

_USERS = 4_000
_MIN_USERS = 20
_BLOCK = 512
_STEP = 0.1
"""Standard deviation of a draw near another, as a share of the range."""

Values = Mapping[str, float | int]


@dataclass(frozen=True)
class Searched:
    """A parameter that is searched.

    Attributes:
        range: where its best value is looked for.
        whole: whether it is a whole number.
    """

    range: SearchRange
    whole: bool

    def draw(self, rng: np.random.Generator, near: float | None = None) -> float | int:
        """Return a value anywhere in the range, or near one of its values, to three significant digits."""
        scale, back = (np.log, np.exp) if self.range.log else (float, float)
        low, high = scale(self.range.low), scale(self.range.high)
        if near is None:
            at = rng.uniform(low, high)
        else:
            at = np.clip(rng.normal(scale(near), _STEP * (high - low)), low, high)
        value = float(back(at))
        return round(value) if self.whole else float(f"{value:.3g}")


def searched_parameters(model: str) -> dict[str, Searched]:
    """Return the parameters of a model that are searched: those declared with a range (`tuned`)."""
    declared = family(model).Parameters
    hints = get_type_hints(declared)
    ranges = {each.name: each.metadata["setting"].tuned for each in fields(declared)}
    return {name: Searched(each, hints[name] is int) for name, each in ranges.items() if each is not None}


def tune(
    name: str,
    data: TrainingData,
    trials: int,
    parameters: Sequence[str],
    seed: int,
    threads: int,
    progress: Progress = lambda done, total: None,
) -> tuple[list[str], dict[str, Any]]:
    """Return the best parameters of `trials` sets as `name=value`, and what the search found.

    The first half of the sets is drawn anywhere in the ranges, each of the others near the best drawn so
    far: random search finds the region that matters, and steps within it the rest (Bergstra and Bengio,
    2012, have the first half; the second is a (1 + 1) evolution strategy of a fixed step).

    What is set aside is each user's last order; without orders, a fifth of the products, the latest where
    there are timestamps. The parameters as given compete too, and those given by name stay as they are.

    Args:
        name: a model of the registry.
        data: what it will be trained on.
        trials: sets drawn, for a hybrid for each of its parts.
        parameters: assignments `name=value` that hold.
        seed: of the split, the draws and the model.
        threads: threads to use.
        progress: called after each set, with a hybrid's parts counted together.

    Raises:
        UsageProblem: the model has nothing to search, or too few users come back to choose by.
    """
    split = inner_split(data, _USERS, seed)
    if len(split.users) < _MIN_USERS:
        raise UsageProblem(
            f"`tune`: only {len(split.users)} users have enough purchases to choose by",
            "leave `tune` out, or set parameters by `param`",
        )
    if split.train.rules is not None:
        rules = recounted(split.train.rules, split.train.transactions)
        split = replace(split, train=replace(split.train, rules=rules))
    with threadpool_limits(1, "blas"):
        if name != "hybrid":
            return _search(name, split, trials, list(parameters), seed, threads, progress)
        hybrid = make(name, parameters)
        assert isinstance(hybrid, Hybrid)
        chosen, found = list(parameters), {}
        parts = [part for part in hybrid.usable(data) if searched_parameters(part)]
        for n, part in enumerate(parts):
            own = [each.removeprefix(f"{part}.") for each in parameters if each.startswith(f"{part}.")]

            def overall(done: int, of_one: int, before: int = n) -> None:
                progress(before * of_one + done, len(parts) * of_one)

            best, found[part] = _search(part, split, trials, own, seed, threads, overall)
            chosen += [f"{part}.{each}" for each in best[len(own) :]]
        return chosen, found


def _search(
    name: str,
    split: InnerSplit,
    trials: int,
    given: list[str],
    seed: int,
    threads: int,
    progress: Progress,
) -> tuple[list[str], dict[str, Any]]:
    fixed = {each.partition("=")[0].strip().replace("-", "_") for each in given}
    space = {key: each for key, each in searched_parameters(name).items() if key not in fixed}
    if not space:
        raise UsageProblem(f"`tune`: model '{name}' has no parameter left to search", "leave `tune` out")
    rng = np.random.default_rng(seed)

    def quality(values: Values) -> float:
        return _ndcg(make(name, [*given, *_assigned(values)]), split, seed, threads)

    before = quality({})  # what would be used without a search
    tried: list[tuple[float, Values]] = []
    for n in range(1, trials + 1):
        progress(n, trials + 1)
        near = max(tried, key=itemgetter(0))[1] if 2 * n > trials + 1 else {}
        values = {key: each.draw(rng, near.get(key)) for key, each in space.items()}
        tried.append((quality(values), values))
    progress(trials + 1, trials + 1)
    best, chosen = max([(before, {}), *tried], key=itemgetter(0))
    facts = {
        "trials": trials,
        "users": len(split.users),
        f"ndcg@{CUT}": {"before": round(before, 5), "after": round(best, 5)},
        "chosen": {key: str(value) for key, value in chosen.items()},
    }
    return [*given, *_assigned(chosen)], facts


def _assigned(values: Values) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def _ndcg(model: Recommender, split: InnerSplit, seed: int, threads: int) -> float:
    """Return NDCG@10 of lists of new products, mean over the users who have any set aside."""
    model.fit(split.train, seed, threads)
    truth = without(split.truth, split.train.seen[split.users])
    relevant = np.diff(truth.indptr)
    total = 0.0
    for start in range(0, len(split.users), _BLOCK):
        wanted = truth[start : start + _BLOCK]
        queries = user_queries(split.train, split.users[start : start + _BLOCK])
        items, _ = top_k(model.score(queries, threads), CUT, threads, blocked=queries.seen)
        hits = (items >= 0) & (wanted.toarray()[np.arange(len(items))[:, None], np.maximum(items, 0)] > 0)
        row, place = np.nonzero(hits)
        total += float(ndcg(row, place + 1, relevant[start : start + _BLOCK], CUT).sum())
    return total / max(1, int((relevant > 0).sum()))
