from __future__ import annotations

import math
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.artifacts.schemas import RULES
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.measures import DEFAULT_MEASURES, MEASURES
from prodassoc_cli.mining.rules import mine_rules

from .conftest import FOUR, brute_force, make_baskets
from .test_itemsets import rows_of


def rules_of(rows, min_count=1, **options):
    return mine_rules(mine_itemsets(make_baskets(rows), min_count=min_count), **options)


def test_four_baskets():
    frame = rules_of(FOUR, 2)
    rule = frame.filter(pl.col("antecedent") == pl.lit(["2"]), pl.col("consequent") == pl.lit(["4"]))
    assert rule.select("count", "support", "confidence").row(0) == (2, 0.5, 1.0)
    assert rule["lift"].item() == pytest.approx(4 / 3)
    assert rule["conviction"].item() is None


def test_columns_are_the_schemas():
    frame = rules_of(FOUR)
    declared = [column.name for column in RULES.columns]
    assert frame.columns == [name for name in declared if name in frame.columns]
    assert set(declared) - set(frame.columns) == {
        "q_value", "similarity", "relation",
        "holdout_count", "holdout_support", "holdout_confidence", "holdout_p_value",
    }  # fmt: skip
    assert frame.schema["antecedent"] == pl.List(pl.String)
    assert frame.schema["count"] == pl.Int64


@settings(max_examples=60)
@given(
    rows=rows_of, min_count=st.integers(1, 4), most=st.integers(1, 3),
    confidence=st.sampled_from([0.0, 0.1, 0.5, 1.0]), lift=st.sampled_from([0.0, 1.0, 1.5]),
)  # fmt: skip
def test_against_brute_force(rows, min_count, most, confidence, lift):
    count = brute_force(rows, min_count, "frequent")
    expected = {}
    for both, n_ab in count.items():
        for size in range(1, min(most, len(both) - 1) + 1):
            for b in combinations(both, size):
                a = tuple(item for item in both if item not in b)
                if n_ab / count[a] >= confidence and n_ab * len(rows) / (count[a] * count[b]) >= lift:
                    expected[a, b] = n_ab
    frame = rules_of(rows, min_count, min_confidence=confidence, min_lift=lift, max_consequent=most)
    found = {
        (tuple(a), tuple(b)): n for a, b, n in frame.select("antecedent", "consequent", "count").iter_rows()
    }
    assert len(found) == len(frame)
    assert found == expected


@settings(max_examples=60)
@given(rows=rows_of, sort_by=st.sampled_from(list(MEASURES)), top=st.integers(1, 12))
def test_order_and_top(rows, sort_by, top):
    frame = rules_of(rows, sort_by=sort_by, max_consequent=2, measures=tuple(MEASURES))
    keys = [
        (row[sort_by] is None, -(row[sort_by] or 0), -row["support"], -row["confidence"], -row["lift"],
         row["antecedent"], row["consequent"])
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip
    assert keys == sorted(keys)
    best = rules_of(rows, sort_by=sort_by, max_consequent=2, top=top, measures=tuple(MEASURES))
    assert best.equals(frame.head(top))


@settings(max_examples=40)
@given(rows=rows_of)
def test_measures_stay_in_range_and_are_never_nan(rows):
    frame = rules_of(rows, max_consequent=3, measures=tuple(MEASURES))
    for measure in MEASURES.values():
        values = frame[measure.name].drop_nulls()
        assert values.is_finite().all(), measure.name
        assert values.is_between(measure.low - 1e-12, measure.high + 1e-12).all(), measure.name
        if measure.name in DEFAULT_MEASURES and measure.name not in ("conviction", "zhang"):
            assert frame[measure.name].null_count() == 0


def test_measures_by_hand():
    """n=10, n(A)=4, n(B)=5, n(A∪B)=3."""
    numbers = pl.DataFrame({"n": [10], "n_a": [4], "n_b": [5], "n_ab": [3]})
    values = numbers.select(each.expression() for each in map(MEASURES.get, DEFAULT_MEASURES)).row(
        0, named=True
    )
    assert values == pytest.approx(
        {
            "support": 0.3,
            "confidence": 0.75,
            "lift": 1.5,
            "leverage": 0.1,
            "conviction": 2.0,
            "jaccard": 0.5,
            "cosine": 3 / math.sqrt(20),
            "kulczynski": (0.75 + 0.6) / 2,
            "zhang": 0.1 / max(0.3 * 0.6, 0.4 * 0.2),
        }
    )


def test_threads_do_not_change_rules():
    rows = [{str(item) for item in range(at % 13)} | {str(at % 17)} for at in range(400)]
    itemsets = mine_itemsets(make_baskets(rows), min_count=2, threads=2)
    assert len(itemsets) > 4_000
    frames = [mine_rules(itemsets, max_consequent=2, threads=n) for n in (1, 2, 3)]
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])


def test_unknown_measure():
    with pytest.raises(UsageProblem) as unknown:
        rules_of(FOUR, sort_by="convicton")
    assert unknown.value.hint == "did you mean 'conviction'?"


def test_memory_limit():
    with pytest.raises(BadData, match="stopped at 4 rules"):
        rules_of(FOUR, memory_limit=1_000)


def test_no_rules():
    frame = rules_of([{"a"}, {"b"}])
    assert frame.is_empty()
    assert frame.schema["antecedent"] == pl.List(pl.String)
    assert rules_of([]).columns == frame.columns


@settings(max_examples=20)
@given(rows=rows_of, name=st.sampled_from(["phi", "kappa", "confidence"]), value=st.floats(-0.5, 1))
def test_least_values_and_chosen_measures(rows, name, value):
    every = rules_of(rows, measures=tuple(MEASURES))
    found = rules_of(rows, minimum={name: value}, measures=("support", "confidence", "lift", "gini"))
    assert found.columns == [
        "antecedent", "consequent", "count", "support", "confidence", "lift", "gini", "p_value",
    ]  # fmt: skip
    assert found.equals(every.filter(pl.col(name) >= value).select(found.columns))
