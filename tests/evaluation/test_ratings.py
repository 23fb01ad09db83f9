from __future__ import annotations

import math

import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.evaluation.compare import METRICS_SCHEMA
from prodassoc_cli.evaluation.ratings import evaluate_ratings, predictions, rating_errors
from tests.evaluation.frames import day, interactions, lists


def predicted(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    schema = {"user_id": pl.String, "product_id": pl.String, "score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def rated(*rows: tuple[str | None, str, float | None]) -> pl.DataFrame:
    return interactions(
        *[
            {"user_id": u, "product_id": p, "event": "rating", "rating": r, "timestamp": None}
            for u, p, r in rows
        ]
    )


def test_errors_stand_beside_what_they_are_of():
    truth = rated(("v", "a", 2.0), ("u", "a", 4.0), ("u", "c", 1.0), ("u", "d", None), (None, "a", 5.0))
    errors = rating_errors(
        predicted(("v", "a", 1.5), ("u", "b", 3.0), ("u", "a", 5.0), ("u", "d", 2.0)), truth
    )
    assert errors.rows() == [("u", "a", 5.0, 4.0, 1.0), ("v", "a", 1.5, 2.0, -0.5)]
    assert errors.columns == ["user_id", "product_id", "predicted", "rating", "error"]


def test_the_latest_rating_counts():
    def at(when, rating):
        return {"user_id": "u", "product_id": "a", "event": "rating", "rating": rating, "timestamp": when}

    guess = predicted(("u", "a", 3.0))
    late_first = interactions(at(day(9), 2.0), at(None, 5.0), at(day(3), 4.0))
    assert rating_errors(guess, late_first)["rating"].to_list() == [2.0]
    equal_times = interactions(at(day(9), 4.0), at(day(9), 2.0))
    assert rating_errors(guess, equal_times)["rating"].to_list() == [4.0]


def test_rmse_and_mae_by_hand():
    truth = rated(("u", "a", 4.0), ("u", "b", 2.0), ("v", "a", 3.0))
    guesses = predicted(("u", "a", 5.0), ("u", "b", 2.0), ("v", "a", 1.0))
    metrics = evaluate_ratings({"m": guesses}, truth)
    assert metrics.schema == METRICS_SCHEMA
    assert metrics.select("model", "metric", "k", "n").rows() == [
        ("m", "rmse", None, 3),
        ("m", "mae", None, 3),
    ]
    assert metrics["value"].to_list() == pytest.approx([math.sqrt(5 / 3), 1.0])
    for row in metrics.iter_rows(named=True):
        assert 0 <= row["low"] <= row["value"] <= row["high"]


def test_models_are_judged_on_the_ratings_that_all_of_them_predict():
    truth = rated(("u", "a", 4.0), ("v", "a", 3.0), ("w", "a", 1.0))
    one = predicted(("u", "a", 4.0), ("v", "a", 3.0), ("w", "a", 5.0))
    two = predicted(("u", "a", 3.0), ("v", "a", 4.0))
    metrics = evaluate_ratings({"one": one, "two": two}, truth)
    assert metrics["n"].to_list() == [2] * 4
    assert metrics["value"].to_list() == [0.0, 0.0, 1.0, 1.0]
    nothing = evaluate_ratings({"one": one, "two": predicted(("x", "a", 1.0))}, truth)
    assert nothing["value"].to_list() == [None] * 4
    assert nothing["n"].to_list() == [0] * 4


@pytest.mark.parametrize("score", [None, math.nan, math.inf])
def test_a_score_that_is_no_number_is_bad_data(score):
    with pytest.raises(BadData, match="product 'a' by user 'u' is not a finite number"):
        rating_errors(predicted(("u", "a", score)), rated(("u", "a", 1.0)))


def test_a_pair_predicted_twice_is_bad_data():
    with pytest.raises(BadData, match="product 'a' by user 'u' is predicted twice"):
        rating_errors(predicted(("u", "a", 1.0), ("u", "a", 2.0)), rated(("v", "b", 1.0)))


def test_basket_lists_have_no_ratings():
    with pytest.raises(UsageProblem, match="for baskets"):
        evaluate_ratings(
            {"m": predicted(("u", "a", 1.0)).rename({"user_id": "basket_id"})}, rated(("u", "a", 1.0))
        )


def test_no_model_that_predicts_ratings_gives_no_rows():
    assert evaluate_ratings({}, pl.DataFrame()).height == 0


def test_places_filled_by_popularity_are_no_predicted_ratings():
    made = lists(u="a b", v="a").with_columns(reason_kind=pl.Series(["rated", "popular", "popular"]))
    truth = interactions(*[{"user_id": user, "product_id": "a", "rating": 4.0} for user in "uv"])
    kept, said = predictions("knn", made, truth)
    assert kept.select("user_id", "product_id").rows() == [("u", "a")]
    assert said == ["'knn' predicts no rating for 1 of 2 users with ratings in the truth"]
    assert predictions("knn", made.drop("reason_kind"), truth)[0].height == 3
