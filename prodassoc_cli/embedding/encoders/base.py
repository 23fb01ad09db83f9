"""What an encoder is.

An encoder turns texts into vectors of length 1. Identical texts are encoded once, here, whatever the encoder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from prodassoc_cli.embedding.encoders.vocabulary_coverage import Coverage
from prodassoc_cli.numerics.arrays import Bools, Floats, Longs
from prodassoc_cli.stage import Progress

DEFAULT_MODEL = Path(__file__).parents[1] / "model"


@dataclass(frozen=True)
class EncodedTexts:
    """Vectors of texts, and what happened to them."""

    vectors: Floats
    """(texts, dimension); every row has length 1."""
    truncated: int
    """Texts that were longer than the model reads; what came after the limit was ignored."""
    unknown_texts: int
    """Texts whose tokens are mostly unknown to the model, or in scripts its vocabulary does not cover."""


@dataclass(frozen=True)
class DistinctTexts:
    """The same for distinct texts, with a flag a text."""

    vectors: Floats
    truncated: Bools
    unknown: Bools


class Encoder(ABC):
    """Turns texts into unit vectors."""

    name: str
    """What the encoder is called in lineage and messages."""
    dimension: int
    """Width of a vector."""
    fingerprint: str
    """Two encoders of one fingerprint are the same function: what a cache of vectors must be keyed by."""
    coverage: Coverage | None = None
    """The scripts that its vocabulary covers; None for one that reads any."""
    piece: int = 0
    """Distinct texts it wants at a time at the least, to keep what it works on busy."""
    fitted: bool = False
    """Whether a text's vector depends on the other texts: such vectors cannot be cached or made in pieces."""

    def encode(self, texts: Sequence[str] | pl.Series, progress: Progress | None = None) -> EncodedTexts:
        """Encode texts, identical ones once.

        Args:
            texts: any number of texts; null counts as empty. An empty text has a vector of its own too (each
                encoder says which): rows of zeros would have no direction.
            progress: called with (done, total) as the work goes on.

        Returns:
            The vectors in the order of `texts`.
        """
        column = texts if isinstance(texts, pl.Series) else pl.Series(list(texts), dtype=pl.String)
        distinct, place = distinct_texts(column)
        encoded = self.encode_distinct(distinct, progress or silent)
        return EncodedTexts(
            vectors=encoded.vectors[place],
            truncated=int(encoded.truncated[place].sum()),
            unknown_texts=int(encoded.unknown[place].sum()),
        )

    @abstractmethod
    def encode_distinct(self, texts: pl.Series, progress: Progress) -> DistinctTexts:
        """Encode distinct texts; `encode` is this for any texts."""

    def encode_phrases(self, phrases: pl.Series) -> Floats:
        """Encode distinct phrases into the space of the texts encoded before."""
        return self.encode_distinct(phrases, silent).vectors


def distinct_texts(texts: pl.Series, *, sort: bool = True) -> tuple[pl.Series, Longs]:
    """Return the distinct texts and, for each text, which of them it is; null counts as empty.

    Sorted, what a text meets on its way does not depend on the order of the input. As they come first, their
    vectors lie in the order in which they are asked for.
    """
    column = texts.cast(pl.String).fill_null("").alias("text")
    distinct = column.unique(maintain_order=not sort)
    distinct = distinct.sort() if sort else distinct
    numbered = distinct.to_frame().with_row_index("place")
    place = column.to_frame().join(numbered, on="text", how="left", maintain_order="left")["place"]
    return distinct, place.to_numpy().astype(np.int64)


def silent(done: int, total: int) -> None:
    """Report to nobody."""
