"""Products from the order lines, where no catalogue tells of them."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.artifacts.frames import schema_of, with_absent
from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.intake.catalogue.category_paths import category_path
from prodassoc_cli.intake.catalogue.texts import plain_texts
from prodassoc_cli.intake.rules.outliers import medians
from prodassoc_cli.intake.values.categories import numbered
from prodassoc_cli.intake.values.counters import Counts

COLUMNS = schema_of(PRODUCTS)


class ProductTally:
    """Counts what order lines know of products.

    The title is the most frequent one of the product's lines (ties: the first by letter), so are brand and
    category; the price is the median.
    """

    def __init__(self) -> None:
        self._texts: dict[str, Counts] = {}
        self._prices = Counts("product_id", "price")

    def add(self, lines: pl.DataFrame) -> None:
        """Count kept rows: product_id, price and, where known, title, brand and category."""
        self._prices.add(lines.select("product_id", "price"))
        for name in ("title", "brand", "category"):
            if name in lines.columns:
                texts = lines.select("product_id", plain_texts(lines[name]).alias(name)).drop_nulls()
                self._texts.setdefault(name, Counts("product_id", name)).add(texts)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all that was counted, for `take`."""
        counted = {"price": self._prices} | self._texts
        return {name: counts.table() for name, counts in counted.items()}

    def take(self, tables: dict[str, pl.DataFrame]) -> None:
        """Take what was counted elsewhere, as `tables` tells it."""
        for name, table in tables.items():
            if name == "price":
                self._prices.take(table)
            else:
                self._texts.setdefault(name, Counts("product_id", name)).take(table)

    def products(self) -> pl.DataFrame:
        """Return products with the columns of the schema, sorted by product_id."""
        prices = self._prices.table()
        products = prices.select(pl.col("product_id").unique().sort())
        for name, counts in self._texts.items():
            common = (
                counts.table().sort("product_id", "n", name, descending=[False, True, False])
                .unique("product_id", keep="first", maintain_order=True)
            ).drop("n")  # fmt: skip
            products = products.join(common, on="product_id", how="left", maintain_order="left")
        prices = prices.filter(pl.col("price") > 0)
        product, ids = numbered(prices["product_id"])
        usual = pl.DataFrame(
            {
                "product_id": ids,
                "price": medians(product, prices["price"].to_numpy(), prices["n"].to_numpy())[0],
            }
        )
        products = products.join(usual, on="product_id", how="left", maintain_order="left")
        products = with_absent(products, COLUMNS).select(list(COLUMNS))
        return products.with_columns(category_path(products["category"]).alias("category"))


def complete(catalogue: pl.DataFrame, derived: pl.DataFrame) -> pl.DataFrame:
    """Add the products that occur in the lines but not in the catalogue, with what the lines know."""
    unknown = derived.join(catalogue.select("product_id"), on="product_id", how="anti")
    return pl.concat([catalogue, unknown], how="diagonal_relaxed").sort("product_id")
