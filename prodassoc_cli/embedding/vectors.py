"""What is done to vectors after they are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shorten(vectors: NDArray[np.float32], dims: int | None) -> NDArray[np.float32]:
    """Keep the first `dims` numbers of each vector and bring it back to length 1.

    Args:
        vectors: n × d, each of length 1.
        dims: numbers to keep; None, or d and more, keeps all.

    Returns:
        n × min(dims, d). A vector whose kept part is all zero stays zero.
    """
    if dims is None or dims >= vectors.shape[1]:
        return vectors
    kept = vectors[:, :dims]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    return np.divide(kept, lengths, out=np.zeros_like(kept), where=lengths > 0)
