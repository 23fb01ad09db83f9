"""How every kernel is compiled: numba's options, and numba itself without what no kernel needs.

Import `njit` from here in modules that hold kernels, and nowhere else: it takes a third of a second.
"""

from __future__ import annotations

import sys

from numba import njit, types

__all__ = ["KERNEL", "STEP", "njit", "types"]

KERNEL: dict[str, object] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "boundscheck": False,
    "no_cfunc_wrapper": True,
}
"""Options of every kernel. Signatures are explicit: kernels compile at import, once, into the cache."""

STEP = KERNEL | {"no_cpython_wrapper": True}
"""Options of kernels that only kernels call: without the way in from Python they compile faster."""


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


_leave_out_linear_algebra()
