"""What a log of lists shown adds to the orders."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.errors import BadData
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.feedback import with_feedback
from prodassoc_cli.models.model import train
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.storage.artifact import from_arrow, to_arrow
from tests.models.shops import N_ITEMS, catalogue, lines, random_shop, vectors

DAY = [datetime(2025, 1, n, 9) for n in range(1, 5)]


def log(*rows: tuple[str | None, str, str, datetime]) -> pl.DataFrame:
    frame = lines([(user, None, product, time) for user, product, _, time in rows])
    return frame.with_columns(
        event=pl.Series([event for _, _, event, _ in rows]), list_id=pl.lit("l"), propensity=pl.lit(0.5)
    )


def learned(orders: pl.DataFrame, feedback: pl.DataFrame) -> TrainingData:
    return TrainingData.from_frames(with_feedback(orders, feedback))


def test_clicks_and_purchases_count_for_and_impressions_not_at_all():
    orders = lines([("u", "1", "a", DAY[0])])
    shown = [("u", product, "impression", DAY[1]) for product in "abc"]
    done = [("u", "b", "click", DAY[1]), ("u", "b", "purchase", DAY[1]), ("v", "c", "click", DAY[1])]
    data = learned(orders, log(*shown, *done))
    assert data.users.to_list() == ["u", "v"]
    np.testing.assert_allclose(data.weights.toarray(), [[1, 1.2, 0], [0, 0, 0.2]], rtol=1e-6)
    np.testing.assert_array_equal(data.seen.toarray(), [[1, 1, 0], [0, 0, 0]])
    assert data.baskets.shape == (1, 3)


def test_a_dismissal_takes_back_a_click_and_one_purchase():
    orders = lines([("u", "1", "a", DAY[0]), ("u", "2", "a", DAY[1]), ("u", "2", "b", DAY[1])])
    dismissed = [("u", product, "dismiss", DAY[2]) for product in "abc"]
    data = learned(orders, log(*dismissed, ("u", "c", "click", DAY[2])))
    np.testing.assert_allclose(data.weights.toarray(), [[1, 0, 0]])
    assert data.weights.nnz == 1


def test_a_purchase_that_the_orders_hold_too_counts_once():
    orders = lines([("u", "1", "a", DAY[0])])
    data = learned(
        orders, log(("u", "a", "purchase", DAY[0].replace(hour=17)), ("u", "a", "purchase", DAY[1]))
    )
    np.testing.assert_array_equal(data.weights.toarray(), [[2]])


def test_a_log_that_teaches_nothing_is_refused():
    with pytest.raises(BadData, match="no click, purchase or dismissal"):
        with_feedback(
            lines([("u", "1", "a", DAY[0])]),
            log(("u", "a", "impression", DAY[0]), (None, "a", "click", DAY[0])),
        )


def test_no_product_is_called_bought_again_that_was_only_clicked():
    shop = random_shop(3, users=80, items=N_ITEMS)
    pairs = {(user, product) for user, product in shop.select("user_id", "product_id").iter_rows()}
    every = {(f"u{user}", f"i{item:02}") for user in range(80) for item in range(user % 5, N_ITEMS, 5)}
    clicked = [(user, product, "click", DAY[3]) for user, product in sorted(every - pairs)]
    assert set(shop["user_id"]) & {user for user, *_ in clicked}
    data = TrainingData.from_frames(with_feedback(shop, log(*clicked)), catalogue(), vectors())
    model = train("hybrid", data)
    clicked_only = model.recommender.feature_names.index("repeat.wanted")
    model.recommender.weights[:, clicked_only] = 50.0  # whatever was learned: a click lifts most of all
    lists = recommend(model, k=5, include_seen=True).frame
    again = lists.filter(pl.col("reason_kind") == "bought again").select("user_id", "product_id").iter_rows()
    assert set(again) <= pairs


@pytest.mark.parametrize("name", ["hybrid", "popularity", "item-knn", "user-knn", "repeat"])
@pytest.mark.parametrize("include_seen", [True, False])
def test_what_a_user_dismissed_twice_and_never_bought_is_not_listed_again(name, include_seen):
    shop = random_shop(3, users=80, items=N_ITEMS)
    held = {(user, product) for user, product in shop.select("user_id", "product_id").iter_rows()}
    pairs = [(f"u{user}", f"i{item:02}") for user in range(40) for item in range(0, N_ITEMS, 2)]
    dismissed = [(*pair, "dismiss", day) for pair in pairs for day in DAY[2:]]
    dismissed += [
        (f"u{user}", f"i{item:02}", "dismiss", DAY[3]) for user in range(40) for item in range(1, 9, 2)
    ]
    data = TrainingData.from_frames(with_feedback(shop, log(*dismissed)), catalogue(), vectors())
    table, header = to_arrow(train(name, data))
    model = from_arrow(table, json.loads(json.dumps(header)))
    lists = recommend(model, k=N_ITEMS, include_seen=include_seen).frame
    listed = set(lists.select("user_id", "product_id").iter_rows())
    refused = set(pairs) - held
    assert refused
    assert not listed & refused
    users = {user for user, _ in held} - {None}
    others = {(user, f"i{item:02}") for user in users for item in range(N_ITEMS)} - refused
    assert {pair for pair in others if include_seen or pair not in held} <= listed


def test_nobody_who_dismissed_nothing_has_a_matrix_of_it():
    assert TrainingData.from_frames(random_shop(3)).dismissed is None
