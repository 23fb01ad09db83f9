"""Numbers as a row of small bars."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """Return non-negative values as a row of small bars, the largest full; empty without one above 0."""
    top = max(values, default=0.0)
    if top <= 0:
        return ""
    return "".join(BARS[round(value / top * (len(BARS) - 1))] for value in values)
