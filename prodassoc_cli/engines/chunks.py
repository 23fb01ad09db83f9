"""Work on chunks of texts by the executors: a chunk goes in, bytes come out, in the order of the chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from prodassoc_cli.engines.session import parallelism

_RESULTS = "chunk int, result binary"


def map_chunks(
    spark: Any,  # noqa: ANN401 — a SparkSession
    chunks: Sequence[Sequence[str] | pa.Array],
    work: Callable[[list[str]], bytes],
) -> list[bytes]:
    """Return `work(chunk)` of every chunk.

    Args:
        spark: the session.
        chunks: lists of texts. One is one piece of work, so there should be several for each core.
        work: what the executors do; goes to them by pickle, so it must be a module's own.
    """
    from pyspark.sql import functions as f

    if not len(chunks):
        return []
    numbers = pa.array(range(len(chunks)), pa.int32())
    table = pa.table({"chunk": numbers, "texts": pa.array(chunks, pa.list_(pa.string()))})
    tasks = min(len(chunks), parallelism(spark))
    # By number, not at random: chunks are few, and chance would give one task three and another none.
    spread = spark.createDataFrame(table).repartitionById(tasks, f.col("chunk") % tasks)
    done = spread.mapInArrow(lambda batches: _worked(batches, work), _RESULTS).toArrow()
    results = done.sort_by("chunk").column("result").to_pylist()
    assert len(results) == len(chunks)
    return results


def _worked(
    batches: Iterable[pa.RecordBatch], work: Callable[[list[str]], bytes]
) -> Iterator[pa.RecordBatch]:
    """Do the work of a task, one chunk at a time."""
    for batch in batches:
        for chunk, texts in zip(batch.column("chunk"), batch.column("texts"), strict=True):
            result = pa.array([work(texts.as_py())], pa.binary())
            yield pa.RecordBatch.from_arrays(
                [pa.array([chunk.as_py()], pa.int32()), result], ["chunk", "result"]
            )


def send_files(spark: Any, paths: Iterable[Path]) -> None:  # noqa: ANN401 — a SparkSession
    """Send files to every executor, which finds them with `sent_file` by their names."""
    for path in paths:
        spark.addArtifacts(str(path), file=True)


def sent_file(name: str = "") -> Path:
    """Return where a file that was sent lies on this executor; without a name, the folder of all."""
    from pyspark import SparkFiles

    return Path(SparkFiles.get(name)) if name else Path(SparkFiles.getRootDirectory())
