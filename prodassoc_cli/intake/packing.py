"""Lines as one frame, which buckets can hold, and back, with rows that may be alike beside one another."""

from __future__ import annotations

from collections.abc import Collection
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


def with_numbers(lines: Lines, products: Coding, *, shared: bool) -> Lines:
    """Keep products that are texts as numbers.

    Args:
        lines: the lines.
        products: numbers them.
        shared: whether a field is the same column in all inputs.
    """
    texts = lines.fields["product_id"]
    if texts.dtype != pl.String:
        return lines
    numbers = products.number(texts)
    raw = lines.raw
    if lines.whole_rows and shared:
        raw = raw.with_columns(numbers.alias(lines.columns["product_id"]))
    return replace(lines, fields=lines.fields.with_columns(numbers), raw=raw)


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
    numbers = None if products is None else products.numbers(frame[product])
    return frame if numbers is None else frame.drop(product).with_columns(numbers.alias(NUMBER))


def unpack(
    frame: pl.DataFrame, empty: Lines, *, shared: bool, products: Coding | None = None,
    plain_ids: Collection[str] = (), shown: bool = True,
) -> Lines:  # fmt: skip
    """Return the lines that `pack` packed, in the order of time and product, where they have times.

    Their products are there as `coding.coded` has them (PRODUCT) and, in that order, ALIKE is.

    Args:
        frame: the packed lines.
        empty: lines that have the columns of all inputs.
        shared: whether a field is the same column in all inputs.
        products: has numbered the products; None where they are not.
        plain_ids: as the conventions have them, as far as they are known.
        shown: whether texts of products are to be there as they came, for rejects or as another field too;
            else only their numbers are where they have been numbered.
    """
    if empty.whole_rows and shared:
        named = {name: column for name, column in empty.columns.items() if name in empty.fields.columns}
    else:
        named = {name: _FIELD + name for name in empty.fields.columns if not name.startswith("\0")}
    column = named["product_id"]
    if products is not None and NUMBER in frame.columns:
        product = products.coded(frame[NUMBER])
    else:
        product = coded(parse_ids(frame[column]))
    user = frame[named["user_id"]] if "user_id" in named else None
    if user is not None and "user_id" not in plain_ids:
        user = parse_ids(user)
    frame = _arranged(frame.with_columns(product.alias(PRODUCT)), user)
    if products is not None and NUMBER in frame.columns:
        shown |= list(named.values()).count(column) > 1
        texts = products.texts(frame[NUMBER]) if shown else frame[NUMBER]
        frame = frame.drop(NUMBER).with_columns(texts.alias(column))
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
