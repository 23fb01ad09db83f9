"""als by MLlib is served like ours, and ranks about as well."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import train
from tests.conftest import SAMPLE, CommandLine

PARAMETERS = ["factors=32", "epochs=8"]


def objective(rows, products, weight, own, pulls_of):
    """Return what `models.als` minimises, with the best vectors of the users for these of the products."""
    dense = np.asarray(rows.todense(), np.float64)
    gram = products.T.astype(np.float64) @ products
    pulls_u, pulls_i = pulls_of(rows), pulls_of(rows.T.tocsr())
    total = own.ridge * (pulls_i @ (products.astype(np.float64) ** 2).sum(axis=1))
    for row, pull in zip(dense, pulls_u, strict=True):
        members = products[row > 0].astype(np.float64)
        matrix = members.T @ members + weight * gram + own.ridge * pull * np.eye(len(gram))
        user = np.linalg.solve(matrix, members.sum(axis=0))
        scores = products @ user
        total += ((1 - scores[row > 0]) ** 2).sum() + weight * (scores**2).sum()
        total += own.ridge * pull * (user @ user)
    return total


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The sample data, without the last order of each user; and those."""
    prodassoc = CommandLine(tmp_path_factory.mktemp("als"))
    done = prodassoc(
        "clean", str(SAMPLE / "orders.csv"), "-o", "train.parquet", "--holdout", "last-order",
        "--holdout-output", "truth.parquet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return prodassoc


@pytest.mark.slow
@pytest.mark.spark
def test_it_minimises_what_our_solver_minimises(spark, data):
    """Of the same objective, MLlib's vectors reach nearly what ours do; vectors by chance are far off."""
    from prodassoc_cli.engines.training import train_on_spark

    learned = TrainingData.from_frames(pl.read_parquet(data.folder / "train.parquet"))
    here = train("als", learned, parameters=PARAMETERS).recommender
    there = train_on_spark(spark, "als", learned, parameters=PARAMETERS).recommender
    rows = sparse.csr_array(
        (learned.rows.data > 0, learned.rows.indices, learned.rows.indptr), learned.rows.shape
    )
    chance = np.random.default_rng(1).standard_normal(here.products.shape).astype(np.float32) * 0.1
    own, theirs, random = (
        objective(rows, each, here.unobserved, here.parameters, here._pulls)
        for each in (here.products, there.products, chance)
    )
    assert here.unobserved == there.unobserved
    assert theirs < own * 1.05 < random


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize("server", ["connect_server", "cluster"])
def test_its_lists_are_about_as_good_and_have_reasons(data, request, server):
    master = request.getfixturevalue(server).master
    words = ("train", "train.parquet", "--model", "als", *(f"--param={each}" for each in PARAMETERS))
    ndcg = {}
    for where, engine in (("here", ()), ("there", ("--engine", "spark", "--master", master))):
        for command in (
            (*words, "-o", f"{where}.parquet", *engine),
            ("recommend", f"{where}.parquet", "-o", f"{where}-recs.parquet"),
            ("evaluate", f"{where}-recs.parquet", "--truth", "truth.parquet", "-o", f"{where}.csv"),
        ):
            done = data(*command, "--force")
            assert done.returncode == 0, done.stderr.decode()
        found = pl.read_csv(data.folder / f"{where}.csv")
        ndcg[where] = found.filter(pl.col("metric") == "ndcg")["value"][0]
    assert ndcg["here"] > 0.02
    assert ndcg["there"] > 0.9 * ndcg["here"]
    lists = pl.read_parquet(data.folder / "there-recs.parquet")
    assert (lists["reason_kind"] == "taste").mean() > 0.9
    # A cluster makes the lists of such a model too, and says that it was MLlib that learned.
    done = data("recommend", "there.parquet", "-o", "again.parquet", "--engine", "spark", "--master", master)
    assert done.returncode == 0, done.stderr.decode()
    assert pl.read_parquet(data.folder / "again.parquet").equals(lists)
    assert "Spark MLlib" in data("inspect", "there.parquet").stdout.decode()


def test_parameters_that_mllib_does_not_have_are_refused():
    from prodassoc_cli.engines.training import train_on_spark

    for parameter in ("frequency=0.5", "steps=5"):
        with pytest.raises(UsageProblem, match="MLlib"):
            train_on_spark(None, "als", None, parameters=[parameter])
