"""The page in other languages: every message is there and filled in, nothing of the English page is left."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from prodassoc_cli.evaluation.compare import METRICS_SCHEMA
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS, RANKING_METRICS
from prodassoc_cli.evaluation.notices import NOTICES, Notice
from prodassoc_cli.evaluation.report import words as module
from prodassoc_cli.evaluation.report.build import render, render_rules
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.words import OUTCOMES, Words
from prodassoc_cli.intake.rules.rules import RULES
from prodassoc_cli.languages.form import forms
from prodassoc_cli.settings.common import Language
from tests.evaluation.report.sections.test_products import data_of, relations_frame
from tests.evaluation.report.test_page import Page, report_data, rules_frame

LANGUAGES = get_args(Language)
OTHERS = [name for name in LANGUAGES if name != "en"]
VALUES = {field for text in NOTICES.values() for _, field, *_ in string.Formatter().parse(text) if field}
FILES = Path(module.__file__).with_name("messages")


def messages(language: str) -> dict[str, tuple[str, str]]:
    tables = tomllib.loads((FILES / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{table}.{name}": forms(text) for table, texts in tables.items() for name, text in texts.items()}


def placeholders(text: str) -> set[str]:
    return {name for _, name, *_ in string.Formatter().parse(text) if name is not None}


def test_files_and_choices_are_the_same_languages():
    assert {path.stem for path in FILES.glob("*.toml")} == set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_all_that_english_says(language):
    english, other = messages("en"), messages(language)
    defined = {name for name in other if name.startswith("definitions.")}
    assert defined == {f"definitions.{name}" for name in (*RANKING_METRICS, *OUTCOMES)}
    noticed = {name for name in other if name.startswith("notices.")}
    assert other.keys() - defined - noticed == english.keys()
    # Why ids differ is said in English alone, at the end of the sentence.
    needed = {f"notices.{name}": placeholders(text) - {"clause"} for name, text in NOTICES.items()}
    assert {name: placeholders(other[name][1]) for name in noticed} == needed
    for name, texts in english.items():
        for own, theirs in zip(other[name], texts, strict=True):
            needed = placeholders(theirs) - {"count"} if own is other[name][0] else placeholders(theirs)
            assert needed <= placeholders(own) <= placeholders(texts[1]) | {"count"}, name
        assert re.findall(r"</?\w+>", other[name][1]) == re.findall(r"</?\w+>", texts[1]), name


def test_every_reason_to_leave_a_row_out_has_a_name():
    named = {name.partition(".")[2] for name in messages("en") if name.startswith("rejects.")}
    assert named == {rule.name for rule in RULES}


def whole_page(language: str) -> str:
    """Return a page of every section."""
    data = report_data(titles=tuple("uvwxyz"), model="m")
    logged = [
        ("m", name, None, 0.25, 0.125, 0.5, 40, segment)
        for name, segment in [
            *((name, None) for name in OUTCOMES),
            ("ctr", "position: 1"),
            ("ctr", "position: 2"),
        ]
    ] + [("m", name, None, 0.25, 0.125, 0.5, 40, None) for name in ("ips_ctr", "overlap", "effective_n")]
    log = pl.DataFrame(logged, schema=METRICS_SCHEMA, orient="row")
    lists = {name: rows.with_columns(reason=pl.lit("r")) for name, rows in data.lists.items()}
    others = {
        "metrics": pl.concat([data.metrics, log]), "relations": relations_frame(), "language": language,
        "lists": lists, "provenance": (),
        "notices": [Notice(name, **dict.fromkeys(VALUES, 1)) for name in NOTICES],
        "cleaning": {"rows_in": 9, "rows_kept": 8, "rejects": {"rare_user": 1}},
    }  # fmt: skip
    return render(ReportData(**{**vars(data), **others}))


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_english_is_left(language):
    text = whole_page(language)
    page = Page(text)
    assert page.named("html")[0]["lang"] == language
    assert len(page.named("section")) == 11
    english, other = messages("en"), messages(language)
    attributes = [value or "" for _, attrs in page.elements for value in attrs.values()]
    shown = "\n".join(
        [*page.text, *attributes, *(text for each in data_of(text)["texts"].values() for text in each)]
    )
    for metric in ALL_METRICS.values():
        assert metric.definition not in shown
    english |= {f"notices.{name}": forms(text) for name, text in NOTICES.items()}
    for name, texts in english.items():
        for literal in re.split(r"\{\w+(?::,)?\}|</?\w+>", texts[1]):
            if len(literal.split()) > 1 and literal not in other[name][1]:
                assert literal not in shown, name
    alone = render_rules(ReportData(rules=rules_frame().clear(), language=language))
    assert messages("en")["lead.no_rules"][1] not in alone


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["0.123", "12.3", "12,346", "1,234", "3", "1.2e-05", "45\u00a0%", "4.5\u00a0%", "A, B and C"]),
        ("de", ["0,123", "12,3", "12.346", "1.234", "3", "1,2e-05", "45\u00a0%", "4,5\u00a0%", "A, B und C"]),
        ("es", ["0,123", "12,3", "12.346", "1234", "3", "1,2e-05", "45\u00a0%", "4,5\u00a0%", "A, B y C"]),
        ("zh", ["0.123", "12.3", "12,346", "1234", "3", "1.2e-05", "45%", "4.5%", "A、B 和 C"]),
    ],
)
def test_numbers_and_lists_are_of_the_language(language, texts):
    words = Words(language)
    numbers = [words.number(each) for each in (0.12345, 12.345, 12345.6, 1234, 3.0, 1.2e-5)]
    assert [*numbers, words.percent(0.45), words.percent(0.045), words.joined("ABC")] == texts


def test_what_stands_in_a_message_is_only_text():
    said = Words("en")("users.heading", user="<b>", how="{user}\u202e")
    assert said == "&lt;b&gt;, {user}\ufffd"
    assert Words("en").text("users.heading", user="<b>", how="x") == "<b>, x"


def test_a_notice_is_said_in_the_language_with_what_stands_in_it():
    notice = Notice(
        "of_model", model="m", notice=Notice("unseen", notice=Notice("answers", answers=1, pairs=1234))
    )
    assert notice.startswith("'m': 1 of 1,234 truth pairs of user and product are in its history")
    assert Words("en").notice(notice) == notice
    assert (
        Words("de").notice(notice).startswith("„m“: 1 von 1.234 Paaren aus Kunde und Artikel der Prüfdaten")
    )
    assert "können sie also nicht treffen" in Words("de").notice(notice)
    assert Words("de").notice("a sentence of somebody else") == "a sentence of somebody else"
