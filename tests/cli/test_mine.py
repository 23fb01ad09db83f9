"""`prodassoc mine` as a user runs it: rules that can be trusted, and what they mean."""

from __future__ import annotations

import json
from itertools import combinations, product
from pathlib import Path

import polars as pl
import pytest

from prodassoc_cli.artifacts.schemas import OUTLIERS, RELATED_PRODUCTS, RULES
from prodassoc_cli.artifacts.store import read_artifact
from tests.conftest import SAMPLE, CommandLine
from tests.evaluation.report.sections.test_products import data_of as products_of_page

TRUTH = json.loads((SAMPLE / "truth.json").read_text())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The simulated shop, cleaned and embedded."""
    run = CommandLine(tmp_path_factory.mktemp("shop"))
    for words in (
        ("clean", str(SAMPLE / "orders.csv"), "--products", str(SAMPLE / "catalog.csv"), "-o", "i.parquet",
         "--products-output", "p.parquet", "--holdout", "time:0.3", "--holdout-output", "h.parquet"),
        ("embed", "p.parquet", "-o", "e.parquet"),
    ):  # fmt: skip
        done = run(*words, "-q")
        assert done.returncode == 0, done.stderr.decode()
    return run


def mined(shop: CommandLine, *words: str, name: str = "r.parquet") -> tuple[pl.DataFrame, str]:
    done = shop("mine", "i.parquet", "-o", name, "--force", *words)
    assert done.returncode == 0, done.stderr.decode()
    return read_artifact([shop.folder / name], RULES)[0], done.stderr.decode()


def pairs(*groups: list[list[str]]) -> set[tuple[str, str]]:
    """All pairs of products from two different parts of a group."""
    return {
        (min(a, b), max(a, b))
        for parts in groups
        for one, other in combinations(parts, 2)
        for a, b in product(one, other)
    }


def test_planted_relations_are_found(shop):
    _, said = mined(
        shop, "--embeddings", "e.parquet", "--relations-output", "rel.parquet", "--min-count", "3",
        "--min-lift", "0", "--min-confidence", "0", "--max-size", "2", "--report", "rules.html",
    )  # fmt: skip
    assert "pairs of complements" in said
    found = read_artifact([shop.folder / "rel.parquet"], RELATED_PRODUCTS)[0]
    planted = {
        "complement": pairs(*(group["parts"] for group in TRUTH["complements"])),
        "substitute": pairs(*(group["lines"] for group in TRUTH["substitutes"])),
        "variant": pairs(*([[each] for each in line["products"]] for line in TRUTH["variants"])),
    }
    sold = (
        pl.read_parquet(shop.folder / "i.parquet")["product_id"].value_counts().filter(pl.col("count") >= 3)
    )
    known = set(sold["product_id"])
    every = set(combinations(sorted(known), 2))
    for relation, least in (("complement", 0.85), ("substitute", 0.6), ("variant", 0.85)):
        said_so = {
            (a, b) for a, b, word in found.select(found.columns[:3]).iter_rows() if a < b and word == relation
        }
        truly = planted[relation] & every
        share = len(said_so & truly) / len(truly)
        by_chance = len(said_so - truly) / len(every - truly)
        assert share >= least, relation
        assert share > 20 * by_chance, relation
    shop(
        "evaluate", "r.parquet", "--truth", "i.parquet", "--relations", "rel.parquet", "--report", "page.html"
    )
    for page in ("rules.html", "page.html"):
        text = (shop.folder / page).read_text(encoding="utf-8")
        assert len(products_of_page(text)["related"]) > 1000


def test_rules_carry_similarity_and_relation(shop):
    rules, _ = mined(shop, "--embeddings", "e.parquet")
    assert rules["similarity"].null_count() == 0
    single = (pl.col("antecedent").list.len() == 1) & (pl.col("consequent").list.len() == 1)
    planted = pairs(*(group["parts"] for group in TRUTH["complements"]))
    hits = [
        relation == "complement"
        for a, b, relation in rules.filter(single).select("antecedent", "consequent", "relation").iter_rows()
        if (min(a[0], b[0]), max(a[0], b[0])) in planted
    ]
    assert len(hits) > 20
    assert sum(hits) > 0.9 * len(hits)
    assert rules.filter(~single)["relation"].null_count() == rules.filter(~single).height


def test_the_default_columns_and_every_measure(shop):
    rules, _ = mined(shop)
    assert rules.columns == [
        "antecedent", "consequent", "count", "support", "confidence", "lift", "leverage", "conviction",
        "jaccard", "cosine", "kulczynski", "zhang", "p_value",
    ]  # fmt: skip
    every, _ = mined(shop, "--measures", "all", "--min", "phi=0.15", "--sort-by", "yule_q")
    assert len(every.columns) > 45
    assert every["phi"].min() >= 0.15
    assert 0 < every.height < rules.height


def test_titles_that_the_encoder_does_not_read_are_substitutes_of_nothing(shop):
    words = (
        "--embeddings",
        "e.parquet",
        "--relations-output",
        "un.parquet",
        "--min-count",
        "3",
        "--max-size",
        "2",
    )
    _, said = mined(shop, *words, "--products", "p.parquet")
    assert "titles of 23 products are in scripts that all-MiniLM-L6-v2 hardly reads" in said
    chinese = pl.read_parquet(shop.folder / "p.parquet").filter(pl.col("title").str.contains(r"\p{Han}"))
    pairs = read_artifact([shop.folder / "un.parquet"], RELATED_PRODUCTS)[0]
    sides = pl.col("product_id").is_in(chinese["product_id"].implode())
    relations = set(pairs.filter(sides)["relation"])
    assert "substitute" not in relations
    assert {"variant", "complement"} <= relations  # sizes differ in their numbers, and baskets tell their own
    assert pairs.filter(relation="substitute").height > 0


def test_significance(shop):
    plain, _ = mined(shop, "--min-count", "3", "--max-size", "2")
    rules, said = mined(shop, "--min-count", "3", "--max-size", "2", "--fdr", "0.05")
    assert 0 < rules.height < plain.height
    assert rules["q_value"].max() <= 0.05
    assert "webb correction for" in said
    capped, _ = mined(shop, "--min-count", "3", "--max-size", "2", "--fdr", "0.05", "--top", "5")
    assert capped.equals(rules.head(5))
    free, _ = mined(shop, "--min-count", "3", "--max-size", "2", "--correction", "bh")
    assert free.height == plain.height
    assert free.filter(pl.col("q_value") <= 0.05).height >= rules.height


def test_holdout_evaluation(shop):
    rules, said = mined(shop, "--min-count", "5", "--validate", "h.parquet", "--fdr", "0.05")
    assert {"support", "holdout_support", "holdout_count", "holdout_p_value", "q_value"} <= set(rules.columns)
    assert rules.height > 20
    assert rules["holdout_count"].min() > 0
    assert "other baskets, holm correction" in said


@pytest.mark.parametrize("about", [["--level", "category"], ["--generalized"]], ids=["level", "generalized"])
def test_holdout_evaluation_of_categories(shop, about):
    rules, said = mined(
        shop,
        "--products",
        "p.parquet",
        *about,
        "--validate",
        "h.parquet",
        "--fdr",
        "0.05",
        "--min-count",
        "5",
    )
    assert rules.height > 0
    assert "other baskets, holm correction" in said
    held, products = pl.read_parquet(shop.folder / "h.parquet"), pl.read_parquet(shop.folder / "p.parquet")
    named = held.join(products.select("product_id", "category"), on="product_id")
    steps = pl.col("category").str.split(" > ")
    paths = pl.concat(
        [named.select("order_id", name=steps.list.head(depth).list.join(" > ")) for depth in (1, 2, 3)]
        + [held.select("order_id", name="product_id")]
    )
    orders = {
        name: set(ids) for name, ids in paths.group_by("name").agg(pl.col("order_id").unique()).iter_rows()
    }
    for left, right, count in rules.select("antecedent", "consequent", "holdout_count").iter_rows():
        both = set.intersection(*(orders.get(name, set()) for name in {*left, *right}))
        assert len(both) == count


def test_pruning_and_sides(shop):
    plain, _ = mined(shop, "--min-count", "8", "--min-confidence", "0")
    kept, said = mined(shop, "--min-count", "8", "--min-confidence", "0", "--prune", "redundant")
    assert kept.height < plain.height
    assert "superfluous" in said
    dairy = set(
        pl.read_parquet(shop.folder / "p.parquet").filter(pl.col("category") == "Food > Dairy")["product_id"]
    )
    sided, _ = mined(shop, "--products", "p.parquet", "--consequent", "category=Dairy", "--exclude", "00118")
    assert sided.height > 0
    for a, b in sided.select("antecedent", "consequent").iter_rows():
        assert set(b) <= dairy
        assert "00118" not in {*a, *b}


def test_levels_and_generalized_rules(shop):
    rules, _ = mined(shop, "--products", "p.parquet", "--level", "2")
    assert "Food > Dairy" in set(rules["consequent"].explode())
    mixed, _ = mined(shop, "--products", "p.parquet", "--generalized", "--min-interest", "1.1")
    names = [{*a, *b} for a, b in mixed.select("antecedent", "consequent").iter_rows()]
    assert any(" > " in name for each in names for name in each)
    assert any(name.isalnum() for each in names for name in each)
    assert not any({"Food", "Food > Dairy"} <= each for each in names)


def test_privacy(shop):
    rules, said = mined(shop, "--min-count", "3", "--min-users", "10", "--itemsets-output", "s.parquet")
    assert "backed by at least 10 users" in said
    frame = pl.read_parquet(shop.folder / "i.parquet").filter(pl.col("user_id").is_not_null())
    buyers = {
        (order, user): set(items)
        for order, user, items in frame.group_by("order_id", "user_id").agg("product_id").iter_rows()
    }
    for a, b in rules.head(20).select("antecedent", "consequent").iter_rows():
        assert len({user for (_, user), items in buyers.items() if {*a, *b} <= items}) >= 10
    frame.with_columns(user_id=pl.lit(None, pl.String)).write_parquet(shop.folder / "anonymous.parquet")
    refused = shop("mine", "anonymous.parquet", "-o", "x.parquet", "--min-users", "2")
    assert refused.returncode == 65
    assert b"no basket has a user_id" in refused.stderr


def test_sequences_and_outliers(shop):
    rules, said = mined(shop, "--sequence", "30", "--min-count", "5", "--min-confidence", "0")
    assert rules.height > 0
    assert rules.columns == ["antecedent", "consequent", "count", "support", "confidence", "lift", "p_value"]
    assert "users" in said
    mined(shop, "--outliers-output", "out.parquet")
    scores = read_artifact([shop.folder / "out.parquet"], OUTLIERS)[0]
    assert scores["score"].is_sorted()
    assert scores["order_id"].n_unique() == scores.height


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--measures", "lft"], 2, "did you mean 'lift'?"),
        (["--min", "lift"], 2, "write it like --min phi=0.1"),
        (["--prune", "redundnt"], 2, "did you mean 'redundant'?"),
        (["--consequent", "nothing"], 2, "no such product"),
        (["--consequent", "category=Dairy"], 2, "give it with --products"),
        (["--level", "category"], 2, "add --products FILE"),
        (["--level", "categry", "--products", "p.parquet"], 2, "did you mean 'category'?"),
        (["--relations-output", "rel.parquet"], 2, "add --embeddings FILE"),
        (["--validate", "h.parquet", "--correction", "webb"], 2, "exclude each other"),
        (["--target", "closed", "--fdr", "0.05"], 2, "--fdr needs --target rules"),
        (["--sequence", "7", "--prune", "redundant"], 2, "--sequence and --prune exclude each other"),
        (["--min-interest", "1.1"], 2, "add --generalized"),
    ],
)  # fmt: skip
def test_what_does_not_go(shop, words, code, message):
    done = shop("mine", "i.parquet", "-o", "never.parquet", *words)
    assert done.returncode == code, done.stderr.decode()
    assert message in done.stderr.decode()
    assert not Path(shop.folder / "never.parquet").exists()


def test_nothing_significant_says_what_to_do(shop):
    done = shop("mine", "i.parquet", "-o", "none.parquet", "--fdr", "0", "--force")
    assert done.returncode == 0
    assert "no rule is significant at --fdr 0" in done.stderr.decode()
