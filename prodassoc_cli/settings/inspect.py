"""Options of `inspect`."""

from __future__ import annotations

from dataclasses import dataclass

from prodassoc_cli.declare import setting


@dataclass(frozen=True)
class InspectConfig:
    """Any artifact → what it is, what made it, and what is in it."""

    schema: str | None = setting(
        None, "Show the columns of this kind of artifact instead", metavar="KIND", result=False
    )
    parameters: str | None = setting(
        None, "Show the parameters of this model (train --param) instead", metavar="MODEL", result=False
    )
    rows: int = setting(10, "Number of rows to show", metavar="N", low=0, high=10_000, result=False)
