from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.embedding.text import product_texts
from prodassoc_cli.errors import UsageProblem

PRODUCTS = pl.DataFrame(
    {
        "title": ["Milk  1 l", None, "Tea\n\u00a0bags"],
        "brand": ["Alpine", None, None],
        "category": ["Food > Dairy", "Food", None],
        "description": [None, None, "  black "],
        "price": [1.5, None, 2.0],
        "tags": [["fresh", None, "bio"], None, []],
        "shape": [{"w": 1}, {"w": 2}, {"w": 3}],
    }
)


def test_default_template_leaves_no_trace_of_nulls() -> None:
    texts = product_texts(PRODUCTS)
    assert texts.name == "text"
    assert texts.to_list() == ["Milk 1 l Alpine Food > Dairy", "Food", "Tea bags black"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{title} by {brand}", ["Milk 1 l by Alpine", "by", "Tea bags by"]),
        ("{{{price}}}", ["{1.5}", "{}", "{2.0}"]),
        ("{tags}", ["fresh bio", "", ""]),
        ("all alike", ["all alike"] * 3),
        ("", [""] * 3),
    ],
)
def test_templates(template: str, expected: list[str]) -> None:
    assert product_texts(PRODUCTS, template).to_list() == expected


@pytest.mark.parametrize(
    ("template", "says", "hint"),
    [
        ("{titel}", "no column 'titel'", "title"),
        ("{title.__class__}", "no column", ""),
        ("{title[0]}", "no column", ""),
        ("{}", "no column ''", ""),
        ("{title!r}", "takes no format", "write {title}"),
        ("{price:.2f}", "takes no format", "write {price}"),
        ("{title", "`text`", "{{"),
        ("{shape}", "has no text", ""),
    ],
)
def test_bad_templates_are_refused_in_words(template: str, says: str, hint: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        product_texts(PRODUCTS, template)
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_no_products_no_texts() -> None:
    assert product_texts(PRODUCTS.clear()).to_list() == []
