"""Names for arrays by the type of their numbers, and the same numbers in Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def arrow_of(values: NDArray[Any]) -> pa.Array:
    """Return one-dimensional numbers as an Arrow array of the same memory, without asking pandas.

    `pa.array` imports pandas, where it is installed, to see whether it was given something of it: 0.3 s.
    """
    if values.dtype == np.bool_:  # eight to a byte in Arrow
        return pa.array(values.tolist(), pa.bool_())
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])
