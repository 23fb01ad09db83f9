"""Options of `recommend`."""

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


@dataclass(frozen=True)
class RecommendConfig(EngineConfig):
    """A model → recommendations."""

    k: int = setting(10, "Number of recommendations per list", flag="-k", metavar="N", low=1, high=10_000)
    for_: Literal["users", "products", "baskets"] = setting("users", "What to make lists for", flag="--for")
    ids: str | None = setting(None, "File of ids to make lists for, one per line [default: all]", **FILE)
    basket: list[str] = setting(
        [], "Products in a basket, comma-separated (repeatable)", metavar="A,B", excludes=("for_=products",)
    )
    text: list[str] = setting(
        [], "Words to make a list for, also beside a basket: 'for a sushi evening' (repeatable)",
        metavar="WORDS", excludes=("for_=products", "ids", "relation", "histories"), on_spark=False,
    )  # fmt: skip
    text_model: str | None = setting(
        None, "Model folder that made the embeddings [default: the one of that name]", metavar="DIR",
        result=False,
    )  # fmt: skip
    histories: str | None = setting(
        None, "Baskets or histories: lines of A,B or JSON, or interactions; - answers each line as it comes",
        metavar="FILE", excludes=("for_=products", "basket", "ids", "relation"), on_spark=False,
    )  # fmt: skip
    include_seen: bool = setting(False, "Include products that the user already bought")
    reasons: bool = setting(True, "Give the reason for each recommendation", flag="--reasons/--no-reasons")
    reason_weights: bool | None = setting(
        None, "Weigh reasons by scoring again without each product [default: up to 1,000 lists]",
        flag="--reason-weights/--no-reason-weights",
    )  # fmt: skip
    language: Language = setting(DEFAULT_LANGUAGE, "Language of the reasons")
    reasons_file: str | None = setting(
        None, "Messages of your own in the place of some reasons (TOML)", **FILE
    )
    relation: Literal["complement", "substitute"] | None = setting(
        None, "For products: complements or substitutes of each", needs=("for_=products",)
    )
    variant_similarity: float | None = setting(None, VARIANT_SIMILARITY, needs=("relation",), **COSINE)
    substitute_similarity: float | None = setting(None, SUBSTITUTE_SIMILARITY, needs=("relation",), **COSINE)
    products: str | None = setting(
        None, "Current products: titles, categories, prices, stock", group="Filters", **FILE
    )
    where: list[str] = setting(
        [], "Only products with this value: category=Dairy, 'stock>0' (repeatable)",
        metavar="CONDITION", group="Filters",
    )  # fmt: skip
    allow: str | None = setting(None, "File of allowed product ids, one per line", group="Filters", **FILE)
    deny: str | None = setting(
        None, "File of product ids never to recommend, one per line", group="Filters", **FILE
    )
    max_per_category: int | None = setting(
        None, "Maximum number of products per category in a list", metavar="N", low=1, group="Variety"
    )
    diversity: float = setting(
        0.0, "Weight of diversity against relevance, from 0 to 1 (MMR)",
        metavar="SHARE", low=0.0, high=1.0, group="Variety",
    )  # fmt: skip
    embeddings: str | None = setting(
        None, "Embeddings to measure similarity by [default: those in the model]", group="Variety", **FILE
    )
    explore: float = setting(
        0.0, "Probability that a position shows a runner-up; adds the column propensity",
        metavar="EPS", low=0.0, high=1.0, group="Variety", on_spark=False,
        excludes=("max_per_category", "relation"),
    )  # fmt: skip
