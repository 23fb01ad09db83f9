from __future__ import annotations

import pytest

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.intake.columns.schema import Caution
from prodassoc_cli.models.data import TrainingData

RATINGS = (
    "user_id,product_id,rating\nu0,a,0\nu0,b,0\nu0,c,5\nu0,d,7\nu1,a,0\nu1,b,6\nu1,c,8\nu1,d,0\n"
    "u2,a,9\nu2,b,0\nu2,c,x\nu2,d,0\n"
)


def test_a_zero_below_the_scale_is_no_rating(clean):
    made = clean(RATINGS, rating_scale="1,8")
    rows = made.interactions.select("user_id", "product_id", "event", "rating").rows()
    assert ("u0", "a", "view", None) in rows
    assert ("u0", "c", "rating", 5.0) in rows
    assert made.summary["rejects"] == {"rating_off_scale": 1, "unparsable_rating": 1}
    assert {row[2] for row in clean(RATINGS, rating_scale="0,9").interactions.select(
        "user_id", "product_id", "event").rows()} == {"rating"}  # fmt: skip


def test_zeros_that_may_be_none_are_a_warning(clean):
    clean(RATINGS)
    (said,) = [each for each in clean.said if isinstance(each, Caution) and "not rated" in each]
    assert said == "6 ratings of 0: if that means not rated: `rating_scale=1,9`"
    clean(RATINGS, rating_scale="1,9")
    clean("user_id,product_id,rating\nu,a,0\nu,b,1\nv,a,1\nv,b,0\n")
    assert not any("not rated" in each for each in clean.said)


@pytest.mark.parametrize("scale", ["5", "5,1", "a,b", "1,2,3"])
def test_a_scale_is_two_numbers(clean, scale):
    with pytest.raises(UsageProblem, match="not the lowest and the highest rating"):
        clean(RATINGS, rating_scale=scale)


def test_what_was_disliked_last_is_never_listed(clean):
    lines = (
        "user_id,product_id,rating,timestamp\nu,a,5,2024-01-01\nu,a,1,2024-02-01\nu,b,2,2024-01-01\n"
        "u,b,4,2024-03-01\nu,c,3,2024-01-01\nv,a,5,2024-01-01\n"
    )
    interactions = clean(lines).interactions
    data = TrainingData.from_frames(interactions)
    assert data.dismissed.toarray().tolist() == [[1, 0, 1], [0, 0, 0]]
    assert data.relevance.note().startswith("ratings from 1 to 5: wishes above 3, what is rated lower")
    lenient = TrainingData.from_frames(interactions, relevant_from=3)
    assert lenient.dismissed.toarray().tolist() == [[1, 0, 0], [0, 0, 0]]
    assert lenient.weights.toarray()[0].tolist() == [1, 1, 1]
    assert "wishes from 3 on" in lenient.relevance.note()
    assert TrainingData.from_frames(interactions, relevant_from=1).dismissed is None
