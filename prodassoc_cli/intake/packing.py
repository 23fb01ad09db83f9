"""Lines as one frame, which buckets can hold, and back, with rows that may be alike beside one another."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from prodassoc_cli.intake.coding import Coding, coded
from prodassoc_cli.intake.layouts import Lines
from prodassoc_cli.intake.ordering import neighbours
from prodassoc_cli.intake.parsing import Parsed, parse_ids
from prodassoc_cli.intake.tables import PRODUCT

TIME_COLUMN = "\0time"
BAD_TIME = "\0bad_time"
"""Columns of lines whose times have been parsed on the way."""

ALIKE = "\0alike"
"""Column of lines: whether a row may tell what a neighbour tells; where it is missing, any two rows may."""

NUMBER = "\0number"
"""Column of packed lines: numbers of products, UInt32."""

_FIELD = "\0field "
"""Begins the names of fields kept beside the columns of the input."""


def with_times(lines: Lines, times: Parsed | None) -> Lines:
    """Keep the parsed times beside the fields."""
    if times is None:
        return lines
    bad = times.bad if times.bad is not None else pl.lit(value=False)
    fields = lines.fields.with_columns(times.values.alias(TIME_COLUMN), bad.alias(BAD_TIME))
    return replace(lines, fields=fields)


def with_numbers(lines: Lines, products: Coding) -> Lines:
    """Keep products that are texts as numbers beside the other fields."""
    texts = lines.fields["product_id"]
    if texts.dtype != pl.String:
        return lines
    return replace(lines, fields=lines.fields.with_columns(products.number(texts)))


def pack(lines: Lines, *, shared: bool, products: Coding | None = None) -> pl.DataFrame:
    """Return lines as one frame, in which a field that is a column of the input is not there twice.

    Args:
        lines: the lines.
        shared: whether a field is the same column in all inputs.
        products: has numbered the products; None where they are not. Only their numbers are in the frame.
    """
    fields = lines.fields
    if lines.whole_rows and shared:
        frame, product = lines.raw.hstack(fields.select(_hidden(fields))), lines.columns["product_id"]
    else:
        named = fields.rename(lambda name: name if name.startswith("\0") else _FIELD + name)
        frame, product = (lines.raw.hstack(named) if lines.whole_rows else named), _FIELD + "product_id"
    numbers = None if products is None else products.numbers(fields["product_id"])
    return frame if numbers is None else frame.drop(product).with_columns(numbers.alias(NUMBER))


def unpack(
    frame: pl.DataFrame, empty: Lines, *, shared: bool, products: Coding | None = None
) -> Lines:  # fmt: skip
    """Return the lines that `pack` packed, in the order of time and product, where they have times.

    Their products are there as `coding.coded` has them (PRODUCT) and, in that order, ALIKE is.

    Args:
        frame: the packed lines.
        empty: lines that have the columns of all inputs.
        shared: whether a field is the same column in all inputs.
        products: has numbered the products; None where they are not.
    """
    if empty.whole_rows and shared:
        named = {name: column for name, column in empty.columns.items() if name in empty.fields.columns}
    else:
        named = {name: _FIELD + name for name in empty.fields.columns if not name.startswith("\0")}
    column = named["product_id"]
    numbered = products if NUMBER in frame.columns else None
    product = coded(parse_ids(frame[column])) if numbered is None else numbered.coded(frame[NUMBER])
    user = parse_ids(frame[named["user_id"]]) if "user_id" in named else None
    frame = _arranged(frame.with_columns(product.alias(PRODUCT)), user)
    if numbered is not None:
        frame = frame.with_columns(numbered.texts(frame[NUMBER]).alias(column)).drop(NUMBER)
    fields = frame.select(*_hidden(frame), *(pl.col(column).alias(name) for name, column in named.items()))
    raw = frame.select(empty.raw.columns) if empty.whole_rows else fields.select(empty.raw.columns)
    return replace(empty, fields=fields, raw=raw)


def _arranged(frame: pl.DataFrame, user: pl.Series | None) -> pl.DataFrame:
    """Put packed lines in the order of time and product, and tell which may be alike."""
    if TIME_COLUMN not in frame.columns or not frame[TIME_COLUMN].count():
        return frame
    order, alike = neighbours(frame[TIME_COLUMN], user, frame[PRODUCT])
    return (frame if order is None else frame[order]).with_columns(alike.alias(ALIKE))


def _hidden(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name.startswith("\0") and not name.startswith(_FIELD)]
