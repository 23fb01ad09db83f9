"""What is known of the products of an evaluation, as arrays: who has them, what they are, what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NO_CATEGORY = -1
"""Code of a product without a category."""


@dataclass(frozen=True)
class ProductFacts:
    """What the metrics beyond accuracy need; None where the input that tells it was not given.

    Attributes:
        catalogue: whether each product belongs to the catalogue.
        holders: number of training users who have each product.
        training_users: number of training users with a relevant event.
        category: code of each product's category path, `NO_CATEGORY` where it has none.
        categories: category path of each code.
        price: price of one unit, NaN where unknown.
        embedding: f32[products, dims], unit rows; rows of zeros where a product has no vector.
    """

    catalogue: BoolArray | None = None
    holders: IntArray | None = None
    training_users: int = 0
    category: IntArray | None = None
    categories: tuple[str, ...] = ()
    price: FloatArray | None = None
    embedding: NDArray[np.float32] | None = None


def gather_facts(
    numbered: pl.DataFrame,
    train_pairs: pl.DataFrame | None,
    train: pl.DataFrame | None,
    products: pl.DataFrame | None,
    embeddings: pl.DataFrame | None,
) -> ProductFacts:
    """Lay out what is known of the products.

    Args:
        numbered: product_id, product: 0 … in order.
        train_pairs: distinct (user_id, product_id) of the training rows.
        train: training rows; their products are the catalogue where `products` is not given.
        products: the catalogue, with category and price where it has them.
        embeddings: product_id, embedding.
    """
    source = products if products is not None else train
    users = 0 if train_pairs is None else train_pairs["user_id"].n_unique()
    category, categories = _categories(numbered, products)
    return ProductFacts(
        catalogue=None if source is None else _members(numbered, source),
        holders=_holders(numbered, train_pairs) if train_pairs is not None and users else None,
        training_users=users,
        category=category,
        categories=categories,
        price=_prices(numbered, products),
        embedding=None if embeddings is None else _vectors(numbered, embeddings),
    )


def _members(numbered: pl.DataFrame, catalogue: pl.DataFrame) -> BoolArray:
    member = np.zeros(numbered.height, dtype=np.bool_)
    member[numbered.join(catalogue, on="product_id", how="semi")["product"].to_numpy()] = True
    return member


def _holders(numbered: pl.DataFrame, pairs: pl.DataFrame) -> IntArray:
    counted = numbered.join(pairs.group_by("product_id").len("users"), on="product_id")
    holders = np.zeros(numbered.height, dtype=np.int64)
    holders[counted["product"].to_numpy()] = counted["users"].to_numpy()
    return holders


def _known(numbered: pl.DataFrame, products: pl.DataFrame | None, column: str) -> pl.Series | None:
    """Return a column of the catalogue beside the numbers; None where it holds nothing."""
    if products is None or column not in products.columns or products[column].null_count() == products.height:
        return None
    once = products.select("product_id", column).unique("product_id", keep="first", maintain_order=True)
    return numbered.join(once, on="product_id", how="left", maintain_order="left")[column]


def _categories(
    numbered: pl.DataFrame, products: pl.DataFrame | None
) -> tuple[IntArray | None, tuple[str, ...]]:
    found = _known(numbered, products, "category")
    if found is None:
        return None, ()
    names = found.drop_nulls().unique().sort()
    codes = found.replace_strict(names, np.arange(names.len()), default=NO_CATEGORY, return_dtype=pl.Int64)
    return codes.to_numpy(), tuple(names.to_list())


def _prices(numbered: pl.DataFrame, products: pl.DataFrame | None) -> FloatArray | None:
    found = _known(numbered, products, "price")
    return None if found is None else found.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _vectors(numbered: pl.DataFrame, embeddings: pl.DataFrame) -> NDArray[np.float32]:
    placed = embeddings.select("product_id", "embedding").join(numbered, on="product_id")
    found = placed["embedding"].to_numpy()
    dims = found.shape[1] if found.ndim == 2 else 0
    vectors = np.zeros((numbered.height, dims), dtype=np.float32)
    if placed.height:
        vectors[placed["product"].to_numpy()] = found
    return vectors
