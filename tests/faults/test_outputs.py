"""Two runs on one output, full disks, folders that cannot be written to: the old file stays, known early."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prodassoc_cli.app import run_command_line
from prodassoc_cli.artifacts.outputs import Outputs
from tests.conftest import ROOT, CommandLine

NOBODY = 65534


def pa(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return CommandLine(folder)(*words, env=env)


# ---- two runs on one output

HOLDER = """
import sys, time
from pathlib import Path
from prodassoc_cli.artifacts.outputs import Outputs
with Outputs([Path(sys.argv[1])]) as files:
    files.file(Path(sys.argv[1])).write(b"of the first run")
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another run that writes out.parquet, until its standard input ends."""
    run = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out.parquet")], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout.readline() == b"locked\n"
    yield run
    run.kill()
    run.wait()


WORDS = ("mine", "interactions.parquet", "--min-count", "3", "-q")


def test_a_second_run_is_told_at_once(corpus, tmp_path, holder):
    done = pa(corpus, *WORDS, "-o", str(tmp_path / "out.parquet"))
    assert done.returncode == 75
    assert b"--wait" in done.stderr


def test_a_second_run_waits_as_long_as_it_may(corpus, tmp_path, holder):
    started = time.monotonic()
    done = pa(corpus, *WORDS, "-o", str(tmp_path / "out.parquet"), "--wait", "1.5")
    assert done.returncode == 75
    assert time.monotonic() - started > 1.5


def test_a_second_run_goes_on_when_the_first_is_done(corpus, tmp_path, holder):
    waiting = subprocess.Popen(
        [sys.executable, "-m", "prodassoc_cli", *WORDS, "-o", str(tmp_path / "out.parquet"), "--wait", "60"],
        cwd=corpus, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    time.sleep(2)
    assert waiting.poll() is None
    holder.stdin.close()
    assert waiting.wait(60) == 0
    assert (tmp_path / "out.parquet").read_bytes().startswith(b"PAR1")


def test_a_killed_holder_blocks_nobody(corpus, tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert pa(corpus, *WORDS, "-o", str(tmp_path / "out.parquet")).returncode == 0
    assert os.listdir(tmp_path) == ["out.parquet"]


def test_who_waited_for_the_very_same_run_has_nothing_to_do(corpus, tmp_path):
    """The one that was waited for made the file: it is not made again."""
    out = str(tmp_path / "out.parquet")
    words = [sys.executable, "-m", "prodassoc_cli", *WORDS[:-1], "-o", out, "--wait", "60"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen(words, cwd=corpus, env=environment, stderr=subprocess.PIPE) for _ in range(3)
    ]  # fmt: skip
    said = [run.communicate(timeout=120)[1].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum("rules of" in text for text in said) == 1
    assert sum("up to date" in text for text in said) == 2


# ---- where nothing can be written


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small tmpfs here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(corpus, small_disk):
    out = small_disk / "out.csv"
    out.write_text("old")
    done = pa(corpus, "clean", "orders.csv", "-o", str(out), "-q")
    assert done.returncode == 74
    assert b"No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert out.read_text() == "old"
    assert os.listdir(small_disk) == ["out.csv"]


def test_a_full_disk_for_one_of_two_outputs(corpus, small_disk, tmp_path):
    (tmp_path / "rejects.csv").write_text("old")
    words = ["--rejects-output", str(tmp_path / "rejects.csv"), "-q"]
    done = pa(corpus, "clean", "orders.csv", "-o", str(small_disk / "out.csv"), *words)
    assert done.returncode == 74
    assert (tmp_path / "rejects.csv").read_text() == "old"
    assert os.listdir(small_disk) == []


def test_a_full_folder_for_temporary_files(corpus, small_disk, tmp_path):
    big = tmp_path / "orders.csv"
    big.write_bytes((corpus / "orders.csv").read_bytes() * 30)
    gzip = subprocess.run(["gzip", "-c", str(big)], capture_output=True, check=True).stdout
    (tmp_path / "orders.csv.gz").write_bytes(gzip)
    done = pa(tmp_path, "clean", "orders.csv.gz", "-o", "out.parquet", "-q", TMPDIR=str(small_disk))
    assert done.returncode == 74
    assert b"TMPDIR" in done.stderr
    assert os.listdir(small_disk) == []
    assert not (tmp_path / "out.parquet").exists()


def as_nobody(work) -> int:
    """Return the exit code of a child that does the work as another user; root may write everywhere."""
    if os.geteuid() != 0:
        return work()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def readable(corpus, tmp_path):
    """A folder that everyone may read, with the corpus in it."""
    folder = Path(f"/tmp/prodassoc-faults-{os.getpid()}")
    shutil.copytree(corpus, folder)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _exit_code_of(out: Path) -> int:
    """Run a command whose kernels would take a while, were they reached."""
    code = run_command_line(["recommend", str(out.parent / "no model.parquet"), "-o", str(out), "-q"])
    assert code == 66
    with pytest.raises(Exception, match=r"cannot create|read-only") as problem, Outputs([out]):
        pass
    return problem.value.exit_code


def test_a_folder_that_may_not_be_written_to(readable):
    assert as_nobody(lambda: _exit_code_of(readable / "out.parquet")) == 73


def test_a_file_that_may_not_be_written_to(readable):
    readable.chmod(0o777)
    out = readable / "out.parquet"
    out.write_text("old")
    out.chmod(0o444)
    assert as_nobody(lambda: _exit_code_of(out)) == 73
    assert out.read_text() == "old"


@pytest.mark.parametrize("where", ["missing/out.parquet", ".", "interactions.parquet/out.parquet"])
def test_places_that_cannot_be(corpus, where):
    done = pa(corpus, *WORDS, "-o", where)
    assert done.returncode == 73, done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("flag", ["--itemsets-output", "--summary", "--metrics-file"])
def test_no_output_may_be_an_input(corpus, tmp_path, flag):
    before = (corpus / "interactions.parquet").read_bytes()
    done = pa(corpus, *WORDS, "-o", str(tmp_path / "out.parquet"), flag, "interactions.parquet")
    assert done.returncode == 2
    assert (corpus / "interactions.parquet").read_bytes() == before


def test_a_summary_that_cannot_be_written_is_known_first(corpus, tmp_path):
    done = pa(corpus, *WORDS, "-o", str(tmp_path / "out.parquet"), "--summary", "missing/summary.json")
    assert done.returncode == 73
    assert not (tmp_path / "out.parquet").exists()
