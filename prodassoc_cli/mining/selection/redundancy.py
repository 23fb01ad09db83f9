"""Rules that a more general rule makes superfluous.

A rule A' → B is more general than A → B when A' is a part of A, nothing at all included: then its confidence
is the support of B. Whether any of them is as good is worked out on the lattice of antecedents: from the
rules down to the general ones, one product at a time, and back up with the best confidence met.

Sources: Bayardo, Agrawal & Gunopulos 1999 (improvement); Webb 2007, "Discovering significant patterns"
(productive).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prodassoc_cli.mining.kernels.bitsets import COUNT
from prodassoc_cli.mining.selection.lattice import NOWHERE, Lattice
from prodassoc_cli.mining.selection.significance import log_fisher


@dataclass(frozen=True)
class _Level:
    """Distinct rules with so many products on the left: sides packed in ascending keys; sets."""

    keys: np.ndarray
    sets: np.ndarray

    @property
    def antecedents(self) -> np.ndarray:
        return np.asarray(self.keys >> 32)

    @property
    def consequents(self) -> np.ndarray:
        return np.asarray(self.keys & 0xFFFFFFFF)


def best_general_confidence(
    lattice: Lattice, antecedents: np.ndarray, consequents: np.ndarray, sets: np.ndarray
) -> np.ndarray:
    """Return the best confidence among the more general rules of each rule, float64.

    Args:
        lattice: of all frequent sets.
        antecedents: node of the left side of each rule.
        consequents: node of its right side.
        sets: node of both sides together.
    """
    keys = antecedents.astype(np.int64) << 32 | consequents.astype(np.int64)
    size = lattice.sizes[antecedents]
    levels: dict[int, _Level] = {}
    steps: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    general_keys, general_sets = keys[:0], sets[:0].astype(np.int64)
    for left in range(int(size.max(initial=0)), 0, -1):
        here = size == left
        unique, at = np.unique(np.concatenate([keys[here], general_keys]), return_index=True)
        levels[left] = _Level(unique, np.concatenate([sets[here].astype(np.int64), general_sets])[at])
        if left > 1:
            row, general_keys, general_sets = _one_fewer(lattice, levels[left])
            steps[left] = row, general_keys
    best_of = _climb(lattice, levels, steps)
    out = np.empty(len(keys))
    for left, level in levels.items():
        here = size == left
        out[here] = best_of[left][np.searchsorted(level.keys, keys[here])]
    return out


def _one_fewer(lattice: Lattice, level: _Level) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rules with one product fewer on the left: row of the rule they come from, key, set."""
    row, item = lattice.items_of(level.antecedents)
    words = lattice.words[item]
    antecedent = lattice.find(lattice.hashes[level.antecedents][row] - words)
    both = lattice.find(lattice.hashes[level.sets][row] - words)
    return row, antecedent << 32 | level.consequents[row], both


def _climb(
    lattice: Lattice, levels: dict[int, _Level], steps: dict[int, tuple[np.ndarray, np.ndarray]]
) -> dict[int, np.ndarray]:
    """Return the best more general confidence of every rule of every level, from the general ones up."""
    count = lattice.itemsets.tree[COUNT]
    best_of: dict[int, np.ndarray] = {}
    for left in sorted(levels):
        level = levels[left]
        if left == 1:
            best_of[1] = count[level.consequents] / lattice.itemsets.n_baskets
            continue
        below = levels[left - 1]
        own = count[below.sets] / count[below.antecedents]
        row, keys = steps[left]
        value = np.maximum(own, best_of[left - 1])[np.searchsorted(below.keys, keys)]
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        best_of[left] = np.maximum.reduceat(value, starts) if len(value) else value
    return best_of


def log_productive(lattice: Lattice, antecedents: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Return the log of the p-value of each rule's being productive, float64.

    For each product x of the left side, Fisher's exact test of whether x makes the right side likelier among
    the baskets that hold the rest of the left side; the largest of these p-values is the rule's.

    Args:
        lattice: of all frequent sets.
        antecedents: node of the left side of each rule.
        sets: node of both sides together.
    """
    if not len(antecedents):
        return np.empty(0)
    count = lattice.itemsets.tree[COUNT].astype(np.int64)
    row, item = lattice.items_of(antecedents)
    words = lattice.words[item]
    rest = lattice.find(lattice.hashes[antecedents][row] - words)
    rest_and_right = lattice.find(lattice.hashes[sets][row] - words)
    n = np.where(rest == NOWHERE, lattice.itemsets.n_baskets, count[rest])
    log_p = log_fisher(n, count[antecedents][row], count[rest_and_right], count[sets][row])
    return np.asarray(np.maximum.reduceat(log_p, np.flatnonzero(np.diff(row, prepend=-1))))
