"""One row per rating of a product by a user."""

from __future__ import annotations

from prodassoc_cli.intake.layouts.layout import Head, Layout
from prodassoc_cli.intake.layouts.order_lines import lines_as_they_are


def _recognise(_: Head, columns: dict[str, str]) -> str:
    if {"product_id", "rating"} <= columns.keys() and not {"order_id", "quantity"} & columns.keys():
        return f"one row per rating: products in {columns['product_id']}, ratings in {columns['rating']}"
    return ""


RATINGS = Layout("ratings", _recognise, lines_as_they_are, whole_rows=True, usual_event="rating")
