from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.products.expected import EACH, with_expected

KINDS = ["bread", "butter", "soap", "sponge"]
PARTNER = {"bread0": "butter", "butter0": "bread", "soap0": "sponge", "sponge0": "soap"}


def test_products_nobody_has_bought_are_expected_to_go_with_something():
    """Bread goes with butter, soap with sponges; number 0 of each is new, with a text like the others."""
    rng = np.random.default_rng(6)
    rows = [
        (str(order), f"{KINDS[kind]}{1 + rng.integers(5)}")
        for order in range(800) for first in [2 * rng.integers(2)] for kind in (first, first + 1)
    ]  # fmt: skip
    lines = pl.DataFrame(rows, ["order_id", "product_id"], orient="row").with_columns(
        event=pl.lit("purchase")
    )
    vectors = np.repeat(np.eye(4), 6, axis=0) + 0.1 * rng.normal(size=(24, 4))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = [f"{kind}{number}" for kind in KINDS for number in range(6)]
    embeddings = pl.DataFrame({"product_id": ids, "embedding": vectors.tolist()})
    related = pl.DataFrame(
        {
            "product_id": ["bread1", "bread1"], "related_id": ["butter2", "soap1"],
            "relation": ["complement", "variant"], "count": [9, 0], "lift": [2.0, 0.0],
        }
    )  # fmt: skip
    found = with_expected(related, baskets_from_interactions(lines), embeddings, 1)
    assert found.head(2).drop("expected_lift", "similarity").equals(related)
    near, far = found["expected_lift"][:2]
    assert near > 1.2 > far
    expected = found.slice(2)
    assert set(expected["relation"]) == {"expected"}
    assert expected["product_id"].unique().sort().to_list() == sorted(PARTNER)
    assert expected.group_by("product_id").len()["len"].max() <= EACH
    first = expected.group_by("product_id").first().select("product_id", "related_id").rows()
    assert all(other.startswith(PARTNER[product]) for product, other in first)
    assert expected["count"].is_null().all()
    assert expected["lift"].is_null().all()
    assert (expected["expected_lift"] > 1).all()
