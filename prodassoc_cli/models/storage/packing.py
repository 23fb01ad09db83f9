"""A sparse matrix as named arrays, and back from arrays that anyone may have written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from prodassoc_cli.models.data import Csr
from prodassoc_cli.models.kernels.dispatch import csr_arrays
from prodassoc_cli.numerics.arrays import Floats, Ints

Arrays = dict[str, NDArray[Any]]


def pack(prefix: str, matrix: Csr) -> Arrays:
    """Return a CSR matrix as named arrays."""
    indptr, indices, data = csr_arrays(matrix)
    return {f"{prefix}.indptr": indptr, f"{prefix}.indices": indices, f"{prefix}.data": data}


def unpack(prefix: str, arrays: Arrays, width: int, *, rows: int | None = None) -> Csr:
    """Return the CSR matrix that `pack` named.

    Args:
        prefix: its name.
        arrays: arrays of a model file, which anyone may have written.
        width: number of its columns.
        rows: number of its rows, where it is known.

    Raises:
        ValueError: an index or a bound leads outside; kernels do not look where they read.
    """
    indptr, indices = arrays[f"{prefix}.indptr"], arrays[f"{prefix}.indices"]
    # scipy's own check_format passes bounds that end below 0.
    if indptr[0] != 0 or indptr[-1] != len(indices) or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"{prefix} has bounds out of order")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < width:
        raise ValueError(f"{prefix} has an index outside its {width} columns")
    matrix = csr_from(indptr, indices, arrays[f"{prefix}.data"], width)
    if rows not in (None, matrix.shape[0]):
        raise ValueError(f"{prefix} has {matrix.shape[0]} rows, not {rows}")
    return matrix


def csr_from(indptr: NDArray[Any], indices: Ints, data: Floats, width: int) -> Csr:
    """Return the CSR matrix of these arrays with i32 bounds where they fit: else scipy widens the indices."""
    bounds = indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)
    return sparse.csr_array((data, indices, bounds), shape=(len(indptr) - 1, width))
