"""--tune: the search on the inner split, and what it stamps into the model."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.declare import SearchRange
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.hybrid import tuning
from prodassoc_cli.models.hybrid.tuning import Searched, searched_parameters, tune
from prodassoc_cli.models.model import train
from prodassoc_cli.models.registry import MODELS, make
from prodassoc_cli.models.split import inner_split
from tests.models.shops import catalogue, lines, random_shop, vectors


@pytest.fixture(scope="module")
def shop() -> TrainingData:
    return TrainingData.from_frames(random_shop(3, users=80), catalogue(), vectors())


def test_what_is_searched_are_parameters_within_their_bounds():
    rng = np.random.default_rng(0)
    spaces = {name: searched_parameters(name) for name in MODELS}
    fixed = {"association", "hybrid", "repeat", "trending", "random"}
    assert {name for name, space in spaces.items() if not space} == fixed
    for name, space in spaces.items():
        for _ in range(20):
            make(name, [f"{key}={each.draw(rng)}" for key, each in space.items()])


def test_the_best_set_wins_and_given_parameters_stay(shop, monkeypatch):
    seen = []

    def ndcg(model, split, seed, threads):
        seen.append(model.describe())
        return -abs(model.parameters.beta - 0.5)

    monkeypatch.setattr(tuning, "_ndcg", ndcg)
    parameters, facts = tune("rp3beta", shop, 30, ["neighbours=7"], 1, 1)
    assert all(each["neighbours"] == 7 for each in seen)
    assert len(seen) == 31
    assert seen[0] == make("rp3beta", ["neighbours=7"]).describe()
    best = min(seen, key=lambda each: abs(each["beta"] - 0.5))
    assert make("rp3beta", parameters).describe() == best
    assert facts["ndcg@10"]["after"] >= facts["ndcg@10"]["before"]
    # The second half looks near the best of the sets drawn before.
    tried = np.array([each["beta"] for each in seen[1:]])
    off = np.abs(tried - 0.5)
    assert np.median(off[15:]) < np.median(off[:15]) / 2
    assert off[15:].min() < off[:15].min()


def test_each_set_tried_is_told_and_a_hybrids_parts_are_counted_together(shop):
    told = []
    tune("ease", shop, 2, [], 1, 1, lambda *each: told.append(each))
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    tune("hybrid", shop, 1, ["parts=popularity,ease"], 1, 1, lambda *each: told.append(each))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_search_repeats_itself_and_its_choice_is_stamped(shop):
    first, facts = tune("ease", shop, 3, [], 5, 1)
    assert (first, facts) == tune("ease", shop, 3, [], 5, 2)
    model = train("ease", shop, parameters=first)
    chosen = facts["chosen"]
    assert model.recommender.describe()["ridge"] == (float(chosen["ridge"]) if chosen else None)


def test_the_parts_of_a_hybrid_are_tuned_one_by_one(shop):
    given = ["parts=rp3beta,ease"]
    with pytest.raises(UsageProblem):
        tune("hybrid", shop, 1, given, 1, 1)
    parameters, facts = tune("hybrid", shop, 2, ["parts=als,ease", "als.factors=4"], 1, 1)
    assert set(facts) == {"als", "ease"}
    assert parameters[:2] == ["parts=als,ease", "als.factors=4"]
    assert make("hybrid", parameters).describe()["als"]["factors"] == 4


def test_nothing_to_search_is_said():
    small = TrainingData.from_frames(random_shop(3, users=5), catalogue())
    with pytest.raises(UsageProblem, match="only"):
        tune("ease", small, 2, [], 1, 1)


def test_a_model_whose_parameters_are_all_given_has_nothing_to_search(shop):
    with pytest.raises(UsageProblem, match="no parameter left"):
        tune("ease", shop, 2, ["ridge=5", "degree=0"], 1, 1)


@pytest.mark.parametrize(
    "each",
    [
        Searched(SearchRange(1, 9), whole=True),
        Searched(SearchRange(0.1, 10, log=True), whole=False),
        Searched(SearchRange(0, 1), whole=False),
    ],
)
def test_draws_lie_in_the_range(each):
    drawn = [each.draw(np.random.default_rng(seed)) for seed in range(50)]
    assert all(each.range.low <= value <= each.range.high for value in drawn)
    assert len(set(drawn)) > 5
    rng = np.random.default_rng(0)
    near = [each.draw(rng, each.range.low) for _ in range(200)]
    assert all(each.range.low <= value <= each.range.high for value in near)
    assert np.median(near) < np.median(drawn)


def test_without_orders_the_latest_products_are_set_aside():
    start = datetime(2025, 1, 1)
    rows = [
        (f"u{user}", None, f"i{(user + 3 * day) % 20:02}", start + timedelta(days=day))
        for user in range(12)
        for day in range(10)
    ]
    shuffled = lines(rows).sample(fraction=1.0, shuffle=True, seed=1)
    split = inner_split(TrainingData.from_frames(shuffled), 100, 0)
    assert not split.by_order
    kept = split.train.events
    assert kept.group_by("user").len()["len"].unique().to_list() == [8]
    newest = kept.select(pl.col("timestamp").max()).item()
    assert newest == (start + timedelta(days=7) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert split.truth.sum(axis=1).tolist() == [2] * 12
