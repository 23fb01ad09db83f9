"""Topics of a catalogue: clusters of vectors, named by the words that set each apart."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import polars as pl
import threadpoolctl  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from prodassoc_cli.embedding.analysis.phrases import phrases
from prodassoc_cli.embedding.vectors.arithmetic import unit
from prodassoc_cli.embedding.vectors.scratch import slices
from prodassoc_cli.numerics.arrays import Doubles, Floats, Ints, Longs

# Centres are found on so many products, drawn with the seed; all products are then given to the nearest.
_SAMPLE = 20_000
# k-means begins so many times, and the best end counts: the more often the fewer rows there are, as last bits
# of the vectors, which differ from machine to machine, decide where a single start ends.
_MOST_STARTS, _ROWS_OF_STARTS = 16, 64_000
_MAX_TOPICS = 200
# Products a topic whose texts its label comes from: the nearest to its centre.
_TYPICAL = 200
# Terms considered for a label, and terms in it.
_CONSIDERED, _LABEL_TERMS = 40, 3
# A word of a topic is half of a name when so much of its count is within one phrase.
_PART_SHARE = 0.8
_DIGITS = 6


@dataclass(frozen=True)
class Topics:
    """The topics of products, the largest first."""

    topic: Ints
    """(products,): number of the topic."""
    similarity: Doubles
    """(products,): cosine to the topic's centre."""
    labels: list[str]
    """A label a topic."""


def find_topics(vectors: Floats, texts: pl.Series, count: int | None = None, seed: int = 0) -> Topics:
    """Cluster products by k-means on the unit sphere and label the clusters.

    Args:
        vectors: (products, d), each of length 1.
        texts: (products,), what the labels are taken from.
        count: number of topics; √(products/2), at most 200, when None; fewer where products are alike.
        seed: of the first centres and of the sample.
    """
    products = len(vectors)
    if not products:
        return Topics(np.zeros(0, np.int32), np.zeros(0), [])
    wanted = count or min(_MAX_TOPICS, max(2, round((products / 2) ** 0.5)))
    centres = _centres(vectors, min(wanted, products), seed)
    nearest, similarity = _assign(vectors, centres)
    topic = _largest_first(nearest, len(centres))
    typical = _typical(topic, similarity)
    return Topics(topic, similarity, _labels(topic[typical], texts.gather(typical)))


def _centres(vectors: Floats, count: int, seed: int) -> Floats:
    rows = np.arange(len(vectors))
    if len(rows) > _SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(rows, max(_SAMPLE, count), replace=False))
    starts = max(4, min(_MOST_STARTS, _ROWS_OF_STARTS // len(rows)))
    means = KMeans(count, n_init=starts, random_state=seed)
    # One thread: the order of its sums, and so the bits, would depend on their number.
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct vectors than topics: the topics left empty are dropped below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        means.fit(vectors[rows])
    return unit(means.cluster_centers_.astype(np.float32))


def _assign(vectors: Floats, centres: Floats) -> tuple[Longs, Doubles]:
    """Return each product's nearest centre and the cosine to it; of equal ones the first."""
    topic = np.empty(len(vectors), dtype=np.int64)
    similarity = np.empty(len(vectors))
    with threadpoolctl.threadpool_limits(1):
        for part in slices(len(vectors)):
            cosines = np.round(vectors[part] @ centres.T, _DIGITS)
            topic[part] = cosines.argmax(axis=1)
            similarity[part] = cosines.max(axis=1)
    return topic, similarity.round(_DIGITS)


def _largest_first(topic: Longs, count: int) -> Ints:
    """Number topics by size, equal ones by their first product, and empty ones not at all."""
    sizes = np.bincount(topic, minlength=count)
    first = np.full(count, len(topic))
    np.minimum.at(first, topic, np.arange(len(topic)))
    number = np.empty(count, dtype=np.int32)
    number[np.lexsort((first, -sizes))] = np.arange(count)
    return number[topic]


def _typical(topic: Ints, similarity: Doubles) -> NDArray[np.intp]:
    """Return the products nearest to the centre of each topic."""
    order = np.lexsort((np.arange(len(topic)), -similarity, topic))
    sizes = np.bincount(topic)
    rank = np.arange(len(topic)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[rank < _TYPICAL]


def _labels(topic: Ints, texts: pl.Series) -> list[str]:
    """Name each topic by class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794).

    The score of a term t in a topic c is tf · log(1 + A/f): tf the share of c's phrases that are t, A the
    mean number of phrases in a topic, f how often t is in all of them.
    """
    topics = int(topic.max()) + 1
    terms = phrases(texts, longest=2)
    counted = _whole(
        terms.select("phrase", "words", topic=pl.Series(topic).gather(terms["text"]))
        .group_by("topic", "phrase", "words")
        .len("count")
    )
    mean = counted["count"].sum() / topics
    total = pl.col("count").sum()
    scored = counted.with_columns(
        score=(pl.col("count") / total.over("topic") * (1 + mean / total.over("phrase")).log()).round(12)
    )
    best = (
        scored.sort(["topic", "score", "words", "phrase"], descending=[False, True, True, False])
        .group_by("topic", maintain_order=True)
        .agg(pl.col("phrase").head(_CONSIDERED))
    )
    named = {number: _apart(found) for number, found in best.iter_rows()}
    return [named.get(number, f"topic {number}") for number in range(topics)]


def _whole(counted: pl.DataFrame) -> pl.DataFrame:
    """Leave out words that in a topic are nearly always part of one longer phrase: half of a name."""
    inside = (
        counted.filter(pl.col("words") > 1)
        .select("topic", pl.col("phrase").str.split(" "), longer="count")
        .explode("phrase")
        .group_by("topic", "phrase")
        .agg(pl.col("longer").max())
    )
    joined = counted.join(inside, on=["topic", "phrase"], how="left")
    return joined.filter(pl.col("longer").fill_null(0) < _PART_SHARE * pl.col("count")).drop("longer")


def _apart(terms: list[str]) -> str:
    """Join the first terms that share no word."""
    chosen: list[str] = []
    used: set[str] = set()
    for term in terms:
        # A plural is the same word to a reader.
        words = {word.removesuffix("s") for word in term.split()}
        if not words & used and len(chosen) < _LABEL_TERMS:
            chosen.append(term)
            used |= words
    return ", ".join(chosen)
