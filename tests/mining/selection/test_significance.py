from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact, hypergeom

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.rules import mine_rules
from prodassoc_cli.mining.selection.rule_selection import RuleSelection, space_of
from prodassoc_cli.mining.selection.significance import (
    CORRECTIONS,
    SearchSpace,
    corrected,
    flat_correction,
    log_fisher,
)
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.settings.check import checked_value
from tests.mining.conftest import make_baskets
from tests.mining.test_measures import tables


def log_p_of(*numbers):
    return log_fisher(*(np.array([number]) for number in numbers))[0]


@settings(max_examples=300)
@given(tables())
def test_against_fisher_exact(table):
    n, n_a, n_b, n_ab = table
    cells = [[n_ab, n_a - n_ab], [n_b - n_ab, n - n_a - n_b + n_ab]]
    expected = fisher_exact(cells, alternative="greater").pvalue
    assert math.exp(log_p_of(*table)) == pytest.approx(expected, rel=1e-8)


def test_far_below_the_least_float():
    table = 10_000_000, 30_000, 20_000, 15_000
    expected = hypergeom.logsf(table[3] - 1, table[0], table[1], table[2])
    assert expected < -50_000
    assert log_p_of(*table) == pytest.approx(expected, rel=1e-9)


def test_many_rules_at_once_are_as_one_by_one():
    generator = np.random.default_rng(1)
    n_a, n_b = generator.integers(1, 900, (2, 500))
    n_ab = np.minimum(np.minimum(n_a, n_b), np.maximum(n_a + n_b - 1_000, 1) + generator.integers(0, 50, 500))
    together = log_fisher(np.full(500, 1_000), n_a, n_b, n_ab)
    alone = [log_p_of(1_000, *table) for table in zip(n_a, n_b, n_ab, strict=True)]
    assert together.tolist() == alone
    assert log_fisher(*np.empty((4, 0), int)).size == 0


@given(
    st.integers(2, 6), st.integers(1, 3), st.integers(2, 5),
    st.none() | st.integers(0, 6), st.none() | st.integers(0, 6), st.integers(0, 6),
)  # fmt: skip
def test_search_space_is_counted_by_trying_all_rules(m, most, size, p, q, shift):
    left = None if p is None else set(range(min(p, m)))
    right = None if q is None else {(shift + at) % m for at in range(min(q, m))}
    expected = 0
    for both in combinations(range(m), size):
        for b in range(1, min(most, size - 1) + 1):
            for consequent in combinations(both, b):
                antecedent = set(both) - set(consequent)
                fits = left is None or antecedent & left
                expected += bool(fits and (right is None or set(consequent) & right))
    either = None if left is None or right is None else len(left | right)
    space = SearchSpace(
        m,
        most,
        None,
        size,
        None if left is None else len(left),
        None if right is None else len(right),
        either,
    )
    assert space.rules_of_size(size) == expected


def test_pairs_of_a_thousand_products():
    assert (
        SearchSpace(1_000, max_size=2).total() == 1_000 * 999 == sum(1 for _ in permutations(range(1_000), 2))
    )
    assert SearchSpace(1_000, largest=3).total() == 1_000 * 999 + 1_000 * 999 * 998 // 2


def test_layers():
    """With max_size 3, pairs and triples have half the level each."""
    log_p, sizes = np.log([1e-9, 1e-9]), np.array([2, 3])
    q = corrected(log_p, sizes, SearchSpace(100, max_size=3), "webb")
    assert q == pytest.approx([1e-9 * 2 * 9_900, 1e-9 * 2 * 100 * 99 * 98 / 2])
    unbounded = corrected(log_p, sizes, SearchSpace(100), "webb")
    assert unbounded == pytest.approx([1e-9 * 2 * 9_900, 1e-9 * 4 * 100 * 99 * 98 / 2])


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=30))
def test_false_discovery_rates_against_scipy(p):
    for method in ("bh", "by"):
        found = flat_correction(np.log(p), len(p), method)
        assert found == pytest.approx(false_discovery_control(p, method=method), rel=1e-6)


def test_holm_and_bonferroni_by_hand():
    log_p = np.log([0.01, 0.04, 0.03])
    assert flat_correction(log_p, 10, "bonferroni") == pytest.approx([0.1, 0.4, 0.3])
    assert flat_correction(log_p, 10, "holm") == pytest.approx([0.1, 0.32, 0.27])
    assert flat_correction(log_p, 10**30, "holm") == pytest.approx([1, 1, 1])
    with pytest.raises(UsageProblem, match="not a choice"):
        checked_value(MineConfig, MineConfig.__dataclass_fields__["correction"], "holms")


def found_in(baskets, min_count, correction, level, **options):
    sets = mine_itemsets(baskets, min_count=min_count, max_size=options.get("max_size"))
    space = space_of(sets, baskets.counts >= min_count, 1, options.get("max_size"), None)
    selection = RuleSelection(sets, space, correction=correction, level=level) if correction else None
    return mine_rules(sets, select=selection)


def independent(seed, products=25, baskets=150):
    generator = np.random.default_rng(seed)
    share = generator.uniform(0.05, 0.4, products)
    bought = generator.random((baskets, products)) < share
    return make_baskets([{f"{item:02}" for item in np.flatnonzero(row)} | {"every"} for row in bought])


def test_independent_products_give_no_rules():
    """Nothing is to be found: a run in twenty may report a rule at 0.05. Without correction nearly all do."""
    runs = 60
    wrong = dict.fromkeys(CORRECTIONS, 0)
    uncorrected = 0
    for seed in range(runs):
        baskets = independent(seed)
        uncorrected += found_in(baskets, 5, None, None)["p_value"].min() <= 0.05
        for name in CORRECTIONS:
            wrong[name] += not found_in(baskets, 5, name, 0.05).is_empty()
    assert uncorrected > 0.95 * runs
    assert all(times <= 0.05 * runs for times in wrong.values()), wrong


def test_a_planted_rule_is_found():
    generator = np.random.default_rng(5)
    bought = generator.random((400, 30)) < 0.1
    bought[:, 1] |= bought[:, 0] & (generator.random(400) < 0.8)
    baskets = make_baskets([{f"{item:02}" for item in np.flatnonzero(row)} | {"every"} for row in bought])
    for name in CORRECTIONS:
        rules = found_in(baskets, 5, name, 0.05, max_size=2)
        assert {("00", "01"), ("01", "00")} == {
            (a[0], b[0]) for a, b in rules.select("antecedent", "consequent").iter_rows()
        }
        assert (rules["q_value"] >= rules["p_value"]).all()
