"""Products that came after the training: listed by their texts, and nothing else changes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.registry import MODELS
from prodassoc_cli.models.serving.histories import History
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.storage.artifact import from_arrow, to_arrow
from tests.models.shops import catalogue, checkerboard, vectors

NEW = ("x-even", "x-odd")
"""Two products nobody has bought: their texts are those of even and of odd products, in this order."""


def catalogue_of_today() -> pl.DataFrame:
    """Return the catalogue with two more; without prices, which would move the bands of all others."""
    new = (
        catalogue()
        .head(2)
        .with_columns(
            product_id=pl.Series(NEW), title=pl.format("New {}", "title"), price=pl.lit(None, pl.Float64)
        )
    )
    return pl.concat([catalogue(), new])


def vectors_of_today() -> pl.DataFrame:
    like = vectors().filter(pl.col("product_id").is_in(["i08", "i09"]))
    return pl.concat([vectors(), like.with_columns(product_id=pl.Series(NEW))])


def trained(name: str = "hybrid", *, embeddings: bool = True) -> TrainedModel:
    data, _ = checkerboard()
    if not embeddings:
        data = TrainingData(data.items, data.users, data.events)
    return train(name, data)


@pytest.fixture(scope="module")
def hybrid() -> TrainedModel:
    return trained()


def lists(model: TrainedModel, **options) -> pl.DataFrame:
    options = {"products": catalogue_of_today(), "embeddings": vectors_of_today(), "k": 22} | options
    return recommend(model, **options).frame


def place(frame: pl.DataFrame, product: str) -> np.ndarray:
    """Return the rank of a product in each list, in the order of the lists."""
    return frame.filter(pl.col("product_id") == product).sort(frame.columns[0])["rank"].to_numpy()


@pytest.mark.parametrize("name", ["hybrid", "content", "association"])
def test_new_products_come_first_where_what_they_are_like_does(name):
    found = lists(trained(name), ids=["u00", "u01", "u02", "u03"])
    even, odd = place(found, "x-even"), place(found, "x-odd")
    assert len(even) == len(odd) == 4
    assert (even[[0, 2]] < odd[[0, 2]]).all()
    assert (odd[[1, 3]] < even[[1, 3]]).all()


@pytest.mark.parametrize("name", ["hybrid", "content", "association"])
@pytest.mark.parametrize("audience", ["users", "products", "baskets"])
def test_the_others_stay_as_they_were(name, audience):
    model, asked = trained(name), {"audience": audience}
    if audience == "baskets":
        asked["baskets"] = [["i02", "i04"], ["i03"]]
    known = catalogue()["product_id"].to_list()
    subject = {"users": "user_id", "products": "source_product_id", "baskets": "basket_id"}[audience]
    of_known = lists(model, allow=known, **asked).filter(~pl.col(subject).is_in(NEW))
    before = recommend(model, allow=known, k=22, **asked).frame
    order = [subject, "rank", "product_id"]
    assert_frame_equal(of_known.select(order), before.select(order))
    assert_frame_equal(of_known.select("score"), before.select("score"), rel_tol=1e-5)


def test_a_list_is_made_for_a_new_product(hybrid):
    found = lists(hybrid, audience="products", ids=["x-even", "x-odd"], k=5)
    assert set(found["source_product_id"]) == set(NEW)
    parity = {"x-even": 0, "x-odd": 1}
    for source, product in found.filter(pl.col("rank") <= 3).select("source_product_id", "product_id").rows():
        assert product in NEW or int(product[1:]) % 2 == parity[source]


def test_complements_of_a_new_product_are_expected_ones(hybrid):
    found = lists(hybrid, audience="products", ids=["x-even"], relation="complement", k=5)
    best = found.row(0, named=True)
    assert int(best["product_id"][1:]) % 2 == 0
    assert best["reason_kind"] == "expected"


def test_baskets_and_histories_may_hold_new_products(hybrid):
    of_basket = lists(hybrid, audience="baskets", baskets=[["x-odd"]], k=3)
    of_history = lists(hybrid, audience="baskets", histories=[History("1", ("x-odd",))], k=3)
    assert_frame_equal(of_basket.drop("basket_id"), of_history.drop("basket_id"))
    assert all(int(product[1:]) % 2 for product in of_basket["product_id"])


def test_a_model_read_from_its_file_lists_them_alike(hybrid):
    assert_frame_equal(lists(from_arrow(*to_arrow(hybrid))), lists(hybrid))


def test_threads_change_nothing(hybrid):
    assert_frame_equal(lists(hybrid, threads=1), lists(hybrid, threads=2))


def test_what_is_listed_is_said(hybrid):
    said = recommend(hybrid, products=catalogue_of_today(), embeddings=vectors_of_today()).notices
    assert [each for each in said if "2 products came after the training" in each and "x-even" in each]


def test_without_a_vector_a_new_product_is_in_no_list(hybrid):
    some = vectors_of_today().filter(pl.col("product_id") != "x-odd")
    served = recommend(hybrid, products=catalogue_of_today(), embeddings=some, k=22)
    listed = set(served.frame["product_id"])
    assert "x-even" in listed
    assert "x-odd" not in listed
    assert [each for each in served.notices if "'x-odd'; they have no embedding" in each]


def test_without_embeddings_they_are_asked_for(hybrid):
    served = recommend(hybrid, products=catalogue_of_today())
    assert not set(NEW) & set(served.frame["product_id"])
    assert [each for each in served.notices if "give their `embeddings` too" in each]


@pytest.mark.parametrize("name", sorted({*MODELS} - {"hybrid", "content", "association", "rules", "random"}))
def test_a_model_without_texts_says_to_train_with_them(name):
    served = recommend(trained(name), products=catalogue_of_today(), embeddings=vectors_of_today())
    assert not set(NEW) & set(served.frame["product_id"])
    assert [each for each in served.notices if "2 of 22" in each and "train with them" in each]


def test_vectors_of_another_space_are_refused(hybrid):
    array = vectors_of_today()["embedding"].to_numpy()
    turned = vectors_of_today().with_columns(embedding=pl.Series(np.roll(array, 3, axis=1)))
    longer = vectors_of_today().with_columns(embedding=pl.Series(np.hstack([array, array])))
    for given, cause in [(turned, "median cosine"), (longer, "16 numbers, the model's have 8")]:
        served = recommend(hybrid, products=catalogue_of_today(), embeddings=given)
        assert not set(NEW) & set(served.frame["product_id"])
        assert [each for each in served.notices if cause in each]


def test_vectors_of_new_products_alone_cannot_be_compared(hybrid):
    alone = vectors_of_today().tail(2)
    served = recommend(hybrid, products=catalogue_of_today(), embeddings=alone)
    assert not set(NEW) & set(served.frame["product_id"])
    assert [each for each in served.notices if "to compare" in each]


def test_reasons_of_a_new_product_say_what_is_expected(hybrid):
    found = lists(hybrid, audience="products", ids=["x-even", "x-odd"], k=3)
    assert set(found["reason_kind"]) == {"expected"}
    of_users = lists(hybrid).filter(pl.col("product_id").is_in(NEW) & (pl.col("rank") == 1))
    assert of_users.height > 0
    assert "similar" in set(of_users["reason_kind"])
