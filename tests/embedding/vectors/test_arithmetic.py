from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.embedding.vectors.arithmetic import align, combine, pack, shorten, unit
from prodassoc_cli.errors import BadData, UsageProblem


def some(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32))


def test_shorten_keeps_the_first_and_length_1() -> None:
    vectors = some(5, 12)
    short = shorten(vectors, 4)
    np.testing.assert_allclose(np.linalg.norm(short, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        short * np.linalg.norm(vectors[:, :4], axis=1)[:, None], vectors[:, :4], atol=1e-6
    )
    assert shorten(vectors, None) is vectors
    assert shorten(vectors, 40) is vectors
    assert not shorten(np.eye(1, 5, 4, dtype=np.float32), 3).any()


def own(ids: list[str], vectors: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"product_id": ids, "embedding": vectors})


def test_align_follows_the_products_and_counts_those_without() -> None:
    given = np.array([[3, 0], [0, 2], [0, 0], [1, 1]], dtype=np.float32)
    vectors, without = align(own(["c", "a", "zero", "elsewhere"], given), pl.Series(["a", "b", "c", "zero"]))
    np.testing.assert_array_equal(vectors, [[0, 1], [0, 0], [1, 0], [0, 0]])
    assert without == 2


def test_align_refuses_doubles_and_strangers() -> None:
    with pytest.raises(BadData, match="'a' has more than one"):
        align(own(["a", "b", "a"], some(3, 2)), pl.Series(["a"]))
    with pytest.raises(BadData, match="no product"):
        align(own(["x"], some(1, 2)), pl.Series(["a"]))


@settings(max_examples=40)
@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_concat_mixes_cosines_by_the_weight(weight: float, seed: int) -> None:
    text, image = some(6, 5, seed), some(6, 3, seed + 1)
    both = combine(text, image, "concat", weight)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
    expected = (1 - weight) * text @ text.T + weight * image @ image.T
    np.testing.assert_allclose(both @ both.T, expected, atol=1e-5)


def test_average_is_the_weighted_mean_at_length_1() -> None:
    text, image = some(4, 5), some(4, 5, 1)
    np.testing.assert_allclose(
        combine(text, image, "average", 0.3), unit((0.7 * text + 0.3 * image).astype(np.float32)), atol=1e-6
    )
    np.testing.assert_array_equal(combine(text, -text, "average", 0.5), text)
    with pytest.raises(UsageProblem, match="5 numbers, the others of 3"):
        combine(text, some(4, 3), "average", 0.5)


@pytest.mark.parametrize("mode", ["concat", "average"])
def test_a_product_without_own_vector_keeps_its_text(mode: str) -> None:
    text, image = some(3, 4), some(3, 4, 1)
    image[1] = 0
    both = combine(text, image, mode, 0.9)  # type: ignore[arg-type]
    np.testing.assert_array_equal(both[1, :4], text[1])
    assert not both[1, 4:].any()


def test_packed_vectors_come_back() -> None:
    vectors = some(200, 64)
    assert pack(vectors, "f32") is vectors
    half = pack(vectors, "f16")
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, vectors, atol=1e-3)
    eight = pack(vectors, "int8")
    assert (eight.dtype, int(np.abs(eight).max())) == (np.int8, 127)
    assert (unit(eight.astype(np.float32)) * vectors).sum(axis=1).min() > 0.9998
    bits = pack(vectors[:, :60], "binary")
    assert (bits.dtype, bits.shape) == (np.uint8, (200, 8))
    np.testing.assert_array_equal(np.unpackbits(bits, axis=1)[:, :60], vectors[:, :60] > 0)
    assert not pack(np.zeros((1, 4), np.float32), "int8").any()
