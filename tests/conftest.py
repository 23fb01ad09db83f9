"""What the tests share: running the command line as a user does, and finding the real data."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests import fork_server
from tests.kernels import compile_all

# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("prodassoc", deadline=None)
settings.load_profile("prodassoc")

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_data"


def examples(number: int) -> int:
    """Return how many examples a test takes whose examples are whole runs, or take as long.

    All of them in `make test-faults`, a third in `make test`.
    """
    return number if "PRODASSOC_ALL_EXAMPLES" in os.environ else number // 3


def pytest_configure(config: pytest.Config) -> None:
    """Make once for all processes of a run what each would make: a folder for models, and the kernels."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = tempfile.mkdtemp(prefix="prodassoc-tests-cache-")
        os.environ["XDG_CACHE_HOME"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        compile_all()


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
