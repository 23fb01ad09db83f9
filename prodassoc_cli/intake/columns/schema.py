"""Names and types of the columns that rows have on their way through `clean`."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from prodassoc_cli.artifacts import schemas
from prodassoc_cli.artifacts.frames import schema_of

Say = Callable[[str], None]
"""Receives a notice of one line."""


class Caution(str):
    """A notice of what is likely a mistake: it is shown as a warning."""

    __slots__ = ()


SOURCE, ROW = "\0source", "\0row"
"""Where a row came from: which input, and its number there from 1. No column of an input can be called so."""

OTHER = "\0other "
"""Begins the names of columns of the input that are no field: rows are equal only if those are."""

EVENT = pl.Enum(sorted(schemas.EVENTS))
"""Events; their codes have the order of their names."""

INTERACTIONS = schema_of(column for column in schemas.INTERACTIONS.columns if not column.optional)
FURTHER = schema_of(column for column in schemas.INTERACTIONS.columns if column.optional)
"""What interactions have beside that where inputs have it: weights, and what a log of shown lists tells."""

REJECTS = schema_of(schemas.REJECTS)

NUMBERS = ("quantity", "price", "rating", "weight")
FEEDBACK_NUMBERS = ("click", "purchase", "dismiss", "position", "propensity", "revenue")
"""Fields of numbers; the second are those of a log of shown lists."""

RESPONSES = ("click", "purchase", "dismiss")
"""What can come of a product shown, 1 or 0."""

STATES = ("status", "cancelled_at")
"""Fields that tell whether an order was cancelled."""

TEXTS = ("title", "brand", "category")
"""Fields that describe a product, kept as they are."""


def is_feedback(fields: list[str]) -> bool:
    """Return whether fields are those of a log of shown lists: `click` and a position or propensity."""
    return "click" in fields and ("position" in fields or "propensity" in fields)


def number_fields(fields: list[str]) -> list[str]:
    """Return those of the fields that hold numbers."""
    numbers = (*NUMBERS, *FEEDBACK_NUMBERS) if is_feedback(fields) else NUMBERS
    return [name for name in numbers if name in fields]
