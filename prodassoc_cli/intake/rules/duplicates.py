"""Rows that say what an earlier row says."""

from __future__ import annotations

import polars as pl


def duplicate_rows(rows: pl.DataFrame, places: pl.Series) -> pl.Series:
    """Return which rows equal an earlier candidate in every column.

    Equal hashes only nominate rows; the fields themselves decide.

    Args:
        rows: their values.
        places: of the candidates, ascending.
    """
    found = pl.Series("duplicate", [False]).new_from_index(0, rows.height)
    if not rows.width:
        return found
    among = rows[places]
    hashes = among.hash_rows()
    ordered = hashes.sort()
    shared = ordered.filter(ordered == ordered.shift())
    if len(shared):
        twice = hashes.is_in(shared.unique().implode())
        again = ~among.filter(twice).select(pl.struct(pl.all()).is_first_distinct()).to_series()
        found = found.scatter(places.filter(twice).filter(again), values=True)
    return found
