from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import polars as pl

from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.baskets import Baskets
from tests.conftest import real_data


def make_baskets(rows: list[set[str]]) -> Baskets:
    """Baskets of the given sets, which must not be empty."""
    pairs = [(number, item) for number, row in enumerate(rows) for item in sorted(row)]
    return baskets_of([number for number, _ in pairs], [item for _, item in pairs])


def baskets_of(order: Sequence[int] | pl.Series, product: Sequence[str] | pl.Series) -> Baskets:
    """Baskets of (order, product) pairs, as read from a basket file."""
    frame = pl.DataFrame(
        {"order_id": order, "product_id": product}, schema_overrides={"order_id": pl.Int64}
    ).select(pl.col("order_id", "product_id").cast(pl.String), event=pl.lit("purchase"))
    return baskets_from_interactions(frame)


def brute_force(rows: list[set[str]], min_count: int, target: str, max_size: int | None = None) -> dict:
    """{sorted items: count}, by trying every set of items."""
    items = sorted(set().union(*rows))
    candidates = [frozenset(each) for size in range(len(items)) for each in combinations(items, size + 1)]
    count = {each: sum(each <= row for row in rows) for each in candidates}
    frequent = {each: n for each, n in count.items() if n >= min_count}

    def above(each):
        return [n for other, n in frequent.items() if each < other]

    keep = {
        "frequent": lambda each: True,
        "closed": lambda each: frequent[each] not in above(each),
        "maximal": lambda each: not above(each),
    }[target]
    largest = max_size or len(items)
    return {tuple(sorted(each)): n for each, n in frequent.items() if len(each) <= largest and keep(each)}


def as_dict(frame: pl.DataFrame) -> dict:
    found = {tuple(items): count for items, count in frame.select("items", "count").iter_rows()}
    assert len(found) == len(frame), "a set is listed twice"
    return found


def load(name: str) -> Baskets:
    """A FIMI file of the shared data, or a skip."""
    path = real_data(f"baskets/{name}.dat")
    lines = pl.read_csv(path, has_header=False, new_columns=["line"], separator="\x01", infer_schema=False)
    rows = lines.with_columns(pl.col("line").str.strip_chars().str.split(" ")).with_row_index("basket")
    rows = rows.explode("line")
    return baskets_of(rows["basket"].cast(pl.Int64), rows["line"])


FOUR = [{"1", "3"}, {"1", "2", "4"}, {"2", "3", "4"}, {"1", "4"}]
"""The four baskets whose supports and rules are worked out by hand in the documentation."""
