"""The functions for notebooks give the rows that the commands write, and refuse what they refuse."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from dataclasses import fields

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import prodassoc_cli
from prodassoc_cli import api
from prodassoc_cli.artifacts.schemas import KINDS
from prodassoc_cli.artifacts.store import read_artifact, read_lineage
from prodassoc_cli.errors import BadData, NoInput, UsageProblem
from tests.conftest import ROOT, SAMPLE, CommandLine

ORDERS, CATALOG = str(SAMPLE / "orders.csv"), str(SAMPLE / "catalog.csv")


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """What the command line writes."""
    folder = tmp_path_factory.mktemp("shell")
    run = CommandLine(folder)
    for words in (
        f"clean {ORDERS} --products {CATALOG} -o interactions.parquet --products-output products.parquet "
        "--rejects-output rejects.parquet --holdout last-order --holdout-output holdout.parquet",
        "embed products.parquet -o embeddings.parquet --encoder tfidf --dims 64 --neighbours 3 "
        "--neighbours-output neighbours.parquet --topics 8 --topics-output topics.parquet "
        "--interactions interactions.parquet --profiles-output profiles.parquet",
        "mine interactions.parquet -o rules.parquet --min-support 0.008 --itemsets-output itemsets.parquet "
        "--embeddings embeddings.parquet --relations-output relations.parquet "
        "--outliers-output outliers.parquet --min phi=0.1 --products products.parquet",
        "train interactions.parquet --model item-knn --param neighbours=50 --products products.parquet "
        "--embeddings embeddings.parquet -o model.parquet",
        "recommend model.parquet -k 5 --where category=Food --where price<=20 --max-per-category 2 "
        "--include-seen -o recs.parquet",
        "evaluate recs.parquet model.parquet rules.parquet --truth holdout.parquet -k 5,10 "
        "--train interactions.parquet --include-seen -o metrics.parquet",
    ):
        done = run(*words.split(" "), "-q")
        assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.fixture(scope="module")
def notebook():
    """The same by functions, frames going from one to the next."""
    shop = api.clean(ORDERS, products=CATALOG, rejects_output=True, holdout="last-order", quiet=True)
    vectors = api.embed(
        shop.products, encoder="tfidf", dims=64, neighbours=3, topics=8, interactions=shop.interactions,
        quiet=True,
    )  # fmt: skip
    mined = api.mine(
        shop.interactions, min_support=0.008, itemsets_output=True, embeddings=vectors.embeddings,
        relations_output=True, outliers_output=True, min={"phi": 0.1}, products=shop.products, quiet=True,
    )  # fmt: skip
    model = api.train(
        shop.interactions, model="item-knn", param={"neighbours": 50}, products=shop.products,
        embeddings=vectors.embeddings, quiet=True,
    )  # fmt: skip
    recs = api.recommend(
        model, k=5, where=["category=Food", "price<=20"], max_per_category=2, include_seen=True, quiet=True
    )
    metrics = api.evaluate(
        {"recs": recs, "item-knn": model, "rules": mined.rules}, truth=shop.holdout, train=shop.interactions,
        k=[5, 10], include_seen=True, quiet=True,
    )  # fmt: skip
    return {
        **vars(shop), **vars(vectors), **vars(mined), "model": model, "recs": recs, "metrics": metrics,
    }  # fmt: skip


FRAMES = (
    "interactions", "products", "rejects", "holdout", "embeddings", "neighbours", "topics", "profiles",
    "rules", "itemsets", "relations", "outliers", "recs",
)  # fmt: skip


def read(path) -> pl.DataFrame:
    return read_artifact([path], KINDS[read_lineage(path).kind])[0]


@pytest.mark.parametrize("name", FRAMES)
def test_rows_are_those_of_the_command_line(shell, notebook, name):
    assert_frame_equal(notebook[name], read(shell / f"{name}.parquet"), check_exact=True)
    assert notebook[name].height


def test_metrics_are_those_of_the_command_line(shell, notebook):
    written = read(shell / "metrics.parquet")
    found = notebook["metrics"].sort("model", "metric", "k", nulls_last=True)
    assert {"recs", "item-knn", "rules"} >= set(found["model"])
    for ours, theirs in (("rules", "rules"), ("recs", "recs"), ("item-knn", "model")):
        mine = found.filter(pl.col("model") == ours).drop("model")
        other = written.filter(pl.col("model") == theirs).drop("model")
        assert mine.height
        assert_frame_equal(mine, other.sort("metric", "k", nulls_last=True), check_exact=True)


def test_a_model_is_the_file_of_the_command_line(shell, notebook, tmp_path):
    saved = notebook["model"].save(tmp_path / "m.parquet")
    table = read(saved.path)
    assert_frame_equal(table, read(shell / "model.parquet"), check_exact=True)
    assert (saved.name, saved.facts["users"]) == ("item-knn", 1200)
    assert repr(saved) == "<Model item-knn: 1,200 users, 399 products>"
    with_model = api.recommend(notebook["model"], k=3, ids=["10044", "10304"], quiet=True)
    with_path = api.recommend(str(saved.path), k=3, ids=("10044", "10304"), quiet=True)
    ids = pl.Series("user_id", ["10044", "10304"])
    with_loaded = api.recommend(prodassoc_cli.Model(saved.path), k=3, ids=ids, quiet=True)
    assert_frame_equal(with_loaded, api.recommend(saved, k=3, ids=ids.to_frame(), quiet=True))
    assert_frame_equal(with_model, with_path)
    assert_frame_equal(with_model, with_loaded)


def test_from_paths_the_model_has_the_same_bytes(shell, tmp_path):
    model = api.train(
        str(shell / "interactions.parquet"), model="item-knn", param=["neighbours=50"],
        products=shell / "products.parquet", embeddings=str(shell / "embeddings.parquet"), quiet=True,
    )  # fmt: skip
    model.save(tmp_path / "model.parquet")
    assert (tmp_path / "model.parquet").read_bytes() == (shell / "model.parquet").read_bytes()


def test_results_are_kept_where_asked_for(shell, tmp_path, capfd):
    words = {"min_support": 0.01, "output": tmp_path / "rules.parquet"}
    first = api.mine(shell / "interactions.parquet", **words)
    assert "next:" not in capfd.readouterr().err
    assert_frame_equal(first.rules, read(tmp_path / "rules.parquet"))
    again = api.mine(shell / "interactions.parquet", **words)
    assert "up to date" in capfd.readouterr().err
    assert_frame_equal(again.rules, first.rules)
    model = api.train(shell / "interactions.parquet", model="popularity", output=tmp_path / "m.parquet")
    assert model.path == tmp_path / "m.parquet"


def test_baskets_as_text_or_lists_and_frames_of_others(shell, notebook):
    one = api.recommend(notebook["model"], basket="00289,00283", k=2, quiet=True)
    two = api.recommend(notebook["model"], basket=[["00289", "00283"]], k=2, quiet=True)
    assert_frame_equal(one, two)
    arrow: pa.Table = notebook["interactions"].to_arrow()
    rules = api.mine(arrow, top=5, quiet=True).rules
    assert_frame_equal(rules, api.mine(notebook["interactions"].lazy(), top=5, quiet=True).rules)
    assert rules.height == 5
    assert api.mine(arrow, target="closed", min_count=60, quiet=True).rules is None


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda shop: api.mine(shop, min_suport=0.1), UsageProblem, "did you mean 'min_support'?"),
        (lambda shop: api.mine(shop, min_support=2), UsageProblem, "min_support: 2"),
        (lambda shop: api.mine(shop, min_support="many"), UsageProblem, "min_support"),
        (lambda shop: api.train(shop, model="hybird"), UsageProblem, "did you mean 'hybrid'?"),
        (lambda shop: api.mine(shop, sort_by="lifft"), UsageProblem, "did you mean 'lift'?"),
        (lambda shop: api.mine(shop, dry_run=True), UsageProblem, "no option 'dry_run'"),
        (lambda shop: api.mine(shop, output="rules.csv"), UsageProblem, "Parquet"),
        (lambda shop: api.mine([shop, shop]), UsageProblem, "one input, not 2"),
        (lambda shop: api.mine(), UsageProblem, "one input, not 0"),
        (lambda shop: api.mine("no.parquet"), NoInput, "no file no.parquet"),
        (lambda shop: api.mine(shop.drop("event")), BadData, "^interactions has no column 'event'"),
        (lambda shop: prodassoc_cli.Model(ORDERS), BadData, "not"),
    ],
)  # fmt: skip
def test_errors_are_those_of_the_command_line(notebook, call, error, says):
    with pytest.raises(error, match=says):
        call(notebook["interactions"])


def test_the_words_and_defaults_are_those_of_the_options():
    for stage, (function, config) in {
        "mine": (api.mine, api.MineConfig), "clean": (api.clean, api.CleanConfig),
        "recommend": (api.recommend, api.RecommendConfig),
    }.items():  # fmt: skip
        keywords = inspect.signature(function).parameters
        for option in fields(config):
            assert keywords[option.name].default == getattr(config(), option.name)
            assert option.metadata["setting"].meaning in function.__doc__
        assert not api.NOT_HERE & set(keywords)
        assert function.__name__ == stage


def test_the_package_imports_nothing_until_asked():
    asked = (
        "import sys, prodassoc_cli; assert 'polars' not in sys.modules; print(prodassoc_cli.mine.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "mine\n"
    assert {"clean", "Model", "__version__"} <= set(dir(prodassoc_cli))
    with pytest.raises(AttributeError):
        _ = prodassoc_cli.mien


def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "api.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(blocks[0], names)
    assert (tmp_path / "model.parquet").exists()
    assert names["cart"].height == 5
    assert names["metrics"].height
