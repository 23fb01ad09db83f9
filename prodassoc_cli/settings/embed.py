"""Options of `embed` and of `export`, which makes models for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prodassoc_cli.settings.declare import FILE, setting
from prodassoc_cli.settings.engine import EngineConfig


@dataclass(frozen=True)
class EmbedConfig(EngineConfig):
    """Products → embeddings."""

    encoder: Literal["auto", "onnx", "tfidf"] = setting(
        "auto",
        "What makes the vectors; auto takes the model unless it cannot read the texts",
        group="Encoder",
    )
    model: str | None = setting(
        None,
        "ONNX model folder [default: all-MiniLM-L6-v2, in the package]",
        group="Encoder",
        metavar="DIR",
        result=False,
    )
    text: str = setting(
        "{title} {brand} {category} {description}",
        "Text of a product, from its columns",
        group="Text",
        metavar="TEMPLATE",
    )
    max_tokens: int | None = setting(
        None,
        "Cut texts after this many tokens [default: the model's limit]",
        group="Text",
        metavar="N",
        low=4,
    )
    dims: int | None = setting(None, "Keep the first N dimensions", group="Encoder", metavar="N", low=2)
    cache: str | None = setting(
        None, "Keep vectors here; encode only new and changed texts", group="Encoder", metavar="DIR",
        result=False,
    )  # fmt: skip
    device: Literal["cpu", "cuda"] = setting("cpu", "Where the model runs", group="Encoder")
    provider: str | None = setting(
        None, "onnxruntime provider, instead of --device: OpenVINO, …", group="Encoder", metavar="NAME"
    )
    output_precision: Literal["f32", "f16", "int8", "binary"] = setting(
        "f32", "How vectors are stored; int8 and binary are for vector databases", group="Encoder"
    )
    vectors: str | None = setting(
        None, "Vectors of your own (images, audio): product_id, embedding", group="Own vectors", **FILE
    )
    vectors_mode: Literal["concat", "average"] = setting(
        "concat", "How they are joined with those of the texts", group="Own vectors"
    )
    vectors_weight: float = setting(
        0.5, "Their share in the cosine of two products", group="Own vectors", metavar="FRACTION",
        low=0.0, high=1.0,
    )  # fmt: skip
    neighbours: int | None = setting(
        None, "Most similar products a product [default: 10]", group="Neighbours", metavar="K",
        low=1, high=10_000,
    )  # fmt: skip
    neighbours_output: str | None = setting(None, "Where they go", group="Neighbours", **FILE)
    topics_output: str | None = setting(
        None, "Where topics and keywords of the products go", group="Topics", **FILE
    )
    topics: int | None = setting(
        None, "Number of topics [default: √(products/2), at most 200]", group="Topics", metavar="N",
        low=1, high=10_000,
    )  # fmt: skip
    keywords: int | None = setting(
        None, "Keyphrases a product; 0 for none [default: 5]", group="Topics", metavar="N", low=0, high=100
    )
    interactions: str | None = setting(
        None, "Interactions, to make profiles of the users", group="Profiles", **FILE
    )
    profiles_output: str | None = setting(None, "Where the profiles go", group="Profiles", **FILE)
    half_life: float = setting(
        90.0, "After so many days an interaction counts half", group="Profiles", metavar="DAYS", low=0.001
    )


@dataclass(frozen=True)
class ExportConfig:
    """A BERT checkpoint → an ONNX model folder."""

    precision: Literal["fp32", "int8"] = setting("int8", "Precision of the weights")
