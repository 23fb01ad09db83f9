from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.evaluation.compare import (
    DIFFERENCES_SCHEMA,
    METRICS_SCHEMA,
    compare_all,
    compare_with,
    mark_best,
    mark_tied,
    tabulate,
)
from prodassoc_cli.evaluation.judged_lists import judge_lists
from prodassoc_cli.evaluation.metrics.registry import RANKING_METRICS
from tests.evaluation.frames import bought, lists
from tests.evaluation.lists import evaluate_lists


@pytest.fixture
def judged():
    random = np.random.default_rng(1)
    users = [f"u{number}" for number in range(60)]
    truth = {user: " ".join(random.choice(list("abcdefgh"), 3, replace=False)) for user in users}

    def model(skill: float) -> pl.DataFrame:
        rows = {}
        for user in users[: 55 if skill else 60]:
            liked = list(truth[user].split()) if random.random() < skill else []
            rest = [p for p in random.permutation(list("abcdefghij")) if p not in liked]
            rows[user] = " ".join([*liked, *rest])
        return lists(**rows)

    models = {"popularity": model(0), "good": model(0.8), "fair": model(0.4), "same": model(0)}
    return judge_lists(models, bought(**truth), train=bought(**truth))


def test_rows_come_by_model_metric_and_k_in_the_order_given(judged):
    metrics = tabulate(judged, [5, 2])
    assert metrics.select("model", "metric", "k").rows() == [
        (model, metric, k)
        for model, each in judged.items()
        for metric, what in RANKING_METRICS.items()
        if what.computable(each)
        for k in (5, 2)
    ]


def test_differences_are_paired(judged):
    found = compare_with(judged, "popularity", [3])
    assert found.schema == DIFFERENCES_SCHEMA
    assert "coverage" not in found["metric"].to_list()
    assert found["model"].unique(maintain_order=True).to_list() == ["good", "fair", "same"]
    ndcg = RANKING_METRICS["ndcg"].values
    base = ndcg(judged["popularity"], 3)
    for row in found.filter(metric="ndcg").iter_rows(named=True):
        test = stats.ttest_rel(ndcg(judged[row["model"]], 3), base)
        interval = test.confidence_interval(0.95)
        assert row["p_value"] == pytest.approx(test.pvalue)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["n"] == 60
        assert row["p_adjusted"] >= row["p_value"]
    by_model = {row["model"]: row for row in found.filter(metric="ndcg").iter_rows(named=True)}
    assert by_model["good"]["difference"] > by_model["fair"]["difference"] > 0
    assert by_model["good"]["p_adjusted"] < 0.01 < by_model["same"]["p_adjusted"]


def test_difference_is_that_of_the_table(judged):
    value = {
        (model, metric): v
        for model, metric, v in tabulate(judged, [3]).select("model", "metric", "value").iter_rows()
    }
    for row in (
        compare_with(judged, "popularity", [3])
        .filter(~pl.col("metric").is_in(["novelty", "popularity"]))
        .iter_rows(named=True)
    ):
        expected = value[row["model"], row["metric"]] - value["popularity", row["metric"]]
        assert row["difference"] == pytest.approx(expected)


def test_a_model_is_no_different_from_itself():
    frame = lists(u="a b", v="c")
    found = compare_with(judge_lists({"a": frame, "b": frame}, bought(u="b", v="c")), "a", [2])
    assert found["difference"].to_list() == [0] * found.height
    assert found.select("low", "high", "p_value", "p_adjusted").null_count().row(0) == (found.height,) * 4


def test_unknown_baseline_is_a_usage_problem(judged):
    with pytest.raises(UsageProblem, match="no model 'popular'") as caught:
        compare_with(judged, "popular", [1])
    assert caught.value.hint == "did you mean 'popularity'?"


def test_best_is_marked_by_direction_and_ties_are_all_best():
    metrics = pl.DataFrame(
        {
            "model": ["a", "b", "c", "a", "b", "c", "a", "b"],
            "metric": ["ndcg"] * 3 + ["rmse"] * 3 + ["mae"] * 2,
            "k": [5, 5, 5, None, None, None, None, None],
            "value": [0.2, 0.3, 0.3, 0.9, 1.1, None, None, None],
            "segment": [None] * 8,
        }
    )
    assert mark_best(metrics)["best"].to_list() == [False, True, True, True, False, False, False, False]


def test_other_models_do_not_change_a_model_s_figures(judged):
    frames = {"one": lists(u="a b", v="c d"), "two": lists(u="b a", w="c")}
    truth = bought(u="b", v="d", x="a")
    together = evaluate_lists(frames, truth, [1, 2], train=truth)
    for name, frame in frames.items():
        alone = evaluate_lists({name: frame}, truth, [1, 2], train=truth)
        assert alone.equals(together.filter(model=name))


def test_every_pair_is_compared_once_and_corrected_together(judged):
    found = compare_all(judged, [3]).filter(metric="ndcg")
    assert found.height == 6
    assert len({frozenset(pair) for pair in found.select("model", "baseline").iter_rows()}) == 6
    smallest = found.sort("p_value").row(0, named=True)
    assert smallest["p_adjusted"] == pytest.approx(6 * smallest["p_value"])


def test_what_cannot_be_told_from_the_best_is_marked(judged):
    def marks(*models):
        some = {name: judged[name] for name in models}
        marked = mark_tied(mark_best(tabulate(some, [4])), compare_all(some, [4])).filter(metric="ndcg")
        return {name: (best, tied) for name, best, tied in marked.select("model", "best", "tied").iter_rows()}

    assert marks("good", "popularity") == {"good": (True, False), "popularity": (False, False)}
    alike = marks("same", "popularity")
    assert sorted(alike.values()) == [(False, True), (True, False)]


def test_metrics_of_rules_and_of_feedback_have_no_best(judged):
    rows = [("a", "ctr", None, 0.5, None, None, 9, None), ("b", "price", 3, 0.5, None, None, 9, None)]
    assert not mark_best(pl.DataFrame(rows, METRICS_SCHEMA, orient="row"))["best"].any()
