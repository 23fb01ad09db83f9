from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef, mutual_info_score

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.mining.measures import DEFAULT_MEASURES, MEASURES, chosen_measures, minimum_values


def all_measures(n, n_a, n_b, n_ab):
    numbers = pl.DataFrame({"n": [n], "n_a": [n_a], "n_b": [n_b], "n_ab": [n_ab]})
    return numbers.select(each.expression() for each in MEASURES.values()).row(0, named=True)


def test_every_further_measure_by_hand():
    """n=10, n(A)=4, n(B)=5, n(A∪B)=3: 3 with both, 1 only A, 2 only B, 4 neither."""
    found = all_measures(10, 4, 5, 3)
    expected = {
        "coverage": 0.4,
        "consequent_support": 0.5,
        "added_value": 0.25,
        "all_confidence": 0.6,
        "max_confidence": 0.75,
        "causal_confidence": (0.75 + 0.8) / 2,
        "causal_support": 0.7,
        "centered_confidence": 0.25,
        "certainty": 0.5,
        "chi_squared": 10 * (3 * 4 - 1 * 2) ** 2 / (4 * 5 * 6 * 5),
        "collective_strength": (0.7 / 0.5) * (0.5 / 0.3),
        "confirmed_confidence": 0.5,
        "counterexample": 2 / 3,
        "difference_of_confidence": 0.75 - 2 / 6,
        "gini": 0.4 * (0.5625 + 0.0625) + 0.6 * (1 / 9 + 4 / 9) - 0.5,
        "imbalance": 1 / 6,
        "implication_index": (1 - 2) / math.sqrt(2),
        "importance": math.log10((4 / 6) / (3 / 8)),
        "j_measure": 0.3 * math.log(1.5) + 0.1 * math.log(0.5),
        "kappa": (0.7 - 0.5) / 0.5,
        "lambda": (3 + 4 - 5) / 5,
        "laplace": 4 / 6,
        "least_contradiction": 2 / 5,
        "lerman": (3 - 2) / math.sqrt(2),
        "odds_ratio": 6.0,
        "phi": 10 / math.sqrt(600),
        "ralambondrainy": 0.1,
        "relative_linkage": 1 / (1 + 1),
        "relative_risk": 0.75 / (2 / 6),
        "rule_power_factor": 0.3 * 0.75,
        "sebag": 3.0,
        "standardized_lift": (1.5 - 0.5) / (2 - 0.5),
        "varying_liaison": 0.5,
        "yule_q": 5 / 7,
        "yule_y": (math.sqrt(6) - 1) / (math.sqrt(6) + 1),
    }
    assert set(expected) | set(DEFAULT_MEASURES) | {"mutual_information"} == set(MEASURES)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@st.composite
def tables(draw):
    cells = draw(st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(lambda each: each[0] > 0))
    both, only_a, only_b = cells[:3]
    return sum(cells), both + only_a, both + only_b, both


@given(tables())
def test_ranges_and_nulls(table):
    for name, value in all_measures(*table).items():
        if value is not None:
            assert MEASURES[name].low - 1e-9 <= value <= MEASURES[name].high + 1e-9, name
            assert math.isfinite(value)


@given(tables())
def test_against_libraries(table):
    n, n_a, n_b, n_ab = table
    cells = [n_ab, n_a - n_ab, n_b - n_ab, n - n_a - n_b + n_ab]
    a, b = np.repeat([1, 1, 0, 0], cells), np.repeat([1, 0, 1, 0], cells)
    found = all_measures(*table)
    if 0 < n_a < n and 0 < n_b < n:
        chi = chi2_contingency(np.array(cells).reshape(2, 2), correction=False).statistic
        assert found["chi_squared"] == pytest.approx(chi, abs=1e-9)
        assert found["phi"] == pytest.approx(matthews_corrcoef(a, b), abs=1e-9)
        assert found["kappa"] == pytest.approx(cohen_kappa_score(a, b), abs=1e-9)
        entropy = min(-sum(p * math.log(p) for p in (m / n, 1 - m / n)) for m in (n_a, n_b))
        assert found["mutual_information"] == pytest.approx(mutual_info_score(a, b) / entropy, abs=1e-9)


def test_choosing():
    assert chosen_measures(None) == DEFAULT_MEASURES
    assert chosen_measures("phi, kappa") == ("support", "confidence", "lift", "kappa", "phi")
    assert chosen_measures("all") == tuple(MEASURES)
    with pytest.raises(UsageProblem) as unknown:
        chosen_measures("kapa")
    assert unknown.value.hint == "did you mean 'kappa'?"


def test_least_values():
    assert minimum_values(["phi=0.1", "lift=2"]) == {"phi": 0.1, "lift": 2.0}
    for wrong in ("phi", "phi=high"):
        with pytest.raises(UsageProblem, match="is not MEASURE=VALUE"):
            minimum_values([wrong])
