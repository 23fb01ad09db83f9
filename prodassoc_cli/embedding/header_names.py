"""Headers of columns → what they may name, by an encoder's vectors.

For each encoder the package holds the vectors of up to 2,800 names that columns have in ten languages, names
of fields and of columns that are none, along their main axes, and the weights of a kernel ridge regression
from them to the fields. `python -m benchmarks.language.headers --write` makes both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.stage import Progress, Say

if TYPE_CHECKING:
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder

KNOWN = Path(__file__).parent / "known_names"
"""Holds what is known of the names, a file per encoder."""

SHARPNESS = 2.0
"""Of the kernel exp(SHARPNESS × (cosine − 1)); 2 does best of 2, 3, 4 and 6 on the headers to choose by."""


@dataclass
class EncodedHeaders:
    """Reads headers by the multilingual model where that is at hand, else by the default model.

    Nothing is loaded before headers are to be read, and the multilingual model is made only for headers that
    are not of English letters.

    Attributes:
        say: receives the news that the multilingual model is made.
        progress: opens a progress bar for that.
        folder: of the model; None to take the one at hand.
    """

    say: Say
    progress: Callable[[str], AbstractContextManager[Progress]]
    folder: Path | None = None
    _encoder: OnnxEncoder | None = field(default=None, init=False)

    def __call__(self, headers: Sequence[str]) -> list[dict[str, float]]:
        """Return for each header how much it is like the names of each field; nothing where it is not read.

        Likeness is about 1 for a name of the field and about 0 for others; "" is a column that is no field.
        """
        import polars as pl

        texts = pl.Series([words_of(each) for each in headers], dtype=pl.String)
        encoder = self._encoder = self._encoder or self._opened(plain=all(map(str.isascii, headers)))
        with np.load(KNOWN / f"{encoder.name}.npz") as known:
            likeness = closeness(reduced(encoder.encode(texts).vectors, known), known["points"])
            scores = likeness @ known["weights"].astype(np.float32)
            fields = known["fields"].tolist()
        unread = encoder.coverage.uncovered(texts)
        return [
            {} if blind else dict(zip(fields, row, strict=True))
            for blind, row in zip(unread, scores.tolist(), strict=True)
        ]

    @property
    def name(self) -> str:
        """Name of the encoder that read headers; empty where none was read."""
        return "" if self._encoder is None else self._encoder.name

    @property
    def hint(self) -> str:
        """What would read the headers that were not read; empty where there is nothing better."""
        from prodassoc_cli.embedding.export.packed_e5 import INSTALL, NAME

        if self._encoder is None or self._encoder.name == NAME:
            return ""
        return f"{INSTALL} reads headers in other languages"

    def _opened(self, *, plain: bool) -> OnnxEncoder:
        from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL
        from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
        from prodassoc_cli.embedding.multilingual import cached_model, multilingual_model, packed_file

        folder = self.folder
        if folder is None:
            at_hand = cached_model().is_dir() or (packed_file() is not None and not plain)
            folder = multilingual_model(self.say, self.progress) if at_hand else DEFAULT_MODEL
        return OnnxEncoder(folder)


def words_of(header: str) -> str:
    """Return a header as words: `orderDate`, `order_date` and `Order-Date` are `order date`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    return " ".join(re.sub(r"[_\-./#]+", " ", apart).split()).casefold()


def reduced(vectors: Floats, known: Mapping[str, Any]) -> Floats:
    """Return vectors of headers along the main axes of those known, which have a mean of 0."""
    mean, axes = (known[name].astype(np.float32) for name in ("mean", "axes"))
    around = vectors - mean
    return np.asarray(around / np.linalg.norm(around, axis=1, keepdims=True) @ axes, np.float32)


def closeness(rows: Floats, points: Floats) -> Floats:
    """Return the kernel between reduced vectors."""
    return np.asarray(np.exp(SHARPNESS * (rows @ points.astype(np.float32).T - 1)), np.float32)
