"""Lines as one frame, which buckets can hold, and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

import polars as pl

from prodassoc_cli.intake.layouts.layouts import Lines
from prodassoc_cli.intake.tables import PRODUCT
from prodassoc_cli.intake.values.categories import Coding, coded
from prodassoc_cli.intake.values.numbers_ids import Parsed, parse_ids
from prodassoc_cli.intake.values.parallel import run_parallel

TIME_COLUMN = "\0time"
BAD_TIME = "\0bad_time"
"""Columns of lines whose times have been parsed on the way."""

NUMBER = "\0number"
"""Column of packed lines: numbers of products, UInt32."""

_FIELD = "\0field "
"""Begins the names of fields kept beside the columns of the input."""


def alone(lines: Lines) -> list[str]:
    """Return the fields of ids and times that are the only ones of their column."""
    columns = list(lines.columns.values())
    names = (name for name in ("user_id", "order_id", "timestamp") if name in lines.columns)
    return [name for name in names if columns.count(lines.columns[name]) == 1]


def with_ids(lines: Lines, in_place: Collection[str]) -> Lines:
    """Keep parsed ids in the place of the texts they were read from."""
    names = [name for name in in_place if name != "timestamp"]
    ids = run_parallel(*(partial(parse_ids, lines.fields[name]) for name in names))
    named = [each.alias(lines.columns[name]) for name, each in zip(names, ids, strict=True)]
    return replace(lines, fields=lines.fields.with_columns(ids), raw=lines.raw.with_columns(named))


def with_times(lines: Lines, times: Parsed | None, in_place: Collection[str] = ()) -> Lines:
    """Keep the parsed times beside the fields, or in the place of what they were read from."""
    if times is None:
        return lines
    bad = (times.bad if times.bad is not None else pl.lit(value=False)).alias(BAD_TIME)
    if "timestamp" not in in_place:
        return replace(lines, fields=lines.fields.with_columns(times.values.alias(TIME_COLUMN), bad))
    named = times.values.alias(lines.columns["timestamp"])
    return replace(lines, fields=lines.fields.with_columns(bad), raw=lines.raw.with_columns(named))


def with_numbers(lines: Lines, products: Coding) -> Lines:
    """Keep products as numbers beside the other fields."""
    texts = lines.fields["product_id"]
    if texts.dtype != pl.String:
        texts = parse_ids(texts)
    return replace(lines, fields=lines.fields.with_columns(products.number(texts)))


def pack(lines: Lines, *, shared: bool, products: Coding | None = None) -> pl.DataFrame:
    """Return lines as one frame, in which a field that is a column of the input is not there twice.

    Args:
        lines: the lines.
        shared: whether a field is the same column in all inputs.
        products: has numbered the products; None where they are not. Those that are texts are not in the
            frame then.
    """
    fields = lines.fields
    if lines.whole_rows and shared:
        frame, product = lines.raw.hstack(fields.select(_hidden(fields))), lines.columns["product_id"]
    else:
        named = fields.rename(lambda name: name if name.startswith("\0") else _FIELD + name)
        frame, product = (lines.raw.hstack(named) if lines.whole_rows else named), _FIELD + "product_id"
    if products is None:
        return frame
    held = frame if frame.schema[product] not in (pl.String, pl.Categorical) else frame.drop(product)
    return held.with_columns(products.numbers(fields["product_id"]).alias(NUMBER))


def unpack(
    frame: pl.DataFrame, empty: Lines, *, shared: bool, products: Coding | None = None
) -> Lines:  # fmt: skip
    """Return the lines that `pack` packed; their products are there as `coding.coded` has them (PRODUCT) too.

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
    if products is None:
        frame = frame.with_columns(coded(parse_ids(frame[column])).alias(PRODUCT))
    else:
        numbers = frame[NUMBER]
        if column not in frame.columns:
            frame = frame.with_columns(products.as_they_came(numbers).alias(column))
        frame = frame.drop(NUMBER).with_columns(products.coded(numbers).alias(PRODUCT))
    if BAD_TIME in frame.columns and TIME_COLUMN not in frame.columns:
        frame = frame.with_columns(pl.col(named["timestamp"]).alias(TIME_COLUMN))
    fields = frame.select(*_hidden(frame), *(pl.col(column).alias(name) for name, column in named.items()))
    raw = frame.select(empty.raw.columns) if empty.whole_rows else fields.select(empty.raw.columns)
    return replace(empty, fields=fields, raw=raw)


def _hidden(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name.startswith("\0") and not name.startswith(_FIELD)]
