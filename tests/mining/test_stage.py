"""What `mine` says where nothing is found: what came nearest, and the option and value that show it."""

from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.mining.stage import MiningStage
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.stage import StageContext

TEA_SHOP = ["pot cup tea", "pot cup", "pot tea", "cup spoon", "pot cup spoon", "tea", "lamp"]


def said(lines: list[str], **options: object) -> tuple[list[pl.DataFrame], list[str]]:
    """The results of mining these baskets, and the warnings."""
    rows = [
        {"order_id": str(order), "product_id": product, "event": "purchase", "user_id": str(order % 2)}
        for order, line in enumerate(lines)
        for product in line.split()
    ]
    warnings: list[str] = []
    context = StageContext(warn=warnings.append)
    stage = MiningStage(MineConfig(**options), pl.DataFrame(rows), context=context)  # type: ignore[arg-type]
    return [
        pl.DataFrame(each.rows) for each in stage.results() if isinstance(each.rows, pl.DataFrame)
    ], warnings


def n_rules(lines: list[str], **options: object) -> int:
    (rules,), _ = said(lines, **options)
    return rules.height


@pytest.mark.parametrize(
    ("options", "pair"),
    [
        ({"min_count": 4}, "`min_count=3` or less"),
        ({"min_count": 100}, "`min_count=3` or less"),
        ({"min_support": 0.9}, "`min_support=0.428` or less"),
    ],
)
def test_no_frequent_pair(options, pair):
    (rules,), (warning,) = said(TEA_SHOP, **options)
    assert rules.is_empty()
    assert "pair of products is in 3 of 7 (42.9 %)" in warning
    assert pair in warning
    name, value = pair.split("`")[1].split("=")
    assert n_rules(TEA_SHOP, **{name: type(options[name])(value)}) > 0
    assert len([word for word in ("min_support", "min_count") if word in warning]) == 1


def test_no_pair_is_there_twice():
    _, (warning,) = said(["a b", "c d", "e f", "a", "a"], min_count=2)
    assert "pair of products is in 1 of 5" in warning


def test_no_itemset_at_all():
    _, (warning,) = said(TEA_SHOP, target="frequent", min_count=6)
    assert "most frequent product is in 4 of 7 (57.1 %): `min_count=4` or less" in warning


def test_baskets_of_one_product():
    (rules,), (warning,) = said(["a", "a", "a", "b", "b", "b"])
    assert rules.is_empty()
    assert "every basket holds a single product" in warning
    assert "`clean map=order_id=…`" in warning
    assert "min_support" not in warning


def test_sets_of_one_product():
    _, (warning,) = said(TEA_SHOP, max_size=1, min_count=2)
    assert "`max_size=1`" in warning
    assert "min_" not in warning


def test_minimum_users_that_nothing_reaches():
    (rules,), (warning,) = said(TEA_SHOP, min_users=5)
    assert rules.is_empty()
    assert "lower `min_users`" in warning
