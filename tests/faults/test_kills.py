"""SIGKILL at every step of putting outputs in place, and at random moments of real runs."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.artifacts.outputs import Outputs
from tests.conftest import ROOT

NAMES = ("a", "b", "c")


def write_all(folder: Path, text: str) -> None:
    targets = [folder / name for name in NAMES]
    with Outputs(targets) as files:
        for target in targets:
            files.file(target).write(f"{text} {target.name}".encode())


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Do the work in a child, killed before its n-th change to the file system; tell whether it was."""
    child = os.fork()
    if child == 0:
        steps = iter(range(1_000_000))
        for module, name in (
            (os, "fsync"), (os, "replace"), (os, "rename"), (os, "unlink"), (os, "open"), (os, "ftruncate"),
            (fcntl, "flock"),
        ):  # fmt: skip
            setattr(module, name, _deadly(getattr(module, name), steps, step))
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _deadly(call, steps, step):
    def replaced(*arguments, **options):
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)

    return replaced


def contents(folder: Path) -> set[str]:
    return {(folder / name).read_text().split()[0] for name in NAMES}


@pytest.mark.parametrize("first_read", NAMES)
def test_a_kill_at_any_step_leaves_all_old_or_all_new(tmp_path, first_read):
    was_new = was_old = step = 0
    while True:
        folder = tmp_path / str(step)
        folder.mkdir()
        write_all(folder, "old")
        if not killed_at(step, lambda folder=folder: write_all(folder, "new")):
            break
        locate([str(folder / first_read)])  # the next run reads one of them
        after_one = (folder / first_read).read_text().split()[0]
        for name in NAMES:
            locate([str(folder / name)])
        assert contents(folder) == {after_one}
        was_new += after_one == "new"
        was_old += after_one == "old"
        write_all(folder, "newer")
        assert contents(folder) == {"newer"}
        assert sorted(os.listdir(folder)) == list(NAMES)
        step += 1
    assert was_old > 10
    assert was_new > 5


def test_a_killed_recovery_is_recovered(tmp_path):
    """Kill the run in the middle of its renames, then the recovery at each of its steps."""
    renaming = 0
    while True:
        folder = tmp_path / f"of run {renaming}"
        folder.mkdir()
        write_all(folder, "old")
        assert killed_at(renaming, lambda folder=folder: write_all(folder, "new"))
        if contents(folder) == {"old", "new"}:
            break
        renaming += 1
    step = 0
    while True:
        again = tmp_path / f"of recovery {step}"
        again.mkdir()
        write_all(again, "old")
        assert killed_at(renaming, lambda again=again: write_all(again, "new"))
        if not killed_at(step, lambda again=again: locate([str(again / "c")]) and None):
            break
        for name in NAMES:
            locate([str(again / name)])
        assert contents(again) == {"new"}
        step += 1
    assert step > 5


def test_a_note_never_puts_another_runs_file_in_place(tmp_path):
    write_all(tmp_path, "old")
    step = 0
    while contents(tmp_path) != {"old", "new"}:
        assert killed_at(step, lambda: write_all(tmp_path, "new"))
        step += 1
        if contents(tmp_path) == {"old"}:
            for name in NAMES:
                (tmp_path / f".{name}.commit").unlink(missing_ok=True)
    late = next(name for name in NAMES if (tmp_path / name).read_text().startswith("old"))
    partial = tmp_path / f".{late}.partial"
    partial.unlink()
    partial.write_text("half of something else")
    locate([str(tmp_path / late)])
    assert (tmp_path / late).read_text().startswith("old")


# ---- real runs

RUNS = (
    ("clean orders.csv --products catalog.csv --holdout last-order --event view -o o1.parquet"
     " --products-output o2.parquet --holdout-output o3.parquet --rejects-output o4.csv"),
    "clean orders.csv.gz --event view -o o1.parquet --rejects-output o2.parquet",
    "mine interactions.parquet --min-count 3 -o o1.parquet --itemsets-output o2.parquet",
    "embed products.parquet --encoder tfidf --dims 8 -o o1.parquet",
    "train interactions.parquet --model popularity -o o1.parquet",
    "recommend knn.parquet -k 3 -o o1.csv",
    "evaluate recs.parquet --truth holdout.parquet -k 3 -o o1.parquet",
)  # fmt: skip


def _start(line: str, folder: Path) -> subprocess.Popen[bytes]:
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    return subprocess.Popen(
        [sys.executable, "-m", "prodassoc_cli", *line.split(), "-q", "--threads", "1"],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("o[0-9].*")}


def _kill_at_random(corpus: Path, folder: Path, seeds: range) -> tuple[int, int]:
    """Return how many runs were killed, and how many of those before their end was decided."""
    shutil.copytree(corpus, folder, dirs_exist_ok=True)
    killed = old_kept = 0
    finished: dict[str, tuple[dict[str, bytes], float]] = {}
    for seed in seeds:
        rng = random.Random(seed)
        line = rng.choice(RUNS)
        if line not in finished:
            started = time.monotonic()
            assert _start(line, folder).wait() == 0
            finished[line] = _outputs(folder), time.monotonic() - started
            _remove_outputs(folder)
        new, seconds = finished[line]
        old = {name: f"the old {name}".encode() for name in new}
        for name, content in old.items():
            (folder / name).write_bytes(content)
        run = _start(line, folder)
        time.sleep(seconds * rng.uniform(0.2, 1.05))
        run.send_signal(signal.SIGKILL)
        killed += run.wait() == -signal.SIGKILL
        for name in new:
            locate([str(folder / name)])
        found = _outputs(folder)
        assert found in (old, new), f"seed {seed}: {line}"
        old_kept += found == old
        assert not _left(folder / "tmp"), f"seed {seed}: {line}"
        if rng.random() < 0.3:
            assert _start(line, folder).wait() == 0
            assert _outputs(folder) == new, f"seed {seed}: {line}"
            assert not [path.name for path in folder.glob(".o*")]
            assert not _left(folder / "tmp")
        _remove_outputs(folder)
    return killed, old_kept


def _left(folder: Path) -> list[str]:
    """Return the temporary files of ours; onnxruntime puts a file of its own there when it is imported."""
    return [name for name in os.listdir(folder) if name != ".ses"]


def _remove_outputs(folder: Path) -> None:
    for path in [*folder.glob("o[0-9].*"), *folder.glob(".o*")]:
        path.unlink()


def test_kills_at_random_moments(corpus, tmp_path):
    killed, old_kept = _kill_at_random(corpus, tmp_path, range(6))
    assert killed >= 4
    assert old_kept >= 2


@pytest.mark.faults
def test_200_kills_at_random_moments(corpus, tmp_path):
    killed, old_kept = _kill_at_random(corpus, tmp_path, range(1000, 1280))
    assert killed >= 200
    assert old_kept >= 100
