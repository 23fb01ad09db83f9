"""How every kernel is compiled: for explicit signatures, at import, once, into numba's cache on disk.

Import `njit` from here in modules that hold kernels, and nowhere else: numba takes half a second to load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
from numba import types

__all__ = ["KERNEL", "STEP", "njit", "types"]

KERNEL: dict[str, object] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "no_cfunc_wrapper": True,
}
"""Options of every kernel."""

STEP = KERNEL | {"no_cpython_wrapper": True}
"""Options of kernels that only kernels call: without the way in from Python they compile faster."""

R = TypeVar("R")


def njit(signature: object, **options: object) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Compile a function for that signature and no other, or load it from the cache.

    Args:
        signature: of numba's types, or as text.
        options: `KERNEL` or `STEP`, and options of numba's own such as `fastmath`.
    """
    compiled = numba.njit(signature, cache=True, **options)
    return cast("Callable[[Callable[..., R]], Callable[..., R]]", compiled)
