"""What keeps `mine` from running away: huge baskets, and more itemsets than memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT, CommandLine


def prodassoc(*arguments, how=CommandLine.__call__) -> subprocess.CompletedProcess[str]:
    done = how(CommandLine(ROOT), *map(str, arguments))
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def interactions(tmp_path_factory) -> Path:
    """Forty baskets of two products, and one of 1,200."""
    folder = tmp_path_factory.mktemp("huge")
    lines = [
        f"o{basket},p{basket % 4},u{basket}\no{basket},p{4 + basket % 3},u{basket}" for basket in range(40)
    ]
    lines += [f"huge,p{item},u" for item in range(1_200)]
    (folder / "lines.csv").write_text("\n".join(["order_id,product_id,user_id", *lines]) + "\n")
    cleaned = prodassoc("clean", folder / "lines.csv", "-o", folder / "interactions.parquet")
    assert cleaned.returncode == 0, cleaned.stderr
    return folder / "interactions.parquet"


def test_a_huge_basket_is_said_with_its_flag(interactions, tmp_path):
    run = prodassoc(
        "mine", interactions, "--target", "frequent", "--min-count", 3, "-o", tmp_path / "s.parquet"
    )
    assert run.returncode == 0, run.stderr
    assert "1 basket of more than 1,000 products, the largest 1,200" in run.stderr
    assert "--max-basket-size" in run.stderr


def test_max_basket_size_leaves_it_out(interactions, tmp_path):
    output = tmp_path / "s.parquet"
    run = prodassoc(
        "mine", interactions, "--target", "frequent", "--min-count", 1, "--max-basket-size", 100, "-o", output
    )
    assert run.returncode == 0, run.stderr
    assert "1 basket with more than 100 products left out (--max-basket-size)" in run.stderr
    assert "40 baskets" in run.stderr
    sets = pl.read_parquet(output)
    assert sets["size"].max() == 2
    assert set(sets.explode("items")["items"]) == {f"p{item}" for item in range(7)}


def test_a_tight_budget_stops_with_what_to_try(interactions, tmp_path):
    """Every subset of the huge basket is a set at a count of 1: more than any memory holds."""
    output = tmp_path / "s.parquet"
    run = prodassoc(
        "mine",
        interactions,
        "--target",
        "frequent",
        "--min-count",
        1,
        "--memory-limit",
        "200MB",
        "-o",
        output,
        how=CommandLine.started,  # of its memory, imports it does not need would be a part
    )
    assert run.returncode == 65, run.stderr
    assert "more would pass the memory limit" in run.stderr
    assert "try --min-count 2" in run.stderr
    assert "Traceback" not in run.stderr
    assert not output.exists()
