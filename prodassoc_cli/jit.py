"""How every kernel is compiled: numba's options, and numba itself without what no kernel needs.

Import `njit` from here in modules that hold kernels, and nowhere else: it takes a quarter of a second.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar, cast

import numba
from numba import types
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

__all__ = ["KERNEL", "STEP", "njit", "types"]

KERNEL: dict[str, object] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "no_cfunc_wrapper": True,
}
"""Options of every kernel. Signatures are explicit: kernels compile at import, once, into the cache."""

STEP = KERNEL | {"no_cpython_wrapper": True}
"""Options of kernels that only kernels call: without the way in from Python they compile faster."""

R = TypeVar("R")

_NEWEST_TRIED = (0, 68)
"""The newest numba whose cache has been seen to be enough for machine code to run."""


def njit(signature: object, **options: object) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Compile a function for that signature and no other, or take it from the cache.

    Args:
        signature: of numba's types.
        options: `KERNEL` or `STEP`.
    """

    def compiled(function: Callable[..., R]) -> Callable[..., R]:
        kernel = numba.njit(cache=True, **options)(function)
        if numba.version_info[:2] <= _NEWEST_TRIED:
            kernel._cache = _CacheFirst(function)
        kernel.compile(signature)
        kernel.disable_compile()
        return cast("Callable[..., R]", kernel)

    return compiled


class _CacheFirst(FunctionCache):
    """A cache that is looked into before numba makes itself ready to compile.

    Numba loads all it knows of types and functions first, a seventh of a second, although machine code from
    the cache needs nothing of that but the counting of references to arrays.
    """

    def load_overload(self, sig: object, target_context: object) -> object:
        """Return what the cache has for the signature; None where it must be compiled."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            found = self._load_overload(sig, target_context)
        if found is None:
            _leave_out_linear_algebra()
        return found


def _leave_out_linear_algebra() -> None:
    """Spare the import of scipy.linalg, a sixth of a second: numba looks whether matrices can be multiplied.

    No kernel does. Where the module is there already, nothing is spared and nothing is done.
    """
    if "scipy.linalg" in sys.modules or "numba.np.arraymath" in sys.modules:
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # so an import of it fails
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        del sys.modules["scipy.linalg"]
