"""Tiny random checkpoints of each architecture, as Hugging Face would save them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

HIDDEN, HEADS, DEPTH, WIDE, POSITIONS = 24, 3, 2, 40, 20
WORDS = [
    *("red", "green", "blue", "metal", "wooden", "lantern", "candle", "holder", "bag"),
    *("box", "milk", "tea", "coffee", "cup", "spoon", "of", "set", "with"),
]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *(f"##{c}" for c in "abcdefgh")]

BERT_LAYER = {
    "query": "encoder.layer.{}.attention.self.query",
    "key": "encoder.layer.{}.attention.self.key",
    "value": "encoder.layer.{}.attention.self.value",
    "out": "encoder.layer.{}.attention.output.dense",
    "norm1": "encoder.layer.{}.attention.output.LayerNorm",
    "up": "encoder.layer.{}.intermediate.dense",
    "down": "encoder.layer.{}.output.dense",
    "norm2": "encoder.layer.{}.output.LayerNorm",
}
DISTILBERT_LAYER = {
    "query": "transformer.layer.{}.attention.q_lin",
    "key": "transformer.layer.{}.attention.k_lin",
    "value": "transformer.layer.{}.attention.v_lin",
    "out": "transformer.layer.{}.attention.out_lin",
    "norm1": "transformer.layer.{}.sa_layer_norm",
    "up": "transformer.layer.{}.ffn.lin1",
    "down": "transformer.layer.{}.ffn.lin2",
    "norm2": "transformer.layer.{}.output_layer_norm",
}


def layer_names(architecture: str) -> dict[str, str]:
    return DISTILBERT_LAYER if architecture == "distilbert" else BERT_LAYER


def random_tensors(architecture: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights large enough that every part of the computation shows in the output."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.4, shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": normal(len(VOCABULARY), HIDDEN),
        "embeddings.position_embeddings.weight": normal(POSITIONS, HIDDEN),
        "embeddings.LayerNorm.weight": 1 + normal(HIDDEN),
        "embeddings.LayerNorm.bias": normal(HIDDEN),
    }
    if architecture != "distilbert":
        tensors["embeddings.token_type_embeddings.weight"] = normal(2, HIDDEN)
    shapes = dict.fromkeys(("query", "key", "value", "out"), (HIDDEN, HIDDEN))
    shapes |= {"up": (WIDE, HIDDEN), "down": (HIDDEN, WIDE)}
    for layer in range(DEPTH):
        for part, name in layer_names(architecture).items():
            if part in shapes:
                tensors[f"{name.format(layer)}.weight"] = normal(*shapes[part])
                tensors[f"{name.format(layer)}.bias"] = normal(shapes[part][0])
            else:
                tensors[f"{name.format(layer)}.weight"] = 1 + normal(HIDDEN)
                tensors[f"{name.format(layer)}.bias"] = normal(HIDDEN)
    return tensors


def tiny_tokenizer() -> Tokenizer:
    """A WordPiece tokenizer that, like MiniLM's, asks for padding and a truncation of its own."""
    vocabulary = {token: index for index, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_padding(length=16)
    tokenizer.enable_truncation(9)
    return tokenizer


def write_checkpoint(
    folder: Path,
    architecture: str = "bert",
    *,
    pooling: str | None = "mean_tokens",
    prefix: str = "",
    activation: str = "gelu",
    tensors: dict[str, np.ndarray] | None = None,
) -> Path:
    folder.mkdir(parents=True)
    if architecture == "distilbert":
        config = {"n_heads": HEADS, "n_layers": DEPTH, "dim": HIDDEN, "activation": activation}
    else:
        config = {"num_attention_heads": HEADS, "num_hidden_layers": DEPTH, "hidden_act": activation}
        config |= {"layer_norm_eps": 1e-5, "pad_token_id": 0 if architecture == "bert" else 1}
    (folder / "config.json").write_text(json.dumps({"model_type": architecture, **config}))
    tensors = random_tensors(architecture) if tensors is None else tensors
    save_file({prefix + name: values for name, values in tensors.items()}, folder / "model.safetensors")
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    if pooling is not None:
        kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
        modules = [
            {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for index, (kind, path) in enumerate(kinds)
        ]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()
        modes = {
            f"pooling_mode_{mode}": mode == pooling for mode in ("mean_tokens", "cls_token", "max_tokens")
        }
        (folder / "1_Pooling" / "config.json").write_text(
            json.dumps({"word_embedding_dimension": HIDDEN, **modes})
        )
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12}))
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Write a checkpoint into a fresh folder; arguments as of `write_checkpoint`."""
    count = iter(range(100))
    return lambda *args, **options: write_checkpoint(tmp_path / f"checkpoint{next(count)}", *args, **options)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model folder of the tiny BERT; not to be changed."""
    from prodassoc_cli.embedding.export.onnx_folder import export_checkpoint

    base = tmp_path_factory.mktemp("tiny")
    export_checkpoint(write_checkpoint(base / "checkpoint"), base / "model", "int8")
    return base / "model"
