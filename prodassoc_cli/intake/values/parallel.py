"""Work on several columns at once: most of what is done to a column keeps one core busy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

T = TypeVar("T")


def run_parallel(*work: Callable[[], T]) -> list[T]:
    """Do pieces of work that do not touch one another, in as many threads as polars has.

    Returns:
        What each returned, in the order they were given.
    """
    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        return [each.result() for each in [threads.submit(piece) for piece in work]]
