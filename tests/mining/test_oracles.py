"""Against other miners, with their known faults in mind."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.mining.itemsets import mine_itemsets
from prodassoc_cli.mining.rules import mine_rules

from .conftest import as_dict, make_baskets

fim = pytest.importorskip("fim", reason="pyfim is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
frequent_patterns = pytest.importorskip("mlxtend.frequent_patterns", reason="mlxtend is not installed")


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(11)
    weights = 1 / np.arange(1, 31) ** 0.8
    return [
        {f"p{item}" for item in random.choice(30, int(random.integers(1, 9)), p=weights / weights.sum())}
        for _ in range(400)
    ]


@pytest.mark.parametrize(("target", "letter"), [("frequent", "s"), ("closed", "c"), ("maximal", "m")])
@pytest.mark.parametrize("min_count", [4, 20])
def test_itemsets_as_pyfim(rows, target, letter, min_count):
    theirs = fim.eclat([list(row) for row in rows], target=letter, supp=-min_count, zmin=1, report="a")
    ours = as_dict(mine_itemsets(make_baskets(rows), min_count=min_count, target=target).frame())
    assert ours == {tuple(sorted(items)): count for items, count in theirs}


def test_pyfim_omits_the_set_of_full_support():
    """The fault that the comparison above must not meet: keep the reason for its data on record."""
    rows = [{"x", "a"}, {"x", "b"}]
    theirs = {
        tuple(sorted(items)) for items, _ in fim.eclat([list(row) for row in rows], supp=-1, report="a")
    }
    ours = set(as_dict(mine_itemsets(make_baskets(rows), min_count=1).frame()))
    assert ("x",) in ours
    assert ours - theirs in (set(), {("x",)})


def test_rules_as_mlxtend(rows):
    # 0.201 and not 0.2: mlxtend divides rounded supports, so that a confidence of just 0.2 may fall below.
    items = sorted(set().union(*rows))
    table = pd.DataFrame([[item in row for item in items] for row in rows], columns=items)
    sets = frequent_patterns.fpgrowth(table, min_support=0.02, use_colnames=True)
    theirs = frequent_patterns.association_rules(sets, metric="confidence", min_threshold=0.201)
    ours = mine_rules(
        mine_itemsets(make_baskets(rows), min_count=8), min_confidence=0.201, max_consequent=99, min_lift=0
    )
    assert len(ours) == len(theirs) > 100
    for side in ("antecedent", "consequent"):
        theirs[side] = [sorted(each) for each in theirs[f"{side}s"]]
    joined = ours.join(
        pl.from_pandas(theirs.drop(columns=["antecedents", "consequents"])),
        on=["antecedent", "consequent"], suffix="_theirs",
    )  # fmt: skip
    assert len(joined) == len(ours)
    for name, other in (
        ("support", "support_theirs"), ("confidence", "confidence_theirs"), ("lift", "lift_theirs"),
        ("leverage", "leverage_theirs"), ("jaccard", "jaccard_theirs"), ("kulczynski", "kulczynski_theirs"),
        ("zhang", "zhangs_metric"),
    ):  # fmt: skip
        np.testing.assert_allclose(joined[name], joined[other], rtol=1e-9, atol=1e-12, err_msg=name)
    finite = joined.filter(pl.col("conviction").is_not_null())
    np.testing.assert_allclose(finite["conviction"], finite["conviction_theirs"], rtol=1e-9)
    assert joined.filter(pl.col("conviction").is_null())["confidence"].eq(1).all()
