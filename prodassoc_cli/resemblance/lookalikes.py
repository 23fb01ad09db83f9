"""Products that a shopper cannot tell apart: one title and brand under several ids."""

from __future__ import annotations

import polars as pl


def lookalike_groups(products: pl.DataFrame) -> pl.Series:
    """Number the groups of products of one title and brand; case and white space do not matter.

    Args:
        products: title and brand; a product without a title is like no other.

    Returns:
        Int32, aligned: numbers from 0 in the order of the first of each group; -1 for a product alone.
    """
    plain = {
        name: products[name].str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
        for name in ("title", "brand")
    }
    shown = pl.DataFrame(plain).with_columns(pl.col("brand").fill_null(""))
    shared = shown.select(pl.struct("title", "brand").is_duplicated()).to_series()
    shared &= shown["title"].fill_null("") != ""
    number = shown.select(pl.when(shared).then(pl.struct("title", "brand"))).to_series().rank("dense")
    return number.cast(pl.Int32).fill_null(0) - 1
