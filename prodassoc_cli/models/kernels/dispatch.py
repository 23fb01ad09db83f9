"""Running a kernel over rows: the compiled one, or for a few rows its twin in numpy.

To load numba and the compiled kernels takes longer than to answer for one basket. So no module of this
package imports kernels at its top: a kernel is called by its name, and `numpy_fallback` has the same
functions in numpy, which give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from prodassoc_cli.models.kernels import numpy_fallback
from prodassoc_cli.numerics.arrays import Floats, Ints, Longs

Kernel = Literal[
    "product_top_k", "scatter_scores", "select_top_k", "best_scores",
    "best_terms", "linking_items", "nearest_in_history", "largest_filter_terms", "count_common",
    "pair_products", "sparse_pair_products",
]  # fmt: skip

FEW = 16
"""Up to so many rows numpy does the work, where numba is not loaded anyway."""

_MODULES = ("sparse", "reasons", "spectral")
"""Where kernels are looked for by their names, each imported when it comes to that."""


def over_rows(
    kernel: Kernel | Callable[..., Any],
    n_rows: int,
    threads: int,
    *arguments: Any,  # noqa: ANN401 — arrays and scalars
    few_rows: int = FEW,
) -> None:
    """Call `kernel(start, stop, *arguments)` for ranges that together cover all rows, on several threads.

    A row's result depends on that row alone, so that threads never change a byte.

    Args:
        kernel: name of a function of `sparse` or `reasons`, and of `numpy_fallback`; or a compiled function,
            where few rows never come.
        n_rows: number of rows.
        threads: threads to use.
        arguments: the other arguments, of the types the kernel is compiled for.
        few_rows: up to how many rows numpy does the work.
    """
    if isinstance(kernel, str) and n_rows <= few_rows and "numba" not in sys.modules:
        getattr(numpy_fallback, kernel)(0, n_rows, *arguments)
        return
    function = _compiled(kernel) if isinstance(kernel, str) else kernel
    if threads <= 1 or n_rows < 2:
        function(0, n_rows, *arguments)
        return
    # More ranges than threads, since rows differ in length.
    edges = sorted(set(np.linspace(0, n_rows, min(n_rows, 8 * threads) + 1).astype(int).tolist()))
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(function, start, stop, *arguments) for start, stop in pairwise(edges)]
        for job in jobs:
            job.result()


def over_blocks(block: Callable[[int], None], n_rows: int, size: int, threads: int) -> None:
    """Call `block(start)` for every block of rows, on several threads where there are several blocks."""
    starts = range(0, n_rows, size)
    if threads <= 1 or len(starts) < 2:  # a thread takes longer to start than one answer is given
        for start in starts:
            block(start)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(block, starts))


@cache
def _compiled(kernel: Kernel) -> Callable[..., Any]:
    modules = (import_module(f"prodassoc_cli.models.kernels.{module}") for module in _MODULES)
    found: Callable[..., Any] = next(getattr(each, kernel) for each in modules if hasattr(each, kernel))
    return found


def load_kernels(*others: str) -> None:
    """Import now, where a message explains the wait, what all models share and these modules of kernels."""
    for module in ("sparse", *others):
        import_module(f"prodassoc_cli.models.kernels.{module}")


def one_blas_thread() -> AbstractContextManager[object]:
    """Hold numpy's linear algebra to one thread: how it shares out a sum decides the last bits of it."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks at every loaded library, which takes 10 ms


def csr_arrays(matrix: sparse.csr_array) -> tuple[Longs, Ints, Floats]:
    """Return indptr, indices and data with the types the kernels are compiled for."""
    return (
        ready(matrix.indptr, np.int64),
        ready(matrix.indices, np.int32),
        ready(matrix.data, np.float32),
    )


def ready(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return the array as the kernels' signatures want it: of that type, contiguous and writable."""
    # As nearly all are; `require` takes a while to find that out.
    if array.dtype == dtype and array.flags.carray:
        return array
    return np.require(array, dtype, ("C", "W"))
