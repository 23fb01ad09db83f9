"""What an encoder is, and which one a catalogue gets.

An encoder turns texts into vectors of length 1. Identical texts are encoded once, here, whatever the encoder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.errors import UsageProblem, did_you_mean

Progress = Callable[[int, int], None]
"""Called with how many distinct texts are done and how many there are."""

EncoderName = Literal["auto", "onnx", "tfidf"]
DEFAULT_MODEL = Path(__file__).parents[1] / "model"
# Up to here a few titles in another script are counted and said; beyond it `auto` leaves the model.
FALLBACK_SHARE = 0.3


@dataclass(frozen=True)
class EncodedTexts:
    """Vectors of texts, and what happened to them."""

    vectors: NDArray[np.float32]
    """(texts, dimension); every row has length 1."""
    truncated: int
    """Texts that were longer than the model reads; what came after the limit was ignored."""
    unknown_texts: int
    """Texts whose tokens are mostly unknown to the model, or in scripts its vocabulary does not cover."""


@dataclass(frozen=True)
class DistinctTexts:
    """The same for distinct texts, with a flag a text."""

    vectors: NDArray[np.float32]
    truncated: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


class Encoder(ABC):
    """Turns texts into unit vectors."""

    name: str
    """What the encoder is called in lineage and messages."""
    dimension: int
    """Width of a vector."""
    fingerprint: str
    """Two encoders of one fingerprint are the same function: what a cache of vectors must be keyed by."""
    piece: int = 0
    """Distinct texts it wants at a time at the least, to keep what it works on busy."""
    fitted: bool = False
    """Whether a text's vector depends on the other texts: such vectors cannot be cached or made in pieces."""

    def encode(self, texts: Sequence[str] | pl.Series, progress: Progress | None = None) -> EncodedTexts:
        """Encode texts, identical ones once.

        Args:
            texts: any number of texts; null counts as empty. An empty text has a vector of its own too (each
                encoder says which): rows of zeros would have no direction.
            progress: told of the work as it goes.

        Returns:
            The vectors in the order of `texts`.
        """
        column = texts if isinstance(texts, pl.Series) else pl.Series(list(texts), dtype=pl.String)
        distinct, place = distinct_texts(column)
        encoded = self.encode_distinct(distinct, progress or silent)
        return EncodedTexts(
            vectors=encoded.vectors[place],
            truncated=int(encoded.truncated[place].sum()),
            unknown_texts=int(encoded.unknown[place].sum()),
        )

    @abstractmethod
    def encode_distinct(self, texts: pl.Series, progress: Progress) -> DistinctTexts:
        """Encode distinct texts; `encode` is this for any texts."""

    def encode_phrases(self, phrases: pl.Series) -> NDArray[np.float32]:
        """Encode distinct phrases into the space of the texts encoded before."""
        return self.encode_distinct(phrases, silent).vectors


def distinct_texts(texts: pl.Series, *, sort: bool = True) -> tuple[pl.Series, NDArray[np.int64]]:
    """Return the distinct texts and, for each text, which of them it is; null counts as empty.

    Sorted, what a text meets on its way does not depend on the order of the input. As they come first, their
    vectors lie in the order in which they are asked for.
    """
    column = texts.cast(pl.String).fill_null("").alias("text")
    distinct = column.unique(maintain_order=not sort)
    distinct = distinct.sort() if sort else distinct
    numbered = distinct.to_frame().with_row_index("place")
    place = column.to_frame().join(numbered, on="text", how="left", maintain_order="left")["place"]
    return distinct, place.to_numpy().astype(np.int64)


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder, and why it is not the one that was expected."""

    encoder: Encoder
    reason: str
    """One line for a warning; empty when there is nothing to say."""


def choose_encoder(
    name: EncoderName,
    texts: pl.Series,
    *,
    model: Path = DEFAULT_MODEL,
    threads: int | None = None,
    max_tokens: int | None = None,
    dims: int = 256,
    seed: int = 0,
    provider: str | None = None,
) -> EncoderChoice:
    """Make the encoder that `--encoder` names.

    Args:
        name: `onnx` and `tfidf` are taken at their word; `auto` is onnx unless more than `FALLBACK_SHARE` of
            the texts that have letters are in scripts that the model's vocabulary does not cover.
        texts: what will be encoded.
        model: the model folder for onnx.
        threads: for onnx; as many as the process may use when None.
        max_tokens: for onnx; the model's own limit when None.
        dims: width of the vectors for tfidf.
        seed: for tfidf.
        provider: for onnx (see `choose_provider`); the processor when None.

    Raises:
        UsageProblem: `name` is unknown, or max_tokens or dims are out of range.
        NoInput, BadData: the model folder is missing or damaged (see `OnnxEncoder`).
    """
    from prodassoc_cli.embedding.encoders.onnx_encoder import OnnxEncoder
    from prodassoc_cli.embedding.encoders.providers import CPU
    from prodassoc_cli.embedding.encoders.tfidf_encoder import TfidfEncoder

    if name not in ("auto", "onnx", "tfidf"):
        raise UsageProblem(f"unknown encoder '{name}'", did_you_mean(name, ("auto", "onnx", "tfidf")))
    if name == "tfidf":
        return EncoderChoice(TfidfEncoder(dims=dims, seed=seed), "")
    encoder = OnnxEncoder(model, threads=threads, max_tokens=max_tokens, provider=provider or CPU)
    if name == "onnx":
        return EncoderChoice(encoder, "")
    worded = texts.filter(texts.str.contains(r"\p{L}"))
    uncovered = worded.filter(encoder.coverage.uncovered(worded))
    if len(uncovered) <= FALLBACK_SHARE * len(worded):
        return EncoderChoice(encoder, "")
    reason = (
        f"{len(uncovered) / len(worded):.0%} of the texts are in scripts that {encoder.name} does not cover "
        f"({encoder.coverage.main_script(uncovered)}): encoding by character n-grams (tfidf) instead"
    )
    return EncoderChoice(TfidfEncoder(dims=dims, seed=seed), reason)


def silent(done: int, total: int) -> None:
    """Report to nobody."""
