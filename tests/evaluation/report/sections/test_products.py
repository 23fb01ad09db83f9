"""The door by products: the data that the page holds of each, and what is left out where it is too much."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

from prodassoc_cli.evaluation.report.build import render, render_rules
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.sections import products as module
from tests.evaluation.report.test_page import HOSTILE, Page, report_data, rules_frame


def data_of(text: str) -> dict:
    """Return the data of a page."""
    found = re.findall(r'<script type="application/json" id="door-data">(.*?)</script>', text, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


def relations_frame() -> pl.DataFrame:
    rows = [
        ("a", "b", "complement", 0.2, 9, 3.0), ("a", "c", "complement", 0.1, 4, 5.0),
        ("a", "f", "variant", 0.97, 0, 0.0), ("b", "a", "complement", 0.2, 9, 3.0),
    ]  # fmt: skip
    columns = ["product_id", "related_id", "relation", "similarity", "count", "lift"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_what_is_known_of_a_product_is_there():
    data = report_data()
    page = data_of(render(ReportData(**{**vars(data), "relations": relations_frame()})))
    products = {row[0]: row for row in page["products"]}
    # In training a, b and c have six users each and e and f three; nobody has an order.
    assert [row[0] for row in page["products"]] == ["a", "b", "c", "e", "f", "d"]
    assert products["a"][3:5] == [None, 6]
    assert page["categories"][products["b"][2]] == "Food > Y"
    assert products["d"][2:5] == [None, None, None]
    assert [name for name, _ in page["models"]] == list(data.lists)
    assert [lists for _, lists in page["models"]] == [10, 8]
    assert products["a"][5:] == [10, 0]
    assert products["e"][5:] == [0, 8]

    ids = [row[0] for row in page["products"]]
    rules = [
        [[ids[each] for each in rule[0]], [ids[each] for each in rule[1]], *rule[2:]]
        for rule in page["rules"]
    ]
    assert rules == [list(row) for row in rules_frame().rows()]
    related = [(ids[one], ids[other], page["relations"][kind]) for one, other, kind, *_ in page["related"]]
    assert [pair for pair in related if pair[0] == "a"] == [
        ("a", "c", "complement"), ("a", "b", "complement"), ("a", "f", "variant"),
    ]  # fmt: skip


def test_hostile_titles_are_texts_of_the_data():
    text = render(report_data())
    titles = [row[1] for row in data_of(text)["products"]]
    for title in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[4], HOSTILE[5]):
        assert title in titles
    assert len(Page(text).named("script")) == 2


def test_baskets_are_those_that_were_mined():
    page = data_of(render_rules(ReportData(rules=rules_frame(), baskets={"a": 3, "b": 7, "é": 5})))
    assert [row[0] for row in page["products"]][:3] == ["b", "é", "a"]
    assert [row[3] for row in page["products"]][:4] == [7, 5, 3, None]


def test_a_product_without_a_title_goes_by_its_id():
    products = pl.DataFrame({"product_id": ["a", "b"], "title": [None, "b"]})
    page = data_of(render_rules(ReportData(rules=rules_frame(), products=products)))
    assert {row[1] for row in page["products"]} == {None}


@pytest.mark.parametrize("room", [200, 300])
def test_what_does_not_fit_is_left_out_and_the_page_says_so(room, monkeypatch):
    monkeypatch.setattr(module, "BUDGET", room)
    sold = {f"p{number:02}": 100 - number for number in range(40)}
    text = render_rules(ReportData(rules=rules_frame(), baskets=sold))
    page = data_of(text)
    kept = len(page["products"])
    assert [row[0] for row in page["products"]] == [f"p{number:02}" for number in range(kept)]
    assert 0 < kept < 40
    assert page["rules"] == []
    shown = "".join(Page(text).text)
    assert f"{kept} of 46 products fit" in shown
    assert "Of 4 rules the page holds 0" in shown


def test_two_thousand_products_fit_into_five_megabytes():
    count = 2000

    def nth(factor: int) -> pl.Expr:
        return (pl.col("n") * factor % count).cast(pl.String).str.zfill(6)

    products = pl.select(n=pl.int_range(count)).select(
        product_id=nth(1), title=pl.format("特浓牛奶 Full-Cream Milk <{}> & more of it", nth(1)),
        category=pl.format("Food > Dairy {}", pl.col("n") % 90),
    )  # fmt: skip
    rules = pl.select(n=pl.int_range(50_000)).select(
        antecedent=pl.concat_list(nth(1), nth(7)), consequent=pl.concat_list(nth(13)),
        count=41, support=0.0123456, confidence=0.456789, lift=12.3456,
    )  # fmt: skip
    kinds = pl.DataFrame({"relation": module._RELATIONS})
    relations = pl.select(n=pl.int_range(30_000)).join(kinds, how="cross").select(
        nth(1).alias("product_id"), nth(31).alias("related_id"), "relation",
        similarity=0.654321, count=123, lift=3.21987,
    )  # fmt: skip
    text = render_rules(
        ReportData(
            rules=rules,
            products=products,
            relations=relations,
            baskets=dict.fromkeys(products["product_id"], 7),
        )
    )
    assert 2_000_000 < len(text.encode()) <= 5_000_000
    page = data_of(text)
    kept = len(page["products"])
    assert kept > 1000
    assert all(max(*rule[0], *rule[1]) < kept for rule in page["rules"])
    assert all(max(pair[:2]) < kept for pair in page["related"])
