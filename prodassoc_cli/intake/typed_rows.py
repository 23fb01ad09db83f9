"""Lines → typed rows: the one form that rows have until they are written as interactions.

A typed row has SOURCE and ROW; ids as text (products as numbers, where they are numbered); times and numbers;
the texts that describe its product; and the columns of the input that are no field, since rows are duplicates
only if those are equal too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from prodassoc_cli.intake.columns.schema import OTHER, ROW, SOURCE, STATES, TEXTS, is_feedback, number_fields
from prodassoc_cli.intake.layouts.layout import Layout, Lines
from prodassoc_cli.intake.values.categories import Coding
from prodassoc_cli.intake.values.conventions import Conventions
from prodassoc_cli.intake.values.dates import parse_times_as
from prodassoc_cli.intake.values.events import parse_events
from prodassoc_cli.intake.values.numbers import Parsed, parse_numbers_as
from prodassoc_cli.intake.values.statuses import cancelled
from prodassoc_cli.resources import run_parallel


def typed_rows(
    lines: Lines, layout: Layout, conventions: Conventions, *, products: Coding | None
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Parse every field of lines.

    Args:
        lines: rows of the inputs.
        layout: of the inputs.
        conventions: how numbers and dates are written.
        products: numbers the products (UInt32) as they came; None to keep them as text.

    Returns:
        The typed rows; and for each field with values that cannot be parsed, a Boolean that is true there.
    """
    fields = lines.fields
    parse = _parsers(fields.columns, conventions)
    parse["product_id"] = lambda column: Parsed(_products(column, conventions, products))
    names = [name for name in parse if name in fields.columns]
    done = run_parallel(*(partial(parse[name], fields[name]) for name in names))
    parsed = dict(zip(names, done, strict=True))
    columns = [fields[SOURCE], fields[ROW], *(each.values.alias(name) for name, each in parsed.items())]
    columns += [fields[name] for name in TEXTS if name in fields.columns]
    if set(STATES) & set(fields.columns):
        columns += [cancelled(*(fields.get_column(name, default=None) for name in STATES)).alias("cancelled")]
    read = {*names, *TEXTS, *STATES} & set(fields.columns)
    held = {column for name, column in lines.columns.items() if name in read}
    columns += [lines.raw[name].alias(OTHER + name) for name in _other_columns(lines, layout, held)]
    bad = {name: each.bad for name, each in parsed.items() if each.bad is not None}
    rows = pl.DataFrame(columns)
    if conventions.stated.price_of_line and {"price", "quantity"} <= set(rows.columns):
        pieces = pl.when(pl.col("quantity") != 0).then(pl.col("quantity").abs())
        rows = rows.with_columns(pl.col("price") / pieces.fill_null(1))
    return rows, bad


def _parsers(fields: list[str], conventions: Conventions) -> dict[str, Callable[[pl.Series], Parsed]]:
    ids = ("user_id", "order_id", *(("list_id", "model") if is_feedback(fields) else ()))
    parse: dict[str, Callable[[pl.Series], Parsed]]
    parse = {name: partial(_parse_ids, name=name, conventions=conventions) for name in ids}
    for name in number_fields(fields):
        parse[name] = partial(parse_numbers_as, style=conventions.styles.get(name, "plain"))
    parse["timestamp"] = lambda column: parse_times_as(column, day_first=conventions.day_first)[0]
    parse["event"] = partial(parse_events, own=conventions.stated.events)
    return parse


def _parse_ids(column: pl.Series, *, name: str, conventions: Conventions) -> Parsed:
    return Parsed(conventions.parse_ids(name, column))


def _products(column: pl.Series, conventions: Conventions, products: Coding | None) -> pl.Series:
    texts = column if column.dtype == pl.String else conventions.parse_ids("product_id", column)
    return texts if products is None else products.number(texts)


def _other_columns(lines: Lines, layout: Layout, held: set[str]) -> list[str]:
    """Return the columns of the input that no value is read from; or what rejects show beside a product."""
    shown = held if layout.whole_rows else {"product_id"}
    return [name for name in lines.raw.columns if name not in shown]
