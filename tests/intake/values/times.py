"""Times of one column, parsed as `clean` parses those of all inputs."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from prodassoc_cli.intake.values.dates import parse_times_as
from prodassoc_cli.intake.values.numbers import Parsed


def parse_times(
    column: pl.Series, *, dayfirst: bool | None = None, preset: bool | None = None, where: str = "the input"
) -> Parsed:
    """Parse dates and times of many shapes: ISO 8601, 31/12/2024, 12/31/24, 31.12.2024, 5 Mar 2024, epochs.

    Values with a zone are brought to UTC. Epochs may be in seconds, milli-, micro- or nanoseconds.

    Args:
        column: text, numbers (epochs) or times.
        dayfirst: the user's word on day/month (True) or month/day (False) where the column leaves it open.
        preset: the same word of a preset, which the user's overrules.
        where: name of the input and column, for messages.

    Raises:
        BadData: nothing shows which of two numbers is the day, or the column has it both ways.
    """
    parsed, marks = parse_times_as(column, day_first=True)
    first, note = marks.first(preset if dayfirst is None else dayfirst, where)
    if not first:
        parsed, _ = parse_times_as(column, day_first=False)
    return replace(parsed, note=note)
