"""Embeddings on Spark: the local encoder, on every executor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL, DistinctTexts, Encoder
from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.engines.chunks import map_chunks, send_files, sent_file
from prodassoc_cli.stage import Progress

_CHUNK = 512
"""Texts a piece of work: seconds of it, and full batches of each length."""


class SparkEncoder(Encoder):
    """An encoder whose work is done by executors; its vectors are those of the encoder it stands for.

    Args:
        spark: the session.
        encoder: what it stands for; the same vectors have the same fingerprint.
        folder: the model folder, which is sent to the executors unless it is the package's own.
        max_tokens: as given to the encoder.
        provider: as given to the encoder.
    """

    piece = 1 << 18

    def __init__(
        self,
        spark: Any,  # noqa: ANN401 — a SparkSession
        encoder: OnnxEncoder,
        folder: Path = DEFAULT_MODEL,
        max_tokens: int | None = None,
        provider: str | None = None,
    ) -> None:
        self.name, self.dimension, self.fingerprint = encoder.name, encoder.dimension, encoder.fingerprint
        self.coverage = encoder.coverage
        self._spark = spark
        own = folder == DEFAULT_MODEL
        if not own:
            send_files(spark, sorted(path for path in folder.iterdir() if path.is_file()))
        self._work = _Encode(own, max_tokens, provider)

    def encode_distinct(self, texts: pl.Series, progress: Progress) -> DistinctTexts:
        """Encode sorted distinct texts."""
        chunks = [texts[at : at + _CHUNK].to_list() for at in range(0, len(texts), _CHUNK)]
        parts = map_chunks(self._spark, chunks, self._work)
        progress(len(texts), len(texts))
        return _unpacked(parts, self.dimension)


@dataclass(frozen=True)
class _Encode:
    """What an executor does with a chunk of texts."""

    own_model: bool
    max_tokens: int | None
    provider: str | None

    def __call__(self, texts: list[str]) -> bytes:
        encoder = _encoder(self.own_model, self.max_tokens, self.provider)
        found = encoder.encode_distinct(pl.Series(texts, dtype=pl.String), lambda *_: None)
        flags = found.truncated.astype(np.uint8) | found.unknown.astype(np.uint8) << 1
        return found.vectors.astype("<f4").tobytes() + flags.tobytes()


@lru_cache(maxsize=1)
def _encoder(own_model: bool, max_tokens: int | None, provider: str | None) -> OnnxEncoder:
    """Return the encoder, read once a worker: one thread, for Spark gives each core a task of its own."""
    from prodassoc_cli.embedding.encoders.providers import CPU

    folder = DEFAULT_MODEL if own_model else sent_file()
    return OnnxEncoder(folder, threads=1, max_tokens=max_tokens, provider=provider or CPU)


def _unpacked(parts: Iterable[bytes], width: int) -> DistinctTexts:
    """Put together what `_Encode` made of the chunks."""
    vectors, flags = [np.empty((0, width), np.float32)], [np.empty(0, np.uint8)]
    for part in parts:
        rows = len(part) // (4 * width + 1)
        vectors.append(np.frombuffer(part, "<f4", rows * width).reshape(rows, width))
        flags.append(np.frombuffer(part, np.uint8, rows, rows * width * 4))
    both = np.concatenate(flags)
    return DistinctTexts(np.concatenate(vectors), both & 1 > 0, both & 2 > 0)
