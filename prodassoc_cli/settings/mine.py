"""Options of `mine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prodassoc_cli.declare import FILE, setting
from prodassoc_cli.settings.common import (
    COSINE,
    DEFAULT_LANGUAGE,
    SUBSTITUTE_SIMILARITY,
    VARIANT_SIMILARITY,
    Language,
)
from prodassoc_cli.settings.engine import EngineConfig

RELATION_LEVEL = 0.0001
"""Maximum p-value of complements; `recommend --relation` has the same."""

_OF_RULES = "target=rules"


@dataclass(frozen=True)
class MineConfig(EngineConfig):
    """Interactions → association rules, or itemsets."""

    target: Literal["rules", "frequent", "closed", "maximal"] = setting(
        "rules", "Rules, or which itemsets", group="Search"
    )
    algorithm: Literal["auto", "apriori", "fp-growth", "eclat"] = setting(
        "auto", "Mining algorithm (all give the same result)", group="Search", on_spark=False
    )
    min_support: float | None = setting(
        None, "Minimum support, such as 0.01 [default: 0.005, but at least 3 baskets]",
        group="Search", metavar="FRACTION", low=0.0, high=1.0, excludes=("min_count",),
    )  # fmt: skip
    min_count: int | None = setting(
        None, "Minimum number of baskets, instead of --min-support", group="Search", metavar="N", low=1
    )
    max_size: int | None = setting(
        None, "Maximum number of products per itemset", group="Search", metavar="N", low=1
    )
    max_basket_size: int | None = setting(
        None, "Leave out baskets with more products than this", group="Search", metavar="N", low=1
    )
    level: str = setting(
        "product", "What rules are about: product, category, brand, topic, or N levels of the category",
        group="Taxonomy", metavar="LEVEL",
        excludes=("generalized", "embeddings"), on_spark=False,
    )  # fmt: skip
    topics: str | None = setting(
        None, "Topics of the products, made by embed: categories where there are none",
        group="Taxonomy", on_spark=False, **FILE,
    )  # fmt: skip
    generalized: bool = setting(
        False, "Mix products and their categories in one rule", group="Taxonomy",
        needs=(_OF_RULES,), excludes=("embeddings",), on_spark=False,
    )  # fmt: skip
    min_interest: float | None = setting(
        None, "Minimum ratio of a generalized rule to what its categories' rule predicts, such as 1.1",
        group="Taxonomy", metavar="R", low=1.0, needs=("generalized",), on_spark=False,
    )  # fmt: skip
    sequence: float | None = setting(
        None, "Rules across orders: A, then B by the same user within this many days", group="Search",
        metavar="DAYS", low=0.0, needs=(_OF_RULES,), on_spark=False,
        excludes=(
            "itemsets_output", "outliers_output", "relations_output", "measures", "min", "prune",
            "antecedent", "consequent", "validate", "embeddings", "generalized", "min_interest",
        ),
    )  # fmt: skip
    min_users: int | None = setting(
        None, "Minimum number of distinct users behind each itemset or rule", group="Privacy", metavar="K",
        low=1, on_spark=False,
    )  # fmt: skip
    min_confidence: float = setting(
        0.1, "Minimum confidence", group="Rules", metavar="FRACTION", low=0.0, high=1.0
    )
    min_lift: float = setting(1.0, "Minimum lift", group="Rules", metavar="X", low=0.0)
    max_consequent: int = setting(
        1, "Maximum number of products in the consequent", group="Rules", metavar="N", low=1
    )
    sort_by: str = setting("lift", "Measure to sort by, best first", group="Rules", metavar="MEASURE")
    top: int | None = setting(None, "Keep only the first N rules", group="Rules", metavar="N", low=1)
    measures: str | None = setting(
        None, "Measures to write, comma-separated, or all [default: nine]", group="Rules", metavar="NAMES",
        needs=(_OF_RULES,),
    )  # fmt: skip
    min: list[str] = setting(
        [], "Minimum value of any measure: phi=0.1 (repeatable)", group="Rules", metavar="MEASURE=VALUE",
        needs=(_OF_RULES,),
    )  # fmt: skip
    prune: str | None = setting(
        None, "Drop rules no better than a more general one: redundant, non-productive, improvement=X",
        group="Rules", metavar="METHOD", needs=(_OF_RULES,),
    )  # fmt: skip
    antecedent: list[str] = setting(
        [], "Only rules with one of these in the antecedent: ids, or category=Dairy (repeatable)",
        group="Constraints", metavar="A,B", needs=(_OF_RULES,),
    )  # fmt: skip
    consequent: list[str] = setting(
        [], "Only rules with one of these in the consequent (repeatable)", group="Constraints",
        metavar="A,B", needs=(_OF_RULES,),
    )  # fmt: skip
    exclude: list[str] = setting(
        [], "Leave these products out of the search (repeatable)", group="Constraints", metavar="A,B",
        on_spark=False,
    )  # fmt: skip
    fdr: float | None = setting(
        None, "Maximum false discovery rate (q-value), such as 0.05", group="Significance", metavar="Q",
        low=0.0, high=1.0, needs=(_OF_RULES,),
    )  # fmt: skip
    correction: Literal["webb", "bh", "by", "holm", "bonferroni"] | None = setting(
        None, "Correction for multiple testing [default: webb; holm with --validate]", group="Significance",
        needs=(_OF_RULES,),
    )  # fmt: skip
    validate: str | None = setting(
        None, "Test the rules on these other interactions", group="Significance", needs=(_OF_RULES,),
        excludes=("correction=webb",), on_spark=False, **FILE,
    )  # fmt: skip
    embeddings: str | None = setting(
        None, "Embeddings: adds how similar the two sides are and how they relate", group="Embeddings",
        needs=(_OF_RULES,), on_spark=False, **FILE,
    )  # fmt: skip
    relations_output: str | None = setting(
        None, "Output of complements, substitutes and variants", group="Embeddings", needs=("embeddings",),
        on_spark=False, **FILE,
    )  # fmt: skip
    variant_similarity: float | None = setting(
        None, VARIANT_SIMILARITY, group="Embeddings", on_spark=False, **COSINE
    )
    substitute_similarity: float | None = setting(
        None, SUBSTITUTE_SIMILARITY, group="Embeddings", on_spark=False, **COSINE
    )
    relation_level: float = setting(
        RELATION_LEVEL, "Maximum p-value of being bought together", group="Embeddings", metavar="P",
        low=0.0, high=1.0, on_spark=False,
    )  # fmt: skip
    products: str | None = setting(
        None, "Products: titles for tables, categories and brands", group="Rules", **FILE
    )
    outliers_output: str | None = setting(
        None, "Output of an outlier score per basket (few frequent itemsets: high score)", group="Rules",
        on_spark=False, **FILE,
    )  # fmt: skip
    itemsets_output: str | None = setting(
        None, "Output of the frequent itemsets", group="Rules", needs=(_OF_RULES,), **FILE
    )
    report: str | None = setting(
        None, "Write an HTML report of the rules", group="Rules", needs=(_OF_RULES,), on_spark=False, **FILE
    )
    language: Language = setting(
        DEFAULT_LANGUAGE, "Language of the report", group="Rules", result=False, on_spark=False
    )
