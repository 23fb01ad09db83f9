from __future__ import annotations

from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.products.taxonomy import (
    at_level,
    taxonomy_of,
    with_ancestors,
    with_topics,
    without_own_ancestors,
)
from prodassoc_cli.mining.rules import mine_rules
from prodassoc_cli.mining.selection.rule_selection import RuleSelection
from prodassoc_cli.mining.selection.significance import SearchSpace
from tests.mining.conftest import as_dict, brute_force
from tests.mining.patterns.test_user_support import interactions_of
from tests.mining.selection.test_rule_selection import keys

PRODUCTS = pl.DataFrame(
    {
        "product_id": ["brie", "milk", "bread", "soap", "loose"],
        "category": ["Food > Dairy > Cheese", "Food > Dairy", "Food > Bakery", "Care", None],
        "brand": ["Alp", "Alp", None, "Lux", "Lux"],
    }
)
ABOVE = {
    "brie": ["Food > Dairy > Cheese", "Food > Dairy", "Food"],
    "milk": ["Food > Dairy", "Food"],
    "bread": ["Food > Bakery", "Food"],
    "soap": ["Care"],
    "loose": [],
    "Food > Dairy > Cheese": ["Food > Dairy", "Food"],
    "Food > Dairy": ["Food"],
    "Food > Bakery": ["Food"],
    "Food": [],
    "Care": [],
}
shop = st.lists(
    st.sets(st.sampled_from(PRODUCTS["product_id"].to_list()), min_size=1), min_size=1, max_size=9
)


def lines_of(rows):
    return interactions_of(
        [(None, f"o{at}", None, item) for at, row in enumerate(rows) for item in sorted(row)]
    )


@pytest.mark.parametrize(
    ("level", "expected", "lost"),
    [
        ("category", ["Food > Dairy > Cheese", "Food > Dairy", "Food > Bakery", "Care"], 1),
        ("1", ["Food", "Food", "Food", "Care"], 1),
        ("2", ["Food > Dairy", "Food > Dairy", "Food > Bakery", "Care"], 1),
        ("brand", ["Alp", "Alp", "Lux", "Lux"], 1),
    ],
)
def test_levels(level, expected, lost):
    frame = interactions_of([(None, "o", None, item) for item in PRODUCTS["product_id"]])
    found, without = at_level(frame, PRODUCTS, level)
    assert found["product_id"].to_list() == expected
    assert without == lost


def test_what_level_takes():
    for level in ("catgory", "0", "-1"):
        with pytest.raises(UsageProblem, match="unknown `level`"):
            at_level(lines_of([{"milk"}]), PRODUCTS, level)
    with pytest.raises(UsageProblem, match="no column 'brand'"):
        at_level(lines_of([{"milk"}]), PRODUCTS.drop("brand"), "brand")
    with pytest.raises(UsageProblem, match="needs categories"):
        with_ancestors(lines_of([{"milk"}]), PRODUCTS.drop("category"))
    clash = pl.DataFrame({"product_id": ["Food", "x"], "category": ["Care", "Food > Dairy"]})
    with pytest.raises(UsageProblem, match="has the name of a product"):
        with_ancestors(lines_of([{"x"}]), clash)


def generalized(rows, min_count):
    frame, parent = with_ancestors(lines_of(rows), PRODUCTS)
    baskets = baskets_from_interactions(frame)
    taxonomy = taxonomy_of(baskets.item_ids, parent)
    return without_own_ancestors(mine_itemsets(baskets, min_count=min_count), taxonomy), taxonomy


@settings(max_examples=60)
@given(rows=shop, min_count=st.integers(1, 3))
def test_sets_without_own_ancestors(rows, min_count):
    extended = [row | {name for item in row for name in ABOVE[item]} for row in rows]
    expected = {
        items: count
        for items, count in brute_force(extended, min_count, "frequent").items()
        if not any(a in ABOVE[b] or b in ABOVE[a] for a, b in combinations(items, 2))
    }
    sets, _ = generalized(rows, min_count)
    assert as_dict(sets.frame()) == expected


@settings(max_examples=60)
@given(rows=shop, minimum=st.sampled_from([1.0, 1.1, 2.0]))
def test_interest_against_the_definition(rows, minimum):
    sets, taxonomy = generalized(rows, 1)
    count = as_dict(sets.frame())
    rules = keys(mine_rules(sets, max_consequent=2))

    def stays(a, b):
        for side in (a, b):
            for item in side:
                if not ABOVE[item]:
                    continue
                above = ABOVE[item][0]
                new = tuple(sorted({*side} - {item} | {above}))
                left, right = (new, b) if side is a else (a, new)
                both = tuple(sorted({*left, *right}))
                if len(both) < len(a + b) or both not in count or left not in count:
                    continue
                share = count[item,] / count[above,]
                expected = count[both] / count[left] * (share if side is b else 1)
                own = count[tuple(sorted(a + b))]
                if own < minimum * count[both] * share and own / count[a] < minimum * expected:
                    return False
        return True

    selection = RuleSelection(sets, SearchSpace(10), taxonomy=taxonomy, interest=minimum)
    assert keys(mine_rules(sets, max_consequent=2, select=selection)) == {
        rule for rule in rules if stays(*rule)
    }


def test_topics_are_categories_where_there_are_none():
    topics = pl.DataFrame(
        {
            "topic": [0, 0, 1, 2], "label": ["bag", "bag", "mug", "bag"], "product_id": ["a", "b", "c", "d"],
            "title": ["A", "B", "C", "D"],
        }
    )  # fmt: skip
    alone = with_topics(None, topics)
    assert dict(alone.select("product_id", "category").rows()) == {
        "a": "bag (0)", "b": "bag (0)", "c": "mug", "d": "bag (2)",
    }  # fmt: skip
    products = pl.DataFrame({"product_id": ["c", "e"], "category": ["Home", None], "title": ["C", "E"]})
    beside = with_topics(products, topics)
    assert beside["category"].to_list() == ["Home", None]
    assert beside["topic"].to_list() == ["mug", None]
    none = with_topics(products.with_columns(category=pl.lit(None, pl.String)), topics)
    assert none["category"].to_list() == ["mug", None]
    lines = pl.DataFrame({"product_id": ["a", "c", "e"], "order_id": ["1", "1", "1"]})
    named, lost = at_level(lines, beside, "topic")
    assert (named["product_id"].to_list(), lost) == (["mug"], 2)
    with pytest.raises(UsageProblem, match="no column 'topic'") as caught:
        at_level(lines, products, "topic")
    assert "`topics=FILE`" in caught.value.hint
