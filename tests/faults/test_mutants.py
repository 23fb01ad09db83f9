"""Mutants of every kind of file that a command reads: problems are counted, or told in two lines."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prodassoc_cli.artifacts.store import read_table
from prodassoc_cli.errors import BadData
from tests.faults.driver import run_mutants


def check(corpus: Path, folder: Path, seeds: range) -> None:
    verdicts = run_mutants(corpus, folder, seeds)
    assert len(verdicts) == len(seeds)
    wrong = [verdict for verdict in verdicts if verdict["wrong"]]
    assert not wrong, json.dumps(wrong[:5], indent=1)
    codes = [verdict["code"] for verdict in verdicts]
    # Mutants that all fail, or none of which does, would show that the corpus itself is broken.
    assert 0.2 < codes.count(0) / len(codes) < 0.8


def test_200_mutants(corpus, tmp_path):
    check(corpus, tmp_path, range(200))


@pytest.mark.faults
def test_6000_mutants(corpus, tmp_path):
    check(corpus, tmp_path, range(10_000, 16_000))


@pytest.mark.parametrize("cut", [-1, -2, -20])
def test_a_cut_file_is_noticed(corpus, prodassoc, cut):
    """A row that lost its end may still look like one: at least it is said."""
    whole = (corpus / "orders.csv").read_bytes()
    (prodassoc.folder / "orders.csv").write_bytes(whole)
    assert b"was cut" not in prodassoc("clean", "orders.csv", "-o", "out.parquet").stderr
    (prodassoc.folder / "orders.csv").write_bytes(whole[:cut])
    assert b"was cut" in prodassoc("clean", "orders.csv", "-o", "out.parquet").stderr


@pytest.mark.parametrize("name", ["interactions.parquet", "knn.parquet", "vectors.parquet"])
def test_a_flipped_bit_in_the_data_of_an_artifact_is_noticed(corpus, tmp_path, name):
    """Page checksums: without them numbers would be read as they lie. The headers of pages have none."""
    data = bytearray((corpus / name).read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    path = tmp_path / name
    places = random.Random(1).sample(range(4, len(data) - footer), 150)
    silent = 0
    for at in places:
        data[at] ^= 4
        path.write_bytes(data)
        data[at] ^= 4
        try:
            found, _ = read_table(path)
        except BadData:
            continue
        silent += not found.equals(read_table(corpus / name)[0])
    assert silent <= 0.02 * len(places)


@pytest.mark.parametrize("name", ["order_id", "product_id", "user_id"])
@pytest.mark.parametrize("nested", ["struct", "list"])
@pytest.mark.parametrize("command", ["mine", "train"])
def test_a_column_of_texts_that_is_nested_is_told(corpus, prodassoc, name, nested, command):
    table = pq.read_table(corpus / "interactions.parquet")
    at = table.column_names.index(name)
    values = table.column(at).combine_chunks()
    wrapped = (
        pa.StructArray.from_arrays([values], ["x"])
        if nested == "struct"
        else pa.ListArray.from_arrays(range(len(values) + 1), values)
    )
    pq.write_table(table.set_column(at, name, wrapped), prodassoc.folder / "nested.parquet")
    run = prodassoc(command, "nested.parquet", "-o", "out.parquet")
    assert run.returncode == 65
    assert f"column '{name}' is {nested}<".encode() in run.stderr
