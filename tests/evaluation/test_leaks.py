from __future__ import annotations

from prodassoc_cli.evaluation.leaks import leak_notices, model_leak_notices
from tests.evaluation.frames import bought, day, interactions


def row(user, product, when, order=None, event="purchase"):
    return {
        "user_id": user,
        "product_id": product,
        "order_id": order,
        "event": event,
        "timestamp": None if when is None else day(when),
    }


def test_a_clean_holdout_has_no_notices():
    train = interactions(row("u", "a", 1), row("u", "b", 5), row("v", "a", 20), row(None, "z", 30))
    truth = interactions(row("u", "c", 5), row("u", "d", 6), row("v", "b", 21), row(None, "z", 1))
    assert leak_notices(truth, train) == []


def test_rows_older_than_the_user_s_last_training_row_are_counted():
    train = interactions(row("u", "a", 10), row("v", "a", 3))
    truth = interactions(row("u", "b", 9), row("u", "c", 2), row("v", "b", 4), row("w", "b", 1))
    (notice,) = leak_notices(truth, train)
    assert notice.startswith("2 of 4 truth rows are older than their user's last training row (users: 1)")


def test_pairs_in_training_are_counted_once():
    (notice,) = leak_notices(bought(u="a b", v="a"), bought(u="a a c", w="b"))
    assert notice.startswith("1 of 3 truth pairs of user and product are in training too")


def test_truth_that_was_never_set_aside_is_called_so():
    rows = [row("u", "a", 1, "o1"), row("u", "b", 1, "o1"), row("v", "a", None, "o2")]
    said = leak_notices(interactions(*rows[1:]), interactions(*rows))
    assert said[0].startswith("2 of 2 truth rows stand in the training rows too")
    assert said[1].startswith("2 of 2 truth pairs")


def test_impressions_do_not_leak():
    shown = interactions(row("u", "a", 1, event="impression"))
    assert leak_notices(interactions(row("u", "a", 9)), shown) == []
    assert leak_notices(shown, interactions(row("u", "a", 9))) == []


def known(*rows):
    return interactions(*rows).select("user_id", "product_id", "timestamp")


def test_a_model_trained_on_the_truth_is_said_to_be():
    truth = interactions(row("u", "b", 5), row("v", "c", 6))
    history = known(row("u", "a", 1), row("u", "b", 5), row("v", "c", 6))
    (notice,) = model_leak_notices("ease", truth, history, include_seen=False)
    assert notice == (
        "'ease': 2 of 2 truth pairs of user and product are in its history at the same time: "
        "it was trained on the answers; its lists leave out what a user already has, so they cannot be hits"
    )
    (notice,) = model_leak_notices("ease", truth, history, include_seen=True)
    assert notice.endswith("it was trained on the answers")


def test_what_is_bought_again_and_what_came_before_training_are_told_apart():
    again = model_leak_notices(
        "m", interactions(row("u", "a", 9)), known(row("u", "a", 1)), include_seen=True
    )
    assert again == [
        "'m': 1 of 1 truth pairs of user and product are already in its history: bought again, or leaked"
    ]
    older = model_leak_notices(
        "m", interactions(row("u", "b", 1)), known(row("u", "a", 9)), include_seen=True
    )
    assert len(older) == 1
    assert older[0].startswith("'m': 1 of 1 truth rows are older than their user's last training row")
    assert not model_leak_notices(
        "m", interactions(row("u", "b", 9)), known(row("u", "a", 1)), include_seen=True
    )
