"""Compiles every kernel before the tests ask for them, in two processes: each worker would compile them all.

python -m tests.kernels            one after the other
python -m tests.kernels backwards
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from prodassoc_cli.resources import place_kernel_cache

MODULES = (
    "mining.kernels.apriori", "mining.kernels.fp_growth", "mining.kernels.search", "mining.kernels.rules",
    "mining.kernels.csr", "intake.layouts.fimi_codes", "mining.selection.set_coverage",
    "models.kernels.spectral", "models.kernels.ease", "models.kernels.als", "models.kernels.reasons",
    "models.kernels.mf", "models.kernels.sparse",
)  # fmt: skip


def compile_all() -> None:
    """Compile from both ends: whoever meets what the other has compiled loads it from the cache."""
    words = [sys.executable, "-m", "tests.kernels"]
    root = Path(__file__).parent.parent
    for each in [subprocess.Popen(words, cwd=root), subprocess.Popen([*words, "backwards"], cwd=root)]:
        each.wait()


if __name__ == "__main__":
    place_kernel_cache()
    for name in reversed(MODULES) if sys.argv[1:] else MODULES:
        import_module(f"prodassoc_cli.{name}")
