"""Does the tool find what was planted in the simulated shop?"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_chain import run_chain
from tests.conftest import SAMPLE, CommandLine

TRUTH = json.loads((SAMPLE / "truth.json").read_text())


def pairs_of(groups: list[list[str]]) -> set[frozenset[str]]:
    return {frozenset((a, b)) for group in groups for a in group for b in group if a != b}


COMPLEMENTS = {
    frozenset((a, b))
    for use in TRUTH["complements"]
    for at, part in enumerate(use["parts"])
    for other in use["parts"][at + 1 :]
    for a in part
    for b in other
}
VARIANTS = pairs_of([line["products"] for line in TRUTH["variants"]])


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample shop, cleaned and embedded."""
    return run_chain(tmp_path_factory.mktemp("chain"), commands=("clean", "embed"))


@pytest.fixture(scope="module")
def pairs(chain) -> pl.DataFrame:
    """Rules between two products, best lift first."""
    done = CommandLine(chain)(
        "mine", "interactions.parquet", "--min-count", "8", "--max-size", "2", "-o", "pairs.parquet"
    )
    assert done.returncode == 0, done.stderr
    rules = pl.read_parquet(chain / "pairs.parquet")
    return rules.with_columns(pl.col("antecedent", "consequent").list.first())


def test_the_best_rules_are_the_planted_complements(pairs):
    best = [frozenset(pair) for pair in pairs.select("antecedent", "consequent").head(200).iter_rows()]
    assert sum(pair in COMPLEMENTS for pair in best) / len(best) > 0.9


def test_most_planted_groups_are_found(pairs):
    found = {frozenset(pair) for pair in pairs.select("antecedent", "consequent").iter_rows()}
    uses = [
        use["name"]
        for use in TRUTH["complements"]
        if any(
            frozenset((a, b)) in found
            for at, part in enumerate(use["parts"])
            for other in use["parts"][at + 1 :]
            for a in part
            for b in other
        )
    ]
    assert len(uses) >= 0.9 * len(TRUTH["complements"])


def test_the_planted_dirt_is_what_cleaning_leaves_out(chain):
    rejects = pl.read_parquet(chain / "rejects.parquet").filter(pl.col("source") == "orders.csv")
    dirt = {kind: set(found["rows"]) for kind, found in TRUTH["orders.csv"]["dirt"].items()}
    expected = {
        "cancelled_order": dirt["cancelled"],
        "duplicate_line": dirt["duplicate"],
        "missing_product": dirt["missing_product"],
        "non_product_code": dirt["service_code"],
        "quantity_not_positive": dirt["negative_quantity"] | dirt["zero_quantity"],
        "unparsable_timestamp": dirt["unparsable_date"],
        "unparsable_price": dirt["unparsable_price"],
        "unparsable_quantity": dirt["unparsable_quantity"],
    }
    for reason, rows in expected.items():
        assert set(rejects.filter(pl.col("reason") == reason)["row"]) == rows, reason
    # What is left is a line without a price that no customer took: a movement of stock.
    others = rejects.filter(~pl.col("reason").is_in(list(expected)))
    assert set(others["row"]) <= dirt["zero_price"]


def test_nearest_texts_are_the_planted_variants(chain):
    from prodassoc_cli.embedding.analysis.neighbours import nearest_to_each

    embeddings = pl.read_parquet(chain / "embeddings.parquet")
    ids = embeddings["product_id"].to_list()
    nearest = nearest_to_each(embeddings["embedding"].to_numpy(), 1).indices[:, 0]
    in_a_line = {product for pair in VARIANTS for product in pair}
    hits = [
        frozenset((ids[at], ids[near])) in VARIANTS for at, near in enumerate(nearest) if ids[at] in in_a_line
    ]
    assert sum(hits) / len(hits) > 0.9


def test_new_products_are_recommended_by_their_texts_alone(chain):
    run = CommandLine(chain)
    inputs = ["interactions.parquet", "--products", "products.parquet", "--embeddings", "embeddings.parquet"]
    assert run("train", *inputs, "--model", "content", "-o", "content.parquet").returncode == 0
    (chain / "new.txt").write_text("\n".join(TRUTH["new_products"]))
    done = run("recommend", "content.parquet", "--allow", "new.txt", "-k", "3", "-o", "new.parquet")
    assert done.returncode == 0, done.stderr
    assert set(pl.read_parquet(chain / "new.parquet")["product_id"]) <= set(TRUTH["new_products"])
