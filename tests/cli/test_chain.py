"""The whole chain on the simulated shop, as a user runs it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from prodassoc_cli.artifacts.schemas import KINDS
from prodassoc_cli.artifacts.store import read_artifact
from tests.conftest import ROOT, SAMPLE, CommandLine

STEPS = {
    "clean": [
        str(SAMPLE / "orders.csv"), "--products", str(SAMPLE / "catalog.csv"), "-o", "interactions.parquet",
        "--products-output", "products.parquet", "--rejects-output", "rejects.parquet",
        "--holdout", "last-order", "--holdout-output", "holdout.parquet", "--summary", "clean.json",
    ],
    "embed": ["products.parquet", "-o", "embeddings.parquet"],
    "mine": ["interactions.parquet", "-o", "rules.parquet", "--itemsets-output", "itemsets.parquet"],
    "train": [
        "interactions.parquet", "-o", "model.parquet", "--products", "products.parquet",
        "--embeddings", "embeddings.parquet", "--rules", "rules.parquet",
    ],
    "recommend": ["model.parquet", "-o", "recs.parquet", "--include-seen", "-k", "20"],
    "evaluate": [
        "recs.parquet", "--truth", "holdout.parquet", "--train", "interactions.parquet",
        "--products", "products.parquet", "-o", "metrics.parquet",
    ],
}  # fmt: skip
ARTIFACTS = {
    "interactions": "interactions", "products": "products", "rejects": "rejects", "holdout": "interactions",
    "embeddings": "embeddings", "rules": "rules", "itemsets": "itemsets", "model": "model",
    "recs": "recommendations", "metrics": "metrics",
}  # fmt: skip


def run_chain(folder: Path, *flags: str, commands: Iterable[str] = STEPS) -> Path:
    run = CommandLine(folder)
    for command in commands:
        done = run(command, *STEPS[command], *flags)
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
        assert done.stdout == b""
    return folder


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_chain(tmp_path_factory.mktemp("chain"))


def digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in ARTIFACTS}


def read(chain: Path, name: str) -> pl.DataFrame:
    return read_artifact([chain / f"{name}.parquet"], KINDS[ARTIFACTS[name]])[0]


@pytest.mark.parametrize("name", ARTIFACTS)
def test_every_artifact_is_what_it_says(chain, name):
    frame, lineage = read_artifact([chain / f"{name}.parquet"], KINDS[ARTIFACTS[name]])
    assert lineage.kind == ARTIFACTS[name]
    assert lineage.inputs
    assert frame.height


def test_neither_threads_nor_another_run_change_a_byte(chain, tmp_path):
    assert digests(run_chain(tmp_path, "--threads", "1")) == digests(chain)


def test_no_row_is_lost(chain):
    summary = json.loads((chain / "clean.json").read_text())
    kept = read(chain, "interactions").height + read(chain, "holdout").height
    assert summary["rows_in"] == kept + read(chain, "rejects").filter(pl.col("source") == "orders.csv").height


def test_every_recommendation_has_a_reason_and_every_user_a_full_list(chain):
    recs = read(chain, "recs")
    assert (recs["reason"].str.len_chars() > 10).all()
    assert recs.group_by("user_id").len()["len"].unique().to_list() == [20]
    users = read(chain, "interactions")["user_id"].drop_nulls().unique()
    assert set(recs["user_id"]) == set(users)


def test_the_hybrid_is_ahead_of_popularity(chain):
    run = CommandLine(chain)
    words = ["interactions.parquet", "--model", "popularity", "-o", "popular.model.parquet"]
    assert run("train", *words).returncode == 0
    words = ["popular.model.parquet", "-o", "popular.parquet", "--include-seen", "-k", "20"]
    assert run("recommend", *words).returncode == 0
    words = [
        "recs.parquet",
        "popular.parquet",
        "--truth",
        "holdout.parquet",
        "-k",
        "10",
        "-o",
        "both.parquet",
    ]
    assert run("evaluate", *words, "--baseline", "popularity").returncode == 0
    values = dict(
        pl.read_parquet(chain / "both.parquet")
        .filter(pl.col("metric") == "ndcg")
        .select("model", "value")
        .iter_rows()
    )
    assert values["hybrid"] > 1.5 * values["popularity"]


def test_a_second_run_has_nothing_to_do_and_touches_the_output(chain):
    run, path = CommandLine(chain), chain / "rules.parquet"
    before = path.read_bytes()
    os.utime(path, (1, 1))
    done = run("mine", *STEPS["mine"])
    assert done.returncode == 0
    assert "up to date" in done.stderr.decode()
    assert path.stat().st_mtime > 1
    assert path.read_bytes() == before


def test_a_dry_run_writes_nothing(chain, tmp_path):
    done = CommandLine(tmp_path)(
        "mine", str(chain / "interactions.parquet"), "-o", "rules.parquet", "--dry-run"
    )
    assert done.returncode == 0
    assert "would write rules to rules.parquet" in done.stderr.decode()
    assert not list(tmp_path.iterdir())


def test_inspect_shows_every_artifact(chain):
    for name in ARTIFACTS:
        done = CommandLine(chain)("inspect", f"{name}.parquet", "--rows", "2")
        assert done.returncode == 0, done.stderr
        assert ARTIFACTS[name] in done.stdout.decode().splitlines()[0]
    told = CommandLine(chain)("inspect", "model.parquet").stdout.decode()
    assert "of new products" in told
    assert "spectral/vectors" not in told


def test_a_pipe_works(chain, tmp_path):
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress((SAMPLE / "orders.csv").read_bytes()))
    prodassoc = f"{sys.executable} -m prodassoc_cli"
    line = (
        f"set -o pipefail; zcat orders.csv.gz | {prodassoc} clean - -o - --format parquet"
        f" | {prodassoc} mine - --min-support 0.01 -o - --format csv | (head -3; cat > rest)"
    )
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("antecedent,consequent,count,support,confidence,lift")
    assert len(lines) == 3


def test_a_reader_that_leaves_is_no_error_of_ours(chain):
    mine = f"{sys.executable} -m prodassoc_cli mine interactions.parquet --min-count 3 -o - --format csv"
    line = f"{mine} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=chain,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().splitlines()[-1] == "141"
    assert b"rror" not in done.stderr


def test_ids_keep_their_leading_zeros(chain):
    assert read(chain, "rules")["antecedent"].explode().str.starts_with("00").any()
    assert read(chain, "recs")["product_id"].str.starts_with("00").any()


def test_lists_for_products_and_baskets(chain):
    run = CommandLine(chain)
    for words, subject in (
        (["--for", "products", "-k", "3"], "source_product_id"),
        (["--basket", "00101,00301", "-k", "3"], "basket_id"),
    ):
        done = run("recommend", "model.parquet", *words, "-o", "-", "--format", "jsonl")
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(row[subject] and row["reason"] and row["product_id"] != row[subject] for row in rows)


def test_filters_hold_and_lists_stay_full(chain):
    run = CommandLine(chain)
    done = run(
        "recommend",
        "model.parquet",
        "-k",
        "4",
        "--where",
        "category=Food > Dairy",
        "-o",
        "-",
        "--format",
        "csv",
    )
    assert done.returncode == 0, done.stderr
    recs = pl.read_csv(done.stdout, infer_schema=False)
    dairy = read(chain, "products").filter(pl.col("category").str.starts_with("Food > Dairy"))["product_id"]
    assert set(recs["product_id"]) <= set(dairy)
    # Only a user who has bought nearly all of a small category gets fewer.
    assert recs.group_by("user_id").len()["len"].max() == 4


@pytest.mark.parametrize(
    ("bound", "code"), [("hybrid:ndcg@10>=0.01", 0), ("ndcg@10>=0.99", 1), ("ndgc@10>=0.1", 2)]
)
def test_require_is_a_gate(chain, bound, code):
    done = CommandLine(chain)("evaluate", "recs.parquet", "--truth", "holdout.parquet", "--require", bound)
    assert done.returncode == code
    if code:
        assert len(done.stderr.decode().strip().splitlines()) <= 3


def test_models_are_checked_before_they_are_used(chain):
    done = CommandLine(chain)("recommend", "rules.parquet", "-o", "x.parquet")
    assert done.returncode == 65
    assert "holds rules, not model" in done.stderr.decode()
    assert not (chain / "x.parquet").exists()


def test_the_metadata_names_no_folder(chain):
    for name in ARTIFACTS:
        text = str(pq.read_metadata(chain / f"{name}.parquet").metadata)
        assert str(chain) not in text
        assert str(SAMPLE) not in text
