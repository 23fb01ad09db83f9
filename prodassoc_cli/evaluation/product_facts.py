"""What is known of the products of an evaluation, as arrays: who has them, what they are, what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.numerics.arrays import Bools, Doubles, Floats, Longs
from prodassoc_cli.numerics.indexing import aligned_vectors, numbered

NO_CATEGORY = -1
"""Code of a product without a category."""


@dataclass(frozen=True)
class ProductFacts:
    """What the metrics beyond accuracy need; None where the input with it was not given.

    Attributes:
        catalogue: whether each product belongs to the catalogue.
        holders: number of training users who have each product.
        training_users: number of training users with a relevant event.
        category: code of each product's category path, `NO_CATEGORY` where it has none.
        categories: category path of each code.
        price: price of one unit, NaN where unknown.
        embedding: f32[products, dims], unit rows; rows of zeros where a product has no vector.
    """

    catalogue: Bools | None = None
    holders: Longs | None = None
    training_users: int = 0
    category: Longs | None = None
    categories: tuple[str, ...] = ()
    price: Doubles | None = None
    embedding: Floats | None = None


def gather_facts(
    index: pl.DataFrame,
    train_pairs: pl.DataFrame | None,
    train: pl.DataFrame | None,
    products: pl.DataFrame | None,
    embeddings: pl.DataFrame | None,
) -> ProductFacts:
    """Lay out what is known of the products.

    Args:
        index: product_id, product: 0 … in order.
        train_pairs: distinct (user_id, product_id) of the training rows.
        train: training rows; their products are the catalogue where `products` is not given.
        products: the catalogue, with category and price where it has them.
        embeddings: product_id, embedding.
    """
    source = products if products is not None else train
    users = 0 if train_pairs is None else train_pairs["user_id"].n_unique()
    category, categories = _categories(index, products)
    return ProductFacts(
        catalogue=None if source is None else _members(index, source),
        holders=_holders(index, train_pairs) if train_pairs is not None and users else None,
        training_users=users,
        category=category,
        categories=categories,
        price=_prices(index, products),
        embedding=None if embeddings is None else aligned_vectors(embeddings, index["product_id"]),
    )


def _members(index: pl.DataFrame, catalogue: pl.DataFrame) -> Bools:
    member = np.zeros(index.height, dtype=np.bool_)
    member[index.join(catalogue, on="product_id", how="semi")["product"].to_numpy()] = True
    return member


def _holders(index: pl.DataFrame, pairs: pl.DataFrame) -> Longs:
    counted = index.join(pairs.group_by("product_id").len("users"), on="product_id")
    holders = np.zeros(index.height, dtype=np.int64)
    holders[counted["product"].to_numpy()] = counted["users"].to_numpy()
    return holders


def _known(index: pl.DataFrame, products: pl.DataFrame | None, column: str) -> pl.Series | None:
    """Return a column of the catalogue beside the numbers; None where it holds nothing."""
    if products is None or column not in products.columns or products[column].null_count() == products.height:
        return None
    once = products.select("product_id", column).unique("product_id", keep="first", maintain_order=True)
    return index.join(once, on="product_id", how="left", maintain_order="left")[column]


def _categories(index: pl.DataFrame, products: pl.DataFrame | None) -> tuple[Longs | None, tuple[str, ...]]:
    found = _known(index, products, "category")
    if found is None:
        return None, ()
    codes, names = numbered(found)
    return codes, tuple(names.to_list())


def _prices(index: pl.DataFrame, products: pl.DataFrame | None) -> Doubles | None:
    found = _known(index, products, "price")
    return None if found is None else found.cast(pl.Float64).fill_null(np.nan).to_numpy()
