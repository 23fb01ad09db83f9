"""What was planted in the simulated shop: which relations are found, and which titles mean the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable

import numpy as np
import polars as pl

from benchmarks.language.shops import SAMPLE
from prodassoc_cli.numerics.indexing import aligned_vectors

_CHINESE = r"\p{Han}"


def planted_pairs() -> dict[str, pl.DataFrame]:
    """Return the pairs of products (a < b) of each planted relation."""
    truth = json.loads((SAMPLE / "truth.json").read_text())
    across = {
        "complement": [use["parts"] for use in truth["complements"]],
        "substitute": [use["lines"] for use in truth["substitutes"]],
        "variant": [[[each] for each in line["products"]] for line in truth["variants"]],
    }
    return {
        relation: _pairs(
            pair
            for groups in uses
            for one, other in itertools.combinations(groups, 2)
            for pair in itertools.product(one, other)
        )
        for relation, uses in across.items()
    }


def found_pairs(related: pl.DataFrame, relation: str) -> pl.DataFrame:
    """Return the pairs (a < b) of a relation that was found."""
    chosen = related.filter(pl.col("relation") == relation)
    return _pairs(chosen.select("product_id", "related_id").iter_rows())


def hits(some: pl.DataFrame, among: pl.DataFrame) -> np.ndarray:
    """Return 1 for each of some pairs that is among others, 0 for the rest."""
    marked = some.join(among.with_columns(hit=1.0), on=["a", "b"], how="left", maintain_order="left")
    return marked["hit"].fill_null(0.0).to_numpy()


def of_one_category(products: pl.DataFrame, embeddings: pl.DataFrame) -> np.ndarray:
    """Return for each product with a Chinese title whether the nearest English title is of its category."""
    known = products.filter(pl.col("category").is_not_null())
    chinese = known["title"].str.contains(_CHINESE).to_numpy()
    vectors = aligned_vectors(embeddings, known["product_id"])
    category = known["category"].to_numpy()
    nearest = (vectors[chinese] @ vectors[~chinese].T).argmax(axis=1)
    return (category[chinese] == category[~chinese][nearest]).astype(np.float64)


def rank_of_same_goods(products: pl.DataFrame, embeddings: pl.DataFrame) -> np.ndarray:
    """Return for each Chinese title with a planted English substitute the rank of the first, from 1."""
    chinese = products["title"].str.contains(_CHINESE).to_numpy()
    vectors = aligned_vectors(embeddings, products["product_id"])
    ids, english = products["product_id"].to_numpy(), np.flatnonzero(~chinese)
    same = {frozenset(pair) for pair in planted_pairs()["substitute"].iter_rows()}
    meant = [[frozenset((one, other)) in same for other in ids[english]] for one in ids[chinese]]
    true = np.array(meant)
    order = np.argsort(-(vectors[chinese] @ vectors[english].T), axis=1, kind="stable")
    ranks = np.take_along_axis(true, order, axis=1).argmax(axis=1) + 1
    return ranks[true.any(axis=1)]


def _pairs(pairs: Iterable[tuple[str, ...]]) -> pl.DataFrame:
    unique = sorted({(min(pair), max(pair)) for pair in pairs})
    return pl.DataFrame(unique, {"a": pl.String, "b": pl.String}, orient="row")
