"""Titles in the place of ids, where people look."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def with_titles(frame: pl.DataFrame, products: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the frame with the ids of some columns replaced by titles; an id without a title stays.

    Args:
        frame: any artifact with columns of product ids or of lists of them.
        products: product_id and title.
        columns: names of the columns to replace.
    """
    named = products.filter(pl.col("title").is_not_null()).select("product_id", "title")
    titles = pl.col("product_id").replace_strict(
        named["product_id"], named["title"], default=pl.col("product_id")
    )
    for name in columns:
        rows = frame.select(pl.col(name).alias("product_id")).with_row_index("row")
        if isinstance(frame.schema[name], pl.List):
            rows = rows.explode("product_id").with_columns(titles)
            replaced = rows.group_by("row", maintain_order=True).agg("product_id")["product_id"]
        else:
            replaced = rows.with_columns(titles)["product_id"]
        frame = frame.with_columns(replaced.alias(name))
    return frame
