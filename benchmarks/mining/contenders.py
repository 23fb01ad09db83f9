"""Who mines: each contender prepares its own form of the baskets (not timed), then emits every set (timed).

`python -m benchmarks.mining.contenders NAME DATA.npz MIN_COUNT TARGET THREADS` runs one once in this process
and prints JSON: number of sets, seconds, CPU seconds and peak memory.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

Run = Callable[[], int]
Prepare = Callable[[np.ndarray, np.ndarray, int, str, int], Run]


def prodassoc(indptr: np.ndarray, items: np.ndarray, min_count: int, target: str, threads: int) -> Run:
    """Our sets as Arrow lists of ids, sorted, as `mine` writes them."""
    import polars as pl

    from prodassoc_cli.mining.baskets import baskets_from_pairs
    from prodassoc_cli.mining.itemsets import mine_itemsets

    basket = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    baskets = baskets_from_pairs(basket, pl.Series(items).cast(pl.String))

    def run() -> int:
        found = mine_itemsets(baskets, min_count=min_count, target=target, threads=threads)
        return sum(frame.height for frame in found.frames())

    return run


def prodassoc_tree(indptr: np.ndarray, items: np.ndarray, min_count: int, target: str, threads: int) -> Run:
    """Our sets as the prefix tree that rules are made from."""
    import polars as pl

    from prodassoc_cli.mining.baskets import baskets_from_pairs
    from prodassoc_cli.mining.itemsets import mine_itemsets

    basket = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    baskets = baskets_from_pairs(basket, pl.Series(items).cast(pl.String))
    return lambda: len(mine_itemsets(baskets, min_count=min_count, target=target, threads=threads))


def _fim(algorithm: str) -> Prepare:
    def prepare(indptr: np.ndarray, items: np.ndarray, min_count: int, target: str, threads: int) -> Run:
        import fim

        rows = [items[a:b].tolist() for a, b in pairwise(indptr)]
        letter = {"frequent": "s", "closed": "c"}[target]
        options = {"algo": "o"} if algorithm == "eclat" else {}
        mine = getattr(fim, algorithm)
        return lambda: len(mine(rows, target=letter, supp=-min_count, zmin=1, report="a", **options))

    return prepare


def rusket(indptr: np.ndarray, items: np.ndarray, min_count: int, target: str, threads: int) -> Run:
    """FP-growth of rusket, from a sparse matrix to Arrow lists of column numbers."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    import rusket
    from scipy import sparse

    n = len(indptr) - 1
    ones = np.ones(len(items), np.uint8)
    matrix = sparse.csr_matrix((ones, items, indptr), shape=(n, int(items.max()) + 1))
    return lambda: len(rusket.fpgrowth(matrix, min_support=(min_count - 0.5) / n, use_colnames=False))


def mlxtend(indptr: np.ndarray, items: np.ndarray, min_count: int, target: str, threads: int) -> Run:
    """Mlxtend's FP-growth from a sparse frame; only where that ends in reasonable time."""
    import pandas as pd
    from mlxtend.frequent_patterns import fpgrowth
    from scipy import sparse

    n = len(indptr) - 1
    ones = np.ones(len(items), bool)
    table = pd.DataFrame.sparse.from_spmatrix(
        sparse.csr_matrix((ones, items, indptr), shape=(n, int(items.max()) + 1))
    )
    return lambda: len(fpgrowth(table, min_support=(min_count - 0.5) / n))


CONTENDERS: dict[str, Prepare] = {
    "prodassoc": prodassoc,
    "prodassoc tree": prodassoc_tree,
    "rusket": rusket,
    "pyfim eclat": _fim("eclat"),
    "pyfim fpgrowth": _fim("fpgrowth"),
    "mlxtend": mlxtend,
}


def main() -> None:
    """Run one contender once."""
    name, path, min_count, target, threads = sys.argv[1:]
    with np.load(path) as data:
        run = CONTENDERS[name](data["indptr"], data["items"], int(min_count), target, int(threads))
    before = resource.getrusage(resource.RUSAGE_SELF)
    held = before.ru_maxrss
    started = time.perf_counter()
    sets = run()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result = {"sets": sets, "seconds": seconds, "cpu": cpu, "peak_mb": after.ru_maxrss / 1024}
    print(json.dumps(result | {"grown_mb": (after.ru_maxrss - held) / 1024}))


if __name__ == "__main__":
    main()
