"""Encoding leaves nothing behind at home, and tells nobody."""

from __future__ import annotations

import subprocess
import sys

import polars as pl

from tests.conftest import ROOT


def test_the_runtime_keeps_no_id_of_the_machine(prodassoc):
    home = prodassoc.folder / "home"
    home.mkdir()
    products = pl.DataFrame({"product_id": ["a", "b"], "title": ["red lantern", "tea cup"]})
    products.write_parquet(prodassoc.folder / "products.parquet")
    env = {"HOME": str(home)}
    done = prodassoc("embed", "products.parquet", "-o", "e.parquet", env=env)
    assert done.returncode == 0, done.stderr.decode()
    assert not list(home.rglob("*"))


def test_it_is_told_before_it_is_loaded():
    asked = (
        "import sys, os; import prodassoc_cli.embedding; assert 'onnxruntime' not in sys.modules; "
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    for given, found in (({}, "1\n"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0\n")):
        done = subprocess.run(
            [sys.executable, "-c", asked], env=given, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == found
