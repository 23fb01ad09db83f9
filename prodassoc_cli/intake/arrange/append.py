"""New order lines beside those cleaned before: the result is that of cleaning all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.arrange.sorting import in_order

_EARLIER = "\0earlier"


@dataclass(frozen=True)
class Earlier:
    """What was cleaned before.

    Attributes:
        facts: the facts of its conventions; see `conventions.Survey`.
        frames: reads its interactions, sorted, in frames one after another.
    """

    facts: dict[str, Any]
    frames: Callable[[], Iterator[pl.DataFrame]]


def known_before(rows: pl.DataFrame, earlier: Earlier) -> pl.Series:
    """Return which rows equal an earlier one in everything that is kept of a row.

    Args:
        rows: new rows with the columns of interactions.
        earlier: what was cleaned before.
    """
    found = pl.Series("known", [False]).new_from_index(0, rows.height)
    numbered = rows.with_row_index("\0at")
    keys = None
    for frame in earlier.frames():
        keys = keys or [name for name in frame.columns if name in rows.columns]
        twice = numbered.join(frame.select(keys), on=keys, how="semi", nulls_equal=True)
        found = found.scatter(twice["\0at"], values=True)
    return found


def merged(earlier: Iterable[pl.DataFrame], new: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Merge interactions that come in sorted frames with others that do, into sorted frames."""
    flows = (iter(earlier), iter(new))
    held: list[pl.DataFrame | None] = [_next(flow) for flow in flows]
    if held[0] is not None and held[1] is not None and held[0].columns != held[1].columns:
        raise BadData(
            "the new lines have other columns than those before: " + ", ".join(held[1].columns),
            "clean all of the inputs again, without `append_to`",
        )
    while held[0] is not None and held[1] is not None:
        marked = [
            frame.with_columns(pl.lit(not at).alias(_EARLIER))
            for at, frame in enumerate(held)
            if frame is not None
        ]
        rows = in_order(pl.concat(marked))
        # Up to the end of the one that ends first, nothing can come in between any more.
        ends = [int(rows[_EARLIER].eq(other=bool(mark)).arg_true()[-1]) for mark in (True, False)]
        at = min(ends)
        over = ends.index(at)
        yield rows.head(at + 1).drop(_EARLIER)
        rest = rows.slice(at + 1).drop(_EARLIER)
        held[1 - over] = rest if rest.height else _next(flows[1 - over])
        held[over] = _next(flows[over])
    for frame, flow in zip(held, flows, strict=True):
        if frame is not None:
            yield frame
            yield from flow


def _next(flow: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    return next((frame for frame in flow if frame.height), None)
