from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.patterns import sequences
from prodassoc_cli.mining.patterns.sequences import orders_of, sequence_rules
from prodassoc_cli.mining.patterns.user_support import users_of_baskets
from tests.mining.patterns.test_user_support import interactions_of

START = datetime(2025, 1, 1)


def orders_from(lines):
    """Orders of (user, day, products)."""
    frame = interactions_of(
        [
            (user, f"o{at}", None if day is None else START + timedelta(days=day), item)
            for at, (user, day, items) in enumerate(lines)
            for item in sorted(items)
        ]
    )
    baskets = baskets_from_interactions(frame, locate=True)
    return orders_of(baskets, users_of_baskets(baskets, frame["user_id"]), frame["timestamp"])


def rules_from(lines, days, **options):
    options = {"min_count": 1, "min_confidence": 0.0, "min_lift": 0.0, **options}
    return sequence_rules(orders_from(lines), days, **options)


def test_by_hand():
    lines = [
        ("u1", 0, {"a"}), ("u1", 5, {"b"}), ("u1", 6, {"b"}),
        ("u2", 0, {"a", "b"}),
        ("u3", 0, {"b"}), ("u3", 3, {"a"}),
        ("u4", 0, {"a"}), ("u4", 90, {"b"}),
    ]  # fmt: skip
    found = rules_from(lines, 30)
    assert found.select("antecedent", "consequent", "count").rows() == [(["a"], ["b"], 1), (["b"], ["a"], 1)]
    assert found["support"].to_list() == [1 / 4, 1 / 4]
    assert found["confidence"].to_list() == [1 / 4, 1 / 4]
    assert rules_from(lines, 90)["count"].to_list() == [2, 1]


order = st.tuples(
    st.sampled_from(["u1", "u2", "u3"]), st.integers(0, 12), st.sets(st.sampled_from("abcd"), min_size=1)
)


@settings(max_examples=100)
@given(
    lines=st.lists(order, min_size=1, max_size=14),
    days=st.sampled_from([1, 2.5, 7, 50]),
    block=st.sampled_from([1, 5, 1 << 22]),
)
def test_against_brute_force(lines, days, block):
    expected = {}
    users = {user for user, _, _ in lines}
    for a in "abcd":
        for b in "abcd":
            who = {
                user
                for user, first, bought in lines
                for other, later, then in lines
                if user == other and a != b and a in bought and b in then and first < later <= first + days
            }
            if who:
                expected[a, b] = len(who)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences, "_BLOCK", block)
        found = rules_from(lines, days)
    assert {(a[0], b[0]): n for a, b, n in found.select(found.columns[:3]).iter_rows()} == expected
    for row in found.iter_rows(named=True):
        n_a, n_b = (
            len({user for user, _, items in lines if row[side][0] in items})
            for side in ("antecedent", "consequent")
        )
        assert row["confidence"] == pytest.approx(row["count"] / n_a)
        assert row["lift"] == pytest.approx(row["count"] * len(users) / (n_a * n_b))


def test_a_planted_sequence_is_significant_and_noise_is_not():
    generator = np.random.default_rng(3)
    lines = []
    for user in range(200):
        lines += [(f"u{user}", step * 10 + user % 7, {f"n{generator.integers(40)}"}) for step in range(4)]
        if user % 4 == 0:
            lines += [(f"u{user}", 1, {"printer"}), (f"u{user}", 20, {"ink"})]
    found = rules_from(lines, 30, min_count=3, correction="webb", level=0.05)
    assert found.select("antecedent", "consequent").rows() == [(["printer"], ["ink"])]
    assert found["q_value"].item() >= found["p_value"].item()


def test_without_users_or_times():
    for lines in ([(None, 1, {"a"})], [("u", None, {"a"})]):
        with pytest.raises(BadData, match="no order has both"):
            rules_from(lines, 3)
    found = rules_from([("u", 1, {"a"})], 3, min_count=5)
    assert found.is_empty()
    assert found.schema["antecedent"] == pl.List(pl.String)
