"""Lines → typed rows: the one form that rows have until they are written as interactions.

A typed row has SOURCE and ROW; ids as text (products as numbers, where they are numbered); times and numbers;
the texts that describe its product; and the columns of the input that are no field, since rows are duplicates
only if those are equal too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from prodassoc_cli.intake.columns.schema import OTHER, ROW, SOURCE, TEXTS, is_feedback, number_fields
from prodassoc_cli.intake.layouts.layout import Layout, Lines
from prodassoc_cli.intake.values.categories import Coding
from prodassoc_cli.intake.values.conventions import Conventions
from prodassoc_cli.intake.values.dates import parse_times_as
from prodassoc_cli.intake.values.numbers_ids import Parsed, parse_events, parse_ids, parse_numbers_as
from prodassoc_cli.intake.values.parallel import run_parallel


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
    parse["product_id"] = lambda column: Parsed(_products(column, products))
    names = [name for name in parse if name in fields.columns]
    done = run_parallel(*(partial(parse[name], fields[name]) for name in names))
    parsed = dict(zip(names, done, strict=True))
    columns = [fields[SOURCE], fields[ROW], *(each.values.alias(name) for name, each in parsed.items())]
    columns += [fields[name] for name in TEXTS if name in fields.columns]
    read = {*names, *TEXTS} & set(fields.columns)
    held = {column for name, column in lines.columns.items() if name in read}
    columns += [lines.raw[name].alias(OTHER + name) for name in _other_columns(lines, layout, held)]
    bad = {name: each.bad for name, each in parsed.items() if each.bad is not None}
    return pl.DataFrame(columns), bad


def _parsers(fields: list[str], conventions: Conventions) -> dict[str, Callable[[pl.Series], Parsed]]:
    ids = ("user_id", "order_id", *(("list_id", "model") if is_feedback(fields) else ()))
    parse: dict[str, Callable[[pl.Series], Parsed]]
    parse = dict.fromkeys(ids, lambda column: Parsed(parse_ids(column)))
    for name in number_fields(fields):
        parse[name] = partial(parse_numbers_as, style=conventions.styles.get(name, "plain"))
    parse["timestamp"] = lambda column: parse_times_as(column, day_first=conventions.day_first)[0]
    parse["event"] = parse_events
    return parse


def _products(column: pl.Series, products: Coding | None) -> pl.Series:
    texts = column if column.dtype == pl.String else parse_ids(column)
    return texts if products is None else products.number(texts)


def _other_columns(lines: Lines, layout: Layout, held: set[str]) -> list[str]:
    """Return the columns of the input that no value is read from; or what rejects show beside a product."""
    shown = held if layout.whole_rows else {"product_id"}
    return [name for name in lines.raw.columns if name not in shown]
