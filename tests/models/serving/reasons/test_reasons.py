"""Reasons as columns: what they name and what they claim must be so."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.artifacts.schemas import REASONS
from prodassoc_cli.models.base import Queries, Why
from prodassoc_cli.models.data import TrainingData, csr_of
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.registry import MODELS
from prodassoc_cli.models.serving.reasons.columns import KINDS
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.split import basket_queries
from tests.models.shops import catalogue, random_shop, vectors

BASKETS = [["i01", "i05", "i09", "i12"], ["i03", "i04"], ["i07"]]
MAY_NAME_NONE = ("popularity", "trending", "random", "hybrid")


def rules() -> pl.DataFrame:
    """Return rules of one to four products on the left."""
    rng = np.random.default_rng(4)
    ids = [f"i{n:02}" for n in range(20)]
    rows = []
    for _ in range(150):
        chosen = rng.choice(ids, int(rng.integers(2, 6)), replace=False).tolist()
        rows.append((sorted(chosen[1:]), chosen[:1], 5, rng.random(), 1 + rng.random()))
    return pl.DataFrame(
        rows, schema=["antecedent", "consequent", "count", "confidence", "lift"], orient="row"
    )


@pytest.fixture(scope="module")
def shop() -> TrainingData:
    return TrainingData.from_frames(random_shop(8, users=80, loyalty=0.4), catalogue(), vectors())


@pytest.fixture(scope="module")
def models(shop: TrainingData) -> dict[str, TrainedModel]:
    mined = TrainingData.from_frames(random_shop(8, users=80), catalogue(), vectors(), rules())
    made = {name: train(name, shop) for name in MODELS}
    made["mined rules"] = train("rules", mined)
    made["best rule"] = train("rules", mined, parameters=["combine=best"])
    loyal = TrainingData.from_frames(random_shop(9, users=200, loyalty=0.8), catalogue(), vectors())
    made["loyal hybrid"] = train("hybrid", loyal, parameters=["parts=item-knn,user-knn,rules,content"])
    made["counting knn"] = train("item-knn", shop, parameters=["counts=log"])
    return made


NAMES = [*MODELS, "mined rules", "best rule", "counting knn", "loyal hybrid"]


def history(model: TrainedModel, products: list[str], seen_too: bool) -> Queries:
    row = np.zeros((1, len(model.items)), np.float32)
    row[0, model.items.index_of(pl.Series(products, dtype=pl.String)).to_numpy()] = 1
    return basket_queries(csr_of(row), new_only=not seen_too, depth=10)


def scored(model: TrainedModel, products: list[str], product: str, seen_too: bool) -> float:
    """Return the score of a product for a basket, 0 where it has none."""
    scores = model.recommender.score(history(model, products, seen_too), 1)
    value = float(scores[0, int(model.items.index_of(pl.Series([product]))[0])])
    return value if np.isfinite(value) else 0.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("include_seen", [False, True])
def test_without_the_named_products_the_score_falls_by_what_is_claimed(name, include_seen, models):
    model = models[name]
    frame = recommend(model, audience="baskets", baskets=BASKETS, k=6, include_seen=include_seen).frame
    checked = 0
    for row in frame.iter_rows(named=True):
        basket = BASKETS[int(row["basket_id"]) - 1]
        if not row["reason_products"] or row["reason_kind"] == "expected":
            assert row["reason_weight"] is None
            continue
        assert set(row["reason_products"]) <= set(basket)
        rest = [each for each in basket if each not in row["reason_products"]]
        fall = row["score"] - scored(model, rest, row["product_id"], include_seen)
        assert row["reason_weight"] == pytest.approx(fall, abs=2e-6), row
        checked += 1
    assert checked > 3 or name in MAY_NAME_NONE


@pytest.mark.parametrize("name", ["item-knn", "loyal hybrid", "user-knn"])
def test_for_users_too(name, models):
    model = models[name]
    frame = recommend(model, k=4, include_seen=True).frame
    owned = {
        user: set(model.items.ids.gather(pl.Series(model.weights[[n]].indices)))
        for n, user in enumerate(model.users)
    }
    named = frame.filter(pl.col("reason_products").list.len() > 0)
    assert named["reason_weight"].null_count() == 0
    assert all(
        set(products) <= owned[user]
        for user, products in named.select("user_id", "reason_products").iter_rows()
    )
    again = frame.filter(pl.col("reason_kind") == "bought again")
    assert (again["reason_products"].list.first() == again["product_id"]).all()
    if name == "loyal hybrid":
        assert again.height > 5
        assert (again["reason_weight"] > 0).mean() > 0.9


def test_weights_that_cost_are_worked_out_when_asked_for(models, monkeypatch):
    monkeypatch.setattr("prodassoc_cli.models.serving.recommend.FEW_LISTS", 10)
    few = recommend(models["content"], ids=["u1", "u2"]).frame
    many = recommend(models["content"]).frame
    asked = recommend(models["content"], reason_weights=True).frame
    assert few["reason_weight"].null_count() == 0
    assert many["reason_weight"].null_count() == many.height
    assert asked.filter(pl.col("user_id").is_in(["u1", "u2"])).sort("user_id", "rank").equals(few)
    assert recommend(models["item-knn"]).frame["reason_weight"].null_count() < many.height


@pytest.mark.parametrize("name", list(MODELS))
def test_lists_without_reasons_are_the_same_lists(name, models):
    bare = recommend(models[name], with_reasons=False).frame
    assert bare.columns == ["user_id", "rank", "product_id", "score"]
    assert recommend(models[name]).frame.select(bare.columns).equals(bare)
    nobody = recommend(models[name], ids=[], with_reasons=False).frame
    assert nobody.schema == bare.schema


def test_no_lists_have_the_same_columns(models):
    assert recommend(models["item-knn"], ids=[]).frame.schema == recommend(models["item-knn"]).frame.schema


def test_every_kind_of_reason_is_declared():
    assert tuple(KINDS.values()) == REASONS
    assert list(KINDS) == list(Why)


@pytest.mark.parametrize(("event", "did"), [("rating", "rated"), ("view", "viewed"), ("purchase", "bought")])
@pytest.mark.parametrize("name", ["item-knn", "als", "popularity", "repeat"])
def test_reasons_say_what_was_done(event, did, name):
    shop = random_shop(8, users=40).with_columns(event=pl.lit(event))
    made = recommend(train(name, TrainingData.from_frames(shop)), k=5, ids=["u01", "u02", "nobody"]).frame
    text = " ".join(made["reason"])
    assert did in text
    assert not any(f" {other} " in f" {text} " for other in {"rated", "viewed", "bought"} - {did})
    assert ("customer" in text or "purchases" in text) == (event == "purchase")


@pytest.mark.parametrize("name", ["content", "hybrid", "item-knn", "ease"])
def test_a_reason_rests_on_what_raised_the_score(name, models):
    frame = recommend(models[name], k=8, include_seen=True, reason_weights=True).frame
    assert (frame["reason_weight"].drop_nulls() > 0).all()
    assert frame["reason_weight"].null_count() < frame.height


def test_only_products_that_are_alike_are_called_similar(models):
    model = models["content"]
    frame = recommend(model, audience="products", k=19).frame
    vectors = model.recommender.vectors
    pairs = frame.filter(pl.col("reason_kind") == "similar")
    left, right = (
        model.items.index_of(pairs[each]).to_numpy() for each in ("source_product_id", "product_id")
    )
    cosines = np.einsum("pd,pd->p", vectors[left], vectors[right])
    assert 0 < pairs.height < frame.height
    assert ((cosines >= 0.3) | (cosines == 0)).all()
