from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.arrange.sorting import in_order
from prodassoc_cli.intake.columns.schema import INTERACTIONS
from prodassoc_cli.intake.holdout import check_parts, holdout_masks, parse_split

START = datetime(2024, 1, 1)


def split_holdout(interactions: pl.DataFrame, spec: str, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows to train on and those set aside, both sorted."""
    rows = in_order(interactions)
    (chosen,) = holdout_masks([rows], parse_split(spec), seed)
    check_parts(int(chosen.sum()), rows.height, spec)
    return rows.filter(~chosen), rows.filter(chosen)


def rows(*data):
    """Make interactions of (user, order, product, day)."""
    return pl.DataFrame(
        [
            (
                user,
                order,
                product,
                "purchase",
                1.0,
                None,
                None,
                None if day is None else START + timedelta(days=day),
            )
            for user, order, product, day in data
        ],
        schema=INTERACTIONS,
        orient="row",
    )


def orders(frame):
    return sorted(frame["order_id"].unique().to_list())


def test_last_order_keeps_users_of_one_order_in_training():
    frame = rows(("u", "9", "a", 1), ("u", "10", "b", 1), ("u", "10", "c", 1), ("v", "3", "a", 5),
                 (None, "4", "a", 9), ("w", "8", "a", 7), ("w", "2", "b", 6))  # fmt: skip
    train, holdout = split_holdout(frame, "last-order", 42)
    # 10 comes after 9, and equal times are told apart by the order id.
    assert orders(holdout) == ["10", "8"]
    assert train.height + holdout.height == frame.height


def test_last_item():
    frame = rows(("u", None, "a", 1), ("u", None, "b", 2), ("v", None, "a", 1), (None, None, "a", 3))
    _, holdout = split_holdout(frame, "last-item", 42)
    assert holdout.select("user_id", "product_id").rows() == [("u", "b")]


def test_time_never_trains_on_what_is_later():
    frame = rows(*(("u", str(day), "a", day // 3) for day in range(30)))
    train, holdout = split_holdout(frame, "time:0.25", 42)
    assert train["timestamp"].max() < holdout["timestamp"].min()
    assert holdout.height == 9
    with pytest.raises(BadData, match="1 row without a time"):
        split_holdout(rows(("u", "1", "a", 1), ("u", "1", "a", None)), "time:0.5", 42)
    with pytest.raises(BadData, match="left to train on"):
        split_holdout(rows(("u", "1", "a", 1), ("u", "2", "a", 1)), "time:0.5", 42)


def test_random_draws_whole_orders():
    frame = rows(*(("u", str(row // 4), str(row), row) for row in range(400)))
    train, holdout = split_holdout(frame, "random:0.2", 42)
    assert holdout["order_id"].n_unique() == 20
    assert not set(orders(train)) & set(orders(holdout))
    assert not split_holdout(frame, "random:0.2", 7)[1].equals(holdout)


@pytest.mark.parametrize(
    "spec", ["last", "last_order", "time", "time:0", "random:1", "random:x", "last-item:0.1", ""]
)
def test_a_split_that_is_none_lists_the_known_ones(spec):
    with pytest.raises(UsageProblem) as caught:
        parse_split(spec)
    assert "time:" in caught.value.hint or "random:" in caught.value.hint


def test_what_a_split_needs_is_said():
    ratings = rows(("u", None, "a", 1), ("u", None, "b", 2))
    with pytest.raises(BadData, match="no row has both a user and an order"):
        split_holdout(ratings, "last-order", 42)
    with pytest.raises(BadData, match="no row has a user"):
        split_holdout(rows((None, "1", "a", 1), (None, "2", "a", 1)), "last-item", 42)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u", "v", "w", None]), st.sampled_from(["1", "2", "10", "x", None]),
            st.sampled_from("abc"), st.integers(0, 5),
        ),
        min_size=2, max_size=30,
    ),
    st.sampled_from(["last-order", "last-item", "time:0.3", "random:0.4"]),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_order_of_the_rows_does_not_show(data, spec, random):
    shuffled = list(data)
    random.shuffle(shuffled)
    try:
        train, holdout = split_holdout(rows(*data), spec, 42)
    except BadData:
        with pytest.raises(BadData):
            split_holdout(rows(*shuffled), spec, 42)
        return
    again = split_holdout(rows(*shuffled), spec, 42)
    assert train.equals(again[0])
    assert holdout.equals(again[1])
    assert in_order(pl.concat([train, holdout])).equals(in_order(rows(*data)))
    known = holdout.filter(pl.col("user_id").is_not_null())
    if spec == "last-item":
        assert known.height == holdout.height == known["user_id"].n_unique()
    if spec == "last-order":
        assert known.select("user_id", "order_id").unique().height == known["user_id"].n_unique()
        assert set(known["user_id"]) <= set(train["user_id"])
