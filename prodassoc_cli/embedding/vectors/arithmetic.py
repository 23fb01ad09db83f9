"""What is done to vectors after they are made: shortened, joined with vectors of one's own, packed."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.numerics.indexing import aligned_vectors

Mode = Literal["concat", "average"]
OutputPrecision = Literal["f32", "f16", "int8", "binary"]

_TINY = 1e-12


def unit(vectors: Floats) -> Floats:
    """Bring each row to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > _TINY)


def shorten(vectors: Floats, dims: int | None) -> Floats:
    """Keep the first `dims` numbers of each vector and bring it back to length 1.

    Args:
        vectors: n × d, each of length 1.
        dims: numbers to keep; None, or d and more, keeps all.

    Returns:
        n × min(dims, d). A vector whose kept part is all zero stays zero.
    """
    return vectors if dims is None or dims >= vectors.shape[1] else unit(vectors[:, :dims])


def align(own: pl.DataFrame, ids: pl.Series) -> tuple[Floats, int]:
    """Bring someone's vectors into the order of the products, each at length 1.

    Args:
        own: product_id and embedding, a fixed-size list of finite f32 of any length.
        ids: the products.

    Returns:
        (products, width of the vectors), zeros where a product has none or one of zeros; and how many have
        none.

    Raises:
        BadData: a product has two vectors, or no product has one.
    """
    twice = own["product_id"].filter(own["product_id"].is_duplicated()).sort()
    if len(twice):
        raise BadData(f"`vectors`: product '{twice[0]}' has more than one vector", "leave one per product")
    if not own["product_id"].is_in(ids.implode()).any():
        raise BadData(
            "`vectors`: no product of the catalogue has a vector", "are the ids written alike in both files?"
        )
    vectors = unit(aligned_vectors(own, ids))
    return vectors, int((~vectors.any(axis=1)).sum())


def combine(text: Floats, own: Floats, mode: Mode, weight: float) -> Floats:
    """Join the vectors of texts with vectors of another kind, so that cosines mix.

    `concat` puts them side by side, scaled by √(1 − weight) and √weight: the cosine of two products is then
    (1 − weight) · cosine of the texts + weight · cosine of the others. `average` is the weighted mean at
    length 1, for encoders that put texts and images into one space. A product without a vector of its own
    keeps that of its text.

    Args:
        text: (n, d), each of length 1.
        own: (n, e), each of length 1 or 0.
        mode: how.
        weight: share of the others, 0 to 1.

    Raises:
        UsageProblem: `average` with d ≠ e.
    """
    without = ~own.any(axis=1, keepdims=True)
    if mode == "concat":
        share = np.where(without, 0, weight).astype(np.float32)
        return np.concatenate([np.sqrt(1 - share) * text, np.sqrt(share) * own], axis=1)
    if text.shape[1] != own.shape[1]:
        raise UsageProblem(
            f"`vectors_mode=average`: the texts have vectors of {text.shape[1]} numbers, "
            f"the others of {own.shape[1]}",
            "give `vectors_mode=concat`, or vectors of the same model",
        )
    mixed = unit(((1 - weight) * text + weight * own).astype(np.float32))
    # Opposite vectors may cancel out: then, as without a vector of its own, the text decides.
    return np.where(without | ~mixed.any(axis=1, keepdims=True), text, mixed)


def pack(vectors: Floats, precision: OutputPrecision) -> NDArray[np.generic]:
    """Store vectors of length 1 in fewer bytes.

    Args:
        vectors: (n, d).
        precision: `f32` as they are; `f16` half precision; `int8` each vector scaled so that its largest
            number is ±127, and rounded; `binary` a bit a number, 1 where it is over 0, eight to a byte, the
            first in the highest bit, zeros at the end.

    Returns:
        (n, d) of float32, float16 or int8, or (n, ⌈d/8⌉) of uint8. The vector is back in f32 by dividing what
        is stored (bits as −1 and 1) by its length.
    """
    if precision == "f32":
        return vectors
    if precision == "f16":
        return vectors.astype(np.float16)
    if precision == "binary":
        return np.packbits(vectors > 0, axis=1)
    peak = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.float32(_TINY))
    return np.rint(vectors * (127 / peak)).astype(np.int8)
