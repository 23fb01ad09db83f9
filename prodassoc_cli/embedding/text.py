"""The text of a product, from a template over its columns."""

from __future__ import annotations

import string

import polars as pl

from prodassoc_cli.errors import UsageProblem, did_you_mean

DEFAULT_TEMPLATE = "{title} {brand} {category} {description}"


def product_texts(
    products: pl.DataFrame, template: str = DEFAULT_TEMPLATE, *, boundary: str = ""
) -> pl.Series:
    """Fill `template` for every product.

    Args:
        products: one row per product.
        template: text with column names in braces; `{{` and `}}` stand for braces. Lists are
            joined by blanks.
        boundary: put after the value of every column, where it matters that one ends there.

    Returns:
        One text a row, named `text`: null columns leave nothing behind, runs of white space become one blank.

    Raises:
        UsageProblem: the template is malformed, or names a column that is not there or cannot be text.
    """
    pieces = [
        pl.lit(part) if is_literal else _as_text(products, part) + boundary
        for is_literal, part in _parse(template, products.columns)
    ]
    filled = pl.concat_str(pieces) if pieces else pl.lit("")
    tidy = filled.str.replace_all(r"\s+", " ").str.strip_chars()
    # A template of literals alone makes one value: repeated for every row.
    return products.select(pl.repeat("", pl.len()).add(tidy).alias("text")).to_series()


def _parse(template: str, columns: list[str]) -> list[tuple[bool, str]]:
    """Split `template` into (is literal, text or column name)."""
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageProblem(f"`text` '{template}': {error}", "write a brace itself as {{ or }}") from error
    parts: list[tuple[bool, str]] = []
    for literal, column, form, conversion in fields:
        if literal:
            parts.append((True, literal))
        if column is None:
            continue
        if column not in columns:
            raise UsageProblem(f"`text`: no column '{column}' in the products", did_you_mean(column, columns))
        if form or conversion:
            raise UsageProblem(f"`text`: '{{{column}}}' takes no format", f"write {{{column}}}")
        parts.append((False, column))
    return parts


def _as_text(products: pl.DataFrame, column: str) -> pl.Expr:
    dtype = products.schema[column]
    if isinstance(dtype, pl.List):
        text = pl.col(column).cast(pl.List(pl.String)).list.join(" ", ignore_nulls=True)
    elif dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise UsageProblem(f"`text`: column '{column}' is a {dtype}, which has no text", "name a text column")
    else:
        text = pl.col(column).cast(pl.String)
    return text.fill_null("")
