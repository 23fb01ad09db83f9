"""One row per product that a user played, watched or listened to, with how much of it."""

from __future__ import annotations

from prodassoc_cli.intake.layouts.layout import Head, Layout
from prodassoc_cli.intake.layouts.order_lines import lines_as_they_are


def _recognise(_: Head, columns: dict[str, str]) -> str:
    bought = {"order_id", "quantity", "price", "event", "click"}
    if {"product_id", "weight"} <= columns.keys() and not bought & columns.keys():
        return (
            f"one row per product played or watched: products in {columns['product_id']}, how much of it in "
            f"{columns['weight']}; `event=purchase` takes rows for purchases"
        )
    return ""


PLAYS = Layout("plays", _recognise, lines_as_they_are, whole_rows=True, usual_event="view")
