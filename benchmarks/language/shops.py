"""A raw export → purchases to learn from and to judge by, products, and vectors of their texts.

The last quarter of the lines is set aside. Of the earlier ones, those of 15 % of the products are left out:
these are new to whatever learns. Products first sold later are new anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from benchmarks.recommend.datasets import DATA
from prodassoc_cli import clean, embed
from prodassoc_cli.errors import ProdassocError
from prodassoc_cli.numerics.indexing import index_of

SAMPLE = Path(__file__).parents[2] / "sample_data"

CHARACTERS = "character n-grams"

ENCODERS: dict[str, dict[str, Any]] = {
    "all-MiniLM-L6-v2": {"encoder": "onnx"},
    "multilingual-e5-small": {"model": "multilingual"},
    CHARACTERS: {"encoder": "tfidf"},
}
"""What the tables call an encoder → the options of `embed` that take it; the default model first."""

_HELD_OUT, _MADE_NEW = 0.25, 0.15
_FEW_BUYERS = 20


@dataclass(frozen=True)
class Shop:
    """One shop.

    Attributes:
        name: what the tables call it.
        products: the catalogue, in the order that products are numbered in.
        every: all purchases.
        train: purchases to learn from.
        held_out: later purchases.
    """

    name: str
    products: pl.DataFrame
    every: pl.DataFrame
    train: pl.DataFrame
    held_out: pl.DataFrame

    @property
    def ids(self) -> pl.Series:
        """The products' ids."""
        return self.products["product_id"]

    def orders(self, purchases: pl.DataFrame) -> sparse.csr_array:
        """Return orders × products of ones."""
        pairs = purchases.select("order_id", "product_id").drop_nulls().unique(maintain_order=True)
        order = pairs["order_id"].rank("dense").to_numpy().astype(np.int64) - 1
        item = index_of(pairs["product_id"], self.ids).to_numpy()
        shape = (int(order.max(initial=-1)) + 1, len(self.ids))
        return sparse.csr_array((np.ones(len(order), np.float32), (order, item)), shape=shape)

    def kinds(self) -> dict[str, pl.Series]:
        """Return the products by how many have bought them, where one learns."""
        buyers = self.train.group_by("product_id").agg(buyers=pl.col("user_id").drop_nulls().n_unique())
        n = self.products.join(buyers, on="product_id", how="left", maintain_order="left")["buyers"]
        return {
            f"{_FEW_BUYERS} buyers or more": self.ids.filter(n.fill_null(0) >= _FEW_BUYERS),
            f"fewer than {_FEW_BUYERS} buyers": self.ids.filter(n.fill_null(_FEW_BUYERS) < _FEW_BUYERS),
            "new": self.ids.filter(n.is_null()),
        }


def sample_shop(seed: int) -> Shop:
    """Return the simulated shop of sample_data/."""
    return _shop("sample shop", seed, str(SAMPLE / "orders.csv"), products=str(SAMPLE / "catalog.csv"))


def online_retail(seed: int) -> Shop | None:
    """Return UCI Online Retail; None where its file is missing."""
    source = DATA / "retail" / "online_retail.csv.gz"
    if not source.exists():
        return None
    return _shop("Online Retail", seed, str(source), preset="uci", products_output=True)


def _shop(name: str, seed: int, orders: str, **options: Any) -> Shop:  # noqa: ANN401 — of `clean`
    made = clean(orders, holdout=f"time:{_HELD_OUT}", quiet=True, **options)
    earlier, later = (
        rows.filter(pl.col("event") == "purchase") for rows in (made.interactions, made.holdout)
    )
    products = made.products.sort("product_id")
    new = products["product_id"].sample(fraction=_MADE_NEW, seed=seed)
    train = earlier.filter(~pl.col("product_id").is_in(new.implode()))
    return Shop(name, products, pl.concat([earlier, later]), train, later)


def lineage_name(encoder: str) -> str:
    """Return what the lineage of embeddings calls an encoder of the tables."""
    return "tfidf" if encoder == CHARACTERS else encoder


def texts(products: pl.DataFrame, **options: Any) -> dict[str, pl.DataFrame]:  # noqa: ANN401 — of `embed`
    """Return the embeddings of each encoder that is installed; one that is not is named with the reason."""
    found = {}
    for name, encoder in ENCODERS.items():
        try:
            found[name] = embed(products, quiet=True, **encoder, **options).embeddings
        except ProdassocError as problem:
            print(f"\n{name}: left out: {problem.message}")
    return found
