"""The recipe of the Makefile that closes the loop, as a user runs it: the lists after it are better."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> Path:
    """Run `make demo-feedback` in a folder of links to the repository, without installing anything."""
    folder = tmp_path_factory.mktemp("shop")
    for name in ("Makefile", "demo.mk", "sample_data", "requirements.lock", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "venv" / "bin").mkdir(parents=True)
    for name, words in (("python", ""), ("prodassoc", "-m prodassoc_cli ")):
        program = folder / "venv" / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        program.chmod(0o755)
    subprocess.run(
        ["make", "-o", "venv/installed", "VENV=venv", "demo-feedback"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    return folder / ".demo"


def test_the_lists_after_the_loop_are_better(outcome):
    found = pl.read_parquet(outcome / "outcome.parquet").filter(pl.col("segment").is_null())
    uplift = found.filter((pl.col("metric") == "ctr_uplift") & (pl.col("model") == "after")).row(
        0, named=True
    )
    assert uplift["low"] > 0, "customers click more on them, beyond chance"
    for metric in ("recall", "precision"):
        by_model = dict(found.filter(pl.col("metric") == metric).select("model", "value").iter_rows())
        assert by_model["after"] > by_model["before"], f"{metric} on the orders of the rest of the year"
    assert (outcome / "outcome.html").stat().st_size > 10_000
