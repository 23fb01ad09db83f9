"""What `inspect` tells of a model."""

from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import train
from prodassoc_cli.models.registry import MODELS, make
from prodassoc_cli.models.storage.artifact import to_arrow
from prodassoc_cli.models.storage.describe import describe, parameter_table
from tests.models.shops import catalogue, random_shop, vectors


@pytest.fixture(scope="module")
def shop() -> TrainingData:
    return TrainingData.from_frames(random_shop(3, users=150), catalogue(), vectors())


def _tables(name: str, shop: TrainingData, *parameters: str) -> dict[str, pl.DataFrame]:
    _, header = to_arrow(train(name, shop, parameters=parameters))
    return {table.columns[0]: table for table in describe(header)}


def test_a_fusion_tells_how_its_parts_did_and_what_ranks(shop):
    tables = _tables("hybrid", shop, "parts=popularity,item-knn,content")
    learned = tables["ndcg@10 of lists"]
    assert learned.height == 5
    assert set(learned["ndcg@10 of lists"][:2]) == {"sum", "regression"}
    for column in learned.columns[1:]:
        assert learned[column].str.contains("◀").sum() == 1
        best = learned[column].str.extract(r"^([\d.]+)").cast(pl.Float64)
        assert best[learned[column].str.contains("◀").arg_true()[0]] == best.max()
    parameters = dict(tables["model"].iter_rows())
    assert "cold=neighbours" in parameters["hybrid"]
    assert "neighbours=400" in parameters["item-knn"]
    stored = dict(tables["stored"].iter_rows())
    assert {"items", "users", "history", "model/item-knn"} <= set(stored)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_what_can_be_set_of_a_model_is_told_with_its_meaning(name):
    table = parameter_table(name)
    assert set(table["parameter"]) == set(make(name).describe()) - set(MODELS)
    assert (table["meaning"].str.len_chars() > 10).all()
    for parameter, default in (
        table.filter(pl.col("default") != "").select("parameter", "default").iter_rows()
    ):
        make(name, [f"{parameter}={default}"])


def test_a_single_model_tells_its_counts_and_parameters(shop):
    tables = _tables("ease", shop, "ridge=7")
    assert set(tables) == {"learned from", "model", "stored"}
    assert dict(tables["learned from"].iter_rows())["users"] == str(shop.n_users)
    assert "ridge=7.0" in dict(tables["model"].iter_rows())["ease"]
