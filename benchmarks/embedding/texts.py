"""The texts to encode: made from the sample catalogue with a seed, so that they are the same everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

CATALOGUE = Path(__file__).parents[2] / "sample_data" / "catalog.csv"


def titles(count: int) -> list[str]:
    """Return distinct product titles of about eight tokens."""
    frame = pl.read_csv(CATALOGUE, infer_schema=False)
    rng = np.random.default_rng(0)
    words = frame["title"].str.extract_all(r"\p{Latin}{3,}").explode().drop_nulls().unique().sort().to_numpy()
    made: dict[str, None] = {}
    while len(made) < count:
        size = int(rng.integers(2, 8))
        made[" ".join(rng.choice(words, size, replace=False))] = None
    return list(made)


def mixed(count: int) -> list[str]:
    """Return distinct texts of very different lengths: a title, or a title and one to six sentences."""
    frame = pl.read_csv(CATALOGUE, infer_schema=False)
    rng = np.random.default_rng(1)
    sentences = frame["description"].drop_nulls().unique().sort().to_numpy()
    extra = np.where(rng.random(count) < 0.5, 0, rng.integers(1, 7, count))
    return [
        " ".join([title, *rng.choice(sentences, int(more), replace=False)])
        for title, more in zip(titles(count), extra, strict=True)
    ]
