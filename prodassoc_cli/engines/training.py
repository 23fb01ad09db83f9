"""Training on Spark: item-kNN by the local kernel, a range of products at a time; als by MLlib."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from prodassoc_cli.engines.chunks import map_chunks, send_files, sent_file
from prodassoc_cli.engines.factorizing import check_parameters, factorize_on_spark
from prodassoc_cli.engines.session import parallelism
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models import similarity
from prodassoc_cli.models.data import Csr, TrainingData
from prodassoc_cli.models.families.als import Als
from prodassoc_cli.models.families.item_knn import ItemKnn
from prodassoc_cli.models.model import TrainedModel, fit
from prodassoc_cli.models.registry import make
from prodassoc_cli.models.storage.packing import Arrays, pack, unpack
from prodassoc_cli.numerics.arrays import Floats

_RANGES_A_TASK = 4


def train_on_spark(
    spark: Any,  # noqa: ANN401 — a SparkSession
    name: str,
    data: TrainingData,
    *,
    parameters: tuple[str, ...] | list[str] = (),
    seed: int = 42,
    threads: int = 1,
) -> TrainedModel:
    """Fit a model as `models.model.train` does; the executors do its heavy part.

    item-knn is the same to the bit; als is MLlib's (see `factorizing`).

    Args:
        spark: the session.
        name: item-knn or als.
        data: what to learn from; its purchases are sent to every executor.
        parameters: assignments `name=value`.
        seed: seed of everything random.
        threads: threads for what is done here.

    Raises:
        UsageProblem: the model is not made for this, or as `train`.
    """
    recommender = make(name, parameters)
    if isinstance(recommender, Als):
        check_parameters(recommender)
        recommender.factorize = partial(factorize_on_spark, spark, recommender)
        return fit(recommender, data, seed=seed, threads=threads)
    if not isinstance(recommender, ItemKnn):
        raise UsageProblem(
            f"`engine=spark` does not train {name}", "`model=item-knn` or als, or `engine=local`"
        )
    with tempfile.TemporaryDirectory(prefix="prodassoc-") as folder:
        recommender.product = partial(product_on_spark, spark, Path(folder))
        return fit(recommender, data, seed=seed, threads=threads)


def product_on_spark(
    spark: Any,  # noqa: ANN401 — a SparkSession
    folder: Path,
    left: Csr,
    right: Csr,
    k: int,
    threads: int,
    *,
    column_scale: Floats | None = None,
    excluded: NDArray[np.int64] | None = None,
    minimum: float = 0.0,
) -> Csr:
    """Return what `similarity.top_k_product` does; the executors get the matrices as one file in `folder`."""
    rows = left.shape[0]
    arrays = pack("left", left) | pack("right", right)
    arrays["scale"] = np.ones(right.shape[1], np.float32) if column_scale is None else column_scale
    arrays["excluded"] = np.full(rows, -1, np.int64) if excluded is None else excluded
    with tempfile.NamedTemporaryFile("wb", dir=folder, suffix=".npz", delete=False) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
    send_files(spark, [Path(stream.name)])
    work = _Multiply(Path(stream.name).name, right.shape[1], k, minimum)
    ranges = _ranges(np.diff(left.indptr), _RANGES_A_TASK * parallelism(spark))
    parts = [np.load(io.BytesIO(part)) for part in map_chunks(spark, ranges, work)]
    lengths = np.concatenate([np.empty(0, np.int64), *(part["lengths"] for part in parts)])
    indices = np.concatenate([np.empty(0, np.int32), *(part["indices"] for part in parts)])
    values = np.concatenate([np.empty(0, np.float32), *(part["data"] for part in parts)])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_array((values, indices, indptr), shape=(rows, right.shape[1]))


def _ranges(sizes: NDArray[Any], number: int) -> list[list[str]]:
    """Cut rows into ranges of about the same number of entries: [[first, last + 1], …] as texts."""
    ends = np.cumsum(sizes + 1)
    cuts = np.searchsorted(ends, np.linspace(0, ends[-1] if len(ends) else 0, number + 1)[1:-1])
    edges = np.unique([0, *cuts.tolist(), len(sizes)]).tolist()
    return [[str(first), str(stop)] for first, stop in pairwise(edges)]


@dataclass(frozen=True)
class _Multiply:
    """What an executor does with a range of rows."""

    file: str
    width: int
    k: int
    minimum: float

    def __call__(self, span: list[str]) -> bytes:
        first, stop = map(int, span)
        arrays = _arrays(self.file)
        right = unpack("right", arrays, self.width)
        left = unpack("left", arrays, right.shape[0])[first:stop]
        excluded = arrays["excluded"][first:stop]
        found = similarity.top_k_product(
            left, right, self.k, 1, column_scale=arrays["scale"], excluded=excluded, minimum=self.minimum
        )
        body = io.BytesIO()
        np.savez(body, lengths=np.diff(found.indptr), indices=found.indices, data=found.data)
        return body.getvalue()


@lru_cache(maxsize=1)
def _arrays(file: str) -> Arrays:
    """Return the matrices that were sent, read once a worker."""
    with np.load(sent_file(file)) as stored:
        return dict(stored)
