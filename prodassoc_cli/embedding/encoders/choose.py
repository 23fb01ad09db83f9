"""Which encoder a catalogue gets; its module is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL, Encoder
from prodassoc_cli.errors import UsageProblem, did_you_mean

EncoderName = Literal["auto", "onnx", "tfidf"]
FALLBACK_SHARE = 0.3
"""Share of texts in scripts unknown to the model from which on `auto` encodes without it."""
MULTILINGUAL_SHARE = 0.08
"""Share of texts in scripts unknown to the default model from which on the multilingual one loses less. Of
the five nearest of an English title (simulated shop), 46.7 % are of its category by the default model, 42.7 %
by the multilingual one: a twelfth of what is lost of a text that cannot be read."""
ENGLISH_SHARE = 0.5
"""Share of words in the vocabulary of the default model under which texts are not taken for English.
Measured: 76 to 94 % of the words of English titles, 25 % of French ones, 13 % of Spanish, 12 % of German."""


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder, and why it is not the one that was expected."""

    encoder: Encoder
    reason: str = ""
    """One line for the user; empty when there is nothing to say."""
    is_loss: bool = False
    """Whether the reason is a warning: another encoder would do better."""


def choose_encoder(
    name: EncoderName,
    texts: pl.Series,
    *,
    model: Path | None = None,
    multilingual: Callable[[], Path] | None = None,
    threads: int | None = None,
    max_tokens: int | None = None,
    dims: int = 256,
    seed: int = 0,
    provider: str | None = None,
) -> EncoderChoice:
    """Make the encoder that `--encoder` names.

    Args:
        name: `onnx` and `tfidf` are taken at their word. `auto` is the model unless it would lose too much:
            then the multilingual model where that is at hand, else tfidf where more than `FALLBACK_SHARE` of
            the texts that have letters are in scripts that the model's vocabulary does not cover.
        texts: what products are judged by, one text each.
        model: the model folder for onnx; the default model when None.
        multilingual: makes the folder of the multilingual model, which `auto` may take in the place of the
            default model; None where it is not at hand.
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
        return EncoderChoice(tfidf())
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
    from prodassoc_cli.embedding.encoders.providers import CPU

    def onnx(folder: Path) -> OnnxEncoder:
        return OnnxEncoder(folder, threads=threads, max_tokens=max_tokens, provider=provider or CPU)

    encoder = onnx(model or DEFAULT_MODEL)
    if name == "onnx":
        return EncoderChoice(encoder)
    worded = texts.filter(texts.str.contains(r"\p{L}"))
    uncovered = worded.filter(encoder.coverage.uncovered(worded))
    share = len(uncovered) / max(1, len(worded))
    loss = ""
    if share > (FALLBACK_SHARE if multilingual is None else MULTILINGUAL_SHARE):
        loss = (
            f"{len(uncovered):,} of {len(worded):,} products ({share:.0%}) are in scripts that "
            f"{encoder.name} does not cover ({encoder.coverage.main_script(uncovered)})"
        )
    elif model is None and (known := encoder.known_words(worded)) < ENGLISH_SHARE:
        loss = f"{encoder.name} knows {known:.0%} of the words, too few for English"
    if not loss:
        return EncoderChoice(encoder)
    if multilingual is not None:
        other = onnx(multilingual())
        return EncoderChoice(other, f"{loss}: encoding by {other.name} instead")
    if share > FALLBACK_SHARE:
        return EncoderChoice(tfidf(), f"{loss}: encoding by character n-grams (tfidf) instead", is_loss=True)
    return EncoderChoice(encoder, loss, is_loss=True)
