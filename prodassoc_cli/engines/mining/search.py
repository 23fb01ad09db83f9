"""Frequent, closed and maximal itemsets on Spark: the local search, one group of products at a time.

Parallel FP-growth (Li et al. 2008) with the local miner in place of FP-growth. Spark SQL makes baskets and
counts their products; `mapInArrow` cuts baskets into projections (`projections.Projector`); `applyInArrow`
searches each group of products (`projections.Searcher`). What is found comes back as the same prefix tree
that the local search makes, so sets and rules are the same, row for row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from prodassoc_cli.engines.mining.projections import (
    PROJECTIONS,
    TREES,
    Projector,
    Searcher,
    cut_groups,
    projected_entries,
)
from prodassoc_cli.engines.session import file_uris, parallelism
from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.baskets import BASKET_EVENTS, HUGE_BASKET, Baskets, ranks_of
from prodassoc_cli.mining.itemsets import UNLIMITED, Itemsets
from prodassoc_cli.mining.kernels.eclat import join_trees
from prodassoc_cli.wording import number_of

GROUP_ENTRIES = 32_000_000
"""Entries of a group's projections, about: 4 bytes each, and some 20 more while they are searched."""
_BYTES_A_NODE = 36
"""A set takes 12 bytes in the tree, once more as it comes in, and once more as trees are joined."""


@dataclass(frozen=True, kw_only=True)
class SparkBaskets(Baskets):
    """Baskets that lie in a cluster: their products and counts are known here, their rows are not.

    Attributes:
        frame: Spark's data frame of one column, `products`: the distinct ids of each basket, in any order.
        n: number of baskets.
    """

    frame: Any
    n: int

    def __len__(self) -> int:
        """Return the number of baskets."""
        return self.n


def baskets_on_spark(
    spark: Any,  # noqa: ANN401 — a SparkSession
    paths: list[Path],
    max_basket_size: int | None,
    say: Callable[[str], None],
) -> SparkBaskets:
    """Group interactions into baskets, as `mining.basket_builder.baskets_from_interactions` does here.

    Args:
        spark: the session.
        paths: parts of an interactions artifact, where the executors can read them.
        max_basket_size: leave out baskets with more distinct products.
        say: receives what was left out and which events were used.

    Raises:
        BadData: a row has no product or no event.
    """
    from pyspark.sql import functions as f

    chosen = _basket_rows(spark.read.parquet(*file_uris(paths)), say)
    everything = chosen.groupBy("order", "user", "time").agg(f.collect_set("product_id").alias("products"))
    everything = everything.select("products").persist()
    size = f.size("products")
    most = HUGE_BASKET if max_basket_size is None else max_basket_size
    n, huge, largest = everything.agg(f.count("*"), f.count_if(size > most), f.max(size)).first()
    if huge and max_basket_size is None:
        say(
            f"{number_of(huge, 'basket')} of more than {HUGE_BASKET:,} products, the largest {largest:,}: "
            "if mining is slow, leave them out with `max_basket_size`"
        )
    elif huge:
        say(f"{number_of(huge, 'basket')} with more than {most:,} products left out (`max_basket_size`)")
    baskets = everything if max_basket_size is None else everything.filter(size <= most)
    counted = (
        baskets.select(f.explode("products").alias("product_id")).groupBy("product_id").count().toArrow()
    )
    names = pl.Series("product_id", pl.from_arrow(counted.column("product_id")), dtype=pl.String)
    counts = counted.column("count").to_numpy()
    order = np.lexsort((ranks_of(names), -counts))
    kept = n - (huge if max_basket_size is not None else 0)
    rows = np.zeros(1, np.int64), np.empty(0, np.int32)
    return SparkBaskets(*rows, names.gather(order), counts[order].astype(np.int64), frame=baskets, n=kept)


def mine_on_spark(
    spark: Any,  # noqa: ANN401 — a SparkSession
    baskets: SparkBaskets,
    *,
    min_count: int,
    target: str,
    max_size: int | None = None,
    memory_limit: int | None = None,
) -> Itemsets:
    """Find the itemsets that are in at least `min_count` baskets, as `mining.itemsets.mine_itemsets` does.

    Args:
        spark: the session.
        baskets: the baskets.
        min_count: minimum number of baskets, at least 1.
        target: frequent, closed or maximal; rules stands for frequent.
        max_size: most products in a set.
        memory_limit: bytes that the sets may take here while they come in.

    Raises:
        BadData: they would take more.
    """
    from pyspark.sql import functions as f

    n_frequent = int((baskets.counts >= min_count).sum())
    if not n_frequent:
        return Itemsets(np.empty((3, 0), np.int32), baskets.item_ids, len(baskets))
    counts = baskets.counts[:n_frequent]
    limit = UNLIMITED - 1 if memory_limit is None else min(UNLIMITED - 1, memory_limit // _BYTES_A_NODE)
    groups = max(2 * parallelism(spark), projected_entries(counts, len(baskets)) // GROUP_ENTRIES)
    group_of = cut_groups(counts, len(baskets), groups)
    projector = Projector(baskets.item_ids[:n_frequent].to_arrow(), group_of, target in ("closed", "maximal"))
    projections = baskets.frame.mapInArrow(lambda batches: projector(batches), PROJECTIONS)  # noqa: PLW0108
    # A group whose products are never bought with others has no projection, but sets of one product.
    present = [int(each) for each in np.unique(group_of)]
    seeds = spark.range(len(present)).select(
        f.element_at(f.array(*map(f.lit, present)), (f.col("id") + 1).cast("int")).alias("group"),
        f.expr("cast(array() as array<int>)").alias("items"),
    )
    searcher = Searcher(counts, group_of, min_count, target, max_size, limit)
    grouped = projections.union(seeds).groupBy("group")
    # Spark looks at the arguments of what it is given, and takes `self` for one.
    trees = grouped.applyInArrow(lambda key, table: searcher(key, table), TREES).persist()  # noqa: PLW0108
    found = trees.agg(f.sum("found")).first()[0]
    if found > limit:
        raise BadData(
            f"stopped at {limit:,} itemsets with `min_count={min_count}`: more would pass the memory limit",
            f"try `min_count={2 * min_count}`" + ("" if max_size else ", or `max_size`"),
        )
    return Itemsets(_gathered(trees.orderBy("group", "part").toArrow()), baskets.item_ids, len(baskets))


def _basket_rows(rows: Any, say: Callable[[str], None]) -> Any:  # noqa: ANN401 — Spark's data frames
    """Return the rows that make baskets: order, user, time (what tells baskets apart) and product_id."""
    from pyspark.sql import functions as f

    def column(name: str, kind: str) -> Any:  # noqa: ANN401 — Spark's column
        return (f.col(name) if name in rows.columns else f.lit(None)).cast(kind)

    order, user = column("order_id", "string"), column("user_id", "string")
    seen = (
        rows.groupBy("event")
        .agg(
            f.count_if(f.col("product_id").isNull() | f.col("event").isNull()).alias("missing"),
            f.count_if(order.isNull() & user.isNull()).alias("unplaced"),
        )
        .collect()
    )
    if any(each["missing"] for each in seen):
        raise BadData("the interactions have rows without product_id or event", "`clean` leaves them out")
    unplaced = {each["event"]: each["unplaced"] for each in seen}
    events = next((names for names in BASKET_EVENTS if unplaced.keys() & set(names)), ("purchase",))
    if unplaced and events != ("purchase",):
        say(f"no purchases: baskets are made of {' and '.join(events)} rows")
    homeless = sum(unplaced.get(each, 0) for each in events)
    if homeless:
        say(f"{number_of(homeless, 'row')} without order_id and user_id: in no basket")
    alone = order.isNull()
    return rows.filter(f.col("event").isin(*events) & (order.isNotNull() | user.isNotNull())).select(
        order.alias("order"),
        f.when(alone, user).alias("user"),
        f.when(alone, column("timestamp", "string")).alias("time"),
        "product_id",
    )


def _gathered(parts: pa.Table) -> np.ndarray:
    """Join the parts of the groups' trees, sorted by group and part, into one tree, int32[3, sets]."""
    lists = [parts.column(name).combine_chunks() for name in ("parent", "item", "count")]
    flat = [(each.chunk(0) if isinstance(each, pa.ChunkedArray) else each) for each in lists]
    rows = np.stack([each.flatten().to_numpy() for each in flat])
    ends = flat[0].offsets.to_numpy() - flat[0].offsets.to_numpy()[0]
    groups = parts.column("group").to_numpy()
    firsts = ends[:-1][np.append(True, groups[1:] != groups[:-1])] if len(groups) else ends
    return join_trees(np.split(rows, firsts[1:], axis=1))
