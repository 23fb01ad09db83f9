"""What the tests share: running the command line as a user does, and finding the real data."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

from tests import fork_server
from tests.kernels import compile_all

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_data"


def examples(number: int) -> int:
    """Return how many examples of a property a test tries.

    All of them in `make test-faults`, a third in `make test`: each of its runs tries others.
    """
    return number if "PRODASSOC_ALL_EXAMPLES" in os.environ else number // 3


# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("prodassoc", deadline=None, max_examples=examples(100))
settings.load_profile("prodassoc")


def pytest_configure(config: pytest.Config) -> None:
    """Make once for all processes of a run what each would make: bytecode, models, kernels."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        sys.dont_write_bytecode = False
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        folder = tempfile.mkdtemp(prefix="prodassoc-tests-cache-")
        os.environ["XDG_CACHE_HOME"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    if hasattr(config, "workerinput"):
        _use_one_thread()
    elif getattr(config.option, "numprocesses", None):
        compile_all()
        fork_server.share(ROOT)


def pytest_collection_finish() -> None:
    """Spare the collector what was imported, which stays to the end."""
    gc.freeze()


def _use_one_thread() -> None:
    """Give polars one thread in this process, as workers are more than cores; those it starts choose."""
    if "POLARS_MAX_THREADS" not in os.environ:
        os.environ["POLARS_MAX_THREADS"] = "1"
        pl.thread_pool_size()
        del os.environ["POLARS_MAX_THREADS"]


def write_small_shop(folder: Path, **lines: int) -> None:
    """Write so many first lines of each file of the sample shop that is named."""
    for name, count in lines.items():
        with (SAMPLE / f"{name}.csv").open("rb") as whole:
            (folder / f"{name}.csv").write_bytes(b"".join(islice(whole, count)))


class CommandLine:
    """Runs `prodassoc` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, stdin: bytes | None = None, env: dict[str, str] | None = None):
        """Run it in a process of its own that has its imports already; see `fork_server`."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin or b"")
            given.seek(0)
            streams = [given.fileno(), out.fileno(), err.fileno()]
            server = fork_server.socket_of_server(ROOT)
            code = fork_server.request(server, list(words), str(self.folder), environment(env), streams)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, code, out.read(), err.read())

    def started(self, *words: str, stdin: bytes | None = None, env: dict[str, str] | None = None):
        """Run it in a process that starts, where its start is what is tested."""
        return subprocess.run(
            [sys.executable, "-m", "prodassoc_cli", *words],
            cwd=self.folder,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=environment(env),
            timeout=300,
            check=False,
        )


def environment(env: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command line."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **(env or {})}


@pytest.fixture
def prodassoc(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def cpu_seconds(whose: int = resource.RUSAGE_SELF) -> float:
    """Return the CPU seconds of this process, or of its children that ended.

    Limits of time are limits of these: the clock says more of the machine's other work than of the code.
    """
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def real_data(name: str) -> Path:
    """Return a file of the real data sets, or skip the test where they are missing."""
    folder = Path(os.environ.get("PRODASSOC_DATA", ROOT.parent / "shared" / "data"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"needs {name} below $PRODASSOC_DATA or ../shared/data")
    return path
