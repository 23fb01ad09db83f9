"""Reasons in other languages: every message is there and filled in; numbers and lists are of the language."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.errors import BadConfig
from prodassoc_cli.models.serving.reasons import language as module
from prodassoc_cli.models.serving.reasons.columns import MESSAGES
from prodassoc_cli.models.serving.reasons.language import Language
from prodassoc_cli.settings import RecommendConfig

LANGUAGES = get_args(get_type_hints(RecommendConfig)["language"])
FILES = Path(module.__file__).with_name("messages")
VALUES = ("products", "like", "with", "lift", "rating", "days", "date", "count", "reason")


def said(
    language: Language, message: str, did: str = "bought", *, count: float = 41, value: float = 42.7
) -> str:
    numbers, number = language.numbers(np.array([value])), language.numbers(np.array([count]))
    columns = {name: pl.Series([name[0].upper()]).gather for name in ("products", "like", "with")}
    columns |= {"lift": numbers, "rating": numbers, "days": numbers, "count": number}
    columns["date"] = language.days(np.array([1_740_873_600_000_000]))
    which = np.array([MESSAGES.index(message)], np.int32)
    return language.sentences(MESSAGES, which, np.array([count]), columns, did)[0]


def placeholders(message: str | dict[str, str]) -> set[str]:
    text = message if isinstance(message, str) else message["other"]
    return {name for _, name, *_ in string.Formatter().parse(text) if name in VALUES}


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_says_all_that_english_says(name):
    ours, english = (tomllib.loads((FILES / f"{each}.toml").read_text()) for each in (name, "en"))
    needed = {message: placeholders(text) for message, text in english["messages"].items()}
    assert {message: placeholders(text) for message, text in ours["messages"].items()} == needed
    assert ours["words"].keys() == english["words"].keys()
    language = Language.of(name)
    for did in ours["words"]:
        for message in MESSAGES:
            for count in (1, 2):
                text = said(language, message, did, count=count)
                assert "{" not in text
                assert "P" in text or "products" not in needed[message.split("+")[0]]


def test_files_and_choices_are_the_same_languages():
    assert {path.stem for path in FILES.glob("*.toml")} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("name", "message", "count", "value", "text"),
    [
        ("zh", "in_baskets_lift", 41, 42.7, "有 41 笔订单同时购买了 P，约为随机情况的 42.7 倍"),
        ("en", "in_baskets_lift", 1234, 42.7,
         "bought with P in 1,234 baskets, 42.7 times more often than by chance"),
        ("de", "in_baskets_lift", 1234, 42.7,
         "in 1.234 Warenkörben zusammen mit P gekauft, 42,7-mal so oft wie zufällig zu erwarten"),
        ("fr", "popular_customers", 1234, 0, "acheté par 1\u202f234 clients"),
        ("es", "popular_customers", 1234, 0, "comprado por 1234 clientes"),
        ("es", "popular_customers", 12345, 0, "comprado por 12.345 clientes"),
        ("ja", "in_baskets_lift", 41, 3.0, "41件の注文でPと一緒に購入されています（偶然の場合の約3倍）"),
        ("de", "popular_customers", 1, 0, "von 1 Kunden gekauft"),
        ("fr", "by_customers", 1, 0, "1 client qui a acheté P a aussi acheté cet article"),
        ("en", "again_last", 1, 0, "you bought it once, on 2025-03-02"),
        ("zh", "again_last", 3, 0, "您购买过 3 次，最近一次是 2025年3月2日"),
        ("de", "unknown+new", 0, 0, "noch keine Käufe von Ihnen bekannt; neu im Sortiment"),
    ],
)  # fmt: skip
def test_sentences_read_as_natives_write_them(name, message, count, value, text):
    assert said(Language.of(name), message, count=count, value=value) == text


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("en", ["A", "A and B", "A, B and C", "A, B, C and 2 more"]),
        ("zh", ["A", "A 和 B", "A、B 和 C", "A、B、C 及另外 2 件商品"]),
        ("de", ["A", "A und B", "A, B und C", "A, B, C und 2 weiteren Artikeln"]),
    ],
)
def test_lists_of_products(name, texts):
    names = [pl.Series([letter] * 4) for letter in "ABC"]
    joined = Language.of(name).joined(names, np.array([1, 2, 3, 3]), np.array([0, 0, 0, 2]))
    assert joined.to_list() == texts


def test_a_shops_own_words_take_the_place_of_some(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("""
[messages]
new = "just in"
lookalikes.one = "a twin {did} {products}"
lookalikes.other = "{count} twins {did} {products}"
[words]
bought.did = "got"
""")
    language = Language.of("en", own)
    assert said(language, "new") == "just in"
    assert said(language, "lookalikes", count=1) == "a twin got P"
    assert said(language, "lookalikes", "rated", count=2) == "2 twins rated P"
    assert said(language, "taste_of_product") == "appeals to those who buy P"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[messages]\nnews = "x"', "no message 'news'"),
        ('[message]\nnew = "x"', "no table 'message'"),
        ('[messages]\nlookalikes = "{count} of them"', "lookalikes lacks {products}"),
        (
            '[messages]\nlookalikes.one = "one of them"\nlookalikes.other = "{count} {products}"',
            "lacks {products}",
        ),
        ('[messages]\nnew = "new {thing}"', "nothing fills {thing} in"),
        ('[messages]\nnew = "new {"', "new = 'new {'"),
        ("[messages]\nnew = 3", "new = 3"),
        ('[messages]\nnew.two = "x"', "new = {'two': 'x'}"),
        ('[words]\nbought.dud = "x"', "no message 'dud'"),
        ("[list]\ncomma = 3", "comma = 3"),
        ("messages", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text, says, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(BadConfig) as error:
        Language.of("en", own)
    assert says in error.value.message
    assert str(own) in error.value.message
