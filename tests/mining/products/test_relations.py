from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.mining.products.relations import (
    Thresholds,
    evidence_of,
    judged_pairs,
    related_pairs,
    with_relations,
)
from tests.mining.conftest import make_baskets
from tests.mining.selection.test_significance import log_p_of

LOOSE = Thresholds(variant=0.95, substitute=0.5, level=0.05)


def embeddings(**vectors):
    unit = {name: np.array(vector, np.float32) / np.linalg.norm(vector) for name, vector in vectors.items()}
    return pl.DataFrame(
        {"product_id": list(unit), "embedding": list(unit.values())},
        schema={"product_id": pl.String, "embedding": pl.Array(pl.Float32, 3)},
    )


def shop():
    """Tea and milk meet; two cups are one in two sizes; who buys beans buys lentils, never at once."""
    rows, user = [], []
    for buyer in range(60):
        if buyer % 3 == 0:
            orders = [{"tea", "milk"}, {"tea", "milk", "cup1"}, {"cup2"}]
        elif buyer % 3 == 1:
            orders = [{"beans"}, {"lentils"}, {"beans"}]
        else:
            orders = [{"soap"}, {"soap", "milk"}]
        rows += orders
        user += [buyer] * len(orders)
    vectors = embeddings(
        tea=[1, 0, 0], milk=[0, 1, 0], cup1=[0, 0.02, 1], cup2=[0, 0, 1], beans=[1, 1, 0], lentils=[1, 0.5, 0]
    )
    return make_baskets(rows), np.array(user, np.int32), vectors


def relations(frame):
    return {(a, b): relation for a, b, relation in frame.select(frame.columns[:3]).iter_rows()}


def everything(baskets, user, vectors, thresholds=LOOSE):
    items = np.arange(len(baskets.item_ids))
    pairs = np.triu_indices(len(items), 1)
    return related_pairs(evidence_of(baskets, user, vectors), items, pairs, thresholds)


def test_the_three_relations():
    found = everything(*shop())
    assert relations(found) == {
        ("tea", "milk"): "complement", ("milk", "tea"): "complement",
        ("cup1", "cup2"): "variant", ("cup2", "cup1"): "variant",
        ("beans", "lentils"): "substitute", ("lentils", "beans"): "substitute",
        # never bought together, and similar enough: nothing speaks against it
        ("tea", "beans"): "substitute", ("beans", "tea"): "substitute",
        ("tea", "lentils"): "substitute", ("lentils", "tea"): "substitute",
        ("beans", "milk"): "substitute", ("milk", "beans"): "substitute",
        ("cup1", "tea"): "complement", ("tea", "cup1"): "complement",
        ("cup1", "milk"): "complement", ("milk", "cup1"): "complement",
        # soap has no vector: what is bought together is a complement all the same
        ("milk", "soap"): "complement", ("soap", "milk"): "complement",
    }  # fmt: skip


def test_thresholds_decide():
    strict = everything(*shop(), Thresholds(variant=1.1, substitute=0.99, level=0.05))
    assert set(relations(strict).values()) == {"complement", "substitute"}
    assert relations(strict)["cup1", "cup2"] == "substitute"
    assert ("beans", "lentils") not in relations(strict)
    assert everything(*shop(), Thresholds(1.1, 1.1, 0.0)).is_empty()


def test_numbers_of_a_pair():
    baskets, user, vectors = shop()
    code = {name: at for at, name in enumerate(baskets.item_ids)}
    pair = np.array([code["milk"]]), np.array([code["tea"]])
    found = judged_pairs(*pair, evidence_of(baskets, user, vectors), LOOSE).row(0, named=True)
    assert found["count"] == 40
    assert found["lift"] == pytest.approx(40 * 160 / (60 * 40))
    assert found["p_value"] == pytest.approx(np.exp(log_p_of(160, 60, 40, 40)))
    assert found["user_lift"] == pytest.approx(20 * 60 / (40 * 20))
    assert found["similarity"] == pytest.approx(0, abs=1e-6)


def test_without_users_or_vectors():
    baskets, _, vectors = shop()
    code = {name: at for at, name in enumerate(baskets.item_ids)}
    evidence = evidence_of(baskets, None, vectors)
    pair = np.array([code["soap"]]), np.array([code["tea"]])
    found = judged_pairs(*pair, evidence, LOOSE).row(0, named=True)
    assert found["similarity"] is None
    assert found["user_lift"] is None
    assert found["relation"] is None


def test_similarity_of_the_sides_of_rules():
    baskets, user, vectors = shop()
    rules = pl.DataFrame(
        {
            "antecedent": [["tea"], ["milk", "tea"], ["soap"], ["soap", "tea"]],
            "consequent": [["milk"], ["beans"], ["tea"], ["beans"]],
        }
    )
    found = with_relations(rules, evidence_of(baskets, user, vectors), LOOSE)
    expected = [0.0, 1.0, None, np.sqrt(0.5)]
    assert found["similarity"].to_list() == [
        None if each is None else pytest.approx(each, abs=1e-6) for each in expected
    ]
    assert found["relation"].to_list() == ["complement", None, None, None]
    empty = with_relations(rules.clear(), evidence_of(baskets, user, vectors), LOOSE)
    assert empty.schema["similarity"] == pl.Float64
    assert empty.schema["relation"] == pl.String
