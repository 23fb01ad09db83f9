"""Vectors from character n-grams: any language, no model, nothing learnt from elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import unicodedata
from collections.abc import Iterator

import numpy as np
import polars as pl
import threadpoolctl  # type: ignore[import-untyped]
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from prodassoc_cli.embedding.encoders.base import DistinctTexts, Encoder
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.stage import Progress

# From 1, for one Han character is a word; to 4, about a syllable with its neighbours in alphabets.
_NGRAMS = (1, 4)
# Bounds the memory of a large catalogue; the most frequent n-grams stay.
_FEATURES = 100_000
_WORDED = r"[^\s\p{C}]"


class TfidfEncoder(Encoder):
    """TF-IDF of character n-grams, reduced by a truncated SVD (latent semantic analysis).

    It is fitted to the texts it is given, so vectors can be compared only within one call, and no cache may
    keep them. A catalogue too small to span the dimensions leaves the last ones zero. Texts without any
    n-gram, the empty one above all, share the last direction, orthogonal to every other text.

    Args:
        dims: width of the vectors, at least 2.
        seed: of the randomised SVD.

    Raises:
        UsageProblem: dims is under 2.
    """

    def __init__(self, dims: int = 256, seed: int = 0) -> None:
        if dims < 2:
            raise UsageProblem(f"`dims={dims}` is too few for tfidf", "give 2 or more")
        self.name = "tfidf"
        self.dimension = dims
        self.fitted = True
        self._seed = seed
        self._reduce: Pipeline | None = None
        identity = f"tfidf {_NGRAMS} {_FEATURES} {dims} {seed}"
        self.fingerprint = hashlib.sha256(identity.encode()).hexdigest()[:32]

    def encode_distinct(self, texts: pl.Series, progress: Progress) -> DistinctTexts:
        """Fit to the texts and encode them."""
        worded = texts.filter(texts.str.contains(_WORDED))
        self._reduce = None
        if len(worded):
            weigh = TfidfVectorizer(
                analyzer="char_wb",
                ngram_range=_NGRAMS,
                preprocessor=_fold,
                max_features=_FEATURES,
                sublinear_tf=True,
                dtype=np.float32,
            )
            weights = weigh.fit_transform(worded.to_list())
            dims = min(self.dimension - 1, weights.shape[1], weights.shape[0])
            reduce = TruncatedSVD(dims, algorithm="randomized", n_iter=7, random_state=self._seed)
            with _repeatable():
                reduce.fit(weights)
            self._reduce = make_pipeline(weigh, reduce)
        vectors = self.encode_phrases(texts)
        progress(len(texts), len(texts))
        nothing = np.zeros(len(texts), dtype=np.bool_)
        return DistinctTexts(vectors, nothing, nothing)

    def encode_phrases(self, phrases: pl.Series) -> Floats:
        """Encode phrases as the texts before were, without fitting again."""
        vectors = np.zeros((len(phrases), self.dimension), dtype=np.float32)
        worded = np.flatnonzero(phrases.str.contains(_WORDED).to_numpy())
        if len(worded) and self._reduce is not None:
            with _repeatable():
                reduced = self._reduce.transform(phrases.gather(worded).to_list())
            vectors[worded, : reduced.shape[1]] = reduced
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A text that the kept directions say nothing of has no direction of its own either.
        lost = lengths[:, 0] < 1e-6
        vectors[~lost] /= lengths[~lost]
        vectors[lost] = 0
        vectors[lost, -1] = 1
        return vectors


@contextlib.contextmanager
def _repeatable() -> Iterator[None]:
    """One BLAS thread: the sums, and so the bits, would depend on their number.

    Texts that are alike leave no variance, whose share scikit-learn would warn about.
    """
    with threadpoolctl.threadpool_limits(1), np.errstate(invalid="ignore"):
        yield


def _fold(text: str) -> str:
    """Make variants of writing the same: full-width forms, ligatures, case."""
    return unicodedata.normalize("NFKC", text).casefold()
