"""Rows dealt out to buckets in memory."""

from __future__ import annotations

import polars as pl


class Buckets:
    """Buckets of rows with the same columns, in memory; rows of a bucket stay in the order they were added.

    Args:
        buckets: how many there are.
    """

    def __init__(self, buckets: int) -> None:
        self.buckets = buckets
        self.rows = [0] * buckets
        self._frames: dict[int, list[pl.DataFrame]] = {}

    def add(self, frame: pl.DataFrame, bucket: pl.Series) -> None:
        """Add rows, each to its bucket."""
        frame, runs = dealt(frame, bucket)
        for at, start, size in runs:
            self._frames.setdefault(at, []).append(frame.slice(start, size))
            self.rows[at] += size

    def read(self, at: int) -> pl.DataFrame:
        """Return the rows of a bucket, of which there must be some."""
        # Rows gathered from a column of many chunks take several times as long.
        return pl.concat(self._frames[at], rechunk=True)

    def drop(self, at: int) -> None:
        """Give the room of a bucket back."""
        self._frames.pop(at, None)

    def close(self) -> None:
        """Give all room back."""
        self._frames.clear()


def dealt(frame: pl.DataFrame, bucket: pl.Series) -> tuple[pl.DataFrame, list[tuple[int, int, int]]]:
    """Put rows in the order of their buckets, those of one in the order they came.

    Returns:
        The rows in that order; and bucket, first row and number of rows for each that has some.
    """
    order = bucket.to_numpy().argsort(kind="stable")
    runs = bucket.gather(pl.Series(order)).rle().struct.unnest()
    if len(runs) > 1:
        frame = frame[pl.Series(order)]
    ends = runs["len"].cum_sum()
    return frame, list(zip(runs["value"], ends - runs["len"], runs["len"], strict=True))
