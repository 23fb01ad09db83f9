"""Keyphrases of products: those of a text's own phrases that mean most of what the text means, and differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from prodassoc_cli.embedding.analysis.phrases import phrases
from prodassoc_cli.numerics.arrays import Floats, Longs

# How much being near the text counts against being unlike the phrases chosen before.
_RELEVANCE = 0.6
# Candidates a text, from its beginning: titles come first, and long descriptions repeat them.
_CANDIDATES = 60
# Texts whose phrases are encoded together, and texts whose candidates are compared at once.
_SLICE, _BLOCK = 4_096, 128
_DIGITS = 5


def keywords(
    texts: pl.Series,
    vectors: Callable[[slice], Floats],
    encode: Callable[[pl.Series], Floats],
    count: int,
    progress: Callable[[int, int], None],
) -> pl.Series:
    """Choose keyphrases for each text by maximal marginal relevance (Carbonell and Goldstein 1998).

    Args:
        texts: one per product.
        vectors: gives the vectors of a slice of the texts, each of length 1.
        encode: encodes distinct phrases into the same space.
        count: keyphrases a text at the most.
        progress: called with the number of texts done, and of all.

    Returns:
        A list per text, best first; empty where a text has no phrase.
    """
    chosen: list[pl.Series] = []
    for start in range(0, len(texts), _SLICE):
        part = slice(start, min(start + _SLICE, len(texts)))
        chosen.append(_choose(texts[part], vectors(part), encode, count))
        progress(part.stop, len(texts))
    return pl.concat(chosen) if chosen else pl.Series([], dtype=pl.List(pl.String))


def _choose(
    texts: pl.Series, vectors: Floats, encode: Callable[[pl.Series], Floats], count: int
) -> pl.Series:
    candidates = phrases(texts).group_by("text", maintain_order=True).head(_CANDIDATES)
    distinct = candidates["phrase"].unique().sort()
    if not len(distinct):
        return pl.Series([[]] * len(texts), dtype=pl.List(pl.String))
    known = encode(distinct)
    numbers = candidates["phrase"].rank("dense").to_numpy().astype(np.int64) - 1
    rows = candidates["text"].to_numpy().astype(np.int64)
    first = candidates["place"].to_numpy().astype(np.int64)
    spans = np.stack([first, first + candidates["words"].to_numpy()], axis=1)
    picked = [
        _diverse(vectors[block], numbers[inside], rows[inside] - block.start, spans[inside], known, count)
        for block, inside in _blocks(rows, len(texts))
    ]
    places = np.concatenate(picked)
    row, rank = np.nonzero(places >= 0)
    lists = (
        pl.DataFrame({"text": row, "rank": rank, "phrase": distinct.gather(places[row, rank])})
        .group_by("text", maintain_order=True)
        .agg("phrase")
    )
    everyone = pl.DataFrame({"text": pl.int_range(len(texts), dtype=pl.Int64, eager=True)})
    joined = everyone.join(lists, on="text", how="left", maintain_order="left")["phrase"]
    return joined.fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def _blocks(rows: Longs, texts: int) -> Iterator[tuple[slice, slice]]:
    """Yield slices of the texts, each with the slice of the candidates (sorted by text) that is theirs."""
    for start in range(0, texts, _BLOCK):
        stop = min(start + _BLOCK, texts)
        first, last = np.searchsorted(rows, [start, stop])
        yield slice(start, stop), slice(int(first), int(last))


def _diverse(
    vectors: Floats,
    numbers: Longs,
    rows: Longs,
    spans: Longs,
    known: Floats,
    count: int,
) -> Longs:
    """Return (texts, count) numbers of phrases, -1 where there are no more.

    No two of a text overlap in it: half of a phrase says nothing beside the phrase.
    """
    texts = len(vectors)
    counts = np.bincount(rows, minlength=texts)
    widest = int(counts.max(initial=0))
    picked = np.full((texts, count), -1, dtype=np.int64)
    if not widest:
        return picked
    table = np.full((texts, widest), -1, dtype=np.int64)
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[rows, columns] = numbers
    start, stop = np.zeros((2, *table.shape), dtype=np.int64)
    start[rows, columns], stop[rows, columns] = spans.T
    near = known[table] * (table >= 0)[:, :, None]
    relevance = np.round(np.einsum("tcd,td->tc", near, vectors), _DIGITS)
    relevance[table < 0] = -np.inf
    alike = np.full(table.shape, -1.0, dtype=np.float32)
    everyone = np.arange(texts)
    for rank in range(min(count, widest)):
        score = _RELEVANCE * relevance - (1 - _RELEVANCE) * np.maximum(alike, 0)
        best = score.argmax(axis=1)
        there = np.isfinite(relevance[everyone, best])
        picked[there, rank] = table[everyone, best][there]
        overlaps = (start < stop[everyone, best][:, None]) & (stop > start[everyone, best][:, None])
        relevance[overlaps] = -np.inf
        to_best = np.einsum("tcd,td->tc", near, near[everyone, best])
        alike = np.maximum(alike, np.round(to_best, _DIGITS))
    return picked
