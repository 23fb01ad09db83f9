from __future__ import annotations

from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.rules import MIN_BASKETS, calibration, judge_rules, rule_metrics
from tests.evaluation.frames import interactions

ITEMS = list("abcdef")
SETS = st.sets(st.sampled_from(ITEMS), min_size=1, max_size=2)
BASKETS = st.lists(st.sets(st.sampled_from(ITEMS), min_size=1), min_size=1, max_size=25)
RULES = st.lists(
    st.tuples(SETS, SETS, st.sampled_from([0.2, 0.5, 0.9]), st.sampled_from([0.8, 1.5, 2.0])).filter(
        lambda rule: not rule[0] & rule[1]
    ),
    max_size=12,
)


def orders(baskets: list) -> pl.DataFrame:
    return interactions(
        *[{"order_id": str(n), "product_id": p} for n, basket in enumerate(baskets) for p in sorted(basket)]
    )


def rules_of(rows: list) -> pl.DataFrame:
    return pl.DataFrame(
        [(sorted(a), sorted(c), confidence, lift) for a, c, confidence, lift in rows],
        schema={
            "antecedent": pl.List(pl.String), "consequent": pl.List(pl.String),
            "confidence": pl.Float64, "lift": pl.Float64,
        },
        orient="row",
    )  # fmt: skip


@settings(max_examples=150)
@given(RULES, BASKETS, st.integers(1, 3))
def test_counts_and_predictions_are_those_of_plain_python(rows, baskets, k):
    with mock.patch("prodassoc_cli.evaluation.rules._RULES_A_BLOCK", 3):
        judged = judge_rules(rules_of(rows), orders(baskets), depth=k)
    for (a, c, *_), found in zip(rows, judged.rules.iter_rows(named=True), strict=True):
        assert found["n_left"] == sum(a <= basket for basket in baskets)
        assert found["n_right"] == sum(c <= basket for basket in baskets)
        assert found["n_both"] == sum(a | c <= basket for basket in baskets)
        assert found["testable"] == (found["n_left"] >= MIN_BASKETS)
    hits = []
    for basket in baskets:
        fires = [(n, rule) for n, rule in enumerate(rows) if rule[0] <= basket]
        fires.sort(key=lambda each: (-each[1][2], -each[1][3], each[0]))
        predicted = list(dict.fromkeys(frozenset(rule[1]) for _, rule in fires))[:k]
        if predicted:
            hits.append(any(right <= basket for right in predicted))
    values = {(m, at): (v, n) for _, m, at, v, _, _, n, _ in rule_metrics("r", judged, [k]).iter_rows()}
    assert values["rule_coverage", None][0] == pytest.approx(len(hits) / len(baskets))
    assert values["rule_hit_rate", k][1] == len(hits)
    if hits:
        assert values["rule_hit_rate", k][0] == pytest.approx(sum(hits) / len(hits))
    assert all(metric in ALL_METRICS for metric, _ in values)


def test_a_rule_that_holds_is_kept_and_one_that_does_not_is_not():
    baskets = [{"a", "b"}] * 30 + [{"c"}] * 30 + [{"d"}] * 2
    rules = rules_of([({"a"}, {"b"}, 0.95, 2.0), ({"c"}, {"d"}, 0.8, 5.0), ({"d"}, {"a"}, 0.5, 2.0)])
    judged = judge_rules(rules, orders(baskets))
    assert judged.rules["kept"].to_list()[:2] == [True, False]
    assert judged.rules["testable"].to_list() == [True, True, False]
    found = dict(rule_metrics("r", judged, [1]).select("metric", "value").iter_rows())
    assert found["confidence_kept"] == found["lift_kept"] == 0.5
    assert found["confidence_shift"] == pytest.approx(((1 - 0.95) + (0 - 0.8)) / 2)
    assert found["calibration_error"] == pytest.approx((0.05 * 30 + 0.8 * 30) / 60)
    assert calibration(judged)["held_confidence"].to_list() == [0.0, 1.0]


def test_rules_need_baskets():
    with pytest.raises(BadData, match="no baskets"):
        judge_rules(rules_of([]), interactions({"product_id": "a"}))
