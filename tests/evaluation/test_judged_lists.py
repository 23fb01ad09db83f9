from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.evaluation.judged_lists import judge_lists, notices, overlap_notices, without_low_ratings
from tests.evaluation.frames import bought, interactions, lists


def ranked(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["user_id", "rank", "product_id"], orient="row")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("u", 1, "a"), ("u", 3, "b")], "rank 3 follows rank 1 in the list of user 'u'"),
        ([("v", 1, "a"), ("u", 2, "b")], "rank 2 is the first in the list of user 'u'"),
        ([("u", 0, "a"), ("u", 1, "b")], "rank 0 is the first"),
        ([("u", -1, "a")], "rank -1 is the first"),
        ([("u", 1, "a"), ("u", 1, "b"), ("u", 4, "c")], "rank 4 follows rank 1"),
        ([("u", 1, "a"), ("u", 2, "a")], "product 'a' stands twice in the list of user 'u'"),
        # A broken list makes a broken file, even if nothing is known of its user.
        ([("u", 1, "a"), ("w", 1, "a"), ("w", 1, "a")], "product 'a' stands twice in the list of user 'w'"),
        ([("u", 1, "a"), ("w", 2, "a")], "in the list of user 'w'"),
    ],
)
def test_broken_lists_are_bad_data(rows, said):
    with pytest.raises(BadData) as caught:
        judge_lists({"als": ranked(*rows)}, bought(u="a", v="a"))
    assert said in caught.value.message
    assert "'als'" in caught.value.message


@pytest.mark.parametrize("ranks", [[1, 1, 2, 3], [1, 1, 3, 4], [1, 1, 1, 1], [1, 2, 2, 4], [1, 2, 2, 3]])
def test_tied_ranks_are_no_gaps(ranks):
    rows = [("u", rank, product) for rank, product in zip(ranks, "abcd", strict=True)]
    judged = judge_lists({"m": ranked(*rows)}, bought(u="a"))["m"]
    assert judged.position.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("column", ["user_id", "rank", "product_id"])
def test_missing_values_and_columns_are_bad_data(column):
    frame = lists(u="a b")
    with pytest.raises(BadData, match=f"2 rows without {column}"):
        judge_lists({"m": frame.with_columns(pl.lit(None).alias(column))}, bought(u="a"))
    with pytest.raises(BadData, match=f"no column {column}"):
        judge_lists({"m": frame.drop(column)}, bought(u="a"))


@pytest.mark.parametrize(
    ("column", "whom"), [("basket_id", "for baskets"), ("source_product_id", "for products")]
)
def test_lists_that_are_not_for_users_say_what_is_expected(column, whom):
    with pytest.raises(UsageProblem, match=whom) as caught:
        judge_lists({"m": lists(u="a").rename({"user_id": column})}, bought(u="a"))
    assert "for_=users" in caught.value.hint


def test_truth_without_anything_relevant_is_bad_data():
    for truth in (
        interactions({"product_id": "a"}),
        interactions({"user_id": "u", "product_id": "a", "event": "impression"}),
        interactions(),
    ):
        with pytest.raises(BadData, match="no row with a user and a relevant event"):
            judge_lists({"m": lists(u="a")}, truth)


def test_ids_that_never_meet_show_an_example_of_each():
    with pytest.raises(BadData) as caught:
        judge_lists({"m": lists(**{"123": "a"})}, bought(**{"00123": "a"}))
    assert "'00123'" in caught.value.message
    assert "'123'" in caught.value.message


def test_all_lists_are_judged_on_the_same_users():
    judged = judge_lists(
        {"one": lists(u="a b"), "two": lists(v="b", w="a"), "none": lists()}, bought(u="b", v="b")
    )
    assert judged["one"].truth is judged["two"].truth
    assert len(judged["one"].truth.relevant) == 2
    assert (judged["one"].hit_user.tolist(), judged["one"].hit_position.tolist()) == ([0], [2])
    assert (judged["two"].hit_user.tolist(), judged["two"].hit_position.tolist()) == ([1], [1])
    assert judged["none"].user.size == 0


def test_notices_name_users_without_lists_short_lists_and_strangers_to_the_catalogue():
    judged = judge_lists(
        {"m": lists(u="a x y"), "full": lists(u="a b c d e", v="a")},
        bought(u="a", v="a"),
        products=pl.DataFrame({"product_id": list("abcde")}),
    )
    assert notices(judged, [2, 5]) == [
        "'m' has no list for 1 of 2 users: they count 0",
        "the lists of 'm' end at 3: at k=5 the rest counts as missed",
        "'m' recommends 2 products outside the catalogue",
    ]


def test_products_that_never_meet_are_counted_with_the_likely_cause():
    (said,) = overlap_notices({"m": lists(u="101 102")}, bought(u="101.0 102.0"))
    assert said.startswith("0 of 2 products of the truth are in 'm'; they differ in a decimal .0")
    assert overlap_notices({"m": lists(u="a b")}, bought(u="b c", v="d")) == []


def rated(**ratings):
    return interactions(
        *[
            {"user_id": "u", "product_id": product, "event": "rating", "rating": rating}
            for product, rating in ratings.items()
        ]
    )


@pytest.mark.parametrize(
    ("truth", "options", "kept"),
    [
        (rated(a=1, b=3, c=4, d=5), {}, "cd"),
        (rated(a=4, b=5), {}, "ab"),  # of 1 to 5, although the middle of the two is 4.5
        (rated(a=1, b=3, c=4, d=9), {}, "d"),
        (rated(a=0, b=1), {}, "b"),
        (rated(a=-1, b=1), {}, "b"),
        (rated(a=2, b=2), {}, "ab"),  # all alike
        (rated(a=1, b=3, c=4, d=5), {"relevant_from": 5}, "d"),
        (rated(a=30, b=40), {"train": rated(z=0, y=100)}, ""),
        (rated(a=1, b=None, c=5), {}, "bc"),
        (bought(u="a b"), {"relevant_from": 4}, "ab"),
    ],
)
def test_low_ratings_are_no_hits(truth, options, kept):
    if not kept:
        with pytest.raises(BadData, match="no rating of the truth is a hit: all 2 are not above 50"):
            without_low_ratings(truth, **options)
        return
    left, said = without_low_ratings(truth, **options)
    assert "".join(left["product_id"]) == kept
    gone = truth.height - left.height
    assert said.startswith(f"low ratings are no hits: {gone} of") if gone else said == ""
