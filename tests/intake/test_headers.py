"""Headers in any language: columns whose names are not known, taken for fields by what their headers mean."""

from __future__ import annotations

import contextlib

import pytest

from benchmarks.language.headers import FIELDS, measured, tables
from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL, silent
from prodassoc_cli.embedding.header_names import KNOWN, EncodedHeaders, words_of
from prodassoc_cli.embedding.multilingual import multilingual_model, packed_file
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.catalogue.reading import cleaned_catalogue
from prodassoc_cli.intake.columns.header import names_known
from prodassoc_cli.intake.columns.likeness import liken
from prodassoc_cli.settings import CleanConfig
from tests.intake.conftest import sources

LINES = """Sales Doc Ref;Client Reference;Merchandise Ref;Moment of Purchase;Units Purchased;Price Each
PO-1;C10;MX-1;2024-03-01 10:12;1;4.50
PO-1;C10;MX-8;2024-03-01 10:12;2;12.00
PO-2;C08;MX-1;2024-03-01 11:40;1;4.50
"""


def no_progress(_: str):
    return contextlib.nullcontext(silent)


@pytest.fixture(scope="module")
def default() -> EncodedHeaders:
    return EncodedHeaders(print, no_progress, DEFAULT_MODEL)


class Unwanted:
    """Must not be asked."""

    name = hint = ""

    def __call__(self, headers):
        raise AssertionError(headers)


def test_the_table_holds_sixty_headers_in_ten_languages_that_no_alias_knows():
    languages = list(tables("test"))
    fields = [header for columns in languages for field, header, _ in columns if field]
    assert (len(languages), len(fields)) == (10, 60)
    assert not names_known(fields)


def test_the_default_model_reads_headers_of_latin_letters(default):
    """30 of the 36 are taken, none for another field; of those in other scripts nothing is said."""
    counts = measured(default, "test")
    assert counts["right"] >= 28
    assert counts["wrong"] <= 1
    assert "multilingual" in default.hint


@pytest.mark.skipif(packed_file() is None, reason="needs the extra `multilingual`")
def test_the_multilingual_model_reads_all_of_them():
    """53 of the 60 are taken, and one column for another field: a Korean number of a line as a product's."""
    read = EncodedHeaders(print, no_progress, multilingual_model(print, no_progress))
    counts = measured(read, "test")
    assert counts["right"] >= 51
    assert counts["wrong"] <= 2
    assert not read.hint


def test_what_is_known_is_of_the_fields_that_are_looked_for():
    import numpy as np

    files = sorted(KNOWN.glob("*.npz"))
    assert [file.stem for file in files] == ["all-MiniLM-L6-v2", "multilingual-e5-small"]
    for file in files:
        assert np.load(file)["fields"].tolist() == FIELDS


def test_words_of_a_header():
    assert words_of("orderDate") == words_of("Order_Date") == words_of("order-date ") == "order date"


def test_columns_are_taken_by_their_headers_and_it_is_said(clean, default):
    result = clean(LINES, read_headers=default)
    rows = result.interactions.sort("order_id", "product_id")
    assert rows["order_id"].to_list() == ["PO-1", "PO-1", "PO-2"]
    assert rows["user_id"].to_list() == ["C10", "C10", "C08"]
    assert rows["product_id"].to_list() == ["MX-1", "MX-8", "MX-1"]
    assert rows["quantity"].to_list() == [1, 2, 1]
    assert rows["price"].to_list() == [4.5, 12.0, 4.5]
    assert any(
        "order_id=Sales Doc Ref, as its header" in line and "`map=order_id=" in line for line in clean.said
    )


def test_two_columns_that_fit_are_proposed_and_none_is_taken(clean, default):
    text = LINES.replace("Price Each", "Article Ref").replace("4.50", "B-1").replace("12.00", "B-2")
    with pytest.raises(BadData, match="no column holds products") as caught:
        clean(text, read_headers=default)
    assert "`map=product_id=Merchandise Ref`" in caught.value.hint
    assert "`map=product_id=Article Ref`" in caught.value.hint


def test_an_error_names_what_reads_other_languages(clean, default):
    with pytest.raises(BadData) as caught:
        clean("货品编码甲,交易流水\nA-1,7\nA-2,8\n", read_headers=default)
    assert "pip install 'prodassoc[multilingual]'" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("order_id,user_id,product_id,timestamp,quantity,price,note\n1,2,3,2024-01-05,1,2.5,7\n", {}),
        ("order_id,product_id,colour\n1,3,\n", {}),
        ("order_id,product_id,Store\n1,3,N\n2,3,S\n", {}),
        ("order_id,product_id,amount due\n1,3,7\n", {"preset": "none"}),
        ("a,b,c\na,b\nc\n", {}),
        ("order_id,a,b\n1,0,1\n2,1,1\n", {}),
    ],
)
def test_no_header_is_read_where_nothing_could_come_of_it(clean, text, options):
    clean(text, read_headers=Unwanted(), **options)


def test_a_doubtful_header_is_no_field_and_a_field_has_one_column():
    class Read:
        name = hint = ""

        def __call__(self, headers):
            likely = {"sure": (0.9, 0.0), "close": (0.9, 0.8), "weak": (0.3, 0.0), "odd": (0.9, 0.0)}
            return [
                {"price": a, "quantity": b} if name != "odd" else {"title": a, "price": 0.5}
                for name in headers
                for a, b in [likely[name]]
            ]

    both = ["price", "quantity"]
    assert liken({"sure": both, "odd": both}, both, Read()).taken == {"price": "sure"}
    assert liken({"close": both}, both, Read()).proposed == {"price": ["close"]}
    assert liken({"weak": both}, both, Read()).proposed == {}
    assert liken({"sure": both, "close": both}, both, Read()).taken == {}


def test_a_catalogue_is_read_so_too(tmp_path, default):
    path = tmp_path / "catalogue.csv"
    path.write_text(
        "Merchandise Ref;Name of the Article;Product Family Name;Price Each\n"
        "MX-1;Blue jug;Kitchen;4.50\nMX-2;Red lamp;Light;12.00\n"
    )
    said: list[str] = []
    found = cleaned_catalogue(sources(path), CleanConfig(), said.append, read_headers=default)
    assert found.columns == {
        "product_id": "Merchandise Ref", "title": "Name of the Article", "category": "Product Family Name",
        "price": "Price Each",
    }  # fmt: skip
    assert any("title=Name of the Article" in line and "`map=products.title=" in line for line in said)
    path.write_text("Merchandise Ref;Article Ref;title\nMX-1;B-1;Blue jug\nMX-2;B-2;Red lamp\n")
    with pytest.raises(BadData) as caught:
        cleaned_catalogue(sources(path), CleanConfig(), said.append, read_headers=default)
    assert "`map=products.product_id=Merchandise Ref`" in caught.value.hint


def test_a_long_text_is_a_description_by_the_same_header(tmp_path, default):
    """Encoders know the names of titles and of descriptions as one; the length of the texts decides."""
    long = "A jug of blue glass for a litre of water or milk, with a handle, made by hand in the south."
    path = tmp_path / "catalogue.csv"
    path.write_text(
        "Merchandise Ref;Name of the Article;Full Description of Item\n"
        f"MX-1;Blue jug;{long}\nMX-2;Red lamp;{long.replace('jug', 'lamp')}\n"
    )
    found = cleaned_catalogue(sources(path), CleanConfig(), lambda _: None, read_headers=default)
    assert found.columns["title"] == "Name of the Article"
    assert found.columns["description"] == "Full Description of Item"
    assert found.products["description"].to_list() == [long, long.replace("jug", "lamp")]


def test_what_read_the_headers_stands_in_the_facts(clean, default):
    facts = clean(LINES, read_headers=default).summary["inputs"][0]
    assert facts["headers_read_by"] == "all-MiniLM-L6-v2"
    assert facts["by_header"]["order_id"] == "Sales Doc Ref"
    known = clean("order_id,product_id\n1,a\n", read_headers=Unwanted()).summary["inputs"][0]
    assert "headers_read_by" not in known
