"""What each command imports in a run with its defaults: nothing heavy that this run makes no use of."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import environment, write_small_shop

WITH_MODULES_NAMED = """
import sys
from prodassoc_cli.app import run_command_line
code = run_command_line(sys.argv[1:])
print(*sys.modules)
sys.exit(code)
"""
CHAIN = {
    "clean": "orders.csv --products catalog.csv --products-output p.parquet "
    "--holdout last-order --holdout-output h.parquet -o i.parquet",
    "embed": "p.parquet -o e.parquet",
    "mine": "i.parquet -o r.parquet",
    "train": "i.parquet --products p.parquet --embeddings e.parquet --rules r.parquet -o m.parquet",
    "recommend": "m.parquet -o recs.parquet",
    "evaluate": "recs.parquet --truth h.parquet --train i.parquet -o metrics.parquet",
}
OLD_SCIPY = tuple(map(int, version("scipy").split(".")[:2])) < (1, 17)
READERS = {"chardet", "python_calamine", "selectolax"}
ENCODERS = {"onnxruntime", "tokenizers"}
NEVER = {
    "pandas",
    "jinja2",
    "pyspark",
    "sklearn",
    "scipy.stats",
    "pyarrow.csv",
    "pyarrow.dataset",
    "rich.console",
}
UNUSED = {
    "clean": (NEVER | READERS | ENCODERS | {"scipy", "numba"}) - {"pyarrow.csv"},
    "embed": NEVER | READERS | {"scipy", "numba"},
    "mine": NEVER | READERS | ENCODERS | {"scipy.sparse", "scipy.optimize"},
    "train": NEVER | READERS | ENCODERS,
    "recommend": NEVER | READERS | ENCODERS | {"scipy.optimize", "scipy.special"},
    "evaluate": NEVER | READERS | ENCODERS | {"scipy.sparse", "scipy.optimize", "numba"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a part of the sample shop."""
    folder: Path = tmp_path_factory.mktemp("shop")
    write_small_shop(folder, orders=1200, catalog=60)
    return folder


@pytest.fixture(scope="module")
def modules(folder: Path) -> dict[str, set[str]]:
    """Return what was imported when each command of the chain had run."""
    loaded = {}
    for command, line in CHAIN.items():
        done = subprocess.run(
            [sys.executable, "-c", WITH_MODULES_NAMED, command, *line.split(), "-q"],
            cwd=folder, env=environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        loaded[command] = set(done.stdout.split())
    return loaded


@pytest.mark.parametrize("command", CHAIN)
def test_a_run_imports_nothing_heavy_that_it_does_not_use(modules, command):
    if command in ("mine", "evaluate") and OLD_SCIPY:
        pytest.skip("scipy.special before 1.17 imports scipy.sparse itself")
    assert "polars" in modules[command]
    assert not modules[command] & UNUSED[command]


AT_IMPORT = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "polars":
            print(os.environ.get("_RJEM_MALLOC_CONF"), os.environ.get("POLARS_MAX_THREADS"))
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, Watch())
from prodassoc_cli.app import run_command_line
from prodassoc_cli.stages import clean
clean.LARGE_BYTES = 0  # as if the lines were many
sys.exit(run_command_line(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", CHAIN)
@pytest.mark.usefixtures("modules")
def test_polars_is_imported_when_its_memory_and_threads_are_settled(folder, command):
    """Imported before, it takes a twelfth more CPU seconds for memory, and its threads vie with others."""
    unset = {name: each for name, each in environment().items() if not name.startswith(("POLARS", "_RJEM"))}
    words = [*CHAIN[command].split(), "-q", "--force", "--threads", "2"]
    done = subprocess.run(
        [sys.executable, "-c", AT_IMPORT, command, *words],
        cwd=folder, env=unset, capture_output=True, text=True, check=True,
    )  # fmt: skip
    allocator, threads = done.stdout.split()
    assert "dirty_decay_ms" in allocator
    assert threads == ("1" if command == "clean" else "2")
