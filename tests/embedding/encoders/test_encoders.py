from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from prodassoc_cli.embedding.analysis.neighbours import nearest_to_each
from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL
from prodassoc_cli.embedding.encoders.choose import choose_encoder
from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.encoders.tfidf import TfidfEncoder
from prodassoc_cli.embedding.encoders.vocabulary_coverage import Coverage
from prodassoc_cli.errors import BadData, NoInput, ProdassocError, UsageProblem
from tests.embedding.conftest import WORDS

COLOURS = ("red", "blue", "white", "antique green", "pink polkadot", "vintage")
THINGS = (
    "metal lantern",
    "tea light holder",
    "lunch bag",
    "cake stand",
    "wall clock",
    "doormat",
    "spice tin",
)
TITLES = [f"{colour} {thing} size {size}" for colour in COLOURS for thing in THINGS for size in ("s", "xl")]


@pytest.fixture(scope="module")
def default_encoder() -> OnnxEncoder:
    return OnnxEncoder(threads=1)


def test_default_model_is_near_the_published_model(default_encoder: OnnxEncoder) -> None:
    """reference.json was computed once by sentence-transformers from the source weights, in float32."""
    reference = json.loads(Path(__file__).parents[1].joinpath("reference.json").read_text(encoding="utf-8"))
    encoded = default_encoder.encode([row["text"] for row in reference])
    cosines = (encoded.vectors * np.array([row["vector"] for row in reference])).sum(axis=1)
    assert cosines.min() >= 0.985
    assert cosines.mean() >= 0.997
    assert encoded.truncated == 1  # the 400 hoses
    assert encoded.unknown_texts == 1  # the tea


def test_default_model_folder_says_what_it_is() -> None:
    config = json.loads((DEFAULT_MODEL / "encoder.json").read_text())
    assert (config["precision"], config["dimension"], config["pooling"]) == ("int8", 384, "mean")
    card = (DEFAULT_MODEL / "MODEL_CARD.md").read_text(encoding="utf-8")
    for digest in (config["source_sha256"], config["onnx_sha256"], "Apache-2.0"):
        assert digest in card
    assert (DEFAULT_MODEL / "model.onnx").stat().st_size < 24_000_000


def test_a_vector_does_not_depend_on_its_batch_to_the_last_bit(default_encoder: OnnxEncoder) -> None:
    together = default_encoder.encode(TITLES[:48]).vectors
    alone = np.concatenate([default_encoder.encode([text]).vectors for text in TITLES[:48]])
    np.testing.assert_array_equal(together, alone)


def test_threads_order_and_duplicates_change_nothing(tiny_model: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, size)) for size in rng.integers(0, 11, 700)]
    one = OnnxEncoder(tiny_model, threads=1).encode(texts)
    assert one.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(one.vectors, axis=1), 1, atol=1e-6)
    three = OnnxEncoder(tiny_model, threads=3).encode(texts)
    np.testing.assert_array_equal(one.vectors, three.vectors)
    order = rng.permutation(np.repeat(np.arange(len(texts)), 2))
    shuffled = OnnxEncoder(tiny_model, threads=2).encode([texts[row] for row in order])
    np.testing.assert_array_equal(shuffled.vectors, one.vectors[order])
    assert shuffled.truncated == 2 * one.truncated


def test_truncated_unknown_and_empty_texts_are_counted(tiny_model: Path) -> None:
    encoder = OnnxEncoder(tiny_model, threads=1, max_tokens=6)
    texts = [
        "red metal lantern box",
        "red metal lantern box tea",
        "",
        None,
        "zzz qqq red",
        "zzz red red",
        "红茶",
    ]
    encoded = encoder.encode(pl.Series(texts))
    assert encoded.truncated == 1
    assert encoded.unknown_texts == 2  # "zzz qqq red" and the tea
    np.testing.assert_array_equal(encoded.vectors[0], encoded.vectors[1])
    np.testing.assert_array_equal(encoded.vectors[2], encoded.vectors[3])
    assert np.isclose(np.linalg.norm(encoded.vectors[2]), 1)
    assert encoder.encode([]).vectors.shape == (0, encoder.dimension)


def test_a_megabyte_of_text_is_cut_and_counted(tiny_model: Path) -> None:
    encoded = OnnxEncoder(tiny_model, threads=1).encode(["lantern " * 130_000, "lantern " * 30])
    assert encoded.truncated == 2
    np.testing.assert_array_equal(encoded.vectors[0], encoded.vectors[1])


def test_progress_counts_distinct_texts_to_the_end(tiny_model: Path) -> None:
    seen: list[tuple[int, int]] = []
    OnnxEncoder(tiny_model, threads=2).encode(["red", "blue", "red", "tea cup"], lambda *at: seen.append(at))
    assert seen[-1] == (3, 3)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_fingerprint_tells_models_and_limits_apart(tiny_model: Path) -> None:
    prints = {OnnxEncoder(tiny_model, max_tokens=limit).fingerprint for limit in (None, 12, 8)}
    prints |= {TfidfEncoder(dims, seed).fingerprint for dims, seed in ((8, 0), (8, 1), (9, 0))}
    assert len(prints) == 5  # 12 is the model's own limit


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and its digest: what a hostile or hand-made folder could hold."""
    (folder / name).write_bytes(content)
    config = json.loads((folder / "encoder.json").read_text())
    key = {"model.onnx": "onnx_sha256", "tokenizer.json": "tokenizer_sha256"}[name]
    config[key] = hashlib.sha256(content).hexdigest()
    (folder / "encoder.json").write_text(json.dumps(config))


def change_model(folder: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load(folder / "model.onnx")
    change(model)
    rewrite(folder, "model.onnx", model.SerializeToString())


def rename_input(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.input[:] = ["ids" if name == "input_ids" else name for name in node.input]
    model.graph.input[0].name = "ids"


def externalize(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def poison(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.float32(np.nan), "poison"))
    last = model.graph.node[-1]
    model.graph.node.insert(
        len(model.graph.node) - 1, helper.make_node("Mul", [last.input[0], "poison"], ["poisoned"])
    )
    model.graph.node[-1].input[0] = "poisoned"


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (shutil.rmtree, NoInput, "no model folder"),
        (lambda f: (f / "tokenizer.json").unlink(), BadData, "has no tokenizer.json"),
        (lambda f: (f / "model.onnx").unlink(), BadData, "has no model.onnx"),
        (lambda f: (f / "encoder.json").unlink(), BadData, "is not a model folder"),
        (lambda f: (f / "encoder.json").write_text("[]"), BadData, "does not state"),
        (lambda f: (f / "encoder.json").write_text("{"), BadData, "is not JSON"),
        (
            lambda f: (f / "model.onnx").write_bytes(b"\0"),
            BadData,
            "is not the file that encoder.json describes",
        ),
        (lambda f: rewrite(f, "model.onnx", b"\x89PNG\r\n"), BadData, "is not a model that can be run"),
        (lambda f: rewrite(f, "model.onnx", b""), BadData, "is not a model that can be run"),
        (lambda f: rewrite(f, "tokenizer.json", b"{}"), BadData, "is not a tokenizer"),
        (lambda f: change_model(f, rename_input), BadData, "takes attention_mask, ids"),
        (lambda f: change_model(f, externalize), BadData, "keeps tensors in other files"),
        (lambda f: change_model(f, poison), BadData, "gives NaN"),
    ],
)
def test_damaged_model_folders_are_refused_in_words(
    tiny_model: Path, tmp_path: Path, damage: Callable[[Path], object], error: type[ProdassocError], says: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    damage(folder)
    with pytest.raises(error, match=says) as caught:
        OnnxEncoder(folder, threads=1).encode(["red lantern"])
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize("options", [{"max_tokens": 2}, {"max_tokens": 21}, {"threads": 0}])
def test_limits_out_of_range(tiny_model: Path, options: dict[str, int]) -> None:
    with pytest.raises(UsageProblem):
        OnnxEncoder(tiny_model, **options)


def test_coverage_of_an_english_vocabulary(default_encoder: OnnxEncoder) -> None:
    texts = pl.Series(
        ["Crème brûlée", "Чай", "红茶", "红茶 black tea of India", "42", "", "Ω lantern", "お茶"]
    )
    assert default_encoder.coverage.scripts == ["Latin"]
    assert default_encoder.coverage.uncovered(texts).to_list() == [
        *(False, True, True, False, False, False, False, True)
    ]
    assert default_encoder.coverage.main_script(texts.slice(2, 2)) == "Han"


def test_coverage_follows_the_vocabulary() -> None:
    chinese = Coverage([chr(0x4E00 + index) for index in range(3_000)] + ["tea"])
    assert chinese.scripts == ["Han"]
    assert chinese.uncovered(pl.Series(["红茶", "black tea"])).to_list() == [False, True]


GOODS = {
    "红茶": ("正山小种", "祁门", "滇红", "锡兰", "伯爵"),
    "绿茶": ("龙井", "碧螺春", "毛尖", "黄山毛峰", "抹茶"),
    "洗发水": ("去屑", "柔顺", "控油", "滋养", "儿童"),
    "运动鞋": ("男款", "女款", "透气", "防滑", "轻便"),
    "保温杯": ("不锈钢", "便携", "大容量", "车载", "学生"),
    "笔记本": ("横线", "空白", "活页", "加厚", "皮面"),
    "台灯": ("护眼", "充电", "卧室", "折叠", "学习"),
    "毛巾": ("纯棉", "速干", "加大", "竹纤维", "浴室"),
}
CHINESE = [
    (kind, f"{style}{kind} {size}")
    for kind, styles in GOODS.items()
    for style in styles
    for size in ("小号", "中号", "大号", "礼盒装", "两件套")
]


def test_a_chinese_catalogue_falls_back_and_finds_its_like() -> None:
    assert len(CHINESE) == 200
    texts = pl.Series([text for _, text in CHINESE])
    choice = choose_encoder("auto", texts, dims=64)
    assert choice.encoder.name == "tfidf"
    assert "100%" in choice.reason
    assert "Han" in choice.reason
    found = nearest_to_each(choice.encoder.encode(texts).vectors, 5)
    kinds = np.array([kind for kind, _ in CHINESE])
    assert (kinds[found.indices] == kinds[:, None]).mean() > 0.95


def test_auto_keeps_the_model_for_some_foreign_titles() -> None:
    texts = pl.Series([*TITLES, *(text for _, text in CHINESE[:20])])
    choice = choose_encoder("auto", texts)
    assert isinstance(choice.encoder, OnnxEncoder)
    assert choice.reason == ""
    assert choose_encoder("onnx", pl.Series(["红茶"])).encoder.name == "all-MiniLM-L6-v2"
    assert choose_encoder("tfidf", texts, dims=32).encoder.dimension == 32
    with pytest.raises(UsageProblem, match="unknown encoder 'onx'"):
        choose_encoder("onx", texts)  # type: ignore[arg-type]


@settings(max_examples=25)
@given(st.lists(st.text(max_size=12), max_size=12), st.integers(2, 20))
def test_tfidf_gives_unit_vectors_to_any_texts(texts: list[str], dims: int) -> None:
    vectors = TfidfEncoder(dims).encode(texts).vectors
    assert vectors.shape == (len(texts), dims)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_tfidf_is_repeatable_and_keeps_empty_texts_apart() -> None:
    texts = [*TITLES, "", "  "]
    first = TfidfEncoder(24).encode(texts).vectors
    np.testing.assert_array_equal(first, TfidfEncoder(24).encode(texts).vectors)
    np.testing.assert_array_equal(first[::-1], TfidfEncoder(24).encode(texts[::-1]).vectors)
    np.testing.assert_array_equal(first[-1], first[-2])
    assert np.abs(first[:-2] @ first[-1]).max() < 1e-6
    with pytest.raises(UsageProblem, match="`dims=1`"):
        TfidfEncoder(1)


@pytest.mark.slow
@pytest.mark.skipif(
    "PRODASSOC_CHECKPOINT" not in os.environ, reason="needs $PRODASSOC_CHECKPOINT, the source folder"
)
def test_source_weights_give_the_committed_model_and_the_published_vectors(tmp_path: Path) -> None:
    from prodassoc_cli.embedding.export.onnx_folder import export_checkpoint

    source = Path(os.environ["PRODASSOC_CHECKPOINT"])
    export_checkpoint(source, tmp_path / "int8", "int8", name="all-MiniLM-L6-v2")
    for name in ("model.onnx", "tokenizer.json", "encoder.json"):
        assert (tmp_path / "int8" / name).read_bytes() == (DEFAULT_MODEL / name).read_bytes()
    export_checkpoint(source, tmp_path / "fp32", "fp32")
    full = OnnxEncoder(tmp_path / "fp32")
    reference = json.loads(Path(__file__).parents[1].joinpath("reference.json").read_text(encoding="utf-8"))
    vectors = full.encode([row["text"] for row in reference]).vectors
    assert (vectors * np.array([row["vector"] for row in reference])).sum(axis=1).min() >= 0.99999
    cosines = (full.encode(TITLES).vectors * OnnxEncoder().encode(TITLES).vectors).sum(axis=1)
    assert cosines.mean() >= 0.997
    assert cosines.min() >= 0.985


@pytest.mark.slow
@pytest.mark.skipif(
    "PRODASSOC_CHECKPOINT" not in os.environ, reason="needs $PRODASSOC_CHECKPOINT, the source folder"
)
def test_fp32_is_what_sentence_transformers_gives_for_each_of_100_texts(tmp_path: Path) -> None:
    peer = pytest.importorskip("sentence_transformers")
    from prodassoc_cli.embedding.export.onnx_folder import export_checkpoint

    source = os.environ["PRODASSOC_CHECKPOINT"]
    export_checkpoint(Path(source), tmp_path / "fp32", "fp32")
    texts = [*TITLES, *(text for _, text in CHINESE[::20]), "", "hose " * 400, "Crème brûlée — £5", "42", "?"]
    assert len(texts) == 99
    texts.append(" ".join(TITLES))
    theirs = peer.SentenceTransformer(source, device="cpu").encode(texts, normalize_embeddings=True)
    ours = OnnxEncoder(tmp_path / "fp32").encode(texts).vectors
    assert (ours * theirs).sum(axis=1).min() >= 0.99999
