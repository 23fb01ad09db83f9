# ruff: noqa: E501 — lines of data
"""A run that cannot fit says so before it reads: exit code 65 with advice, never a kill by the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from prodassoc_cli.resources import memory_budget
from tests.conftest import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMANDS = (
    "clean orders.csv", "clean raw.parquet", "embed products.parquet", "mine interactions.parquet --min-count 2",
    "train interactions.parquet --model item-knn", "recommend knn.parquet",
)  # fmt: skip


def run(line: str, folder: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[bytes]:
    program = f"{before}\nfrom prodassoc_cli.app import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program, *line.split(), *words, "-q"], cwd=folder, env=ENVIRONMENT,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_a_limit_that_is_too_low(corpus, tmp_path, line):
    done = run(line, corpus, "-o", str(tmp_path / "out.parquet"), "--memory-limit", "100MB")
    assert done.returncode == 65
    assert b"--memory-limit" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_limit_that_suffices(corpus, tmp_path, line):
    done = run(line, corpus, "-o", str(tmp_path / "out.parquet"), "--memory-limit", "1GB")
    assert done.returncode == 0, done.stderr


def big_orders(folder: Path, megabytes: int) -> None:
    rows = b"".join(
        b"order%d,user%d,product%d,1,2.5\n" % (at // 3, at % 5000, at % 997) for at in range(30_000)
    )
    with (folder / "orders.csv").open("wb") as stream:
        stream.write(b"order_id,user_id,product_id,quantity,price\n")
        while stream.tell() < megabytes << 20:
            stream.write(rows)


@pytest.fixture
def group(tmp_path_factory):
    """A control group of 300 MB, as the words that put a process into it."""
    first = Path("/sys/fs/cgroup/memory")
    root, limit = (
        (first, "memory.limit_in_bytes") if first.is_dir() else (Path("/sys/fs/cgroup"), "memory.max")
    )
    folder = root / f"prodassoc-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(300 << 20))
    except OSError:
        pytest.skip("may not make a control group here")
    yield f"import os; open('{folder}/cgroup.procs', 'w').write(str(os.getpid()))"
    folder.rmdir()


def test_more_than_a_control_group_allows(tmp_path, group):
    big_orders(tmp_path, 60)
    done = run("clean orders.csv -o out.parquet", tmp_path, before=group)
    assert done.returncode == 65, done
    assert b"needs at least" in done.stderr
    assert os.listdir(tmp_path) == ["orders.csv"]


def test_what_fits_a_control_group(corpus, tmp_path, group):
    out = str(tmp_path / "out.parquet")
    done = run(f"clean orders.csv -o {out}", corpus, before=group)
    assert done.returncode == 0, done.stderr


def test_more_than_an_address_space_allows(tmp_path):
    big_orders(tmp_path, 150)
    before = "import resource; resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))"
    done = run("clean orders.csv -o out.parquet", tmp_path, before=before)
    assert done.returncode == 65, done
    assert b"needs at least" in done.stderr or b"ulimit -v" in done.stderr


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))"


@pytest.fixture(scope="module")
def interactions(tmp_path_factory):
    """Interactions of which `train` takes more than it can know before it reads them."""
    folder = tmp_path_factory.mktemp("many")
    at = pl.int_range(150_000, eager=True)
    pl.DataFrame(
        {
            "user_id": "u" + (at // 15).cast(pl.String),
            "order_id": "o" + (at // 5).cast(pl.String),
            "product_id": "p" + (at.hash(1) % 20_000).cast(pl.String),
            "event": pl.repeat("purchase", len(at), eager=True),
            "quantity": pl.repeat(1.0, len(at), eager=True),
            "price": pl.repeat(2.5, len(at), eager=True),
            "rating": pl.repeat(None, len(at), dtype=pl.Float64, eager=True),
            "timestamp": pl.repeat(None, len(at), dtype=pl.Datetime("us"), eager=True),
        }
    ).write_parquet(folder / "interactions.parquet")
    return folder


@pytest.mark.parametrize("words", [("--memory-limit", "210MB"), ()])
def test_more_than_was_foreseen(interactions, tmp_path, request, words):
    before = "" if words else request.getfixturevalue("group")
    out = tmp_path / "out.parquet"
    out.write_bytes(b"old")
    done = run("train interactions.parquet", interactions, "-o", str(out), *words, before=before)
    assert done.returncode == 65, done
    assert b"stopped: train holds" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert os.listdir(tmp_path) == ["out.parquet"]
    assert out.read_bytes() == b"old"


@pytest.mark.parametrize(
    "line",
    ["train interactions.parquet", "mine interactions.parquet --min-count 1", "clean interactions.parquet"],
)
def test_more_than_an_address_space_holds(interactions, tmp_path, line):
    done = run(line, interactions, "-o", str(tmp_path / "out.parquet"), before=LIMITED)
    assert done.returncode in (0, 65), done
    assert os.listdir(tmp_path) == ([] if done.returncode else ["out.parquet"])


def test_mining_stops_by_itself_within_a_limit(interactions, tmp_path):
    done = run(
        "mine interactions.parquet --min-count 1 --target frequent --max-size 4", interactions,
        "-o", str(tmp_path / "out.parquet"), "--memory-limit", "230MB",
    )  # fmt: skip
    assert done.returncode == 65, done
    assert b"itemsets" in done.stderr
    assert b"--min-count 2" in done.stderr


def test_the_budget_knows_the_limits_of_the_process():
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
        "from prodassoc_cli.resources import memory_budget; print(memory_budget(None))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, check=True)
    assert int(done.stdout) <= 0.75 * (2 << 30)
    assert memory_budget("1GiB") == 1 << 30
