"""Prices that leave a choice: a range, or `from 10`."""

from __future__ import annotations

import polars as pl

_FROM = (
    r"(?i)^\s*(?:from|starting at|as low as|ab|à partir de|dès|desde|a partir de|da|vanaf|od|от)"
    r"\s*:?\s*([^\w\s]{0,2}\s*(?:[A-Z]{3}\s*)?\d)"
)
_UP = r"(?i)(\d)\s*([^\w\s]?)\s*(?:\+|起|から|~|～|부터|以上|and up)\s*$"
_RANGE = (
    r"(?i)^(\s*(?:[^\w\s]{1,2}|[A-Z]{3})?\s*\d[\d.,']*\s*(?:[^\w\s–—~～-]{1,2}|[A-Z]{3})?)"
    r"\s*(?:-|–|—|~|～|\bto\b|\bbis\b|\bà\b|至|から)\s*(?:[^\w\s]{1,2}|[A-Z]{3})?\s*\d[\d.,']*\s*(\D*)$"
)


def lowest_prices(prices: pl.Series) -> tuple[pl.Series, int]:
    """Return prices with the lowest one in the place of a range, and how many were ranges.

    Args:
        prices: as they are written; numbers pass through.
    """
    if prices.dtype != pl.String:
        return prices, 0
    lowest = prices.str.replace(_FROM, "$1").str.replace(_UP, "$1$2").str.replace(_RANGE, "$1")
    return lowest, int((lowest != prices).fill_null(value=False).sum())
