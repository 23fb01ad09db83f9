from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.embedding import catalogue
from prodassoc_cli.embedding.catalogue import encode_catalogue
from prodassoc_cli.embedding.encoders.base import DistinctTexts, Encoder, Progress
from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.encoders.tfidf import TfidfEncoder
from prodassoc_cli.embedding.vectors.cache import VectorCache
from prodassoc_cli.embedding.vectors.scratch import release, room
from prodassoc_cli.errors import CannotCreate
from tests.embedding.conftest import WORDS


class Counting(Encoder):
    """Encodes a text into a direction of its own, and notes what it was asked for."""

    def __init__(self, dimension: int = 8, fails_after: int | None = None) -> None:
        self.name, self.dimension, self.fingerprint = "counting", dimension, "counting"
        self.asked: list[str] = []
        self._fails_after = fails_after

    def encode_distinct(self, texts: pl.Series, progress: Progress) -> DistinctTexts:
        if self._fails_after is not None and len(self.asked) >= self._fails_after:
            raise KeyboardInterrupt
        self.asked += texts.to_list()
        vectors = np.stack(
            [np.random.default_rng(list(text.encode())).normal(size=self.dimension) for text in texts]
        ).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        progress(len(texts), len(texts))
        flags = np.array([len(text) % 2 == 1 for text in texts])
        return DistinctTexts(vectors, flags, ~flags)


def cache_of(folder: Path, encoder: Encoder) -> VectorCache:
    return VectorCache(folder, encoder.fingerprint, encoder.dimension)


def texts_of(count: int) -> pl.Series:
    return pl.Series([f"product {number % (count * 2 // 3)}" for number in range(count)])


def same(one: catalogue.EncodedCatalogue, other: catalogue.EncodedCatalogue) -> None:
    np.testing.assert_array_equal(one.vectors(slice(None)), other.vectors(slice(None)))
    assert (one.truncated, one.unknown_texts) == (other.truncated, other.unknown_texts)


@settings(max_examples=25)
@given(st.lists(st.text(max_size=4), max_size=30), st.lists(st.text(max_size=4), min_size=1, max_size=30))
def test_only_new_texts_are_encoded(
    tmp_path_factory: pytest.TempPathFactory, yesterday: list[str], today: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    first = Counting()
    encode_catalogue(first, pl.Series(yesterday, dtype=pl.String), cache=cache_of(folder, first))
    second = Counting()
    encoded = encode_catalogue(second, pl.Series(today), cache=cache_of(folder, second))
    assert sorted(second.asked) == sorted(set(today) - set(yesterday))
    assert encoded.cached == len(set(today) & set(yesterday))
    same(encoded, encode_catalogue(Counting(), pl.Series(today)))


def test_vectors_lie_in_the_order_of_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_PIECE", 10)
    texts = pl.Series([f"product {number * 37 % 100}" for number in range(50)])
    encoded = encode_catalogue(Counting(), texts)
    assert encoded.one_each
    np.testing.assert_array_equal(encoded.distinct.vectors, encoded.vectors(slice(None)))
    again = encode_catalogue(Counting(), pl.concat([texts, texts[:3], pl.Series([None, ""])]))
    assert not again.one_each
    np.testing.assert_array_equal(again.place[-5:], [0, 1, 2, 50, 50])
    np.testing.assert_array_equal(again.vectors(slice(0, 50)), encoded.distinct.vectors)
    assert not encode_catalogue(Counting(), texts[[0, 0]]).one_each


def test_an_interrupted_run_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_PIECE", 10)
    texts = texts_of(90)
    broken = Counting(fails_after=30)
    with pytest.raises(KeyboardInterrupt):
        encode_catalogue(broken, texts, cache=cache_of(tmp_path, broken))
    assert len(broken.asked) == 30
    seen: list[tuple[int, int]] = []
    resumed = Counting()
    encoded = encode_catalogue(
        resumed, texts, cache=cache_of(tmp_path, resumed), progress=lambda *at: seen.append(at)
    )
    assert len(resumed.asked) == 30
    assert not set(resumed.asked) & set(broken.asked)
    assert seen[0] == (30, 60)
    assert seen[-1] == (60, 60)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    same(encoded, encode_catalogue(Counting(), texts))


def test_pieces_budget_and_cache_change_no_bit(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    texts = pl.Series([" ".join(rng.choice(WORDS, size)) for size in rng.integers(0, 11, 300)])
    encoder = OnnxEncoder(tiny_model, threads=1)
    whole = encoder.encode(texts)
    monkeypatch.setattr(catalogue, "_PIECE", 64)
    spilled = encode_catalogue(encoder, texts, budget=1_000)
    assert isinstance(spilled.distinct.vectors, np.memmap)
    np.testing.assert_array_equal(spilled.vectors(slice(None)), whole.vectors)
    for _ in range(2):
        cached = encode_catalogue(encoder, texts, cache=cache_of(tmp_path, encoder))
        np.testing.assert_array_equal(cached.vectors(slice(None)), whole.vectors)
        assert (cached.truncated, cached.unknown_texts) == (whole.truncated, whole.unknown_texts)
    assert cached.cached == texts.n_unique()


def test_another_model_precision_or_limit_finds_nothing(tiny_model: Path, tmp_path: Path) -> None:
    texts = pl.Series(["red lantern", "tea cup"])
    encoder = OnnxEncoder(tiny_model)
    encode_catalogue(encoder, texts, cache=cache_of(tmp_path, encoder))
    other = OnnxEncoder(tiny_model, max_tokens=6)
    assert encode_catalogue(other, texts, cache=cache_of(tmp_path, other)).cached == 0
    assert encode_catalogue(encoder, texts, cache=cache_of(tmp_path, encoder)).cached == 2


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite_vectors(path: Path) -> None:
    """Make the vectors wrong while the file stays whole."""
    encoder = Counting()
    wrong = DistinctTexts(
        np.full((60, 8), np.nan, np.float32), np.zeros(60, np.bool_), np.zeros(60, np.bool_)
    )
    cache_of(path.parents[1], encoder).keep(texts_of(90).unique().sort(), wrong)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"ARROW1\0\0" + b"\xff" * 500),
        cut,
        overwrite_vectors,
        lambda path: path.with_suffix(".1.unfinished").write_bytes(path.read_bytes()[:100]),
    ],
    ids=["empty", "noise", "cut", "not of length 1", "unfinished beside it"],
)
def test_damage_is_made_good(tmp_path: Path, damage) -> None:
    texts, encoder = texts_of(90), Counting()
    encode_catalogue(encoder, texts, cache=cache_of(tmp_path, encoder))
    (part,) = (tmp_path / "counting").iterdir()
    damage(part)
    again = Counting()
    same(encode_catalogue(again, texts, cache=cache_of(tmp_path, again)), encode_catalogue(Counting(), texts))
    once_more = Counting()
    assert encode_catalogue(once_more, texts, cache=cache_of(tmp_path, once_more)).cached == 60


def fill(folder: Path) -> None:
    encoder = Counting()
    encode_catalogue(encoder, texts_of(600), cache=cache_of(folder, encoder))


def test_runs_share_a_cache(tmp_path: Path) -> None:
    """Several processes fill one folder at the same time; nothing is lost, nothing half-written is left."""
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=fill, args=(tmp_path,)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
        assert run.exitcode == 0
    encoder = Counting()
    assert encode_catalogue(encoder, texts_of(600), cache=cache_of(tmp_path, encoder)).cached == 400
    assert {path.suffix for path in (tmp_path / "counting").iterdir()} == {".arrow"}


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotCreate, match="cache"):
        VectorCache(tmp_path / "file", "f", 8)


def test_fitted_vectors_are_never_cached(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fitted"):
        encode_catalogue(TfidfEncoder(8), pl.Series(["tea"]), cache=VectorCache(tmp_path, "f", 8))


def test_spilled_vectors_outlive_their_release() -> None:
    vectors = room(100, 7, budget=0)
    vectors[:] = np.arange(700).reshape(100, 7)
    release(vectors)
    np.testing.assert_array_equal(vectors, np.arange(700, dtype=np.float32).reshape(100, 7))
    assert not isinstance(room(100, 7, budget=None), np.memmap)
