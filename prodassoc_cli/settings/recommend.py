"""Options of `recommend`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prodassoc_cli.settings.declare import FILE, setting
from prodassoc_cli.settings.engine import EngineConfig


@dataclass(frozen=True)
class RecommendConfig(EngineConfig):
    """A model → recommendations."""

    k: int = setting(10, "Products a list", flag="-k", metavar="N", low=1, high=10_000)
    for_: Literal["users", "products", "baskets"] = setting("users", "Whom the lists are for", flag="--for")
    ids: str | None = setting(None, "File of ids to make lists for, one a line [default: all]", **FILE)
    basket: list[str] = setting([], "Products of a basket, comma-separated (repeatable)", metavar="A,B")
    include_seen: bool = setting(False, "Recommend what a user already bought too")
    reasons: bool = setting(True, "Say why", flag="--reasons/--no-reasons")
    reason_weights: bool | None = setting(
        None, "Work out what each reason is worth by scoring again without it [default: up to 1,000 lists]",
        flag="--reason-weights/--no-reason-weights",
    )  # fmt: skip
    relation: Literal["complement", "substitute"] | None = setting(
        None, "For products: what goes with each, or what stands in for it"
    )
    products: str | None = setting(
        None, "Products as they are today: titles, categories, prices, stock", group="Filters", **FILE
    )
    where: list[str] = setting(
        [], "Only products with this value: category=Dairy, 'stock>0' (repeatable)",
        metavar="CONDITION", group="Filters",
    )  # fmt: skip
    allow: str | None = setting(
        None, "File of the only product ids allowed, one a line", group="Filters", **FILE
    )
    deny: str | None = setting(
        None, "File of product ids never to recommend, one a line", group="Filters", **FILE
    )
    max_per_category: int | None = setting(
        None, "Most products of one category in a list", metavar="N", low=1, group="Variety"
    )
    diversity: float = setting(
        0.0, "How much the products of a list are to differ: 0 not at all, 1 above all (MMR)",
        metavar="SHARE", low=0.0, high=1.0, group="Variety",
    )  # fmt: skip
    embeddings: str | None = setting(
        None, "Embeddings to tell likeness by [default: those in the model]", group="Variety", **FILE
    )
    explore: float = setting(
        0.0, "Probability that a place shows a runner-up; writes the column propensity",
        metavar="EPS", low=0.0, high=1.0, group="Variety",
    )  # fmt: skip
