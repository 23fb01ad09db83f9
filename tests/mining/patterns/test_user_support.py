from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.artifacts.schemas import OUTLIERS
from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.patterns.outlier_baskets import outlier_scores
from prodassoc_cli.mining.patterns.user_support import users_of_baskets, with_min_users
from prodassoc_cli.mining.rules import mine_rules
from tests.mining.conftest import as_dict, brute_force, make_baskets
from tests.mining.test_itemsets import rows_of


def interactions_of(rows):
    """Lines of (user, order, time, product)."""
    return pl.DataFrame(
        rows,
        schema={
            "user_id": pl.String,
            "order_id": pl.String,
            "timestamp": pl.Datetime("us"),
            "product_id": pl.String,
        },
        orient="row",
    ).with_columns(event=pl.lit("purchase"))


def test_the_user_of_each_basket():
    day = datetime(2025, 1, 1)
    frame = interactions_of(
        [("u2", None, day, "a"), ("u1", "o1", day, "a"), (None, "o2", day, "b"), ("u1", "o1", day, "b"),
         ("u1", None, day, "huge"), ("u1", None, day, "huge2"), ("u1", None, day, "huge3")]
    )  # fmt: skip
    baskets = baskets_from_interactions(frame, max_basket_size=2, locate=True)
    user = users_of_baskets(baskets, frame["user_id"])
    assert baskets.first_rows is not None
    assert frame["user_id"].gather(baskets.first_rows).to_list() == ["u1", None, "u2"]
    assert user.tolist() == [0, -1, 1]
    anonymous = frame.with_columns(user_id=pl.lit(None, pl.String)).filter(pl.col("order_id").is_not_null())
    assert users_of_baskets(baskets_from_interactions(anonymous, locate=True), anonymous["user_id"]) is None


@settings(max_examples=60)
@given(rows=rows_of, target=st.sampled_from(["frequent", "closed", "maximal"]), minimum=st.integers(1, 3))
def test_only_what_enough_users_back_stays(rows, target, minimum):
    baskets = make_baskets(rows)
    user = np.arange(len(rows), dtype=np.int32) // 2 - 1
    sets = mine_itemsets(baskets, min_count=1, target=target)
    backers = {
        items: len({user[at] for at, row in enumerate(rows) if set(items) <= row} - {-1})
        for items in brute_force(rows, 1, target)
    }
    kept = with_min_users(sets, baskets, user, minimum)
    assert as_dict(kept.frame()) == {
        items: count for items, count in as_dict(sets.frame()).items() if backers[items] >= minimum
    }
    if target == "frequent":
        for a, b in mine_rules(kept, max_consequent=3).select("antecedent", "consequent").iter_rows():
            assert backers[tuple(sorted(a + b))] >= minimum


def test_min_users_needs_users():
    baskets = make_baskets([{"a"}])
    with pytest.raises(BadData, match="no basket has a user_id"):
        with_min_users(mine_itemsets(baskets, min_count=1), baskets, None, 2)


@settings(max_examples=40)
@given(rows=rows_of, min_count=st.integers(1, 3))
def test_outlier_scores_against_the_definition(rows, min_count):
    day = datetime(2025, 1, 1)
    lines = [("u", f"o{at:03}", day, item) for at, row in enumerate(rows) for item in sorted(row)]
    frame = interactions_of(lines)
    baskets = baskets_from_interactions(frame, locate=True)
    sets = mine_itemsets(baskets, min_count=min_count)
    found = outlier_scores(sets, baskets, frame)
    assert found.columns == [column.name for column in OUTLIERS.columns]
    support = {items: count / len(rows) for items, count in brute_force(rows, min_count, "frequent").items()}
    assert found["score"].is_sorted()
    for row in found.iter_rows(named=True):
        basket = rows[int(row["order_id"][1:])]
        held = [support[items] for items in support if set(items) <= basket]
        assert row["size"] == len(basket)
        assert row["itemsets"] == len(held)
        assert row["score"] == pytest.approx(sum(held) / max(len(support), 1))
