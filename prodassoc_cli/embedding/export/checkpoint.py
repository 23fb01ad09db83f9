"""Reads a Hugging Face checkpoint folder of the BERT family into arrays under neutral names.

BERT (and MiniLM, which is BERT), RoBERTa, XLM-R and DistilBERT compute the same function: they differ in
how their tensors are named, where positions start and whether a token type is added. All of that is settled
here, so that the graph is built from one shape of `Checkpoint`.

Only `config.json`, `model.safetensors`, `tokenizer.json` and the small JSON files of sentence-transformers
are opened. Pickle (`pytorch_model.bin`) is never read: unpickling runs whatever code the file holds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from prodassoc_cli.embedding.export.blocks import Blocks
from prodassoc_cli.errors import BadData, NoInput, UsageProblem, did_you_mean
from prodassoc_cli.numerics.arrays import Floats

Pooling = Literal["mean", "cls"]
Norm = tuple[Floats, Floats]
"""Gain and offset of a layer normalisation, each (hidden,)."""


@dataclass(frozen=True)
class Layer:
    """The weights of one transformer layer; every matrix is (inputs, outputs)."""

    qkv_weight: Floats
    """Query, key and value side by side, (hidden, 3 × hidden)."""
    qkv_bias: Floats
    out_weight: Floats
    out_bias: Floats
    attention_norm: Norm
    up_weight: Floats
    up_bias: Floats
    down_weight: Floats
    down_bias: Floats
    output_norm: Norm


@dataclass(frozen=True)
class Checkpoint:
    """A BERT-family sentence encoder, independent of its tensor names."""

    name: str
    architecture: str
    heads: int
    activation: str
    epsilon: float
    words: Floats | Blocks
    """Token embeddings, (vocabulary, hidden)."""
    positions: Floats
    """Row t is added to the token at place t: position offset and token type 0 are already in it."""
    embedding_norm: Norm
    layers: list[Layer]
    pooling: Pooling
    max_tokens: int
    tokenizer: bytes
    """Content of a tokenizer.json."""
    source_sha256: str
    """Of the file with the weights."""

    @property
    def hidden(self) -> int:
        """Width of a token's vector, which is the embedding's dimension."""
        return int(self.words.shape[1])


@dataclass(frozen=True)
class _Naming:
    """Where one architecture keeps its tensors and its sizes."""

    layer: str
    query: str
    key: str
    value: str
    out: str
    attention_norm: str
    up: str
    down: str
    output_norm: str
    heads: str
    depth: str
    activation: str


_BERT = _Naming(
    layer="encoder.layer.{}",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    out="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    output_norm="output.LayerNorm",
    heads="num_attention_heads",
    depth="num_hidden_layers",
    activation="hidden_act",
)
_DISTILBERT = _Naming(
    layer="transformer.layer.{}",
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    out="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    down="ffn.lin2",
    output_norm="output_layer_norm",
    heads="n_heads",
    depth="n_layers",
    activation="activation",
)
_NAMINGS = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "distilbert": _DISTILBERT,
}
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"}


def read_checkpoint(folder: Path, name: str | None = None) -> Checkpoint:
    """Read a checkpoint folder.

    Args:
        folder: holds config.json, model.safetensors and tokenizer.json; modules.json, the pooling's
            config.json and sentence_bert_config.json are honoured when there.
        name: what the model is called in lineage; the folder's name when None.

    Raises:
        NoInput: the folder or one of the three files is missing.
        UsageProblem: safetensors is not installed.
        BadData: a file is a symlink, damaged, or describes a model that is not of the BERT family.
    """
    if not folder.is_dir():
        raise NoInput(f"no checkpoint folder {folder}", "give the folder that holds config.json")
    config = _read_json(folder, "config.json")
    architecture = str(config.get("model_type", ""))
    if architecture not in _NAMINGS:
        raise BadData(
            f"{folder / 'config.json'}: model_type '{architecture}' is not of the BERT family",
            did_you_mean(architecture, _NAMINGS),
        )
    naming = _NAMINGS[architecture]
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise BadData(f"{folder / 'config.json'}: only absolute position embeddings can be exported")
    activation = str(config.get(naming.activation, "gelu"))
    if activation not in _ACTIVATIONS:
        raise BadData(
            f"{folder / 'config.json'}: activation '{activation}' is not supported",
            did_you_mean(activation, _ACTIVATIONS),
        )
    weights = _read_file(folder, "model.safetensors")
    tensors = _Tensors(folder / "model.safetensors", weights)
    words = tensors.matrix("embeddings.word_embeddings.weight")
    positions = _positions(tensors, architecture, config, words.shape[1])
    heads = _positive(config, naming.heads, folder)
    if words.shape[1] % heads:
        raise BadData(f"{folder / 'config.json'}: {heads} heads do not divide a width of {words.shape[1]}")
    return Checkpoint(
        name=name or folder.resolve().name,
        architecture=architecture,
        heads=heads,
        activation=_ACTIVATIONS[activation],
        epsilon=_number(config, "layer_norm_eps", 1e-12, folder / "config.json"),
        words=words,
        positions=positions,
        embedding_norm=tensors.norm("embeddings.LayerNorm", words.shape[1]),
        layers=[
            _layer(tensors, naming, index, words.shape[1])
            for index in range(_positive(config, naming.depth, folder))
        ],
        pooling=_pooling(folder, words.shape[1]),
        max_tokens=_max_tokens(folder, len(positions)),
        tokenizer=_read_file(folder, "tokenizer.json"),
        source_sha256=hashlib.sha256(weights).hexdigest(),
    )


def _layer(tensors: _Tensors, naming: _Naming, index: int, hidden: int) -> Layer:
    at = naming.layer.format(index)
    qkv = [tensors.dense(f"{at}.{part}", hidden, hidden) for part in (naming.query, naming.key, naming.value)]
    out_weight, out_bias = tensors.dense(f"{at}.{naming.out}", hidden, hidden)
    up_weight, up_bias = tensors.dense(f"{at}.{naming.up}", hidden, None)
    down_weight, down_bias = tensors.dense(f"{at}.{naming.down}", up_weight.shape[1], hidden)
    return Layer(
        qkv_weight=np.concatenate([weight for weight, _ in qkv], axis=1),
        qkv_bias=np.concatenate([bias for _, bias in qkv]),
        out_weight=out_weight,
        out_bias=out_bias,
        attention_norm=tensors.norm(f"{at}.{naming.attention_norm}", hidden),
        up_weight=up_weight,
        up_bias=up_bias,
        down_weight=down_weight,
        down_bias=down_bias,
        output_norm=tensors.norm(f"{at}.{naming.output_norm}", hidden),
    )


def _positions(tensors: _Tensors, architecture: str, config: dict[str, Any], hidden: int) -> Floats:
    """Fold the position offset and token type 0 into one table that is indexed from 0."""
    positions = tensors.matrix("embeddings.position_embeddings.weight", hidden)
    if architecture in ("roberta", "xlm-roberta", "camembert"):
        # RoBERTa numbers positions from padding_idx + 1 (fairseq's convention).
        positions = positions[int(_number(config, "pad_token_id", 1, tensors.path)) + 1 :]
    if tensors.has("embeddings.token_type_embeddings.weight"):
        positions = positions + tensors.matrix("embeddings.token_type_embeddings.weight", hidden)[0]
    if len(positions) < 2:
        raise BadData(f"{tensors.path}: the position table is too short")
    return positions


class _Tensors:
    """The tensors of one safetensors file, as float32, by name without the model's prefix."""

    def __init__(self, path: Path, content: bytes) -> None:
        try:
            import safetensors
        except ImportError as error:
            raise UsageProblem(
                "reading a checkpoint needs the package safetensors", 'pip install "prodassoc[export]"'
            ) from error
        self.path = path
        try:
            deserialize: Any = safetensors.deserialize
            entries = deserialize(content)
        except safetensors.SafetensorError as error:
            raise BadData(
                f"{path}: not a safetensors file ({error})", "fetch the checkpoint again"
            ) from error
        # Checkpoints saved before 2020 call a norm's gain and offset gamma and beta.
        named = {
            name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
                "LayerNorm.beta", "LayerNorm.bias"
            ): entry
            for name, entry in entries
        }
        anchor = "embeddings.word_embeddings.weight"
        prefix = min((name.removesuffix(anchor) for name in named if name.endswith(anchor)), default="")
        self._entries = {name.removeprefix(prefix): entry for name, entry in named.items()}

    def has(self, name: str) -> bool:
        return name in self._entries

    def get(self, name: str) -> Floats:
        entry = self._entries.get(name)
        if entry is None:
            raise BadData(
                f"{self.path}: no tensor '{name}'",
                "the folder must hold the encoder's own weights, as save_pretrained writes them",
            )
        raw, dtype = entry["data"], entry["dtype"]
        if dtype == "BF16":
            # bfloat16 is the upper half of a float32.
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif dtype in ("F32", "F16", "F64"):
            values = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2", "F64": "<f8"}[dtype]).astype(np.float32)
        else:
            raise BadData(
                f"{self.path}: tensor '{name}' has the type {dtype}", "floating-point weights are needed"
            )
        if not np.isfinite(values).all():
            raise BadData(f"{self.path}: tensor '{name}' holds NaN or infinity", "fetch the checkpoint again")
        return values.reshape(entry["shape"])

    def matrix(self, name: str, columns: int | None = None) -> Floats:
        values = self.get(name)
        if values.ndim != 2 or (columns is not None and values.shape[1] != columns):
            raise BadData(
                f"{self.path}: tensor '{name}' has the shape {values.shape}, not (…, {columns or '…'})"
            )
        return values

    def vector(self, name: str, size: int) -> Floats:
        values = self.get(name)
        if values.shape != (size,):
            raise BadData(f"{self.path}: tensor '{name}' has the shape {values.shape}, not ({size},)")
        return values

    def dense(self, name: str, inputs: int, outputs: int | None) -> tuple[Floats, Floats]:
        weight = self.matrix(f"{name}.weight", inputs)
        if outputs is not None and len(weight) != outputs:
            raise BadData(f"{self.path}: tensor '{name}.weight' has {len(weight)} rows, not {outputs}")
        return np.ascontiguousarray(weight.T), self.vector(f"{name}.bias", len(weight))

    def norm(self, name: str, size: int) -> Norm:
        return self.vector(f"{name}.weight", size), self.vector(f"{name}.bias", size)


def _pooling(folder: Path, hidden: int) -> Pooling:
    """Tell mean from CLS pooling; a folder without sentence-transformers modules is pooled by the mean."""
    at = "1_Pooling"
    if _regular(folder, "modules.json").is_file():
        modules = _read_json(folder, "modules.json")
        kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            raise BadData(
                f"{folder / 'modules.json'}: modules {', '.join(kinds)} cannot be exported",
                "supported: Transformer, Pooling, Normalize",
            )
        at = str(modules[1].get("path", at))
    if not _regular(folder, at, "config.json").is_file():
        return "mean"
    config = _read_json(folder, at, "config.json")
    if _number(config, "word_embedding_dimension", hidden, folder / at / "config.json") != hidden:
        raise BadData(f"{folder / at / 'config.json'}: word_embedding_dimension is not the model's {hidden}")
    modes = {
        key.removeprefix("pooling_mode_")
        for key, on in config.items()
        if key.startswith("pooling_mode_") and on
    }
    modes |= {str(config["pooling_mode"])} if "pooling_mode" in config else set()
    if modes in ({"mean_tokens"}, {"mean"}):
        return "mean"
    if modes in ({"cls_token"}, {"cls"}):
        return "cls"
    raise BadData(
        f"{folder / at / 'config.json'}: pooling by {', '.join(sorted(modes)) or 'nothing'} is not supported",
        "supported: mean, cls",
    )


def _max_tokens(folder: Path, positions: int) -> int:
    if not _regular(folder, "sentence_bert_config.json").is_file():
        return positions
    config = _read_json(folder, "sentence_bert_config.json")
    stated = int(_number(config, "max_seq_length", positions, folder / "sentence_bert_config.json"))
    return min(positions, stated) if stated > 0 else positions


def _positive(config: dict[str, Any], key: str, folder: Path) -> int:
    value = config.get(key)
    if not isinstance(value, int) or value < 1:
        raise BadData(f"{folder / 'config.json'}: {key} must be a positive whole number, not {value!r}")
    return value


def _regular(folder: Path, *parts: str) -> Path:
    """Join `parts` to `folder`, refusing whatever could lead out of it."""
    relative = PurePosixPath(*parts)
    if relative.is_absolute() or ".." in relative.parts:
        raise BadData(f"{folder}: the path '{relative}' leads out of the folder")
    path = folder
    for part in relative.parts:
        path = path / part
        if path.is_symlink():
            raise BadData(f"{path} is a symbolic link, which is not followed", f"cp -rL {folder} COPY")
    return path


def _read_file(folder: Path, *parts: str) -> bytes:
    path = _regular(folder, *parts)
    if not path.is_file():
        hint = "a checkpoint folder holds config.json, model.safetensors and tokenizer.json"
        if path.name == "model.safetensors" and (folder / "model.safetensors.index.json").exists():
            hint = "the weights are in several parts: save them as one model.safetensors"
        elif path.name == "model.safetensors" and (folder / "pytorch_model.bin").exists():
            hint = "pickled weights (pytorch_model.bin) are never read: convert them to safetensors"
        raise NoInput(f"no {path.name} in {path.parent}", hint)
    return path.read_bytes()


def _read_json(folder: Path, *parts: str) -> Any:  # noqa: ANN401 - an object, or a list of objects
    content = _read_file(folder, *parts)
    try:
        document = json.loads(content)
    except ValueError as error:
        raise BadData(f"{folder.joinpath(*parts)}: not JSON ({error})") from error
    many = parts[-1] == "modules.json"
    objects = document if many and isinstance(document, list) else [None if many else document]
    if not all(isinstance(each, dict) for each in objects):
        raise BadData(f"{folder.joinpath(*parts)}: not {'a list of objects' if many else 'an object'}")
    return document


def _number(config: dict[str, Any], key: str, default: float, path: Path) -> float:
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadData(f"{path}: {key} must be a number, not {value!r}")
    return value
