"""Dataset folders as inputs: whole ones are read, unfinished ones are not."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from prodassoc_cli.artifacts.datasets import MANIFEST
from prodassoc_cli.artifacts.inputs import locate
from prodassoc_cli.errors import NoInput
from tests.conftest import SAMPLE


def parts_of(folder, manifest=None):
    for name in ("part-00000.parquet", "part-00001.parquet"):
        (folder / name).write_bytes(b"PAR1")
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)
    return [each.path.name for each in locate([str(folder)])]


def test_the_manifest_says_which_parts_count(tmp_path):
    # The other one is of a run that failed.
    assert parts_of(tmp_path, json.dumps({"parts": ["part-00001.parquet"]})) == ["part-00001.parquet"]


def test_without_a_manifest_all_parts_count(tmp_path):
    (tmp_path / "_SUCCESS").touch()
    assert parts_of(tmp_path) == ["part-00000.parquet", "part-00001.parquet"]


def test_an_unfinished_folder_is_refused(tmp_path):
    (tmp_path / "_temporary").mkdir()
    with pytest.raises(NoInput, match="not finished"):
        parts_of(tmp_path)


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", "{}", '{"parts": 3}', '{"parts": [3]}', '{"parts": []}', '{"parts": ["part-7.parquet"]}',
     '{"parts": ["../secret"]}'],
)  # fmt: skip
def test_a_manifest_that_does_not_hold_is_refused(tmp_path, manifest):
    (tmp_path / "secret").touch()
    (tmp_path / "data").mkdir()
    with pytest.raises(NoInput):
        parts_of(tmp_path / "data", manifest)


def test_a_folder_of_parts_gives_what_one_file_gives(prodassoc):
    folder = prodassoc.folder
    assert prodassoc("clean", str(SAMPLE / "orders.csv"), "-o", "one.parquet").returncode == 0
    (folder / "many").mkdir()
    whole = pl.read_parquet(folder / "one.parquet")
    for number, part in enumerate(whole.iter_slices(5_000)):
        part.write_parquet(folder / "many" / f"part-{number:05}.parquet")
    for source, target in (("one.parquet", "a.csv"), ("many", "b.csv")):
        done = prodassoc("mine", source, "-o", target)
        assert done.returncode == 0, done.stderr
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    shutil.copytree(folder / "many", folder / "cut" / "_temporary")
    assert prodassoc("mine", "cut", "-o", "c.csv").returncode == 66
