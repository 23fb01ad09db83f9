"""What `--prune` asks for; how it is worked out stands in `redundancy`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prodassoc_cli.errors import UsageProblem, did_you_mean

_MODES = ("redundant", "non-productive", "improvement=X")


@dataclass(frozen=True)
class Pruning:
    """What `--prune` asks for.

    Attributes:
        mode: redundant, non-productive or improvement.
        minimum: minimum improvement, for mode improvement.
    """

    mode: str
    minimum: float = 0.0

    def keeps(self, confidence: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Return which rules stay, by their confidence and the best of the more general rules."""
        if self.mode == "improvement":
            kept: np.ndarray = confidence - best >= self.minimum
            return kept
        return np.asarray(confidence > best)


def pruning(text: str | None) -> Pruning | None:
    """Return what `--prune` asks for.

    Raises:
        UsageProblem: it is something unknown, or an improvement that is no number.
    """
    if text is None:
        return None
    name, _, value = text.partition("=")
    if name == "improvement":
        try:
            return Pruning(name, float(value))
        except ValueError as error:
            raise UsageProblem(f"`prune={text}` has no number", "write it like improvement=0.05") from error
    if text not in _MODES:
        raise UsageProblem(f"unknown `prune` '{text}'", did_you_mean(text, _MODES))
    return Pruning(text)
