"""`python -m benchmarks.spark.contender NAME INTERACTIONS MIN_COUNT MASTER`: one run, told as JSON.

From the file to all itemsets with their counts; the start of Spark is told apart.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any


def ours(spark: Any, path: Path, min_count: int) -> int:  # noqa: ANN401 — a SparkSession
    """Mine with our own engine; the itemsets end in this process."""
    from prodassoc_cli.engines.mining.search import baskets_on_spark, mine_on_spark

    baskets = baskets_on_spark(spark, [path], None, print)
    return len(mine_on_spark(spark, baskets, min_count=min_count, target="frequent"))


def mllib(spark: Any, path: Path, min_count: int) -> int:  # noqa: ANN401 — a SparkSession
    """Mine with MLlib's FPGrowth, with its own defaults; the itemsets are counted where they are."""
    from pyspark.ml.fpm import FPGrowth
    from pyspark.sql import functions as f

    rows = spark.read.parquet(str(path))
    baskets = rows.groupBy("order_id").agg(f.collect_set("product_id").alias("items")).cache()
    share = (min_count - 0.5) / baskets.count()  # it rounds up
    assert math.ceil(share * baskets.count()) == min_count
    model = FPGrowth(itemsCol="items", minSupport=share).fit(baskets)
    return int(model.freqItemsets.count())


def main() -> None:
    """Run one contender once."""
    from prodassoc_cli.engines.session import spark_session

    name, path, min_count, master = sys.argv[1:]
    began = time.perf_counter()
    with spark_session(master, {"spark.driver.memory": "2g"}) as spark:
        started = time.perf_counter()
        sets = {"prodassoc": ours, "MLlib FPGrowth": mllib}[name](spark, Path(path), int(min_count))
        ended = time.perf_counter()
    print(json.dumps({"sets": sets, "start": started - began, "seconds": ended - started}))


if __name__ == "__main__":
    main()
