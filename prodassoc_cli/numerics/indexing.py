"""Ids become integers, and vectors given per id come into the order of the ids."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.numerics.arrays import Floats, Longs


def index_of(values: pl.Series, ids: pl.Series) -> pl.Series:
    """Return the place of each value among the unique `ids`, i32; null where it is not among them."""
    return values.cast(pl.String).cast(pl.Enum(ids), strict=False).to_physical().cast(pl.Int32)


def numbered(texts: pl.Series) -> tuple[Longs, pl.Series]:
    """Return a number from 0 for each text, -1 for null, and the distinct texts that they index, sorted."""
    distinct = texts.cast(pl.String).unique().drop_nulls().sort()
    return index_of(texts, distinct).cast(pl.Int64).fill_null(-1).to_numpy(), distinct


def aligned_vectors(embeddings: pl.DataFrame, ids: pl.Series) -> Floats:
    """Return the vectors in the order of `ids`, len(ids) × d; zeros where an id has none.

    Args:
        embeddings: product_id, embedding (arrays, or lists of one length).
        ids: unique ids.

    Raises:
        BadData: the vectors differ in length.
    """
    vectors = embeddings["embedding"].cast(pl.List(pl.Float32))
    dims = int(vectors.list.len().to_numpy().max(initial=0))
    flat = vectors.explode().to_numpy()
    if flat.size != dims * embeddings.height:
        raise BadData("the embeddings have vectors of different lengths", "make them again: prodassoc embed")
    aligned = np.zeros((ids.len(), dims), np.float32)
    place = index_of(embeddings["product_id"], ids)
    known = place.is_not_null().to_numpy()
    aligned[place.drop_nulls().to_numpy()] = np.nan_to_num(flat.reshape(-1, dims))[known]
    return aligned
