"""Artifacts of many files: what the manifest names is there, whole, or the one before is."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.artifacts.datasets import (
    MANIFEST,
    Part,
    listed,
    manifest_text,
    open_folder,
    sweep,
    write_part,
    write_parts,
)
from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.artifacts.lineage import Lineage
from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.artifacts.store import read_artifact
from prodassoc_cli.errors import CannotCreate, NoInput
from tests.conftest import ROOT, SAMPLE

LINEAGE = Lineage("products", "clean", {}, 1, ())


def products(first, stop):
    names = [f"{number:04}" for number in range(first, stop)]
    columns = {name: [None] * len(names) for name in ("title", "description", "brand", "category")}
    table = {"product_id": names, **columns, "price": [1.0] * len(names)}
    return pl.DataFrame(table, schema_overrides=dict.fromkeys(columns, pl.String))


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 7))
def test_how_rows_come_does_not_show_in_the_parts(tmp_path_factory, sizes, limit):
    folder = tmp_path_factory.mktemp("parts")
    ends = [sum(sizes[:at]) for at in range(len(sizes) + 1)]
    frames = [products(first, stop) for first, stop in pairwise(ends)]
    parts = write_parts(folder, frames, PRODUCTS, LINEAGE, rows=limit)
    assert parts == write_parts(folder, products(0, ends[-1]), PRODUCTS, LINEAGE, rows=limit)
    assert [part.rows for part in parts[:-1]] == [limit] * (len(parts) - 1)
    read, lineage = read_artifact([folder / part.name for part in parts], PRODUCTS)
    assert read["product_id"].to_list() == products(0, ends[-1])["product_id"].to_list()
    assert lineage == LINEAGE


def test_a_part_written_twice_is_one_file_and_another_one_never_takes_its_place(tmp_path):
    first = write_part(tmp_path, 0, products(0, 3), PRODUCTS, LINEAGE)
    assert write_part(tmp_path, 0, products(0, 3), PRODUCTS, LINEAGE) == first
    other = write_part(tmp_path, 0, products(0, 4), PRODUCTS, LINEAGE)
    assert {path.name for path in tmp_path.iterdir()} == {first.name, other.name}
    assert hashlib.sha256((tmp_path / first.name).read_bytes()).hexdigest() == first.sha256


def test_the_manifest_decides_and_the_rest_is_swept(tmp_path):
    old = write_part(tmp_path, 0, products(0, 3), PRODUCTS, LINEAGE)
    parts = [write_part(tmp_path, number, products(number, 9), PRODUCTS, LINEAGE) for number in (1, 2)]
    (tmp_path / f".part-00003-{'0' * 32}.partial").touch()
    (tmp_path / MANIFEST).write_text(manifest_text(PRODUCTS, parts))
    assert [path.name for path in listed(tmp_path).parts] == [part.name for part in parts]
    assert all(each.manifest == tmp_path / MANIFEST for each in locate([str(tmp_path)]))
    assert (tmp_path / old.name).exists()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, *(part.name for part in parts)}


def test_the_parts_are_read_in_the_order_of_the_manifest(tmp_path):
    parts = [Part(f"part-{number:05}-{'a' * 16}.parquet", 1, "x") for number in (99_999, 100_000)]
    for part in parts:
        (tmp_path / part.name).touch()
    (tmp_path / MANIFEST).write_text(manifest_text(PRODUCTS, parts))
    assert [each.path.name for each in locate([f"{tmp_path}/"])] == [part.name for part in parts]


def test_a_folder_of_other_things_is_no_output(tmp_path):
    assert open_folder(tmp_path / "new")
    assert not open_folder(tmp_path / "new")
    (tmp_path / "letter.txt").touch()
    with pytest.raises(CannotCreate, match="other files"):
        open_folder(tmp_path)
    with pytest.raises(CannotCreate, match="no folder"):
        open_folder(tmp_path / "a" / "b")
    with pytest.raises(CannotCreate, match="is a file"):
        open_folder(tmp_path / "letter.txt")


def test_parts_without_a_manifest_of_a_run_that_goes_on_or_was_killed_are_refused(tmp_path):
    write_part(tmp_path, 0, products(0, 3), PRODUCTS, LINEAGE)
    with pytest.raises(NoInput, match="not finished"):
        locate([str(tmp_path)])


def ran(prodassoc, *words, code=0):
    done = prodassoc(*words)
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode()


def test_the_chain_through_folders_gives_the_same_rows(prodassoc, tmp_path):
    orders, catalogue = str(SAMPLE / "orders.csv"), str(SAMPLE / "catalog.csv")
    for into in (".parquet", "/"):
        ran(prodassoc, "clean", orders, "--products", catalogue, "-o", f"interactions{into}",
            "--products-output", f"products{into}")  # fmt: skip
        ran(prodassoc, "mine", f"interactions{into}", "-o", f"rules{into}")
        ran(prodassoc, "train", f"interactions{into}", "--model", "item-knn", "--products",
            f"products{into}", "-o", f"model{into}")  # fmt: skip
        ran(prodassoc, "recommend", f"model{into}", "-o", f"recs{into}")
        ran(prodassoc, "evaluate", f"recs{into}", "--truth", f"interactions{into}", "-o", f"metrics{into}",
            "--report", f"report-{into[1:]}.html")  # fmt: skip
    for name in ("interactions", "products", "rules", "model", "recs", "metrics"):
        manifest = json.loads((tmp_path / name / MANIFEST).read_text())
        whole = pl.read_parquet(tmp_path / f"{name}.parquet")
        parts = [pl.read_parquet(tmp_path / name / part) for part in manifest["parts"]]
        assert pl.concat(parts).equals(whole), name
        assert manifest["rows"] == whole.height
    said = prodassoc("inspect", "interactions/").stdout.decode()
    assert f"interactions/ (1 part): interactions, {manifest_rows(tmp_path):,} rows" in said
    lineage = json.loads(prodassoc("inspect", "rules", "--format", "jsonl").stdout)["lineage"]
    digest = hashlib.sha256((tmp_path / "interactions" / MANIFEST).read_bytes()).hexdigest()
    assert lineage["inputs"] == [{"role": "interactions", "name": "interactions/", "sha256": digest}]
    assert "holds interactions, not model" in ran(prodassoc, "recommend", "interactions", code=65)
    assert "input and an output" in ran(prodassoc, "mine", "interactions/", "-o", "interactions", code=2)


def manifest_rows(folder):
    return json.loads((folder / "interactions" / MANIFEST).read_text())["rows"]


def test_a_folder_is_up_to_date_made_again_and_replaced(prodassoc, tmp_path):
    orders = str(SAMPLE / "orders.csv")
    ran(prodassoc, "clean", orders, "-o", "clean/")
    first = sorted(path.name for path in (tmp_path / "clean").iterdir())
    assert "clean/ is up to date" in ran(prodassoc, "clean", orders, "-o", "clean")
    ran(prodassoc, "clean", orders, "-o", "clean", "--force")
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == first
    ran(prodassoc, "clean", orders, "-o", "clean", "--min-item-count", "50")
    second = sorted(path.name for path in (tmp_path / "clean").iterdir())
    assert len(second) == len(first)
    assert second != first
    ran(prodassoc, "clean", str(SAMPLE / "catalog.csv"), "-o", "clean", "--map", "product_id=nothing", code=2)
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == second
    ran(prodassoc, "clean", str(SAMPLE / "catalog.csv"), "-o", "none/", "--map", "product_id=nothing", code=2)
    assert not (tmp_path / "none").exists()
    assert "drop --format" in ran(prodassoc, "clean", orders, "-o", "new/", "--format", "csv", code=2)


def test_a_run_that_is_killed_leaves_the_artifact_before_and_the_next_one_tidies_up(prodassoc, tmp_path):
    orders = str(SAMPLE / "orders.csv")
    ran(prodassoc, "clean", orders, "-o", "clean/")
    before = read_folder(tmp_path / "clean")
    script = (
        "import time\n"
        "from prodassoc_cli.artifacts import datasets\n"
        "from prodassoc_cli.app import main\n"
        "text = datasets.manifest_text\n"
        "def stay(*words):\n"
        "    print('written', flush=True)\n"
        "    time.sleep(600)\n"
        "datasets.manifest_text = stay\n"
        f"import sys; sys.argv = ['prodassoc', 'clean', {orders!r}, '-o', 'clean/', '--drop-users']\n"
        "main()\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout.readline() == "written\n"
    assert "another run is writing" in ran(prodassoc, "clean", orders, "-o", "clean/", "--force", code=75)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert len(list((tmp_path / "clean").glob("part-*"))) == 2
    assert read_folder(tmp_path / "clean").equals(before)
    time.sleep(0.1)
    ran(prodassoc, "clean", orders, "-o", "clean/", "--force")
    assert {path.name for path in (tmp_path / "clean").iterdir()} == {
        MANIFEST, *json.loads((tmp_path / "clean" / MANIFEST).read_text())["parts"]
    }  # fmt: skip


def read_folder(folder):
    return pl.concat([pl.read_parquet(each.path) for each in locate([str(folder)])])
