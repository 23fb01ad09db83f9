"""What goes with products that nobody has bought, told from texts: lists, reasons, relations."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.serving.recommend import recommend

KINDS = ["bread", "butter", "pasta", "sauce", "soap", "sponge"]
EACH = 5


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """A shop where bread goes with butter, pasta with sauce, soap with sponges; number 0 of each is new."""
    rng = np.random.default_rng(4)
    ids = [f"{kind}{number}" for kind in KINDS for number in range(EACH)]
    vectors = np.repeat(np.eye(6, dtype=np.float32), EACH, axis=0) + 0.2 * rng.normal(size=(6 * EACH, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = []
    for order in range(1500):
        first = 2 * rng.integers(3)
        wanted = [first, first + 1] + ([rng.integers(6)] if rng.random() < 0.3 else [])
        products = [f"{KINDS[kind]}{1 + rng.integers(EACH - 1)}" for kind in wanted]
        rows += [(f"u{order % 90}", str(order), product) for product in products]
    interactions = pl.DataFrame(rows, ["user_id", "order_id", "product_id"], orient="row").unique(
        maintain_order=True
    )
    interactions = interactions.with_columns(event=pl.lit("purchase"))
    products = pl.DataFrame({"product_id": ids, "title": [each.title() for each in ids]})
    products = products.with_columns(
        brand=pl.lit(None, pl.String), category=pl.lit(None, pl.String), price=1.0
    )
    embeddings = pl.DataFrame({"product_id": ids, "embedding": vectors.astype(np.float32).tolist()})
    return TrainingData.from_frames(interactions, products, embeddings)


@pytest.fixture(scope="module", params=["association", "hybrid"])
def model(request, data) -> TrainedModel:
    return train(request.param, data)


NEW = [f"{kind}0" for kind in KINDS]


def kinds(frame: pl.DataFrame, column: str) -> list[str]:
    return frame[column].str.strip_chars_end("0123456789").to_list()


@pytest.mark.parametrize("relation", [None, "complement"])
def test_new_products_have_lists_of_what_goes_with_them(model, relation):
    made = recommend(model, audience="products", ids=NEW, k=3, relation=relation).frame
    assert made["source_product_id"].unique(maintain_order=True).to_list() == NEW
    partner = {kind: KINDS[place ^ 1] for place, kind in enumerate(KINDS)}
    wanted = [partner[kind] for kind in kinds(made, "source_product_id")]
    assert np.mean(np.array(wanted) == np.array(kinds(made, "product_id"))) > 0.8
    first = made.row(0, named=True)
    assert first["reason_kind"] == "expected"
    like, other = first["reason_products"]
    assert other == first["product_id"]
    assert like.startswith("bread")
    assert first["reason"] == f"expected: like {like.title()}, which is bought with {other.title()}"
    scores = made.filter(pl.col("source_product_id") == "bread0")["score"]
    assert scores.is_sorted(descending=True)
    assert made["reason_weight"].is_null().all() or relation == "complement"


def test_a_counted_complement_stands_before_what_is_expected(data):
    bread, butter = (data.items.ids.index_of(each) for each in ("bread1", "butter1"))
    few = data.events.filter(~pl.col("item").is_in([bread]))
    new = few.head(24).with_columns(
        order=pl.int_range(24, dtype=pl.Int32) // 2 + 10_000,
        item=pl.lit(pl.Series([bread, butter] * 12, dtype=few["item"].dtype)),
    )
    model = train("association", data.with_events(pl.concat([few, new])))
    made = recommend(model, audience="products", ids=["bread1"], k=60, relation="complement").frame
    assert made.row(0, named=True)["product_id"] == "butter1"
    kind = made["reason_kind"].to_list()
    numbers = {each: kind.count(each) for each in ("bought together", "expected", "popular")}
    assert kind == [each for each, number in numbers.items() for _ in range(number)]
    assert min(numbers.values()) > 0
    assert made["score"].is_sorted(descending=True)
    assert made["product_id"].n_unique() == made.height


def test_products_bought_often_have_counted_complements_only(model):
    made = recommend(model, audience="products", ids=["bread3", "soap5"], k=40, relation="complement").frame
    assert set(made["reason_kind"]) == {"bought together"}


def test_without_texts_the_hybrid_goes_without(data):
    bare = TrainingData(data.items, data.users, data.events)
    assert "association" not in train("hybrid", bare).recommender.parts
    assert not train("association", bare).recommender.expecting.any()
