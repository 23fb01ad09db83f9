"""Options of `mine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prodassoc_cli.settings.declare import FILE, setting
from prodassoc_cli.settings.engine import EngineConfig

VARIANT_SIMILARITY, SUBSTITUTE_SIMILARITY, RELATION_LEVEL = 0.85, 0.5, 0.001
"""Where one relation of two products ends and the next begins; `recommend --relation` has the same."""


@dataclass(frozen=True)
class MineConfig(EngineConfig):
    """Interactions → association rules, or itemsets."""

    target: Literal["rules", "frequent", "closed", "maximal"] = setting(
        "rules", "What to find", group="Search"
    )
    algorithm: Literal["auto", "apriori", "fp-growth", "eclat"] = setting(
        "auto", "How; all give the same result", group="Search"
    )
    min_support: float | None = setting(
        None, "Least share of baskets, such as 0.01 [default: 0.005, but at least 3 baskets]",
        group="Search", metavar="FRACTION", low=0.0, high=1.0,
    )  # fmt: skip
    min_count: int | None = setting(
        None, "Least number of baskets, instead of --min-support", group="Search", metavar="N", low=1
    )
    max_size: int | None = setting(None, "Most products in a set", group="Search", metavar="N", low=1)
    max_basket_size: int | None = setting(
        None, "Leave out baskets with more products", group="Search", metavar="N", low=1
    )
    level: str = setting(
        "product", "What rules are about: product, category, brand, or N steps of the category's path",
        group="Taxonomy", metavar="LEVEL",
    )  # fmt: skip
    generalized: bool = setting(False, "Mix products and their categories in one rule", group="Taxonomy")
    min_interest: float | None = setting(
        None, "Drop generalized rules not this much above what one level up lets expect, such as 1.1",
        group="Taxonomy", metavar="R", low=1.0,
    )  # fmt: skip
    sequence: float | None = setting(
        None, "Rules across orders: A, then B by the same user within so many days", group="Search",
        metavar="DAYS", low=0.0,
    )  # fmt: skip
    min_users: int | None = setting(
        None, "Drop what fewer distinct users back", group="Privacy", metavar="K", low=1
    )
    min_confidence: float = setting(
        0.1, "Least confidence of a rule", group="Rules", metavar="FRACTION", low=0.0, high=1.0
    )
    min_lift: float = setting(1.0, "Least lift of a rule", group="Rules", metavar="X", low=0.0)
    max_consequent: int = setting(
        1, "Most products on the right of a rule", group="Rules", metavar="N", low=1
    )
    sort_by: str = setting("lift", "Measure to sort by, best first", group="Rules", metavar="MEASURE")
    top: int | None = setting(None, "Keep the first N", group="Rules", metavar="N", low=1)
    measures: str | None = setting(
        None, "Measures to write, comma-separated, or all [default: nine]", group="Rules", metavar="NAMES"
    )
    min: list[str] = setting(
        [], "Least value of any measure: phi=0.1 (repeatable)", group="Rules", metavar="MEASURE=VALUE"
    )
    prune: str | None = setting(
        None, "Drop rules no better than a more general one: redundant, non-productive, improvement=X",
        group="Rules", metavar="HOW",
    )  # fmt: skip
    antecedent: list[str] = setting(
        [], "Only rules with one of these on the left: ids, or category=Dairy (repeatable)",
        group="Constraints", metavar="A,B",
    )  # fmt: skip
    consequent: list[str] = setting(
        [], "Only rules with one of these on the right (repeatable)", group="Constraints", metavar="A,B"
    )
    exclude: list[str] = setting(
        [], "Leave these products out of the search (repeatable)", group="Constraints", metavar="A,B"
    )
    fdr: float | None = setting(
        None, "Keep rules with a q-value up to this, such as 0.05", group="Significance", metavar="Q",
        low=0.0, high=1.0,
    )  # fmt: skip
    correction: Literal["webb", "bh", "by", "holm", "bonferroni"] | None = setting(
        None, "How p-values become q-values [default: webb; holm with --validate]", group="Significance"
    )
    validate: str | None = setting(
        None, "Test the rules on these other interactions", group="Significance", **FILE
    )
    embeddings: str | None = setting(
        None, "Embeddings: adds the similarity of the sides, and how two products relate", group="Meaning",
        **FILE,
    )  # fmt: skip
    relations_output: str | None = setting(
        None, "Where complements, substitutes and variants go", group="Meaning", **FILE
    )
    variant_similarity: float = setting(
        VARIANT_SIMILARITY,
        "Least similarity of variants",
        group="Meaning",
        metavar="COSINE",
        low=-1.0,
        high=1.0,
    )
    substitute_similarity: float = setting(
        SUBSTITUTE_SIMILARITY,
        "Least similarity of substitutes",
        group="Meaning",
        metavar="COSINE",
        low=-1.0,
        high=1.0,
    )
    relation_level: float = setting(
        RELATION_LEVEL,
        "Greatest p-value of being bought together",
        group="Meaning",
        metavar="P",
        low=0.0,
        high=1.0,
    )
    products: str | None = setting(
        None, "Products: titles for tables, categories and brands", group="Rules", **FILE
    )
    outliers_output: str | None = setting(
        None, "Where a score a basket goes, of how few frequent sets it fits", group="Rules", **FILE
    )
    itemsets_output: str | None = setting(None, "Where the frequent itemsets go", group="Rules", **FILE)
    report: str | None = setting(None, "Write an HTML page of the rules for people", group="Rules", **FILE)
