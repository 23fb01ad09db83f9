"""truth.json: what was planted, so that tests and evaluations can ask whether it is found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from simulation.catalogue import TIERS, Shop
from simulation.exports import SERVICES, ExportLine
from simulation.feedback import FeedbackLog
from simulation.listing import Listing
from simulation.shoppers import Shopper


def planted_structure(shop: Shop, shoppers: list[Shopper]) -> dict[str, Any]:
    """Return the complements, substitutes, variants and new products by sku, and the customers' tastes."""
    skus = [product.sku for product in shop.products]
    lines_of_use: dict[str, list[int]] = {}
    for index, line in enumerate(shop.lines):
        lines_of_use.setdefault(line.use, []).append(index)
    of_line = [[skus[product] for product in products] for products in shop.by_line]
    return {
        "complements": [
            {"name": c.name, "parts": [[skus[p] for p in shop.by_use[use]] for use in c.uses]}
            for c in shop.complements
        ],
        "substitutes": [
            {"use": use, "lines": [of_line[index] for index in lines]}
            for use, lines in lines_of_use.items()
            if len(lines) > 1
        ],
        "variants": [
            {"line": line.title, "by": line.axis, "products": of_line[index]}
            for index, line in enumerate(shop.lines)
            if len(of_line[index]) > 1
        ],
        "new_products": [product.sku for product in shop.products if product.is_new],
        "service_codes": list(SERVICES),
        "categories": [category.path for category in shop.categories],
        "customers": {
            s.customer: {"household": s.household, "tier": TIERS[s.tier], "favourites": list(s.favourites)}
            for s in shoppers
        },
    }


def planted_in_orders(lines: list[ExportLine]) -> dict[str, Any]:
    """Return the counts of an export and, for each kind of dirt, its rows (from 1, without the header)."""
    dirt: dict[str, list[int]] = {}
    services: dict[str, int] = {}
    for row, line in enumerate(lines, start=1):
        if line.dirt:
            dirt.setdefault(line.dirt, []).append(row)
        if line.dirt == "service_code":
            services[line.sku] = services.get(line.sku, 0) + 1
    return {
        "rows": len(lines),
        "orders": len({line.order_no for line in lines}),
        "customers": len({line.customer for line in lines} - {""}),
        "missing_customer": sum(not line.customer for line in lines),
        "without_dirt": sum(not line.dirt for line in lines),
        "services": dict(sorted(services.items())),
        "dirt": {kind: {"count": len(rows), "rows": rows} for kind, rows in sorted(dirt.items())},
    }


def planted_in_catalog(listing: Listing) -> dict[str, Any]:
    """Return the counts of catalog.csv and, for each kind of gap, the skus it fell on."""
    gaps = sorted(listing.gaps.items())
    return {
        "rows": len(listing.rows),
        "gaps": {kind: {"count": len(skus), "skus": skus} for kind, skus in gaps},
    }


def planted_in_feedback(log: FeedbackLog) -> dict[str, Any]:
    """Return the counts of feedback.csv and the true mean of clicks that each model's lists bring."""
    models = {
        model: {"lists": len(clicks), "clicks_per_list_expected": round(sum(clicks) / len(clicks), 4)}
        for model, clicks in log.clicks_expected.items()
    }
    return {"rows": len(log.rows), "models": models}


def as_json(truth: dict[str, Any]) -> str:
    """Return the truth as JSON with one entry a line: to be read, and to be compared by diff."""
    return (
        "{\n" + ",\n".join(f"{json.dumps(key)}: {_entries(value)}" for key, value in truth.items()) + "\n}\n"
    )


def _entries(value: object) -> str:
    def dump(entry: object) -> str:
        return json.dumps(entry, ensure_ascii=False)

    def block(entries: Iterable[str], brackets: str) -> str:
        return brackets[0] + "\n  " + ",\n  ".join(entries) + "\n" + brackets[1]

    if isinstance(value, dict):
        return block((f"{dump(key)}: {dump(entry)}" for key, entry in value.items()), "{}")
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return block((dump(entry) for entry in value), "[]")
    return dump(value)
