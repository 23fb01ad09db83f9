"""The miners that are compared. Each gets the same rows of int32 codes and emits every set into memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import polars as pl

from benchmarks.mining.cases import Case

Mine = Callable[[], int]
"""Mines once and returns the number of sets."""

Csr = tuple[np.ndarray, np.ndarray, int]
"""indptr int64, items int32 ascending within a row, number of items."""


@dataclass(frozen=True)
class Engine:
    """One miner at one number of threads.

    Attributes:
        name: how it is shown.
        peer: what it belongs to: prodassoc, or a peer.
        module: what must be installed.
        threads: threads it gets.
        prepare: takes the rows into the form its users hold, outside the measurement.
        targets: what it can find.
        small_only: run it on small cases only.
        fault: number of sets it is known to leave out.
    """

    name: str
    peer: str
    module: str
    threads: int
    prepare: Callable[[Csr, Case, int], Mine]
    targets: tuple[str, ...] = ("frequent",)
    small_only: bool = False
    fault: Callable[[Csr, str], int] = lambda *_: 0

    def runs(self, case: Case) -> bool:
        """Return whether it takes part in a case."""
        return case.target in self.targets and (case.small or not self.small_only)

    @property
    def installed(self) -> bool:
        """Whether it can be run here."""
        return find_spec(self.module) is not None


def _prodassoc(csr: Csr, case: Case, threads: int) -> Mine:
    from prodassoc_cli.mining.itemsets import mine_itemsets

    baskets = _baskets(csr)
    options = {"min_count": case.min_count, "target": case.target, "threads": threads}
    return lambda: len(mine_itemsets(baskets, **options))


def _prodassoc_lists(csr: Csr, case: Case, threads: int) -> Mine:
    """As rusket's result: the prefix tree written out as one list of items a set."""
    from prodassoc_cli.mining.itemsets import mine_itemsets
    from prodassoc_cli.mining.kernels.tree import sizes_of

    baskets = _baskets(csr)

    def mine() -> int:
        sets = mine_itemsets(baskets, min_count=case.min_count, target=case.target, threads=threads)
        offsets, _ = sets.ranked_items(np.arange(sets.tree.shape[1], dtype=np.int32), sizes_of(sets.tree))
        return len(offsets) - 1

    return mine


def _baskets(csr: Csr):  # noqa: ANN202 — imported late
    from prodassoc_cli.mining.baskets import Baskets

    indptr, items, n_items = csr
    counts = np.bincount(items, minlength=n_items)
    return Baskets(indptr, items, pl.Series("product_id", np.arange(n_items)).cast(pl.String), counts)


def _rusket(csr: Csr, case: Case, threads: int) -> Mine:
    from rusket._rusket import fpgrowth_from_csr

    indptr, items, n_items = csr
    narrow = indptr.astype(np.int32)
    return lambda: len(fpgrowth_from_csr(narrow, items, n_items, case.min_count, None)[0])


def _pyfim(function: str, **options: str) -> Callable[[Csr, Case, int], Mine]:
    def prepare(csr: Csr, case: Case, threads: int) -> Mine:
        import fim

        rows = _lists(csr)
        target = {"frequent": "s", "closed": "c"}[case.target]
        mine = getattr(fim, function)
        return lambda: len(mine(rows, target=target, supp=-case.min_count, report="a", **options))

    return prepare


def _mlxtend(csr: Csr, case: Case, threads: int) -> Mine:
    import pandas as pd
    from mlxtend.frequent_patterns import fpgrowth

    indptr, items, n_items = csr
    table = np.zeros((len(indptr) - 1, n_items), bool)
    table[np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), items] = True
    frame = pd.DataFrame(table)
    return lambda: len(fpgrowth(frame, min_support=case.min_count / len(frame)))


def _lists(csr: Csr) -> list[list[int]]:
    indptr, items, _ = csr
    values, bounds = items.tolist(), indptr.tolist()
    return [values[bounds[row] : bounds[row + 1]] for row in range(len(bounds) - 1)]


def _full_support(csr: Csr, target: str) -> int:
    """Count the sets made only of items in every row: pyfim leaves them out. One of them is closed."""
    indptr, items, n_items = csr
    full = int((np.bincount(items, minlength=n_items) == len(indptr) - 1).sum())
    return 2**full - 1 if target == "frequent" else min(full, 1)


_EVERY = ("frequent", "closed")
ENGINES = (
    Engine("prodassoc 1", "prodassoc", "numba", 1, _prodassoc, _EVERY),
    Engine("prodassoc 2", "prodassoc", "numba", 2, _prodassoc, _EVERY),
    Engine("prodassoc 2 lists", "prodassoc", "numba", 2, _prodassoc_lists),
    Engine("rusket 1", "rusket", "rusket", 1, _rusket),
    Engine("rusket 2", "rusket", "rusket", 2, _rusket),
    Engine("pyfim eclat-o", "pyfim", "fim", 1, _pyfim("eclat", algo="o"), _EVERY, fault=_full_support),
    Engine("pyfim fpgrowth", "pyfim", "fim", 1, _pyfim("fpgrowth"), _EVERY, fault=_full_support),
    Engine("mlxtend", "mlxtend", "mlxtend", 1, _mlxtend, small_only=True),
)
