from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.products.constraints import Sides, named_products, without_strangers
from prodassoc_cli.mining.rules import mine_rules
from prodassoc_cli.mining.selection.lattice import only_nodes
from prodassoc_cli.mining.selection.pruning import Pruning, pruning
from prodassoc_cli.mining.selection.rule_selection import RuleSelection
from prodassoc_cli.mining.selection.set_coverage import cover, recoded
from prodassoc_cli.mining.selection.significance import SearchSpace
from tests.conftest import examples
from tests.mining.conftest import FOUR, brute_force, make_baskets
from tests.mining.selection.test_significance import log_p_of
from tests.mining.test_itemsets import rows_of


def keys(frame):
    return {(tuple(a), tuple(b)) for a, b in frame.select("antecedent", "consequent").iter_rows()}


def proper_parts(items):
    return [part for size in range(len(items)) for part in combinations(items, size)]


@settings(max_examples=examples(60))
@given(
    rows=rows_of,
    min_count=st.integers(1, 3),
    most=st.integers(1, 2),
    minimum=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_pruning_against_all_pairs_of_rules(rows, min_count, most, minimum):
    count = {**brute_force(rows, min_count, "frequent"), (): len(rows)}
    sets = mine_itemsets(make_baskets(rows), min_count=min_count)
    kept = {name: set() for name in ("redundant", "improvement", "productive")}
    rules = keys(mine_rules(sets, max_consequent=most))
    for a, b in rules:
        confidence = count[tuple(sorted(a + b))] / count[a]
        best = max(count[tuple(sorted(part + b))] / count[part] for part in proper_parts(a))
        fewer = combinations(a, len(a) - 1)
        worst = max(
            log_p_of(count[x], count[a], count[tuple(sorted(x + b))], count[tuple(sorted(a + b))])
            for x in fewer
        )
        plain = log_p_of(len(rows), count[a], count[b], count[tuple(sorted(a + b))])
        if confidence > best:
            kept["redundant"].add((a, b))
            if max(plain, worst) <= np.log(0.05):
                kept["productive"].add((a, b))
        if confidence - best >= minimum:
            kept["improvement"].add((a, b))
    for name, how in (
        ("redundant", Pruning("redundant")),
        ("improvement", Pruning("improvement", minimum)),
        ("productive", Pruning("non-productive")),
    ):
        selection = RuleSelection(sets, SearchSpace(len(sets.item_ids)), pruning=how)
        assert keys(mine_rules(sets, max_consequent=most, select=selection)) == kept[name], name
        assert selection.facts["rules_tested"] == len(rules)
        assert selection.facts["rules_pruned"] == len(rules) - len(kept[name])


def test_what_prune_takes():
    assert pruning(None) is None
    assert pruning("improvement=0.05") == Pruning("improvement", 0.05)
    with pytest.raises(UsageProblem) as unknown:
        pruning("redundent")
    assert unknown.value.hint == "did you mean 'redundant'?"
    with pytest.raises(UsageProblem, match="has no number"):
        pruning("improvement=much")


@settings(max_examples=60)
@given(rows=rows_of, others=rows_of, algorithm=st.sampled_from(["auto", "apriori", "fp-growth"]))
def test_cover_against_brute_force(rows, others, algorithm):
    sets = mine_itemsets(make_baskets(rows), min_count=1, algorithm=algorithm)
    user = np.arange(len(others), dtype=np.int32) % 3 - 1
    found = cover(sets, recoded(make_baskets(others), sets), user, np.ones(sets.tree.shape[1]))
    whole = only_nodes(sets, np.ones(sets.tree.shape[1], bool)).frame()
    by_items = {tuple(items): count for items, count in whole.select("items", "count").iter_rows()}
    position = {}
    for node in range(sets.tree.shape[1]):
        at, items = node, []
        while at >= 0:
            items.append(sets.item_ids[int(sets.tree[1, at])])
            at = int(sets.tree[0, at])
        position[tuple(sorted(items))] = node
    assert set(position) == set(by_items)
    for items, node in position.items():
        holders = [at for at, row in enumerate(others) if set(items) <= row]
        assert found.baskets[node] == len(holders)
        assert found.users[node] == len({user[at] for at in holders} - {-1})
    for at, row in enumerate(others):
        assert found.sets[at] == found.score[at] == sum(set(items) <= row for items in position)


def test_holdout_counts_and_corrects_for_the_rules_found():
    generator = np.random.default_rng(2)
    rows = [{f"{item}" for item in np.flatnonzero(generator.random(8) < 0.4)} | {"z"} for _ in range(200)]
    rows = [row | {"1"} if "0" in row else row for row in rows]
    sets = mine_itemsets(make_baskets(rows[:100]), min_count=5)
    holdout = make_baskets([*rows[100:], {"unknown"}])
    selection = RuleSelection(sets, SearchSpace(9), holdout=holdout)
    rules = mine_rules(sets, select=selection)
    assert rules.height > 50
    for rule in rules.iter_rows(named=True):
        both = {*rule["antecedent"], *rule["consequent"]}
        seen = [row for row in rows[100:] if set(rule["antecedent"]) <= row]
        assert rule["holdout_count"] == sum(both <= row for row in seen)
        assert rule["holdout_support"] == rule["holdout_count"] / 101
        assert rule["holdout_confidence"] == (rule["holdout_count"] / len(seen) if seen else None)
        assert rule["q_value"] >= rule["holdout_p_value"]
    kept = mine_rules(sets, select=RuleSelection(sets, SearchSpace(9), level=0.01, holdout=holdout))
    assert (("0",), ("1",)) in keys(kept)
    assert (("0",), ("2",)) not in keys(kept)
    with pytest.raises(UsageProblem, match="webb"):
        mine_rules(sets, select=RuleSelection(sets, SearchSpace(9), correction="webb", holdout=holdout))


def test_top_comes_after_correction():
    rows = [{"a", "b"}] * 30 + [{"c", "d"}] * 2 + [{"e"}] * 30
    sets = mine_itemsets(make_baskets(rows), min_count=2)
    selection = RuleSelection(sets, SearchSpace(5, max_size=2), correction="webb", level=0.001)
    assert mine_rules(sets, top=1)["antecedent"].to_list() == [["c"]]
    assert mine_rules(sets, top=1, select=selection)["antecedent"].to_list() == [["a"]]


def test_sides():
    sets = mine_itemsets(make_baskets(FOUR), min_count=1)
    every = keys(mine_rules(sets, max_consequent=2))
    for left, right in (({"1"}, None), (None, {"2", "3"}), ({"1"}, {"3"})):
        found = keys(mine_rules(sets, max_consequent=2, keep=Sides(sets, left, right)))
        assert found == {
            (a, b) for a, b in every if (not left or left & {*a}) and (not right or right & {*b})
        }


@settings(max_examples=80)
@given(rows_of, st.integers(1, 3), st.sampled_from([{"a"}, {"c", "f"}, None]), st.sampled_from([{"b"}, None]))
def test_a_search_without_strangers_finds_the_same_rules(rows, min_count, left, right):
    baskets = make_baskets(rows)
    found = []
    for searched in (baskets, without_strangers(baskets, min_count, (left, right))):
        sets = mine_itemsets(searched, min_count=min_count)
        selection = RuleSelection(sets, SearchSpace(6, max_size=6), pruning("redundant"))
        found.append(mine_rules(sets, max_consequent=2, keep=Sides(sets, left, right), select=selection))
    assert found[0].equals(found[1])


def test_strangers_are_not_searched():
    rows = [{"a", "b"}] * 3 + [{"c", "d"}] * 3 + [{"a", "c"}]
    searched = without_strangers(make_baskets(rows), 2, ({"a"}, None))
    assert set(searched.item_ids) == {"a", "b"}
    assert len(searched) == 7


def test_naming_products():
    known = pl.Series(["1", "2", "3", "a,b"])
    products = pl.DataFrame(
        {"product_id": ["1", "2", "3"], "category": ["Food > Dairy", "Food > Dairy > Milk", "Drinks"]}
    )
    assert named_products(["1,2", "a,b"], "exclude", known, None) == {"1", "2", "a,b"}
    assert named_products(["category=Dairy"], "exclude", known, products) == {"1", "2"}
    assert named_products(["category=Food > Dairy"], "exclude", known, products) == {"1", "2"}
    assert named_products(["category=Food > Dairy > Milk"], "exclude", known, products) == {"2"}
    for words, message in (
        (["4"], "no such product"),
        (["category=Diary"], "no product has that category"),
        (["colour=red"], "products have no column 'colour'"),
    ):
        with pytest.raises(UsageProblem, match=message):
            named_products(words, "exclude", known, products)
    with pytest.raises(UsageProblem) as missing:
        named_products(["category=Dairy"], "exclude", known, None)
    assert missing.value.hint == "give it with `products`"
