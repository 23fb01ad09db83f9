"""Words that somebody asks with → vectors, by the encoder that made those of the products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.stage import Progress, Say

Encode = Callable[[Sequence[str]], Floats]
"""texts → texts × d of length 1."""


def encoder_of(
    facts: Mapping[str, Any], folder: Path | None, threads: int, say: Say,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> Encode:  # fmt: skip
    """Return what encodes texts as those of the products were.

    Args:
        facts: encoder, fingerprint and dims of the embeddings that a model was trained with.
        folder: the model folder; None for the one of that name that comes with the tool.
        threads: texts encoded at the same time.
        say: receives news.
        progress: opens a progress bar.

    Raises:
        UsageProblem: it is not known how they were encoded, or they were not by that model alone.
        NoInput, BadData: the folder is missing or damaged.
    """
    if not facts:
        raise UsageProblem(
            "`text` needs a model that knows which encoder made its embeddings",
            "train it with `embeddings=FILE`, made by this version of `embed`",
        )
    name = str(facts["encoder"])
    if name == "tfidf":
        raise UsageProblem(
            "`text`: the embeddings are of tfidf, which knows the texts of its catalogue only",
            "make them with a model: `embed encoder=onnx`",
        )
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
    from prodassoc_cli.embedding.vectors.arithmetic import shorten

    where = _default_folder(name, say, progress) if folder is None else folder
    encoder = OnnxEncoder(where, threads=threads)
    if (
        encoder.fingerprint != facts["fingerprint"]
        or facts.get("joined")
        or facts["dims"] > encoder.dimension
    ):
        raise UsageProblem(
            f"`text`: the embeddings of the model are not those of {encoder.name} alone, but of {name}",
            "name its folder with `text_model=DIR`",
        )

    def encode(texts: Sequence[str]) -> Floats:
        vectors = encoder.encode(list(texts)).vectors
        return np.asarray(shorten(vectors, facts["dims"]), np.float32)

    return encode


def _default_folder(name: str, say: Say, progress: Callable[[str], AbstractContextManager[Progress]]) -> Path:
    from prodassoc_cli.embedding.export.packed_e5 import NAME
    from prodassoc_cli.embedding.multilingual import multilingual_model

    return multilingual_model(say, progress) if name == NAME else DEFAULT_MODEL
