from __future__ import annotations

import io
import json
import os

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.execution.lines import waiting_lines
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.serving.histories import (
    Answers,
    History,
    histories_of,
    parse_history,
    read_histories,
)
from prodassoc_cli.models.serving.lister import ListOptions
from prodassoc_cli.models.serving.recommend import recommend
from tests.models.shops import catalogue, random_shop, vectors


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return train("item-knn", TrainingData.from_frames(random_shop(8, users=80), catalogue()))


@pytest.mark.parametrize(
    ("line", "name", "products"),
    [
        ("a,b , c", "7", ("a", "b", "c")), ("", "7", ()), ("[]", "7", ()), ('["a", 12]', "7", ("a", "12")),
        ('{"id": "x", "products": ["a,b"]}', "x", ("a,b",)), ('{"id": 5, "products": []}', "5", ()),
    ],
)  # fmt: skip
def test_a_line_is_ids_or_json(line, name, products):
    assert parse_history(line, 7) == History(name, products)


@pytest.mark.parametrize(
    "line", ["{bad", '{"id": "x"}', '{"products": "a"}', "[1.5]", "[" * 5000, '{"id": [], "products": []}']
)
def test_a_broken_line_is_named(line):
    with pytest.raises(BadData, match="line 7") as caught:
        parse_history(line, 7)
    assert '{"id": "x", "products": ["A","B"]' in caught.value.hint


def test_answers_are_the_lists_of_baskets(model):
    baskets = [["i00", "i03"], ["i05"], ["i00", "i03"]]
    wanted = recommend(model, audience="baskets", baskets=baskets, k=4).frame
    answers = list(Answers(model, ListOptions(k=4)).of([",".join(each) for each in baskets]))
    assert [each["id"] for each in answers] == ["1", "2", "3"]
    rows = wanted.select("basket_id", "rank", "product_id", "score", "reason").to_dicts()
    said = [{"basket_id": each["id"], **row} for each in answers for row in each["recommendations"]]
    assert said == rows


def test_how_lines_come_changes_no_answer(model):
    lines = ["i00,i01", "{bad", '{"id": "u", "products": ["i02", "zz", "zz"]}', "nobody", "", "i04"]
    together = list(Answers(model, ListOptions()).of(lines))
    one = Answers(model, ListOptions())
    assert [answer for line in lines for answer in one.of([line])] == together
    assert together[1]["id"] == "2"
    assert together[1]["error"].startswith("line 2 is no JSON")
    assert together[2]["unknown"] == ["zz"]
    assert together[3]["unknown"] == ["nobody"]
    assert together[3]["recommendations"] == together[4]["recommendations"]
    assert "no purchases of yours are known yet" in together[4]["recommendations"][0]["reason"]


def test_a_file_of_histories(model):
    notices: list[str] = []
    histories = read_histories(['{"id": "u", "products": ["i02", "zz"]}', "{bad", "i01"], notices)
    assert histories == [History("u", ("i02", "zz")), History("3", ("i01",))]
    assert "1 line of 3" in notices[0]
    made = recommend(model, audience="baskets", histories=histories, k=3)
    assert made.frame["basket_id"].to_list() == ["u"] * 3 + ["3"] * 3
    assert "products not known to the model, ignored: 1, such as 'zz'" in made.notices[0]
    with pytest.raises(BadData, match="two lines have the id 'a'"):
        read_histories(['{"id": "a", "products": []}'] * 2, [])
    with pytest.raises(BadData, match="line 1 is no JSON"):
        read_histories(["{"], [])


def test_words_become_a_history_of_the_nearest_products():
    texts = vectors()
    shop = TrainingData.from_frames(random_shop(8, users=80), catalogue(), texts)
    model = train("item-knn", shop), train("content", shop)
    wanted, product = np.stack(texts["embedding"].to_list())[3], texts["product_id"][3]

    def encode(asked):
        assert list(asked) == ["like number 3"]
        return wanted[None]

    lines = ['{"text": "like number 3"}', '{"products": ["i05"]}', '{"products": ["i05"], "text": 4}']
    answers = list(Answers(model[1], ListOptions(k=3, diversity=0.0), encode).of(lines))
    first = answers[0]["recommendations"][0]
    assert (first["product_id"], first["reason"]) == (product, "close to what you asked for")
    assert "close to what" not in str(answers[1])
    assert "line 3: its text is none" in answers[2]["error"]
    beside = [History("x", ("i05",), "like number 3")]
    made = recommend(model[1], audience="baskets", histories=beside, encode=encode, k=25).frame
    assert "i05" not in made["product_id"].to_list()
    assert made.filter(product_id=product)["reason"].item() == "close to what you asked for"
    with pytest.raises(UsageProblem, match="no embeddings to ask with"):
        recommend(model[0], audience="baskets", histories=beside)


def test_the_encoder_is_that_of_the_embeddings():
    from prodassoc_cli.embedding.asked import encoder_of
    from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder

    encoder = OnnxEncoder(DEFAULT_MODEL)
    facts = {"encoder": encoder.name, "fingerprint": encoder.fingerprint, "dims": 128}

    def asked(**others):
        return encoder_of(facts | others, None, 1, lambda _: None, lambda _: None)(["tea"])

    vector = encoder.encode(["tea"]).vectors[:, :128]
    assert asked() == pytest.approx(vector / np.linalg.norm(vector), abs=1e-5)
    for wrong in ({"fingerprint": "other"}, {"joined": True}, {"dims": 999}):
        with pytest.raises(UsageProblem, match="are not those of"):
            asked(**wrong)
    with pytest.raises(UsageProblem, match="tfidf"):
        asked(encoder="tfidf")
    with pytest.raises(UsageProblem, match="needs a model that knows"):
        encoder_of({}, None, 1, lambda _: None, lambda _: None)


def test_interactions_are_histories_of_users_or_baskets():
    lines = pl.DataFrame(
        {
            "user_id": ["v", "u", "v", None],
            "order_id": ["1", "2", "3", "4"],
            "product_id": ["b", "a", "b", "c"],
        }
    )
    assert histories_of(lines) == [History("v", ("b",)), History("u", ("a",))]
    baskets = lines.with_columns(user_id=pl.lit(None, pl.String), order_id=pl.Series(["1", "1", "2", None]))
    assert histories_of(baskets) == [History("1", ("b", "a")), History("2", ("b",))]
    assert histories_of(lines.drop("user_id", "order_id")) == []


def test_lines_are_taken_as_they_wait():
    reader, writer = os.pipe()
    os.write(writer, b"a\nb\nc")
    with os.fdopen(reader, "rb") as stream:
        lines = waiting_lines(stream)
        assert next(lines) == ["a", "b"]
        os.write(writer, b"d\n" + b"\xff\n")
        assert next(lines) == ["cd", "\ufffd"]
        os.write(writer, b"\n" * 600 + b"end")
        os.close(writer)
        assert [len(each) for each in lines] == [512, 88, 1]


def test_the_command_answers_line_by_line(prodassoc, model, tmp_path):
    from prodassoc_cli.artifacts.lineage import Lineage
    from prodassoc_cli.artifacts.schemas import MODEL
    from prodassoc_cli.artifacts.store import write_artifact
    from prodassoc_cli.models.storage.artifact import to_arrow

    table, header = to_arrow(model)
    with (tmp_path / "model.parquet").open("wb") as file:
        write_artifact(table, MODEL, Lineage("model", "train", {}, 1, (), {"model": header}), file)
    lines = b'i00,i03\n{bad\n{"id": "x", "products": ["i05"]}\n'
    done = prodassoc("recommend", "model.parquet", "--histories", "-", "-k", "2", stdin=lines)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["id"] for each in answers] == ["1", "2", "x"]
    assert "error" in answers[1]
    assert len(answers[2]["recommendations"]) == 2
    done = prodassoc("recommend", "model.parquet", "--histories", "-", "-k", "2", "-o", "r.csv", stdin=lines)
    assert done.returncode == 0, done.stderr
    assert b"1 line of 3" in done.stderr
    written = pl.read_csv(io.BytesIO((tmp_path / "r.csv").read_bytes()))
    assert written["basket_id"].to_list() == ["1", "1", "x", "x"]
    (tmp_path / "new.csv").write_text("user_id,product_id,order_id\nn1,i00,1\nn1,i03,1\nn2,i05,2\n")
    assert prodassoc("clean", "new.csv", "-o", "new.parquet").returncode == 0
    done = prodassoc("recommend", "model.parquet", "--histories", "new.parquet", "-k", "1", "-o", "n.csv")
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(io.BytesIO((tmp_path / "n.csv").read_bytes()))["basket_id"].to_list() == ["n1", "n2"]
    done = prodassoc("recommend", "model.parquet", "--histories", "h", "--basket", "i00")
    assert done.returncode == 2
