# ruff: noqa: E501 — lines of data
"""The parsers of our own on any text: a value, or an error of ours."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import ProdassocError
from tests.faults.fuzz_parsers import SEEDS, parser_of

TOKENS = st.sampled_from(
    [
        *"0123456789.,:;/-+=<>{}@%_ \n\t\"'|\\", "2024", "31", "12", "T", "Z", "AM", "pm", "Mar", "+05:30", "1e", "inf",
        "nan", "ndcg@10", ">=", "category=", "order_id=", "{title}", "{{", "GB", "last-order", "time:", "random:", "€",
        "\u202e", "١", "²", "9" * 30,
    ]
)  # fmt: skip
TEXTS = st.text(max_size=40) | st.lists(TOKENS, max_size=14).map("".join)


def check(name: str, examples: int) -> None:
    parse = parser_of(name)

    @settings(max_examples=examples, database=None)
    @given(TEXTS)
    def parses_or_refuses(text: str) -> None:
        with contextlib.suppress(ProdassocError):
            parse(text)

    parses_or_refuses()


@pytest.mark.parametrize("name", SEEDS)
def test_any_text(name):
    check(name, 150)


@pytest.mark.faults
@pytest.mark.parametrize("name", SEEDS)
def test_any_of_20_000_texts(name):
    check(name, 20_000)
