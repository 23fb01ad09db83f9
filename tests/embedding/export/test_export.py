from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.export.onnx_folder import export_checkpoint
from prodassoc_cli.embedding.export.quantize import quantize_columns
from prodassoc_cli.errors import BadData, CannotCreate, NoInput, ProdassocError, UsageProblem
from tests.embedding.conftest import DEPTH, HEADS, HIDDEN, layer_names, random_tensors, tiny_tokenizer

MakeCheckpoint = Callable[..., Path]
TEXTS = [
    "red metal lantern",
    "set of wooden spoon",
    "",
    "tea",
    "coffee cup with blue holder of red box and bag milk",
]


def oracle(
    architecture: str, tensors: dict[str, np.ndarray], ids: list[int], pooling: str, activation: str = "gelu"
) -> np.ndarray:
    """The published forward pass, one text at a time, in float64 and with explicit loops over heads."""
    w = {name: values.astype(np.float64) for name, values in tensors.items()}
    epsilon = 1e-12 if architecture == "distilbert" else 1e-5

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def activate(x: np.ndarray) -> np.ndarray:
        if activation == "relu":
            return np.maximum(x, 0)
        if activation == "gelu_new":
            return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))

    places = np.arange(len(ids)) + (2 if architecture in ("roberta", "xlm-roberta") else 0)
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][places]
    if "embeddings.token_type_embeddings.weight" in w:
        x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    width = HIDDEN // HEADS
    for layer in range(DEPTH):
        names = {part: name.format(layer) for part, name in layer_names(architecture).items()}
        query, key, value = (dense(x, names[part]) for part in ("query", "key", "value"))
        heads = []
        for head in range(HEADS):
            part = slice(head * width, (head + 1) * width)
            weights = np.exp(query[:, part] @ key[:, part].T / math.sqrt(width))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ value[:, part])
        x = norm(x + dense(np.concatenate(heads, axis=1), names["out"]), names["norm1"])
        x = norm(x + dense(activate(dense(x, names["up"])), names["down"]), names["norm2"])
    pooled = x[0] if pooling == "cls_token" else x.mean(axis=0)
    return pooled / np.linalg.norm(pooled)


def token_ids(text: str, limit: int = 12) -> list[int]:
    tokenizer = tiny_tokenizer()
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    return tokenizer.encode(text).ids


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
@pytest.mark.parametrize(
    ("architecture", "prefix", "activation"),
    [
        ("bert", "", "gelu"),
        ("bert", "bert.", "gelu_new"),
        ("roberta", "roberta.", "gelu"),
        ("xlm-roberta", "", "relu"),
        ("distilbert", "distilbert.", "gelu"),
    ],
)
def test_fp32_export_equals_the_published_forward_pass(
    checkpoint: MakeCheckpoint, tmp_path: Path, architecture: str, prefix: str, activation: str, pooling: str
) -> None:
    folder = checkpoint(architecture, pooling=pooling, prefix=prefix, activation=activation)
    report = export_checkpoint(folder, tmp_path / "model", "fp32")
    assert (report.dimension, report.layers, report.max_tokens) == (HIDDEN, DEPTH, 12)
    vectors = OnnxEncoder(tmp_path / "model", threads=1).encode(TEXTS).vectors
    tensors = random_tensors(architecture)
    expected = [oracle(architecture, tensors, token_ids(text), pooling, activation) for text in TEXTS]
    np.testing.assert_allclose(vectors, expected, atol=2e-5)


def test_int8_stays_near_fp32_and_pads_without_effect(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    folder = checkpoint("bert")
    export_checkpoint(folder, tmp_path / "model", "int8")
    session = onnxruntime.InferenceSession(
        tmp_path / "model" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    rows = [token_ids(text) for text in TEXTS]
    longest = max(map(len, rows))
    ids = np.array([row + [0] * (longest - len(row)) for row in rows], dtype=np.int64)
    mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=np.int64)
    padded = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    expected = np.array([oracle("bert", random_tensors("bert"), row, "mean_tokens") for row in rows])
    assert (padded * expected).sum(axis=1).min() > 0.99
    for row, vector in zip(rows, padded, strict=True):
        one = np.array([row], dtype=np.int64)
        alone = session.run(None, {"input_ids": one, "attention_mask": np.ones_like(one)})[0][0]
        # Padding moves sums by a last bit, which may move an activation by one of its 127 steps.
        assert vector @ alone > 0.9999


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_export_is_the_same_bytes_every_time(
    checkpoint: MakeCheckpoint, tmp_path: Path, precision: str
) -> None:
    folder = checkpoint("bert")
    reports = [export_checkpoint(folder, tmp_path / f"model{run}", precision) for run in range(2)]
    assert reports[0] == reports[1]
    for name in ("model.onnx", "tokenizer.json", "encoder.json"):
        assert (tmp_path / "model0" / name).read_bytes() == (tmp_path / "model1" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "model0").iterdir()) == [
        "encoder.json",
        "model.onnx",
        "tokenizer.json",
    ]


def test_graph_uses_only_standard_operators(tiny_model: Path) -> None:
    model = onnx.load(tiny_model / "model.onnx", load_external_data=False)
    assert {opset.domain for opset in model.opset_import} == {""}
    assert not {node.domain for node in model.graph.node} - {""}
    # Query, key and value share one quantised input: four roundings and six integer products a layer.
    kinds = Counter(node.op_type for node in model.graph.node)
    assert (kinds["QuantizeLinear"], kinds["MatMulInteger"]) == (4 * DEPTH, 6 * DEPTH)


@pytest.mark.parametrize("shape", [(8, 5), (7, 3), (384, 64)])
def test_column_scales_are_close_and_never_saturate_sixteen_bits(shape: tuple[int, int]) -> None:
    weight = np.random.default_rng(3).normal(0, 1, shape).astype(np.float32)
    weight[0:2, 0] = 3.0  # the pair that would saturate: 255 × (127 + 127) > 32,767
    weight[:, 1] = 0
    rounded, scale = quantize_columns(weight)
    wide = np.pad(rounded.astype(np.int64), ((0, shape[0] % 2), (0, 0)))
    for sign in (1, -1):
        pairs = np.maximum(sign * wide[0::2], 0) + np.maximum(sign * wide[1::2], 0)
        assert 255 * pairs.max() <= 32_767
    assert np.abs(rounded * scale - weight).max() <= scale.max() * 0.5001
    # Half the 8 bits at least: 127 steps alone, 64 for two equal neighbours.
    assert (np.abs(weight).max(axis=0)[2:] / scale[2:] >= 63).all()


def test_old_names_and_half_precision_are_read(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    tensors = random_tensors("bert")
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): values
        for name, values in tensors.items()
    }
    export_checkpoint(checkpoint("bert"), tmp_path / "new", "fp32")
    export_checkpoint(checkpoint("bert", tensors=old), tmp_path / "old", "fp32")
    assert (tmp_path / "new" / "model.onnx").read_bytes() == (tmp_path / "old" / "model.onnx").read_bytes()
    half = {name: values.astype(np.float16) for name, values in tensors.items()}
    export_checkpoint(checkpoint("bert", tensors=half), tmp_path / "half", "fp32")
    near = OnnxEncoder(tmp_path / "half").encode(TEXTS).vectors
    full = OnnxEncoder(tmp_path / "new").encode(TEXTS).vectors
    assert (near * full).sum(axis=1).min() > 0.9999


def break_json(folder: Path, name: str, **changes: object) -> None:
    path = folder / name
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


def drop_tensor(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, path)


def poison_tensor(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["encoder.layer.1.output.dense.weight"][0, 0] = np.nan
    save_file(tensors, path)


def link_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "elsewhere")
    (folder / "model.safetensors").symlink_to(folder.parent / "elsewhere")


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def escape(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = "../1_Pooling"
    (folder / "modules.json").write_text(json.dumps(modules))


def dense_module(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[2]["type"] = "sentence_transformers.models.Dense"
    (folder / "modules.json").write_text(json.dumps(modules))


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), NoInput, "no tokenizer.json"),
        (lambda f: (f / "config.json").write_text("{"), BadData, "not JSON"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x89PNG"), BadData, "not a safetensors file"),
        (lambda f: break_json(f, "config.json", model_type="bart"), BadData, "not of the BERT family"),
        (lambda f: break_json(f, "config.json", hidden_act="swish"), BadData, "activation 'swish'"),
        (lambda f: break_json(f, "config.json", num_attention_heads=5), BadData, "5 heads do not divide"),
        (lambda f: break_json(f, "config.json", num_hidden_layers=3), BadData, "no tensor 'encoder.layer.2"),
        (lambda f: break_json(f, "config.json", position_embedding_type="relative_key"), BadData, "absolute"),
        (
            lambda f: break_json(f, "1_Pooling/config.json", pooling_mode_max_tokens=True),
            BadData,
            "pooling by",
        ),
        (drop_tensor, BadData, "no tensor 'encoder.layer.1.output.dense.weight'"),
        (poison_tensor, BadData, "NaN"),
        (link_weights, BadData, "symbolic link"),
        (only_pickle, NoInput, "no model.safetensors"),
        (escape, BadData, "leads out of the folder"),
        (dense_module, BadData, "Dense cannot be exported"),
    ],
)
def test_damaged_checkpoints_are_refused_in_words(
    checkpoint: MakeCheckpoint,
    tmp_path: Path,
    damage: Callable[[Path], object],
    error: type[ProdassocError],
    says: str,
) -> None:
    folder = checkpoint("bert")
    damage(folder)
    with pytest.raises(error, match=says) as caught:
        export_checkpoint(folder, tmp_path / "model")
    assert "\n" not in caught.value.message + caught.value.hint
    assert not (tmp_path / "model").exists()


def test_pickle_is_named_as_never_read(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    folder = checkpoint("bert")
    only_pickle(folder)
    with pytest.raises(NoInput) as caught:
        export_checkpoint(folder, tmp_path / "model")
    assert "never read" in caught.value.hint


@pytest.mark.parametrize("package", ["onnx", "safetensors"])
def test_a_missing_package_is_named_with_its_extra(
    checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    folder = checkpoint("bert")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageProblem, match=package) as caught:
        export_checkpoint(folder, tmp_path / "model")
    assert "prodassoc[export]" in caught.value.hint


def test_an_existing_folder_is_replaced_only_when_told(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    folder = checkpoint("bert")
    export_checkpoint(folder, tmp_path / "model", "fp32")
    with pytest.raises(CannotCreate, match="exists already"):
        export_checkpoint(folder, tmp_path / "model", "int8")
    report = export_checkpoint(folder, tmp_path / "model", "int8", overwrite=True)
    assert json.loads((tmp_path / "model" / "encoder.json").read_text())["precision"] == report.precision
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(CannotCreate):
        export_checkpoint(folder, tmp_path / "no" / "such" / "parent")


def test_a_tokenizer_of_another_checkpoint_is_refused(checkpoint: MakeCheckpoint, tmp_path: Path):
    tensors = random_tensors("bert")
    few = {**tensors, "embeddings.word_embeddings.weight": tensors["embeddings.word_embeddings.weight"][:5]}
    with pytest.raises(BadData, match="tokens, the model embeddings of 5"):
        export_checkpoint(checkpoint(tensors=few), tmp_path / "model")
