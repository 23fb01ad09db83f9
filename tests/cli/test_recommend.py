"""`recommend` as a process: what it loads for one basket, and what its options write."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from prodassoc_cli.artifacts.schemas import REASONS, RECOMMENDATIONS
from prodassoc_cli.artifacts.store import read_artifact
from tests.conftest import ROOT, SAMPLE, CommandLine

HEAVY = {"numba", "pandas", "sklearn", "onnxruntime", "pyarrow.dataset", "scipy.optimize", "scipy.stats"}


WITH_MODULES_NAMED = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, sep="\\n", file=sys.stderr))
from prodassoc_cli.app import main
main()
"""


def prodassoc(
    folder: Path, *arguments: str, python: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "COLUMNS": "120"}
    if python:
        return subprocess.run(
            [sys.executable, *python, *arguments],
            cwd=folder, env={"PYTHONPATH": str(ROOT), **env}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    done = CommandLine(folder)(*arguments, env=env)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a hybrid model of the sample shop."""
    folder = tmp_path_factory.mktemp("shop")
    orders, catalogue = str(SAMPLE / "orders.csv"), str(SAMPLE / "catalog.csv")
    products = ("--products", "products.parquet")
    for line in (
        (
            "clean",
            orders,
            "--products",
            catalogue,
            "--products-output",
            "products.parquet",
            "-o",
            "i.parquet",
        ),
        ("train", "i.parquet", *products, "-o", "m.parquet", "--param", "parts=popularity,item-knn,content"),
    ):
        done = prodassoc(folder, *line, "-q")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def recommend(shop: Path) -> Callable[..., pl.DataFrame]:
    def run(*options: str) -> pl.DataFrame:
        done = prodassoc(shop, "recommend", "m.parquet", *options, "-o", "recs.parquet", "--force", "-q")
        assert done.returncode == 0, done.stderr
        return read_artifact([shop / "recs.parquet"], RECOMMENDATIONS)[0]

    return run


def test_one_basket_loads_nothing_that_it_does_not_need(shop, recommend):
    product = recommend("-k", "1")["product_id"][0]
    done = prodassoc(
        shop, "recommend", "m.parquet", "--basket", product, "-k", "3", "-q",
        python=("-c", WITH_MODULES_NAMED),
    )  # fmt: skip
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 5
    loaded = set(done.stderr.split())
    assert {"polars", "scipy.sparse", "prodassoc_cli.models.hybrid.fusion"} <= loaded
    assert not loaded & HEAVY


def test_reasons_are_columns_and_can_be_left_out(recommend):
    frame = recommend("-k", "4", "--include-seen")
    assert frame.columns[-4:] == ["reason", "reason_kind", "reason_products", "reason_weight"]
    assert set(frame["reason_kind"]) <= set(REASONS)
    bare = recommend("-k", "4", "--include-seen", "--no-reasons")
    assert bare.columns == ["user_id", "rank", "product_id", "score"]
    assert bare.equals(frame.select(bare.columns))


def test_reasons_in_another_language_and_in_own_words(shop, recommend):
    (shop / "own.toml").write_text('[messages]\ntaste_of_user = "zu {products}"\n')
    frame = recommend("--language", "de", "--reasons-file", "own.toml", "-k", "5")
    assert frame.equals(recommend("-k", "5").with_columns(frame["reason"]))
    similar = frame.filter(pl.col("reason_kind") == "similar")["reason"]
    assert similar.str.contains(r"^ähnlich wie .+ \(von Ihnen (\d+-mal )?gekauft\)$").all()
    (shop / "own.toml").write_text('[messages]\ntaste = "zu {products}"\n')
    done = prodassoc(shop, "recommend", "m.parquet", "--reasons-file", "own.toml")
    assert done.returncode == 78
    assert "own.toml: no message 'taste' in messages" in done.stderr


def test_variety_exploration_and_relations(shop, recommend):
    one_each = recommend("-k", "3", "--max-per-category", "1")
    category = pl.read_parquet(shop / "products.parquet").select("product_id", "category").drop_nulls()
    assert one_each.join(category, on="product_id").select("user_id", "category").is_duplicated().sum() == 0
    explored = recommend("-k", "3", "--explore", "0.3", "--seed", "5")
    assert explored["propensity"].is_between(0, 1).all()
    assert explored["propensity"].n_unique() == 2
    varied = recommend("-k", "3", "--diversity", "0.6")
    assert varied.height == one_each.height
    pairs = recommend("--for", "products", "--relation", "complement")
    assert pairs["reason_kind"].unique().to_list() == ["bought together"]


def test_conditions_on_todays_catalogue(shop, recommend):
    products = pl.read_parquet(shop / "products.parquet")
    stocked = products["product_id"].sort()[:30].to_list()
    today = products.select("product_id", stock=pl.col("product_id").is_in(stocked).cast(pl.Int64) * 4)
    missing = {name: pl.lit(None, pl.String) for name in ("title", "description", "brand", "category")}
    today.with_columns(**missing, price=pl.lit(None, pl.Float64)).write_parquet(shop / "today.parquet")
    frame = recommend("--products", "today.parquet", "--where", "stock>=2", "--include-seen", "-k", "5")
    assert frame["product_id"].is_in(stocked).all()
    assert frame.group_by("user_id").len()["len"].unique().to_list() == [5]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--where", "stock>2"), "no column 'stock'"),
        (("--relation", "substitute"), "add --for products"),
        (("--explore", "2"), "--explore"),
        (("--explore", "0.1", "--max-per-category", "2"), "drop one of them"),
        (("--for", "products", "--relation", "substitute"), "--embeddings"),
    ],
)
def test_what_cannot_be_is_said(shop, options, says):
    done = prodassoc(shop, "recommend", "m.parquet", *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
