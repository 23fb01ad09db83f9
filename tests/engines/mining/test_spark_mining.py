"""Mining on Spark finds what mining here finds, row for row: in this process, a cluster, and over Connect."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import polars as pl
import pytest

from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.rules import mine_rules
from tests.conftest import SAMPLE, real_data

pytestmark = [pytest.mark.slow, pytest.mark.spark]

KNOWN = {
    ("retail", 88, "frequent"): 7_712,
    ("retail", 44, "maximal"): 8_365,
    ("T10I4D100K", 100, "frequent"): 27_532,
    ("T10I4D100K", 100, "closed"): 26_806,
}


def run_well(prodassoc, *words, **options):
    done = prodassoc(*words, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


@pytest.fixture(scope="module")
def interactions(tmp_path_factory):
    """Interactions of a data set, cleaned once."""
    from tests.conftest import CommandLine

    folder = tmp_path_factory.mktemp("interactions")

    def clean(name):
        path = folder / f"{name}.parquet"
        if not path.exists():
            source, words = (
                (SAMPLE / "orders.csv", [])
                if name == "sample"
                else (real_data(f"baskets/{name}.dat"), ["--layout", "fimi"])
            )
            run_well(CommandLine(folder), "clean", str(source), "-o", str(path), *words)
        return path

    return clean


def on_spark(spark, path, min_count, target, **options):
    from prodassoc_cli.engines.mining.search import baskets_on_spark, mine_on_spark

    baskets = baskets_on_spark(spark, [path], options.pop("max_basket_size", None), print)
    return mine_on_spark(spark, baskets, min_count=min_count, target=target, **options)


@pytest.mark.parametrize(("name", "min_count", "target"), KNOWN)
def test_the_same_sets_and_rules_as_here(spark, interactions, name, min_count, target):
    path = interactions(name)
    here = mine_itemsets(baskets_from_interactions(pl.read_parquet(path)), min_count=min_count, target=target)
    there = on_spark(spark, path, min_count, target)
    assert len(there) == KNOWN[name, min_count, target]
    assert there.frame().equals(here.frame())
    if target == "frequent":
        rules = [mine_rules(sets, min_confidence=0.2, max_consequent=2) for sets in (here, there)]
        assert rules[0].height > 1000
        assert rules[1].equals(rules[0])


def test_baskets_are_made_of_the_same_rows(spark, tmp_path, capsys):
    """Orders, visits without an order, rows that are in no basket, huge baskets, other events."""
    rows = [
        {"user_id": user, "order_id": order, "product_id": product, "event": event, "timestamp": time}
        for user, order, time, products, event in [
            ("u1", "o1", 5, "abcx", "cart"), ("u2", "o1", 9, "d", "cart"), ("u1", None, 7, "ab", "cart"),
            ("u1", None, 8, "bc", "cart"), ("u1", None, None, "abc", "cart"),
            ("u2", None, None, "ab", "cart"),
            (None, None, 7, "abc", "cart"), ("u3", "o2", 1, "abcdefgh", "cart"), ("u9", "o1", 1, "a", "view"),
            ("", "", None, "ab", "cart"), (None, "o3", None, "bb", "cart"),
        ]
        for product in products
    ]  # fmt: skip
    frame = pl.DataFrame(rows).with_columns(pl.col("timestamp").cast(pl.Datetime("us")))
    frame.write_parquet(tmp_path / "rows [1].parquet")
    for most in (None, 5):
        heard: list[str] = []
        here = mine_itemsets(baskets_from_interactions(frame, most, heard.append), min_count=1)
        capsys.readouterr()
        there = on_spark(spark, tmp_path / "rows [1].parquet", 1, "frequent", max_basket_size=most)
        assert there.n_baskets == here.n_baskets
        assert there.frame().equals(here.frame())
        assert capsys.readouterr().out.splitlines().sort() == heard.sort()


def test_too_many_sets_are_refused(spark, interactions):
    from prodassoc_cli.errors import BadData

    with pytest.raises(BadData, match="stopped at 100 itemsets"):
        on_spark(spark, interactions("sample"), 3, "frequent", memory_limit=3600)


def test_nothing_frequent(spark, interactions):
    assert len(on_spark(spark, interactions("sample"), 10**6, "frequent")) == 0


@pytest.mark.parametrize(
    "options", [["--fdr", "0.05", "--prune", "redundant", "--measures", "all"], ["--target", "closed"]]
)
def test_the_artifacts_are_the_same_bytes(prodassoc, interactions, options):
    words = ["mine", str(interactions("sample")), "--min-support", "0.002", *options]
    here = run_well(prodassoc, *words, "-o", "here.parquet")
    there = run_well(prodassoc, *words, "-o", "there.parquet", "--engine", "spark", "--master", "local[2]")
    assert (prodassoc.folder / "there.parquet").read_bytes() == (
        prodassoc.folder / "here.parquet"
    ).read_bytes()
    assert there.splitlines()[0] == here.splitlines()[0]


def test_over_spark_connect(prodassoc, interactions, connect_server):
    words = ["mine", str(interactions("sample")), "--min-support", "0.002"]
    run_well(prodassoc, *words, "-o", "here.parquet", "--itemsets-output", "sets.parquet")
    engine = ["--engine", "spark", "--master", connect_server.master]
    run_well(prodassoc, *words, "-o", "there.parquet", "--itemsets-output", "sets-there.parquet", *engine)
    for here, there in (("here", "there"), ("sets", "sets-there")):
        assert (prodassoc.folder / f"{there}.parquet").read_bytes() == (
            prodassoc.folder / f"{here}.parquet"
        ).read_bytes()


@pytest.mark.parametrize("name", ["sample", "retail", "T10I4D100K"])
def test_in_a_cluster(prodassoc, interactions, cluster, name):
    compare_with_here(prodassoc, interactions(name), cluster)


@pytest.mark.parametrize(("name", "after"), [("sample", 0.5), ("retail", 2), ("T10I4D100K", 2)])
def test_an_executor_killed_in_mid_run_changes_nothing(prodassoc, interactions, cluster, name, after):
    killed: list[int] = []

    def kill_one():
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            # Its Python is there: it is at our work.
            for executor in cluster.executors("worker-1"):
                if below(executor) and not killed:
                    time.sleep(after)
                    os.kill(executor, signal.SIGKILL)
                    killed.append(executor)
                    return
            time.sleep(0.1)

    killer = threading.Thread(target=kill_one)
    before = cluster.log("worker-1").count("exitStatus 137")
    killer.start()
    compare_with_here(prodassoc, interactions(name), cluster)
    killer.join()
    assert killed
    assert cluster.log("worker-1").count("exitStatus 137") == before + 1


def below(process):
    from tests.engines.cluster import children, words_of

    return [child for child in children(process) if "pyspark" in words_of(child)]


def compare_with_here(prodassoc, path, cluster):
    words = ["mine", str(path), "--min-support", "0.002"]
    run_well(prodassoc, *words, "-o", "here.parquet", "--itemsets-output", "sets.parquet")
    engine = ["--engine", "spark", "--master", cluster.master, "--spark-conf", "spark.executor.memory=1g"]
    run_well(
        prodassoc, *words, *engine, "-o", "there.parquet", "--itemsets-output", "sets-there.parquet",
        "--summary", "summary.json",
    )  # fmt: skip
    for here, there in (("here", "there"), ("sets", "sets-there")):
        assert (prodassoc.folder / f"{there}.parquet").read_bytes() == (
            prodassoc.folder / f"{here}.parquet"
        ).read_bytes()
    assert json.loads((prodassoc.folder / "summary.json").read_text())["itemsets"] > 100
