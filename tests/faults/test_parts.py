"""Cleaning more than fits in memory: the limit holds, the bytes are the same, and a kill leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.scale.orders import write
from tests.conftest import ROOT

LIMIT = 1_200_000_000

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "lines.csv"
    write(path, 2_500_000)
    return path


def start(lines: Path, folder: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prodassoc_cli", "clean", str(lines), "-o", "out.parquet", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE)


def test_the_limit_holds_and_does_not_show(lines, tmp_path):
    found = {}
    for name, limit in (("small", str(LIMIT)), ("large", "16GB")):
        (tmp_path / name).mkdir()
        run = start(
            lines,
            tmp_path / name,
            "--memory-limit",
            limit,
            "--summary",
            "s.json",
            "--rejects-output",
            "r.csv",
        )
        _, said = run.communicate(timeout=600)
        assert run.returncode == 0, said
        summary = json.loads((tmp_path / name / "s.json").read_text())
        if name == "small":
            assert summary["peak_memory_bytes"] < LIMIT
        found[name] = [(tmp_path / name / file).read_bytes() for file in ("out.parquet", "r.csv")]
    assert found["small"] == found["large"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_kill_leaves_no_rows_behind(lines, tmp_path, share):
    run = start(lines, tmp_path, "--memory-limit", str(LIMIT))
    time.sleep(share * 10)
    run.kill()
    run.communicate()
    assert {path.name for path in tmp_path.iterdir()} <= {".out.parquet.partial", "out.parquet"}


def test_a_limit_too_low_for_any_parts(lines, tmp_path):
    run = start(lines, tmp_path, "--memory-limit", "500MB")
    _, said = run.communicate(timeout=60)
    assert run.returncode == 65
    assert b"needs at least" in said
    assert b"--memory-limit" in said
    assert list(tmp_path.iterdir()) == []
