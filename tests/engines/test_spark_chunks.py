"""Embeddings and recommendations made by executors are those made here, to the bit."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from tests.conftest import SAMPLE, CommandLine

pytestmark = [pytest.mark.slow, pytest.mark.spark]


def run_well(prodassoc, *words):
    done = prodassoc(*words)
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A folder with the sample data cleaned, and models trained on it."""
    prodassoc = CommandLine(tmp_path_factory.mktemp("chain"))
    run_well(
        prodassoc, "clean", str(SAMPLE / "orders.csv"), "-o", "interactions.parquet",
        "--products", str(SAMPLE / "catalog.csv"), "--products-output", "products.parquet",
    )  # fmt: skip
    for model in ("mf", "item-knn"):
        run_well(
            prodassoc, "train", "interactions.parquet", "--model", model, "--products", "products.parquet",
            "-o", f"{model}.parquet",
        )  # fmt: skip
    return prodassoc


def read_model(path):
    from prodassoc_cli.artifacts.schemas import MODEL
    from prodassoc_cli.artifacts.store import read_artifact
    from prodassoc_cli.models.storage.artifact import from_arrow

    table, lineage = read_artifact([path], MODEL)
    return from_arrow(table.to_arrow(), lineage.details["model"])


def test_chunks_come_back_in_their_order(spark):
    from prodassoc_cli.engines.chunks import map_chunks

    chunks = [[str(number)] * (number % 3) for number in range(23)]
    assert map_chunks(spark, chunks, joined) == ["+".join(chunk).encode() for chunk in chunks]
    assert map_chunks(spark, [], joined) == []


def joined(texts):
    return "+".join(texts).encode()


@pytest.mark.parametrize("model", ["mf", "item-knn"])
@pytest.mark.parametrize(
    ("audience", "options"),
    [
        ("users", {"ids": None, "k": 7}),
        ("users", {"ids": ["nobody", "10044", "10047", "no one"], "include_seen": True}),
        ("products", {"ids": None}),
    ],
)
def test_lists_are_the_same(spark, chain, monkeypatch, model, audience, options):
    from prodassoc_cli.engines.recommending import recommend_on_spark
    from prodassoc_cli.models.serving import recommend as serving

    # Blocks of 64 lists, so that there are many of them.
    trained = read_model(chain.folder / f"{model}.parquet")
    monkeypatch.setattr(serving, "_SCORES_A_BLOCK", 64 * len(trained.items))
    options = {**options, "where": ["category=Dairy"]} if audience == "products" else options
    here = serving.recommend(trained, audience=audience, **options)
    there = recommend_on_spark(
        spark, chain.folder / f"{model}.parquet", trained, audience=audience, **options
    )
    assert here.frame.height > 10
    assert there.frame.equals(here.frame)
    assert there.counts == here.counts
    assert sorted(there.notices) == sorted(here.notices)


def test_lists_that_executors_write_are_the_same(spark, chain, monkeypatch, tmp_path):
    from prodassoc_cli.artifacts.lineage import Lineage
    from prodassoc_cli.engines.parts import PartsOf
    from prodassoc_cli.engines.recommending import recommend_on_spark
    from prodassoc_cli.errors import CannotCreate
    from prodassoc_cli.models.serving import recommend as serving

    trained = read_model(chain.folder / "mf.parquet")
    monkeypatch.setattr(serving, "_SCORES_A_BLOCK", 32 * len(trained.items))
    into = PartsOf(str(tmp_path), Lineage("recommendations", "recommend", {}, 1, ()))
    here = serving.recommend(trained, k=7)
    there = recommend_on_spark(spark, chain.folder / "mf.parquet", trained, k=7, into=into)
    parts = into.check()
    assert 8 <= len(parts) < len(trained.users) / 32  # several blocks a part
    assert pl.concat([pl.read_parquet(tmp_path / part.name) for part in parts]).equals(here.frame)
    assert there.counts == here.counts
    away = PartsOf(str(tmp_path / "elsewhere"), into.lineage)
    with pytest.raises(Exception, match="do not see the folder") as caught:
        recommend_on_spark(spark, chain.folder / "mf.parquet", trained, k=7, into=away)
    from prodassoc_cli.engines.session import _meaning

    assert isinstance(_meaning(str(caught.value), "local[2]"), CannotCreate)


def test_options_that_cannot_be_are_told_before_the_work(spark, chain):
    from prodassoc_cli.engines.recommending import recommend_on_spark
    from prodassoc_cli.errors import BadData, UsageProblem

    path = chain.folder / "mf.parquet"
    trained = read_model(path)
    with pytest.raises((BadData, UsageProblem), match="categry"):
        recommend_on_spark(spark, path, trained, where=["categry=Dairy"])
    with pytest.raises(BadData, match="no product 'nothing'"):
        recommend_on_spark(spark, path, trained, audience="products", ids=["nothing"])


def test_vectors_are_the_same(spark):
    from prodassoc_cli.embedding.catalogue import encode_catalogue
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
    from prodassoc_cli.engines.embedding import SparkEncoder

    words = ["oat milk", "green tea", "日本のお茶", "", "a very long text " * 80]
    texts = pl.Series([f"{word} {number % 271}" for number in range(1400) for word in words[:2]] + words)
    local = OnnxEncoder()
    here, there = encode_catalogue(local, texts), encode_catalogue(SparkEncoder(spark, local), texts)
    assert np.array_equal(there.vectors(slice(None)), here.vectors(slice(None)))
    assert (there.truncated, there.unknown_texts) == (here.truncated, here.unknown_texts) == (1, 1)


@pytest.mark.parametrize("parameters", [[], ["similarity=jaccard", "neighbours=20"]])
def test_similarities_are_the_same(spark, chain, parameters):
    from prodassoc_cli.engines.training import train_on_spark
    from prodassoc_cli.models.data import TrainingData
    from prodassoc_cli.models.model import train
    from prodassoc_cli.models.storage.artifact import to_arrow

    data = TrainingData.from_frames(pl.read_parquet(chain.folder / "interactions.parquet"))
    here = train("item-knn", data, parameters=parameters)
    there = train_on_spark(spark, "item-knn", data, parameters=parameters)
    assert here.facts["similarities"] > 1_000
    for ours, theirs in zip(to_arrow(here), to_arrow(there), strict=True):
        assert theirs == ours


def test_other_models_are_trained_here(spark):
    from prodassoc_cli.engines.training import train_on_spark
    from prodassoc_cli.errors import UsageProblem

    with pytest.raises(UsageProblem, match="does not train mf"):
        train_on_spark(spark, "mf", None)


@pytest.mark.parametrize("server", ["connect_server", "cluster"])
def test_the_artifacts_are_the_same_bytes(chain, request, server):
    engine = ["--engine", "spark", "--master", request.getfixturevalue(server).master]
    for command, extra in (
        (["embed", "products.parquet"], ["--topics-output"]),
        (["train", "interactions.parquet", "--model", "item-knn"], []),
        (["recommend", "item-knn.parquet"], []),
    ):
        for where, words in (("here", []), ("there", engine)):
            others = [each for flag in extra for each in (flag, f"{where}-{command[0]}-other.parquet")]
            run_well(chain, *command, "-o", f"{where}-{command[0]}.parquet", *others, *words, "--force")
        names = [f"{command[0]}.parquet", *(f"{command[0]}-other.parquet" for _ in extra)]
        for name in names:
            here, there = ((chain.folder / f"{where}-{name}").read_bytes() for where in ("here", "there"))
            assert there == here, name
    run_well(chain, "recommend", "item-knn.parquet", "-o", f"{server}-lists/", *engine)
    manifest = json.loads((chain.folder / f"{server}-lists" / "_manifest.json").read_text())
    parts = [pl.read_parquet(chain.folder / f"{server}-lists" / name) for name in manifest["parts"]]
    assert pl.concat(parts).equals(pl.read_parquet(chain.folder / "here-recommend.parquet"))
