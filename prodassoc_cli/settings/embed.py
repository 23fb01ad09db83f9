"""Options of `embed` and of `export`, which makes models for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prodassoc_cli.declare import FILE, setting
from prodassoc_cli.settings.engine import EngineConfig


@dataclass(frozen=True)
class EmbedConfig(EngineConfig):
    """Products → embeddings."""

    encoder: Literal["auto", "onnx", "tfidf"] = setting(
        "auto",
        "Text encoder; auto picks one that can read the texts",
        group="Encoder",
    )
    model: str | None = setting(
        None,
        "ONNX model folder, or multilingual [default: all-MiniLM-L6-v2, included]",
        group="Encoder",
        metavar="DIR",
        result=False,
    )
    text: str = setting(
        "{title} {brand} {category} {description}",
        "Template of a product's text, from its columns",
        group="Text",
        metavar="TEMPLATE",
    )
    max_tokens: int | None = setting(
        None,
        "Maximum number of tokens per text [default: the model's limit]",
        group="Text",
        metavar="N",
        low=4,
    )
    dims: int | None = setting(None, "Number of dimensions to keep", group="Encoder", metavar="N", low=2)
    cache: str | None = setting(
        None, "Cache of vectors: only new and changed texts are encoded", group="Encoder", metavar="DIR",
        result=False,
    )  # fmt: skip
    device: Literal["cpu", "cuda"] = setting("cpu", "Device the model runs on", group="Encoder")
    provider: str | None = setting(
        None,
        "onnxruntime provider, instead of --device: OpenVINO, …",
        group="Encoder",
        metavar="NAME",
        excludes=("device",),
    )
    output_precision: Literal["f32", "f16", "int8", "binary"] = setting(
        "f32", "Precision of the stored vectors; int8 and binary are for vector databases", group="Encoder"
    )
    vectors: str | None = setting(
        None, "Your own vectors (images, audio): product_id, embedding", group="Own vectors", **FILE
    )
    vectors_mode: Literal["concat", "average"] = setting(
        "concat", "How to combine them with the text vectors", group="Own vectors"
    )
    vectors_weight: float = setting(
        0.5, "Their weight in the cosine similarity", group="Own vectors", metavar="FRACTION",
        low=0.0, high=1.0,
    )  # fmt: skip
    neighbours: int | None = setting(
        None, "Number of nearest products per product [default: 10]", group="Neighbours", metavar="K",
        low=1, high=10_000, needs=("neighbours_output",),
    )  # fmt: skip
    neighbours_output: str | None = setting(None, "Output of the neighbours", group="Neighbours", **FILE)
    topics_output: str | None = setting(None, "Output of topics and keywords", group="Topics", **FILE)
    topics: int | None = setting(
        None, "Number of topics [default: √(products/2), at most 200]", group="Topics", metavar="N",
        low=1, high=10_000, needs=("topics_output",),
    )  # fmt: skip
    keywords: int | None = setting(
        None, "Number of keyphrases per product; 0 for none [default: 5]", group="Topics", metavar="N", low=0,
        high=100, needs=("topics_output",),
    )  # fmt: skip
    interactions: str | None = setting(
        None, "Interactions, for user profiles", group="Profiles", needs=("profiles_output",), **FILE
    )
    profiles_output: str | None = setting(
        None, "Output of the user profiles", group="Profiles", needs=("interactions",), **FILE
    )
    half_life: float = setting(
        90.0, "Half-life: an interaction this old counts half", group="Profiles", metavar="DAYS", low=0.001
    )


@dataclass(frozen=True)
class ExportConfig:
    """A checkpoint → an ONNX model folder."""

    precision: Literal["fp32", "int8"] = setting("int8", "Precision of the weights")
