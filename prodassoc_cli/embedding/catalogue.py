"""Encodes a catalogue: each distinct text once, what a cache has not at all, in pieces that fit in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.embedding.encoders.base import DistinctTexts, Encoder, distinct_texts, silent
from prodassoc_cli.embedding.vectors.cache import VectorCache
from prodassoc_cli.embedding.vectors.scratch import gather, release, room
from prodassoc_cli.numerics.arrays import Bools, Floats, Longs
from prodassoc_cli.stage import Progress

# Distinct texts encoded (and cached) at a time: full batches of each length, ten seconds lost by a kill.
_PIECE = 16_384


@dataclass(frozen=True)
class EncodedCatalogue:
    """The vectors of a catalogue's distinct texts, and which of them each product has."""

    distinct: DistinctTexts
    place: Longs
    """(products,): the row of `distinct` with the product's vector."""
    cached: int
    """Distinct texts that were in the cache."""

    def vectors(self, part: slice) -> Floats:
        """Return the vectors of a slice of the products."""
        return gather(self.distinct.vectors, self.place[part])

    @property
    def one_each(self) -> bool:
        """Whether `distinct` holds the products' vectors as they are, in the products' order."""
        return len(self.place) == len(self.distinct.vectors) and bool((np.diff(self.place) == 1).all())

    @property
    def truncated(self) -> int:
        """Products whose text was cut."""
        return int(self.distinct.truncated[self.place].sum())

    @property
    def unknown(self) -> Bools:
        """Whether the encoder does not know a product's text (`EncodedTexts.unknown_texts`)."""
        return self.distinct.unknown[self.place]

    @property
    def unknown_texts(self) -> int:
        """Products whose text the encoder does not know."""
        return int(self.unknown.sum())


def encode_catalogue(
    encoder: Encoder,
    texts: pl.Series,
    *,
    cache: VectorCache | None = None,
    budget: int | None = None,
    progress: Progress | None = None,
) -> EncodedCatalogue:
    """Encode the texts of all products.

    Neither the cache nor the budget changes a bit of a vector.

    Args:
        encoder: one that is fitted to its texts (`Encoder.fitted`) gets them all at once, and no cache.
        texts: one per product.
        cache: where vectors are looked up first and new ones are kept, piece by piece.
        budget: bytes of vectors to hold in memory; more go to a temporary file.
        progress: called with the number of distinct texts done, cached ones included, and of all.

    Raises:
        ValueError: a cache is given with an encoder that is fitted to its texts.
        IOFailure: the cache cannot be written.
    """
    progress = progress or silent
    distinct, place = distinct_texts(texts, sort=encoder.fitted)
    total = len(distinct)
    if encoder.fitted:
        if cache is not None:
            raise ValueError("vectors of an encoder that is fitted to its texts cannot be cached")
        return EncodedCatalogue(encoder.encode_distinct(distinct, progress), place, 0)
    result = DistinctTexts(
        room(total, encoder.dimension, budget), np.zeros(total, np.bool_), np.zeros(total, np.bool_)
    )
    found = cache.fetch(distinct, result) if cache is not None else np.zeros(total, dtype=np.bool_)
    missing = np.flatnonzero(~found)
    before = total - len(missing)
    progress(before, total)
    step = max(_PIECE, encoder.piece)
    for start in range(0, len(missing), step):
        rows = missing[start : start + step]
        piece = distinct.gather(rows)
        encoded = encoder.encode_distinct(piece, _from(before + start, total, progress))
        if cache is not None:
            cache.keep(piece, encoded)
        result.vectors[rows] = encoded.vectors
        result.truncated[rows], result.unknown[rows] = encoded.truncated, encoded.unknown
        release(result.vectors)
    return EncodedCatalogue(result, place, before)


def _from(before: int, total: int, progress: Progress) -> Progress:
    """Return the progress of a piece, reported as that of the whole."""
    return lambda done, _: progress(before + done, total)
