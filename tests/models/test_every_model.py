"""One suite over all models: what every recommender must do."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.registry import MODELS, family
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.split import user_queries
from prodassoc_cli.models.storage.artifact import from_arrow, to_arrow
from tests.models.shops import N_ITEMS, N_USERS, catalogue, checkerboard, random_shop, vectors

NAMES = list(MODELS)
SAME_FOR_ALL = ("popularity", "trending", "random")
"""Baselines, which know nothing of tastes."""


@pytest.fixture(scope="module")
def board() -> tuple[TrainingData, dict[str, str]]:
    return checkerboard()


@pytest.fixture(scope="module")
def shop() -> TrainingData:
    return TrainingData.from_frames(random_shop(1), catalogue(), vectors())


@pytest.fixture(scope="module")
def models(shop: TrainingData) -> dict[str, TrainedModel]:
    return {name: train(name, shop) for name in NAMES}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SAME_FOR_ALL])
def test_finds_the_one_missing_square_of_the_checkerboard(name, board):
    data, answers = board
    # Few steps are enough for so small a board only if they are large.
    large_steps = {"mf": ["learning_rate=0.02", "epochs=60"]}
    model = train(name, data, parameters=large_steps.get(name, []))
    served = recommend(model, k=1).frame
    assert dict(zip(served["user_id"], served["product_id"], strict=True)) == answers


@pytest.mark.parametrize("name", NAMES)
def test_threads_and_repetition_do_not_change_anything(name, shop, models):
    again = train(name, shop, threads=3)
    ours, theirs = models[name].recommender.arrays(), again.recommender.arrays()
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        np.testing.assert_array_equal(array, theirs[key], err_msg=key)
    assert recommend(models[name]).frame.equals(recommend(again, threads=3).frame)


def test_order_of_the_rows_does_not_change_anything(models):
    shuffled = random_shop(1).sample(fraction=1.0, shuffle=True, seed=5)
    again = train("hybrid", TrainingData.from_frames(shuffled, catalogue(), vectors()))
    assert recommend(again).frame.equals(recommend(models["hybrid"]).frame)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_recommends_the_same(name, models, tmp_path):
    table, header = to_arrow(models[name])
    pq.write_table(table, tmp_path / "first.parquet")
    read = from_arrow(pq.read_table(tmp_path / "first.parquet"), json.loads(json.dumps(header)))
    for audience, more in (("users", {}), ("products", {}), ("baskets", {"baskets": [["i01", "i02"]]})):
        before = recommend(models[name], audience=audience, include_seen=True, **more).frame
        assert recommend(read, audience=audience, include_seen=True, **more).frame.equals(before)
    again, _ = to_arrow(read)
    pq.write_table(again, tmp_path / "second.parquet")
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [1, 7, 100])
def test_exactly_k_where_k_candidates_exist(name, k, shop, models):
    served = recommend(models[name], k=k)
    seen = np.diff(shop.seen.indptr)
    lengths = served.frame.group_by("user_id").len().sort("user_id")["len"].to_numpy()
    np.testing.assert_array_equal(lengths, np.minimum(k, shop.n_items - seen))
    ranks = served.frame.group_by("user_id", maintain_order=True).agg(pl.col("rank"), pl.col("score"))
    for rank, score in zip(ranks["rank"], ranks["score"], strict=True):
        assert rank.to_list() == list(range(1, len(rank) + 1))
        assert score.is_sorted(descending=True)


@pytest.mark.parametrize("name", NAMES)
def test_lists_hold_new_products_unless_asked_otherwise(name, shop, models):
    owned = shop.events.filter(pl.col("user") >= 0).select(
        user_id=shop.users.gather(shop.events.filter(pl.col("user") >= 0)["user"]),
        product_id=shop.items.ids.gather(shop.events.filter(pl.col("user") >= 0)["item"]),
    )
    fresh = recommend(models[name], k=5).frame
    assert fresh.join(owned, on=["user_id", "product_id"]).is_empty()
    all_of_them = recommend(models[name], k=5, include_seen=True).frame
    assert all_of_them.join(owned, on=["user_id", "product_id"]).height > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("audience", ["users", "products", "baskets"])
def test_every_row_has_a_reason(name, audience, models):
    more = {"baskets": [["i01", "i02"], ["i05"]]} if audience == "baskets" else {}
    for include_seen in (False, True):
        frame = recommend(models[name], audience=audience, include_seen=include_seen, **more).frame
        assert frame["reason"].null_count() == 0
        assert (frame["reason"].str.len_chars() > 8).all()
        assert not frame["reason"].str.contains(r"NaN|null|None|\{").any()


@pytest.mark.parametrize("name", [name for name in NAMES if family(name).judges])
def test_single_products_score_as_all_do(name, shop, models):
    model = models[name].recommender
    queries = user_queries(shop, np.arange(10, dtype=np.int32))
    rows, items = np.nonzero(np.random.default_rng(0).random((10, shop.n_items)) < 0.4)
    indptr = np.searchsorted(rows, np.arange(11))
    found = model.score_pairs(queries, indptr, items.astype(np.int32), 2)
    expected = model.score(queries, 2)[rows, items]
    np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_product_is_never_listed_for_itself(name, models):
    frame = recommend(models[name], audience="products", include_seen=True, k=N_ITEMS).frame
    assert not (frame["source_product_id"] == frame["product_id"]).any()


@pytest.mark.parametrize("name", NAMES)
def test_unknown_users_get_popular_products_and_are_counted(name, models):
    served = recommend(models[name], ids=["nobody", "u3", "nobody"], k=3)
    assert served.frame["user_id"].to_list() == ["nobody"] * 3 + ["u3"] * 3
    assert served.counts["unknown_users"] == 1
    assert any("not known" in notice for notice in served.notices)
    popular = recommend(models["popularity"], ids=["nobody"], k=3).frame
    unknown = served.frame.head(3)
    assert unknown["product_id"].to_list() == popular["product_id"].to_list() or name == "trending"
    assert unknown["reason"].str.starts_with("no purchases of yours are known yet; bought by").all()
    alone = recommend(models[name], ids=["u3"], k=3).frame
    assert served.frame.tail(3)["product_id"].to_list() == alone["product_id"].to_list()


@pytest.mark.parametrize("name", NAMES)
def test_works_where_all_orders_are_anonymous(name):
    lines = random_shop(2).with_columns(user_id=pl.lit(None, pl.String))
    model = train(name, TrainingData.from_frames(lines, catalogue(), vectors()))
    frame = recommend(model, audience="products", k=5).frame
    assert frame.group_by("source_product_id").len()["len"].to_list() == [5] * len(model.items)
    assert frame["reason"].null_count() == 0


def test_the_board_has_an_answer_for_every_user(board):
    assert len(board[1]) == N_USERS
