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
    where: list[str] = setting(
        [],
        "Only products with this value: category=Dairy (repeatable)",
        metavar="COLUMN=VALUE",
        group="Filters",
    )
    allow: str | None = setting(
        None, "File of the only product ids allowed, one a line", group="Filters", **FILE
    )
    deny: str | None = setting(
        None, "File of product ids never to recommend, one a line", group="Filters", **FILE
    )
