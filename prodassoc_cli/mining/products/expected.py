"""What products are expected to be bought with, also those in few baskets or none: by their texts."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from prodassoc_cli.association.learning import AssociationFactors, learn_factors
from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.numerics.indexing import aligned_vectors, index_of

EACH = 10
"""Expected partners of a product that is in too few baskets for proven ones."""

_BLOCK = 1024


def with_expected(
    related: pl.DataFrame, baskets: Baskets, embeddings: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Return related pairs with the column expected_lift, and after them rows of the relation `expected`.

    Args:
        related: columns of `schemas.RELATED_PRODUCTS`, without expected_lift.
        baskets: the baskets.
        embeddings: product_id, embedding; also of products that are in no basket.
        seed: of the inner split that the factors are chosen by.
    """
    bought = baskets.item_ids.cast(pl.String)
    others = embeddings["product_id"].cast(pl.String).unique().sort()
    ids = pl.concat([bought, others.filter(~others.is_in(bought.implode()))])
    ones = np.ones(len(baskets.items), np.float32)
    shape = (len(baskets), len(ids))
    transactions = sparse.csr_array((ones, baskets.items, baskets.indptr), shape=shape)
    texts = aligned_vectors(embeddings, ids)
    with threadpool_limits(1, "blas"):  # how sums are shared out decides the last bits
        factors = learn_factors(transactions, texts, seed)
        a, b = (index_of(related[side], ids).to_numpy() for side in ("product_id", "related_id"))
        lift = np.exp(_log_lifts(factors, a, b)).astype(np.float64)
        proven = np.unique(a[(related["relation"] == "complement").to_numpy()])
        rare = np.setdiff1d(np.flatnonzero(factors.expecting), proven)
        product, partner, expected = _best(factors, rare, len(bought))
    rows = pl.DataFrame(
        {
            "product_id": ids.gather(pl.Series(product)),
            "related_id": ids.gather(pl.Series(partner)),
            "relation": pl.Series(["expected"]).new_from_index(0, len(product)),
            "similarity": np.einsum("ij,ij->i", texts[product], texts[partner]).astype(np.float64),
            "expected_lift": expected,
        }
    )
    return pl.concat([related.with_columns(expected_lift=pl.Series(lift)), rows], how="diagonal")


def _log_lifts(factors: AssociationFactors, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    weighed = factors.weighed
    parts = [
        np.einsum("ij,ij->i", weighed[a[start : start + _BLOCK]], factors.vectors[b[start : start + _BLOCK]])
        for start in range(0, max(len(a), 1), _BLOCK)
    ]
    return np.concatenate(parts)


def _best(
    factors: AssociationFactors, products: np.ndarray, bought: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return products, bought partners and expected lifts above 1, for each product the largest first."""
    weighed = factors.weighed
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start in range(0, len(products), _BLOCK):
        block = products[start : start + _BLOCK]
        logs = weighed[block] @ factors.vectors[:bought].T
        logs[block[:, None] == np.arange(bought)[None]] = -np.inf
        order = np.argsort(-logs, axis=1, kind="stable")[:, :EACH]
        likely = np.take_along_axis(logs, order, axis=1)
        row, slot = np.nonzero(likely > 0)
        found.append((block[row], order[row, slot], np.exp(likely[row, slot].astype(np.float64))))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    product, partner, lift = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return product, partner, lift
