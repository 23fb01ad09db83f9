"""als on Spark: the vectors of the products by MLlib's ALS, for the model that `models.als` serves.

MLlib minimises, over all users and products, Σ c·(b - x·y)² + λ·(Σ_u n_u |x_u|² + Σ_i n_i |y_i|²), with b 1
for what was bought and 0 otherwise, and c = 1 + α·b (Hu et al. 2008, regularised after Zhou et al. 2008).
With a the weight of what was not bought, `models.als` minimises Σ_bought (1 - p·q)² + a·Σ_all (p·q)² and a
pull. For α = 1/a and p·q = x·y/(1 + a), the squares are the same, up to a constant and a factor: MLlib's are
(1 + a)²/a times ours. So vectors of MLlib over √(1 + a) are vectors of ours. The pull becomes
λ = ridge·(1 + a)/a, in all as strong as ours; but ours grows with n_u + a·(number of products), MLlib's with
n_u alone.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa

from prodassoc_cli.engines.session import parallelism
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.data import Csr
from prodassoc_cli.models.families.als import Als
from prodassoc_cli.numerics.arrays import Floats

SOLVER = "Spark MLlib"
"""What the lineage calls it: its vectors are others than those of this machine."""

_OWN = ("frequency", "steps")
"""Parameters of `models.als` that MLlib has no word for: it solves exactly, with a pull that grows by 1."""


def check_parameters(recommender: Als) -> None:
    """Refuse options that MLlib does not have.

    Raises:
        UsageProblem: a parameter is set that it does not have.
    """
    own = recommender.parameters
    for each in fields(own):
        if each.name in _OWN and getattr(own, each.name) != each.default:
            raise UsageProblem(
                f"`engine=spark` does not do `param={each.name}`: MLlib solves als",
                "drop it, or `engine=local`",
            )


def factorize_on_spark(
    spark: Any,  # noqa: ANN401 — a SparkSession
    recommender: Als,
    rows: Csr,
    seed: int,
    threads: int,
) -> Floats:
    """Return the vectors of the products, in the scale of `models.als`; zeros where nobody has one.

    Args:
        spark: the session.
        recommender: the model with its parameters and its `unobserved`.
        rows: users × products pattern.
        seed: where the vectors begin.
        threads: of this process, which has nothing to do.
    """
    from pyspark.ml.recommendation import ALS

    own, weight = recommender.parameters, recommender.unobserved
    users = np.repeat(np.arange(rows.shape[0], dtype=np.int32), np.diff(rows.indptr))
    pairs = pa.table({"user": users, "product": rows.indices.astype(np.int32)})
    frame = spark.createDataFrame(pairs).selectExpr("user", "product", "cast(1 as float) as bought")
    blocks = parallelism(spark)
    solver = ALS(
        rank=own.factors, maxIter=own.epochs, regParam=own.ridge * (1 + weight) / weight, alpha=1 / weight,
        implicitPrefs=True, userCol="user", itemCol="product", ratingCol="bought", seed=seed,
        numUserBlocks=blocks, numItemBlocks=blocks,
    )  # fmt: skip
    found = solver.fit(frame).itemFactors.toArrow()
    vectors = np.zeros((rows.shape[1], own.factors), np.float32)
    lists = found.column("features").combine_chunks()
    flat = (lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists).flatten().to_numpy()
    vectors[found.column("id").to_numpy()] = flat.reshape(-1, own.factors) / np.sqrt(1 + weight)
    return vectors
