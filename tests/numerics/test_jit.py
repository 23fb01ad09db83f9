"""Kernels from the cache give what compiled ones give, and are compiled no second time."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

KERNEL_FILE = """
    from prodassoc_cli.numerics.jit import KERNEL, STEP, njit, types

    @njit(types.int64(types.int64[::1]), **STEP)
    def total(values):
        found = 0
        for value in values:
            found += value
        return found

    @njit(types.int64[::1](types.int64), **KERNEL)
    def squares(n):
        found = [i * i for i in range(n)]
        out = np.empty(n + 1, np.int64)
        for i in range(n):
            out[i] = found[i]
        out[n] = total(out[:n])
        return out
"""

RUN = """
    import kernels

    stats = kernels.squares.stats
    print(*kernels.squares(4), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


@pytest.fixture
def run(tmp_path):
    """Run the kernels above in a process of their own."""
    (tmp_path / "kernels.py").write_text("import numpy as np\n" + textwrap.dedent(KERNEL_FILE))
    environment = {
        "PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}",
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    command = [sys.executable, "-c", textwrap.dedent(RUN)]
    return lambda: subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


def test_cached_kernels_need_no_compiler(run):
    assert run() == ["0", "1", "4", "9", "14", "0", "1"]
    assert run() == ["0", "1", "4", "9", "14", "1", "0"]


def test_a_kernel_takes_no_other_types():
    from prodassoc_cli.mining.kernels.tree import sizes_of

    with pytest.raises(TypeError, match="No matching definition"):
        sizes_of(np.zeros(1, np.complex64))
