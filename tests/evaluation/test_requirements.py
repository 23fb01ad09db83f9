from __future__ import annotations

import contextlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import RequirementNotMet, UsageProblem
from prodassoc_cli.evaluation.compare import METRICS_SCHEMA
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.requirements import (
    Requirement,
    check_requirements,
    parse_ks,
    parse_requirement,
    require_answerable,
)


@pytest.fixture
def metrics():
    rows = [
        ("hybrid", "ndcg", 10, 0.12, None, None, 50, None),
        ("hybrid", "ndcg", 5, 0.10, None, None, 50, None),
        ("popularity", "ndcg", 10, 0.08, None, None, 50, None),
        ("hybrid", "rmse", None, 0.9, None, None, 50, None),
        ("popularity", "rmse", None, None, None, None, 0, None),
    ]
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("text", "model", "metric", "k", "comparison", "bound"),
    [
        ("ndcg@10>=0.12", None, "ndcg", 10, ">=", 0.12),
        ("hybrid:ndcg@10>=0.12", "hybrid", "ndcg", 10, ">=", 0.12),
        ("runs: v2:NDCG @ 10 <= .5", "runs: v2", "ndcg", 10, "<=", 0.5),
        ("rmse<1", None, "rmse", None, "<", 1.0),
        ("hit_rate@5 > 1e-3", None, "hit_rate", 5, ">", 0.001),
    ],
)
def test_parses(text, model, metric, k, comparison, bound):
    assert parse_requirement(text) == Requirement(text.strip(), model, metric, k, comparison, bound)


@given(
    st.none() | st.from_regex(r"[A-Za-z0-9._-]{1,8}(:[a-z0-9]{1,3})?", fullmatch=True),
    st.sampled_from([name for name, metric in ALL_METRICS.items() if metric.has_k]),
    st.integers(1, 10_000),
    st.sampled_from([">=", "<=", ">", "<"]),
    st.floats(-1e6, 1e6),
)
def test_what_is_written_is_what_is_read(model, metric, k, comparison, bound):
    text = f"{'' if model is None else model + ':'}{metric}@{k}{comparison}{bound!r}"
    assert parse_requirement(text) == Requirement(text, model, metric, k, comparison, bound)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ndcg@10", "METRIC@K>=VALUE"),
        ("ndcg@10=>0.1", "METRIC@K>=VALUE"),
        ("ndcg@10==0.1", "METRIC@K>=VALUE"),
        ("ndcg@10>=nan", "METRIC@K>=VALUE"),
        ("ndcg@10>=__import__('os')", "METRIC@K>=VALUE"),
        ("", "METRIC@K>=VALUE"),
        ("ndgc@10>=0.1", "did you mean 'ndcg'?"),
        ("hit-rate@10>=0.1", "did you mean 'hit_rate'?"),
        ("ndcg>=0.1", "ndcg@10"),
        ("rmse@10<1", "write it as rmse"),
        ("ndcg@0>=0.1", "-k 5,10,20"),
    ],
)
def test_what_cannot_be_read_is_a_usage_problem(text, hint):
    with pytest.raises(UsageProblem) as caught:
        parse_requirement(text)
    assert hint in caught.value.hint


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    for parse in (parse_requirement, parse_ks):
        with contextlib.suppress(UsageProblem):
            parse(text)


def test_lengths():
    assert parse_ks("10, 5,20,5") == [5, 10, 20]
    for text in ("", "5,", "0", "-1", "1.5", "ten", "10001", "9" * 5000, "²"):
        with pytest.raises(UsageProblem, match="whole number"):
            parse_ks(text)


def check(metrics, *texts):
    check_requirements([parse_requirement(text) for text in texts], metrics)


def test_bounds_that_hold_pass(metrics):
    check(metrics, "hybrid:ndcg@10>=0.12", "ndcg@10<0.2", "hybrid:rmse<=0.9", "ndcg@5>0.09")
    check(metrics)


def test_a_missed_bound_says_value_and_bound(metrics):
    with pytest.raises(RequirementNotMet) as caught:
        check(metrics, "hybrid:ndcg@10>0.12")
    assert caught.value.message == "hybrid: ndcg@10 is 0.12, required > 0.12"
    assert caught.value.exit_code == 1


def test_a_bound_without_a_model_binds_every_model_and_all_misses_are_said(metrics):
    with pytest.raises(RequirementNotMet) as caught:
        check(metrics, "ndcg@10>=0.1", "ndcg@5>=0.5")
    assert caught.value.message == (
        "popularity: ndcg@10 is 0.08, required >= 0.1; hybrid: ndcg@5 is 0.1, required >= 0.5"
    )


def test_an_undefined_value_keeps_no_bound(metrics):
    with pytest.raises(RequirementNotMet, match="popularity: rmse is undefined, required < 1"):
        check(metrics, "rmse<1")


def test_what_was_not_computed_names_what_it_needs(metrics):
    with pytest.raises(UsageProblem) as caught:
        check(metrics, "coverage@10>=0.1")
    assert "`products`" in caught.value.hint


def test_models_and_lengths_can_be_checked_beforehand():
    asked = [parse_requirement("hybrid:ndcg@10>=0.1")]
    require_answerable(asked, ["hybrid"], [5, 10])
    with pytest.raises(UsageProblem) as caught:
        require_answerable(asked, ["hybird"], [10])
    assert caught.value.hint == "did you mean 'hybird'?"
    with pytest.raises(UsageProblem) as caught:
        require_answerable(asked, ["hybrid"], [5, 20])
    assert caught.value.hint == "add 10: `k=5,10,20`"
