"""Pairs are counted once, and as often as they come the count is that of the pattern."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from prodassoc_cli.models import pair_counts
from prodassoc_cli.models.pair_counts import Together

PATTERN = (np.random.default_rng(3).random((7, 40)) < 0.4).astype(np.float32)
COMMON = (PATTERN @ PATTERN.T).astype(int)
PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


@given(st.lists(PAIRS, max_size=6))
def test_counts_and_lifts_are_those_of_the_pattern(calls):
    counts = Together(sparse.csr_array(PATTERN))
    for pairs in calls:
        left, right = (np.array(side, np.int32) for side in zip(*pairs, strict=True)) if pairs else ([], [])
        count, lift = counts(np.asarray(left, np.int32), np.asarray(right, np.int32))
        assert count.tolist() == [COMMON[pair] for pair in pairs]
        sizes = np.diag(COMMON)
        assert np.allclose(lift, [COMMON[i, j] * 40 / (sizes[i] * sizes[j]) for i, j in pairs])


def test_what_is_known_is_not_counted_again(monkeypatch):
    counted = []
    over_rows = pair_counts.over_rows
    monkeypatch.setattr(
        pair_counts,
        "over_rows",
        lambda *given, **named: (counted.append(given[1]), over_rows(*given, **named)),
    )
    counts = Together(sparse.csr_array(PATTERN))
    ours, theirs = np.array([0, 1, 0, 2], np.int32), np.array([1, 2, 1, 3], np.int32)
    counts(ours, theirs)
    counts(ours[::-1].copy(), theirs[::-1].copy())
    counts(np.array([0, 5], np.int32), np.array([1, 6], np.int32))
    assert counted == [3, 1]


@pytest.mark.parametrize("most", [1, 3])
def test_memory_is_bounded(monkeypatch, most):
    monkeypatch.setattr(pair_counts, "_MAX_PAIRS", most)
    counts = Together(sparse.csr_array(PATTERN))
    for start in range(5):
        left = np.array([start, start + 1], np.int32)
        found, _ = counts(left, left[::-1].copy())
        assert found.tolist() == [COMMON[start, start + 1]] * 2
        assert len(counts._pairs) <= max(most, 2)
