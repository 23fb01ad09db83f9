"""Basket sets to mine: the public ones where they are there, and seeded ones made here.

A set is a CSR pair (indptr int64, items int32 of dense numbers), kept as .npz: no contender reads text.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Csr = tuple[np.ndarray, np.ndarray]

DATA = Path(os.environ.get("PRODASSOC_DATA", Path(__file__).parents[3] / "shared" / "data")) / "baskets"


@dataclass(frozen=True)
class Case:
    """One basket set mined at one minimum count.

    Attributes:
        name: what the table calls it.
        data: name of the basket set.
        min_count: least number of baskets.
        target: frequent or closed.
        known: number of sets that is known from elsewhere; None where it is not.
        full_support: items that are in every basket, of which pyfim leaves out the set of only those.
    """

    name: str
    data: str
    min_count: int
    target: str = "frequent"
    known: int | None = None
    full_support: int = 0


CASES = (
    Case("retail 0.01 %", "retail", 9, known=240_852),
    Case("T10I4D100K 0.01 %", "T10I4D100K", 10, known=411_365),
    Case("mushroom 10 %", "mushroom", 813, known=574_431, full_support=1),
    Case("mushroom 5 %", "mushroom", 407, known=3_755_511, full_support=1),
    Case("dense 40 %", "dense", 1200),
    Case("Zipf 0.05 %", "zipf", 500),
    Case("retail 0.01 % closed", "retail", 9, "closed", known=189_077),
    Case("mushroom 1 % closed", "mushroom", 82, "closed", known=51_640, full_support=1),
    Case("dense 40 % closed", "dense", 1200, "closed"),
)


def load(name: str, folder: Path) -> Path | None:
    """Return the .npz of a basket set, made on first use; None where its source is missing."""
    path = folder / f"{name}.npz"
    if not path.exists():
        csr = MADE[name]() if name in MADE else _read_fimi(DATA / f"{name}.dat")
        if csr is None:
            return None
        np.savez(path, indptr=csr[0], items=csr[1])
    return path


def _read_fimi(path: Path) -> Csr | None:
    if not path.exists():
        return None
    lines = path.read_text().split("\n")
    sizes = [len(line.split()) for line in lines if line.strip()]
    numbers = np.array(" ".join(lines).split(), dtype=np.int64)
    _, items = np.unique(numbers, return_inverse=True)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), items.astype(np.int32)


def zipf(baskets: int = 1_000_000, products: int = 20_000, seed: int = 7) -> Csr:
    """Baskets of a large shop: sizes around 8, popularity falling as 1/rank, bundles that go together."""
    random = np.random.default_rng(seed)
    sizes = 1 + random.geometric(1 / 7, baskets)
    popularity = np.cumsum(1 / np.arange(1, products + 1))
    drawn = np.searchsorted(popularity, random.random(int(sizes.sum())) * popularity[-1])
    basket = np.repeat(np.arange(baskets), sizes)
    # One line in five is the neighbour of the product before it, so that there are pairs and triples to find.
    follows = np.flatnonzero(random.random(len(drawn)) < 0.2)
    follows = follows[follows > 0]
    drawn[follows] = np.minimum(drawn[follows - 1] ^ 1, products - 1)
    return _distinct(basket, drawn, baskets)


def dense(baskets: int = 3_000, columns: int = 37, seed: int = 7) -> Csr:
    """A table of the chess kind: one of two values in each column, one of them far more frequent."""
    random = np.random.default_rng(seed)
    common = random.random((baskets, columns)) < 0.60 + 0.38 * random.random(columns)
    items = 2 * np.arange(columns) + ~common
    return _distinct(np.repeat(np.arange(baskets), columns), items.ravel(), baskets)


def _distinct(basket: np.ndarray, item: np.ndarray, baskets: int) -> Csr:
    pairs = np.unique(basket.astype(np.int64) << 32 | item.astype(np.int64))
    sizes = np.bincount(pairs >> 32, minlength=baskets)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), (pairs & 0xFFFFFFFF).astype(np.int32)


MADE: dict[str, Callable[[], Csr]] = {"zipf": zipf, "dense": dense}
