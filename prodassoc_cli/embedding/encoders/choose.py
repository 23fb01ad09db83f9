"""Which encoder a catalogue gets; its module is imported when it is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL, Encoder
from prodassoc_cli.errors import UsageProblem, did_you_mean

EncoderName = Literal["auto", "onnx", "tfidf"]
FALLBACK_SHARE = 0.3
"""Share of texts in scripts unknown to the model from which on `auto` encodes without it."""


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
    if name not in get_args(EncoderName):
        raise UsageProblem(f"unknown encoder '{name}'", did_you_mean(name, get_args(EncoderName)))

    def tfidf() -> Encoder:
        from prodassoc_cli.embedding.encoders.tfidf import TfidfEncoder

        return TfidfEncoder(dims=dims, seed=seed)

    if name == "tfidf":
        return EncoderChoice(tfidf(), "")
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
    from prodassoc_cli.embedding.encoders.providers import CPU

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
    return EncoderChoice(tfidf(), reason)
