from __future__ import annotations

from prodassoc_cli.evaluation.leaks import leak_notices
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
