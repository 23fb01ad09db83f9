"""What a stage of the domain is given beside its inputs, and what it returns; whoever runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

    import polars as pl
    import pyarrow as pa

    Rows: TypeAlias = pl.DataFrame | pa.Table | Iterable[pl.DataFrame | pa.Table]
    """Rows in one frame or table, or in several one after another where they are too many to hold."""

Say = Callable[[str], None]
"""Called with a message of one line; it names options as `settings.naming` has it."""

Progress = Callable[[int, int], None]
"""Called with (done, total) as work goes on."""

UNBOUNDED = 1 << 62


@contextlib.contextmanager
def _no_progress(label: str) -> Iterator[Progress]:
    yield lambda done, total: None


@dataclass(frozen=True)
class StageContext:
    """What a stage works with, and whom it tells of its work. By default it works alone and tells nobody.

    Attributes:
        threads: number of threads; it never changes a result.
        seed: random seed.
        memory_limit: bytes the run may hold.
        memory_left: returns how many of them are still free.
        say: receives what was found.
        warn: receives what a user should look at.
        note: receives facts for the summary of the run, ready for JSON.
        show: receives rows for people to look at.
        progress: opens a progress bar with that label.
        loading: wraps the import of kernels, which on a first run are compiled.
    """

    threads: int = 1
    seed: int = 42
    memory_limit: int = UNBOUNDED
    memory_left: Callable[[], int] = lambda: UNBOUNDED
    say: Say = lambda text: None
    warn: Say = lambda text: None
    note: Callable[[dict[str, Any]], None] = lambda facts: None
    show: Callable[[pl.DataFrame], None] = lambda frame: None
    progress: Callable[[str], AbstractContextManager[Progress]] = _no_progress
    loading: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext


@dataclass(frozen=True)
class StageResult:
    """One result of a stage.

    Attributes:
        output: name of the output it goes to: `output` for the main one, `topics` for `topics_output`.
        rows: the rows.
        facts: what its readers need to know; they go into the lineage.
        view: what is shown to people instead of the rows, where those alone would say less.
    """

    output: str
    rows: Rows
    facts: dict[str, Any] = field(default_factory=dict)
    view: pl.DataFrame | None = None
