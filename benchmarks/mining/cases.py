"""What is mined: three public files where they are at hand, and two seeded sets that are made here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.baskets import Baskets

DATA = Path(os.environ.get("PRODASSOC_DATA", Path(__file__).parents[3] / "shared" / "data"))


@dataclass(frozen=True)
class Case:
    """One thing to mine.

    Attributes:
        title: how it is shown.
        data: name of the data, in `DATASETS`.
        min_count: least number of baskets.
        target: frequent or closed.
        expected: number of sets known from the literature or from other programs; None: peers must agree.
        small: whether it is small enough for peers that make a Python object of everything.
        wanted: the ratio to reach, by peer.
    """

    title: str
    data: str
    min_count: int
    target: str = "frequent"
    expected: int | None = None
    small: bool = False
    wanted: dict[str, float] = field(default_factory=dict)


_BOTH = {"rusket": 3.0, "pyfim": 3.0}
CASES = (
    Case("retail 0.01 %", "retail", 9, expected=240_852, wanted=_BOTH),
    Case("T10I4D100K 0.01 %", "T10I4D100K", 10, expected=411_365, wanted=_BOTH),
    Case("1M Zipf baskets 0.05 %", "zipf", 500, wanted=_BOTH),
    Case("mushroom 20 %", "mushroom", 1625, small=True, wanted={"rusket": 1.0}),
    Case("mushroom 10 %", "mushroom", 813, expected=574_431, wanted={"rusket": 1.5}),
    Case("mushroom 5 %", "mushroom", 407, expected=3_755_511, wanted={"rusket": 1.5}),
    Case("dense 30 %", "dense", 959, wanted={"rusket": 1.5}),
    Case("retail 0.01 % closed", "retail", 9, "closed", 189_077, wanted={"pyfim": 1.0}),
    Case("mushroom 1 % closed", "mushroom", 82, "closed", 51_640, wanted={"pyfim": 1.0}),
    Case("dense 40 % closed", "dense", 1278, "closed", wanted={"pyfim": 1.0}),
)


def fimi(name: str) -> Callable[[], Baskets]:
    """Return a reader of a basket file: one basket a line, items by blanks."""

    def read() -> Baskets:
        lines = pl.read_csv(
            DATA / "baskets" / f"{name}.dat",
            has_header=False, new_columns=["line"], separator="\x01", infer_schema=False,
        )  # fmt: skip
        rows = lines.select(pl.col("line").str.strip_chars().str.split(" ")).with_row_index("basket")
        rows = rows.explode("line")
        return _baskets(rows["basket"].cast(pl.Int64).to_numpy(), rows["line"])

    return read


def zipf(baskets: int = 1_000_000, items: int = 20_000, seed: int = 1) -> Baskets:
    """Make baskets of 1 + Poisson(9) draws of products whose popularity falls as rank^-0.9."""
    random = np.random.default_rng(seed)
    basket = np.repeat(np.arange(baskets, dtype=np.int64), 1 + random.poisson(9, baskets))
    weights = np.arange(1, items + 1) ** -0.9
    bounds = np.cumsum(weights / weights.sum())
    drawn = np.minimum(np.searchsorted(bounds, random.random(len(basket))), items - 1)
    return _baskets(basket, pl.Series(drawn))


def dense(rows: int = 3_196, attributes: int = 37, seed: int = 1) -> Baskets:
    """Make rows of the kind of the chess end games: one of two values for each of 37 attributes.

    The attributes lean on a hidden class of the row, and most of them strongly to one value.
    """
    random = np.random.default_rng(seed)
    leaning = random.beta(4, 1, (4, attributes)) * 0.35 + 0.65 * random.beta(6, 1.2, attributes)
    hidden = random.integers(0, 4, rows)
    value = random.random((rows, attributes)) > leaning[hidden]
    items = 2 * np.arange(attributes) + value
    return _baskets(np.repeat(np.arange(rows, dtype=np.int64), attributes), pl.Series(items.ravel()))


def write_fimi(baskets: Baskets, path: str) -> None:
    """Write baskets as lines of product ids."""
    rows = pl.DataFrame({"id": baskets.item_ids.gather(baskets.items)}).with_columns(
        pl.Series("basket", np.repeat(np.arange(len(baskets)), np.diff(baskets.indptr)))
    )
    lines = rows.group_by("basket", maintain_order=True).agg(pl.col("id").str.join(" "))
    lines.select("id").write_csv(path, include_header=False, quote_style="never")


DATASETS: dict[str, Callable[[], Baskets]] = {
    "retail": fimi("retail"),
    "T10I4D100K": fimi("T10I4D100K"),
    "mushroom": fimi("mushroom"),
    "zipf": zipf,
    "dense": dense,
}


def missing(data: str) -> str | None:
    """Return why a data set cannot be had, or None."""
    path = DATA / "baskets" / f"{data}.dat"
    if data in ("zipf", "dense") or path.exists():
        return None
    return f"{path} is not there (set PRODASSOC_DATA)"


def _baskets(order: np.ndarray, product: pl.Series) -> Baskets:
    frame = pl.DataFrame({"order_id": order, "product_id": product}).cast(pl.String)
    return baskets_from_interactions(frame.with_columns(event=pl.lit("purchase")))
