"""How often two products are had together, in orders or by customers: each pair is counted once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prodassoc_cli.models.data import Csr
from prodassoc_cli.models.kernels.dispatch import over_rows, ready
from prodassoc_cli.numerics.arrays import Bools, Doubles, Ints, Longs

_FEW_PAIRS = 2_000
_MAX_PAIRS = 4_000_000
"""So many pairs are remembered, 16 bytes each; then all are forgotten, and counted anew where they come."""


class Together:
    """Counts of what pairs of products have in common.

    The reasons of a million lists name the same pairs repeatedly, and the lists of popular products are as
    long as there are orders: counted list by list, the work would grow with the square of the orders.

    Args:
        by_item: items × orders (or users); only its pattern is looked at. None where there are no orders.
    """

    def __init__(self, by_item: Csr | None) -> None:
        self._by_item = by_item
        self._pairs: Longs = np.empty(0, np.int64)
        self._counts: Longs = np.empty(0, np.int64)

    def __call__(self, left: Ints, right: Ints) -> tuple[Doubles, Doubles]:
        """Return in how many columns both items of each pair are, and its lift: c·n / (n_i·n_j)."""
        if self._by_item is None or not len(left):
            return np.zeros(len(left)), np.zeros(len(left))
        count = self.count(left, right).astype(np.float64)
        sizes = self.sizes.astype(np.float64)
        return count, count * self.n / np.maximum(sizes[left] * sizes[right], 1)

    @property
    def n(self) -> int:
        """Number of orders (or users)."""
        return 0 if self._by_item is None else int(self._by_item.shape[1])

    @property
    def sizes(self) -> Longs:
        """Number of orders (or users) with each item."""
        assert self._by_item is not None
        return np.diff(self._by_item.indptr).astype(np.int64)

    def count(self, left: Ints, right: Ints) -> Longs:
        """Return in how many columns both items of each pair are."""
        assert self._by_item is not None
        wanted = left.astype(np.int64) * self._by_item.shape[0] + right
        at, known = self._found(wanted)
        if not known.all():
            new = np.unique(wanted[~known])
            if len(self._pairs) + len(new) > _MAX_PAIRS:
                self._pairs, self._counts = self._pairs[:0], self._counts[:0]
                new = np.unique(wanted)
            self._remember(new)
            at, _ = self._found(wanted)
        return self._counts[at]

    def _found(self, wanted: Longs) -> tuple[NDArray[np.intp], Bools]:
        at = np.searchsorted(self._pairs, wanted)
        inside = at < len(self._pairs)
        known = inside.copy()
        known[inside] = self._pairs[at[inside]] == wanted[inside]
        return at, known

    def _remember(self, pairs: Longs) -> None:
        by_item = self._by_item
        assert by_item is not None
        left, right = (ready(side, np.int32) for side in np.divmod(pairs, by_item.shape[0]))
        pattern = ready(by_item.indptr, np.int64), ready(by_item.indices, np.int32)
        common = np.zeros(len(pairs), np.int64)
        over_rows("count_common", len(pairs), 1, left, right, *pattern, common, few_rows=_FEW_PAIRS)
        places = np.searchsorted(self._pairs, pairs)
        self._pairs = np.insert(self._pairs, places, pairs)
        self._counts = np.insert(self._counts, places, common)
