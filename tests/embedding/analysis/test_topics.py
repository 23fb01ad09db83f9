from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.embedding.analysis import keywords as keywords_module
from prodassoc_cli.embedding.analysis import topics as topics_module
from prodassoc_cli.embedding.analysis.keywords import keywords
from prodassoc_cli.embedding.analysis.phrases import phrases
from prodassoc_cli.embedding.analysis.topics import find_topics
from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.encoders.tfidf import TfidfEncoder
from prodassoc_cli.embedding.vectors.arithmetic import unit

SHELVES = {
    "coffee": ["dark roast espresso beans", "ground filter coffee", "coffee capsules for espresso machines"],
    "garden": ["garden hose with spray nozzle", "pruning shears for roses", "clay flower pot for the garden"],
    "toys": [
        "wooden train set for children",
        "jigsaw puzzle with farm animals",
        "soft toy rabbit for babies",
    ],
}
TITLES = [
    f"{title} {word}" for titles in SHELVES.values() for title in titles for word in ("classic", "deluxe")
]
SHELF = np.repeat(list(SHELVES), 6)


def found_in(text: str, longest: int = 3) -> list[str]:
    return phrases(pl.Series([text]), longest)["phrase"].to_list()


def test_phrases_neither_cross_a_break_nor_end_in_a_stop_word() -> None:
    assert found_in("Salt & Pepper of the North") == ["salt", "salt & pepper", "pepper", "north"]
    assert found_in("milk - organic") == ["milk", "organic"]
    assert found_in("Fresh Milk 1 L, Organic") == ["fresh", "fresh milk", "milk", "organic"]
    assert found_in("soap with aloe") == ["soap", "soap with aloe", "aloe"]
    assert found_in("Children's T-shirt") == ["children's", "children's t-shirt", "t-shirt"]
    assert found_in("tea > Tea | tea", 1) == ["tea"]
    assert found_in("x 500 ml — 12") == []
    assert found_in("tea " + "x" * 1_000_000) == ["tea"]
    assert found_in("crème brûlée") == ["crème", "crème brûlée", "brûlée"]


def test_phrases_of_many_texts_keep_their_numbers() -> None:
    found = phrases(pl.Series(["red box", None, "", "box"]), longest=1)
    assert found.select("text", "phrase").rows() == [(0, "red"), (0, "box"), (3, "box")]
    assert phrases(pl.Series([], dtype=pl.String)).height == 0


def test_a_word_of_most_texts_is_a_stop_word_in_any_language() -> None:
    texts = pl.Series([f"lampe für {name}" for name in ("küche", "garten", "büro") for _ in range(20)])
    assert "für" not in phrases(texts, 1)["phrase"].to_list()
    assert "küche" in phrases(texts, 1)["phrase"].to_list()


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(threads=1)


def chosen(encoder, texts: list[str], count: int) -> list[list[str]]:
    vectors = encoder.encode(texts).vectors
    found = keywords(
        pl.Series(texts), lambda part: vectors[part], encoder.encode_phrases, count, lambda *_: None
    )
    return found.to_list()


def test_keywords_are_phrases_of_the_text_and_differ(encoder: OnnxEncoder) -> None:
    texts = [*TITLES, "", "12 x 3"]
    lists = chosen(encoder, texts, 3)
    assert lists[-2:] == [[], []]
    for text, words in zip(texts[:-2], lists, strict=False):
        assert 1 <= len(words) <= 3
        assert set(words) <= set(found_in(text))
        # No word is in two of them.
        assert len(set(" ".join(words).split())) == len(" ".join(words).split())
    assert any("espresso" in word for word in lists[0])


def test_the_first_keyword_is_the_nearest_phrase_and_blocks_change_nothing(
    encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = chosen(encoder, TITLES, 4)
    for text, words in zip(TITLES, whole, strict=True):
        candidates = found_in(text)
        cosines = encoder.encode(candidates).vectors @ encoder.encode([text]).vectors[0]
        assert words[0] == candidates[int(np.argmax(np.round(cosines, 5)))]
    monkeypatch.setattr(keywords_module, "_SLICE", 5)
    monkeypatch.setattr(keywords_module, "_BLOCK", 2)
    assert chosen(encoder, TITLES, 4) == whole


def test_keywords_by_tfidf(encoder: OnnxEncoder) -> None:
    tfidf = TfidfEncoder(16)
    assert all(len(words) in (1, 2) for words in chosen(tfidf, TITLES, 2))


def test_topics_are_the_shelves_and_their_labels_name_them(encoder: OnnxEncoder) -> None:
    vectors = encoder.encode(TITLES).vectors
    topics = find_topics(vectors, pl.Series(TITLES), 3)
    for shelf in SHELVES:
        assert len(set(topics.topic[shelf == SHELF])) == 1
    labels = {shelf: topics.labels[topics.topic[shelf == SHELF][0]] for shelf in SHELVES}
    assert "coffee" in labels["coffee"] or "espresso" in labels["coffee"]
    assert "garden" in labels["garden"]
    assert not any("deluxe" in label for label in labels.values())
    again = find_topics(vectors, pl.Series(TITLES), 3)
    np.testing.assert_array_equal(topics.topic, again.topic)
    assert topics.labels == again.labels
    assert (topics.similarity > 0.3).all()


def test_topics_are_numbered_by_size_without_gaps() -> None:
    directions = np.eye(4, dtype=np.float32)
    vectors = directions[[3, 1, 1, 0, 0, 0]]
    texts = pl.Series(["gold ring", "tin box", "tin can", "red tea", "green tea", "tea"])
    topics = find_topics(vectors, texts, 5)
    assert topics.topic.tolist() == [2, 1, 1, 0, 0, 0]
    assert topics.labels[0].startswith("tea")
    assert len(topics.labels) == 3
    nothing = find_topics(np.zeros((0, 4), np.float32), pl.Series([], dtype=pl.String))
    assert nothing.labels == []
    assert find_topics(directions[:1], pl.Series([None], dtype=pl.String)).labels == ["topic 0"]


def test_labels_come_from_the_typical_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics_module, "_TYPICAL", 2)
    vectors = unit(np.array([[1, 0], [1, 0.1], [1, 0.6], [0, 1]], dtype=np.float32))
    topics = find_topics(vectors, pl.Series(["tea", "tea", "stray", "lamp"]), 2)
    assert topics.labels == ["tea", "lamp"]


def test_large_catalogues_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics_module, "_SAMPLE", 60)
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 3, 500)
    vectors = unit((np.eye(3, 6)[kinds] + rng.normal(0, 0.1, (500, 6))).astype(np.float32))
    topics = find_topics(vectors, pl.Series([f"kind{kind}" for kind in kinds]), 3, seed=1)
    for kind in range(3):
        assert len(set(topics.topic[kinds == kind])) == 1
