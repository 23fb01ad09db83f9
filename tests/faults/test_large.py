"""Bombs, endless lines and very wide files: refused with a reason, in bounded memory and time."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, cpu_seconds

HEAD = b"order_id,user_id,product_id\n1,u,p\n1,u,q\n"
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
from prodassoc_cli import app
code = app.run_command_line(sys.argv[1:])
# Not ru_maxrss: that of a process begins with what its parent held.
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
sys.exit(code)
"""


def refused(folder: Path, name: str, *, megabytes: int = 700) -> str:
    """Clean a file that must be refused within 30 CPU seconds and so much memory; return what is said."""
    before = cpu_seconds(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, "clean", name, "-o", "out.parquet", "-q"], cwd=folder, timeout=600,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}, capture_output=True, check=False,
    )  # fmt: skip
    said = run.stderr.decode()
    assert run.returncode == 65, said
    assert len(said.splitlines()) <= 2
    assert cpu_seconds(resource.RUSAGE_CHILDREN) - before < 30
    assert int(run.stdout) < megabytes * 1024
    assert os.listdir(folder) == [name]
    return said


def test_a_gzip_bomb(tmp_path):
    with gzip.open(tmp_path / "orders.csv.gz", "wb") as stream:
        stream.write(HEAD)
        for _ in range(300):
            stream.write(b"1,u,p\n" * 170_000)
    assert "250 times" in refused(tmp_path, "orders.csv.gz")


def test_a_zstd_bomb(tmp_path):
    with pa.CompressedOutputStream(str(tmp_path / "orders.csv.zst"), "zstd") as stream:
        stream.write(HEAD)
        for _ in range(300):
            stream.write(b"1,u,p\n" * 170_000)
    assert "250 times" in refused(tmp_path, "orders.csv.zst")


def test_a_bomb_around_parquet(tmp_path):
    with gzip.open(tmp_path / "orders.parquet.gz", "wb") as stream:
        stream.write(b"PAR1")
        for _ in range(300):
            stream.write(bytes(1 << 20))
    assert "250 times" in refused(tmp_path, "orders.parquet.gz", megabytes=900)


def test_100_000_columns(tmp_path):
    names = [*HEAD.decode().split("\n")[0].split(","), *(f"c{at}" for at in range(100_000))]
    rows = [",".join([f"o{at // 2}", f"u{at}", f"p{at}", *["1"] * 100_000]) for at in range(5)]
    (tmp_path / "orders.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    assert "100,003 columns" in refused(tmp_path, "orders.csv")


def test_100_000_columns_of_parquet(tmp_path):
    pq.write_table(pa.table({f"c{at}": ["1"] for at in range(30_000)}), tmp_path / "orders.parquet")
    assert "30,000 columns" in refused(tmp_path, "orders.parquet")


@pytest.mark.faults
@pytest.mark.parametrize("name", ["orders.csv", "orders.jsonl"])
@pytest.mark.parametrize("start", [b"2,", b'2,"'])
def test_a_line_of_a_gigabyte(tmp_path, name, start):
    head = b'{"order_id":"1","user_id":"u","product_id":"p"}\n' if name.endswith("jsonl") else HEAD
    with (tmp_path / name).open("wb") as stream:
        stream.write(head + start)
        for _ in range(1000):
            stream.write(b"x" * 1_000_000)
    assert "longer than" in refused(tmp_path, name)
