"""Order lines cleaned by executors are those cleaned here: rows, order, rejects, catalogue and summary."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import polars as pl
import pytest

from prodassoc_cli.artifacts.datasets import MANIFEST
from prodassoc_cli.errors import BadData, NoInput
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.settings import CleanConfig
from tests.conftest import ROOT, SAMPLE, CommandLine, real_data
from tests.engines.cleaning.order_lines import OPTIONS, same_as_here, shop

pytestmark = [pytest.mark.slow, pytest.mark.spark]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Pieces of few rows, dealt out in several turns, so that there is much to put together."""
    monkeypatch.setattr("prodassoc_cli.engines.cleaning.stage.PIECE_ROWS", 700)
    monkeypatch.setattr("prodassoc_cli.engines.cleaning.stage.DEALT_BYTES", 1 << 18)


def same(spark, paths, catalogue=(), **options):
    """Compare one process with executors, and return the summary."""
    from prodassoc_cli.engines.cleaning.stage import SparkCleaning

    return same_as_here(partial(SparkCleaning, spark), paths, catalogue, **options)


@pytest.mark.parametrize(
    "options",
    [*OPTIONS, {"holdout": "random:0.1", "holdout_output": "h", "event": "view"}],
    ids=str,
)
def test_the_sample_data(spark, options):
    summary = same(spark, [SAMPLE / "orders.csv"], [SAMPLE / "catalog.csv"], **options)
    assert summary["rows_rejected"] > 500


def test_pseudonyms(spark, tmp_path):
    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123456789abcdef")
    key.chmod(0o600)
    same(spark, [shop(tmp_path, "a.csv", broken=True)], pseudonymize_key_file=str(key))


def test_other_layouts(spark, tmp_path):
    same(spark, [SAMPLE / "orders_latin1.csv"])
    same(spark, [SAMPLE / "feedback.csv"])
    (tmp_path / "retail.dat").write_text("1 2 3\n2 3\n\n4 x 5\n" * 50)
    same(spark, [tmp_path / "retail.dat"], layout="fimi")
    (tmp_path / "baskets.csv").write_text('bread,milk\nbeer\n"a, b",milk,beer\n' * 50)
    same(spark, [tmp_path / "baskets.csv", tmp_path / "baskets.csv"], layout="baskets")
    (tmp_path / "lists.csv").write_text("order_id,items\n1,a;b;c\n2,\n3,c\n")
    same(spark, [tmp_path / "lists.csv"])
    (tmp_path / "onehot.csv").write_text("bread,milk,beer\n1,0,1\n0,0,0\n0,2,0\n")
    same(spark, [tmp_path / "onehot.csv"], layout="onehot")
    (tmp_path / "ratings.csv").write_text("user,item,rating\n" + "u1,a,5\nu2,b,x\nu1,b,\n" * 20)
    same(spark, [tmp_path / "ratings.csv"])


@pytest.mark.parametrize("name", ["retail", "T10I4D100K"])
def test_baskets_of_integers_in_slices(spark, name, monkeypatch):
    monkeypatch.setattr("prodassoc_cli.engines.cleaning.stage.SLICE_BYTES", 1 << 20)
    monkeypatch.setattr("prodassoc_cli.engines.cleaning.stage.PIECE_ROWS", 10_000)
    summary = same(spark, [real_data(f"baskets/{name}.dat")], layout="fimi")
    assert summary["rows_kept"] > 900_000


def test_several_inputs_that_differ(spark, tmp_path):
    """Types, encodings, delimiters, broken rows, and numbers whose way of writing only one input tells."""
    one = shop(tmp_path, "a.csv", seed=1, broken=True)
    two = shop(tmp_path, "b.csv", seed=2, delimiter=";", comma=True)
    three = shop(tmp_path, "c.csv.gz", seed=3, encoding="utf-16")
    typed = tmp_path / "d.parquet"
    pl.read_csv(one, truncate_ragged_lines=True, infer_schema=False).with_columns(
        pl.col("price").cast(pl.Float64, strict=False), pl.col("quantity").cast(pl.Int32, strict=False)
    ).write_parquet(typed, row_group_size=100)
    lines = tmp_path / "e.jsonl"
    pl.read_csv(one, truncate_ragged_lines=True, infer_schema=False).write_ndjson(lines)
    summary = same(spark, [one, two, three, typed, lines])
    assert summary["rejects"]["broken_row"] == 7
    assert summary["rejects"]["duplicate_line"] > 300
    same(spark, [typed, one])
    same(spark, [typed])


def test_dates_of_all_files_decide(spark, tmp_path):
    early = shop(tmp_path, "early.csv", rows=30, date="%m/%d/%Y")
    late = shop(tmp_path, "late.csv", rows=600, date="%m/%d/%Y")
    summary = same(spark, [early, late])
    assert summary["interactions"]["last"] > "2024-02"


def test_a_file_that_cannot_be_read_is_named(spark, tmp_path):
    from prodassoc_cli.engines.cleaning.stage import SparkCleaning

    good = shop(tmp_path, "a.csv")
    (tmp_path / "b.csv").write_bytes(b"\x89PNG and more")
    config = CleanConfig()
    with pytest.raises(BadData, match=r"b\.csv is a PNG image") as caught:
        SparkCleaning(
            spark, [Source("a.csv", good), Source("b.csv", tmp_path / "b.csv")], config, lambda _: None
        )
    assert "export it" in caught.value.hint
    with pytest.raises(NoInput, match=r"c\.csv"):
        SparkCleaning(spark, [Source("c.csv", tmp_path / "c.csv")], config, lambda _: None)
    nothing = shop(tmp_path, "none.csv", rows=30)
    nothing.write_text(nothing.read_text().replace(",p", ",,"))
    with pytest.raises(BadData, match="every row is left out"):
        same_error = SparkCleaning(
            spark, [Source("none.csv", nothing)], CleanConfig(service_codes=".*"), lambda _: None
        )
        list(same_error.interactions())


def test_online_retail(spark, tmp_path):
    source = real_data("retail/online_retail.csv.gz")
    summary = same(spark, [source], preset="uci", products_output="p")
    assert summary["rows_in"] == 541_909
    # The same lines, shuffled, in files of their own.
    frame = pl.read_csv(gzip.decompress(source.read_bytes()), infer_schema=False, encoding="utf8-lossy")
    for number, part in enumerate(frame.sample(fraction=1, shuffle=True, seed=3).iter_slices(60_000)):
        part.write_csv(tmp_path / f"{number}.csv")
    same(spark, sorted(tmp_path.glob("*.csv")), preset="uci", drop_outliers=True)


def run_well(prodassoc, *words):
    done = prodassoc(*words)
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def on(master):
    return "--engine", "spark", "--master", master, "--spark-conf", "spark.driver.memory=1g"


def test_the_chain_over_connect_and_folders(connect_server, tmp_path):
    """Executors write the interactions; the other commands read the folder, here and on Spark."""
    prodassoc = CommandLine(tmp_path)
    orders = str(SAMPLE / "orders.csv")
    common = ("clean", orders, "--products-output", "products.parquet", "--rejects-output")
    run_well(prodassoc, *common, "here.csv", "-o", "here.parquet")
    run_well(prodassoc, *common, "there.csv", "-o", "there/", "--force", *on(connect_server.master)[:4])
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()
    manifest = json.loads((tmp_path / "there" / MANIFEST).read_text())
    assert len(manifest["parts"]) > 2
    parts = [pl.read_parquet(tmp_path / "there" / name) for name in manifest["parts"]]
    assert pl.concat(parts).equals(pl.read_parquet(tmp_path / "here.parquet"))
    run_well(prodassoc, "mine", "here.parquet", "-o", "here-rules.parquet")
    run_well(prodassoc, "mine", "there", "-o", "rules.parquet", *on(connect_server.master)[:4])
    assert pl.read_parquet(tmp_path / "rules.parquet").equals(
        pl.read_parquet(tmp_path / "here-rules.parquet")
    )
    run_well(prodassoc, "train", "there/", "--model", "item-knn", "-o", "model.parquet")
    assert "interactions" in prodassoc("inspect", "there").stdout.decode()


def test_a_cluster_with_one_executor_killed(cluster, tmp_path):
    """The file is that of this machine to the byte, though an executor goes while the lines are dealt out."""
    prodassoc = CommandLine(tmp_path)
    for number in range(8):
        shop(tmp_path, f"lines-{number}.csv", rows=30_000, seed=number, broken=True)
    words = ("clean", "lines-*.csv", "--rejects-output")
    run_well(prodassoc, *words, "here.csv", "-o", "here.parquet")
    process = subprocess.Popen(
        [sys.executable, "-m", "prodassoc_cli", *words, "there.csv", "-o", "there.parquet",
         *on(cluster.master), "--spark-conf", "spark.executor.memory=700m"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    killed = threading.Event()

    def kill_one():
        """Kill an executor some time after its Python workers have begun."""
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and process.poll() is None:
            found = cluster.executors("worker-1")
            if found and any(b"pyspark" in each for each in workers_of(found[0])):
                time.sleep(3)
                os.kill(found[0], signal.SIGKILL)
                killed.set()
                return
            time.sleep(0.1)

    killer = threading.Thread(target=kill_one)
    killer.start()
    _, said = process.communicate(timeout=400)
    killer.join()
    assert process.returncode == 0, said
    assert killed.is_set()
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def workers_of(executor):
    from tests.engines.cluster import children, words_of

    return [words_of(child).encode() for child in children(executor)]
