from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prodassoc_cli.evaluation.intervals import holm, mean_interval, paired_p_value, share_interval

FLOATS = st.lists(st.floats(-100, 100), min_size=3, max_size=40).filter(lambda values: np.std(values) > 1e-3)


@given(FLOATS)
def test_mean_interval_is_students(values):
    values = np.array(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values)
    assert (found.value, found.low, found.high) == pytest.approx(
        (values.mean(), expected.low, expected.high), rel=1e-6, abs=1e-6
    )
    assert found.n == len(values)
    assert mean_interval(values, np.ones(len(values))) == found


def test_interval_is_cut_at_the_range():
    values = np.array([0.0, 0.0, 0.0, 1.0])
    assert mean_interval(values).low < 0 < 1 < mean_interval(values).high
    found = mean_interval(values, low=0.0, high=1.0)
    assert (found.low, found.high) == (0, 1)


@pytest.mark.parametrize("values", [[0.3], [0.1] * 7, [0.0] * 5])
def test_no_spread_no_interval(values):
    found = mean_interval(np.array(values))
    assert (found.low, found.high) == (None, None)
    assert found.value == pytest.approx(values[0])
    assert paired_p_value(np.array(values)) is None


def test_nothing_is_undefined():
    empty = np.array([])
    for found in (mean_interval(empty), share_interval(empty)):
        assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
    assert paired_p_value(empty) is None


def test_share_interval_is_wilsons_and_honest_at_zero():
    found = share_interval(np.zeros(10))
    z = stats.norm.ppf(0.975)
    assert found.value == 0
    assert found.low == pytest.approx(0, abs=1e-12)
    assert found.high == pytest.approx(z**2 / (10 + z**2))


def covered(draw, truth: float, rounds: int = 1500) -> float:
    """Share of intervals that hold the true value."""
    random = np.random.default_rng(7)
    return float(
        np.mean([found.low <= truth <= found.high for found in (draw(random) for _ in range(rounds))])
    )


def test_mean_interval_covers_95_percent_of_zero_inflated_values():
    # What an NDCG looks like: most users 0, the others spread over (0, 1].
    def draw(random):
        values = random.beta(2, 3, size=300) * (random.random(300) < 0.25)
        return mean_interval(values, low=0, high=1)

    assert 0.93 <= covered(draw, 0.25 * 0.4) <= 0.97


def test_share_interval_covers_95_percent_of_a_rare_hit():
    def draw(random):
        return share_interval((random.random(150) < 0.04).astype(float))

    assert 0.93 <= covered(draw, 0.04) <= 0.98


def test_interval_over_clusters_covers_where_one_over_values_would_not():
    # Users with a mean error of their own, and 1 to 20 ratings each: the values of a user are alike.
    def sample(random):
        counts = random.integers(1, 21, size=150)
        errors = np.repeat(random.normal(1, 1, size=150), counts) + random.normal(0, 0.5, size=counts.sum())
        return errors, np.repeat(np.arange(150), counts), counts.astype(float)

    def by_cluster(random):
        errors, user, counts = sample(random)
        return mean_interval(np.bincount(user, errors), counts)

    def by_value(random):
        return mean_interval(sample(random)[0])

    assert 0.92 <= covered(by_cluster, 1.0) <= 0.97
    assert covered(by_value, 1.0) < 0.6


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, made monotone.
    found = holm(np.array([0.04, math.nan, 0.01, 0.03, 0.02]))
    assert found[[0, 2, 3, 4]].tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert math.isnan(found[1])
    assert holm(np.array([])).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_raw_and_bonferroni_and_keeps_the_order(p_values):
    raw = np.array(p_values)
    found = holm(raw)
    assert (found >= raw).all()
    assert (found <= np.minimum(1, raw * len(raw)) + 1e-15).all()
    assert (np.diff(found[np.argsort(raw, kind="stable")]) >= 0).all()
