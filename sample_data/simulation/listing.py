"""catalog.csv: the catalogue with gaps of its own, and orders_latin1.csv, the extract of another branch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from simulation.catalogue import Shop
from simulation.dice import Dice
from simulation.exports import ExportLine, money

CATALOG_COLUMNS = ("sku", "title", "description", "brand", "category", "price", "pack", "listed_on")

BLANKED = {"brand": 14, "description": 20, "category": 8, "price": 5}
"""How many products lose which cell."""

UNLISTED = 2
"""How many products are sold though the catalogue no longer lists them."""

LATIN1_ORDERS = 130


@dataclass
class CatalogRow:
    """One row of catalog.csv, all text."""

    sku: str
    title: str
    description: str
    brand: str
    category: str
    price: str
    pack: str
    listed_on: str

    def row(self) -> list[str]:
        """Return the cells in the order of CATALOG_COLUMNS."""
        return [getattr(self, column) for column in CATALOG_COLUMNS]


@dataclass
class Listing:
    """The rows of catalog.csv and what was planted among them: kind → skus."""

    rows: list[CatalogRow]
    gaps: dict[str, list[str]]


def list_products(shop: Shop, dice: Dice) -> Listing:
    """Return the catalogue as exported: every product but the unlisted, with at most one gap each."""
    rows = {product.sku: _listed(shop, index, dice) for index, product in enumerate(shop.products)}
    gaps: dict[str, list[str]] = {f"missing_{column}": [] for column in BLANKED}
    gaps["missing_brand"] = [row.sku for row in rows.values() if not row.brand]
    # A product that sells well is not forgotten: gaps fall on the lower half of each line and category.
    humble = [
        p.sku for p in shop.products
        if not p.is_new and rows[p.sku].brand and shop.lines[p.line].rank + p.rank > 4
    ]  # fmt: skip
    pool = iter(dice.sample(humble, len(humble)))
    for column, count in BLANKED.items():
        for _ in range(count):
            sku = next(pool)
            setattr(rows[sku], column, "")
            gaps[f"missing_{column}"].append(sku)
    gaps["unlisted"] = [next(pool) for _ in range(UNLISTED)]
    twice, nameless = next(pool), next(pool)
    listed = [row for sku, row in rows.items() if sku not in gaps["unlisted"]]
    listed.append(replace(rows[twice], title=f"{rows[twice].title} (old label)", listed_on="2019-03-01"))
    listed.insert(dice.below(len(listed)), replace(rows[nameless], sku="", title="Counter display, empty"))
    gaps["duplicate_sku"] = [twice]
    gaps["missing_sku"] = [""]
    return Listing(listed, {kind: sorted(skus) for kind, skus in gaps.items()})


def _listed(shop: Shop, index: int, dice: Dice) -> CatalogRow:
    product = shop.products[index]
    line = shop.lines[product.line]
    day = date(2025, 12, 18) if product.is_new else date(2020, 1, 7)
    listed_on = day + timedelta(days=dice.below(12 if product.is_new else 1700))
    return CatalogRow(
        product.sku,
        product.title,
        line.about,
        line.brand,
        shop.categories[line.category].path,
        money(product.cents),
        product.variant,
        listed_on.isoformat(),
    )


def branch_orders(shop: Shop, dice: Dice) -> list[ExportLine]:
    """Return the extract of the German and French branch: decimal commas, dates as dd.mm.yyyy."""
    products = {sku: (title, cents) for sku, title, cents in shop.branch["products"]}
    partner = {sku: other for pair in shop.branch["together"] for sku, other in (pair, pair[::-1])}
    start = datetime(2025, 9, 1)
    times = sorted(
        start + timedelta(days=dice.below(110), minutes=540 + dice.below(600)) for _ in range(LATIN1_ORDERS)
    )
    lines: list[ExportLine] = []
    for number, time in enumerate(times, start=7001):
        basket = dice.sample(list(products), 1 + dice.geometric(0.9) % 5)
        basket += [partner[sku] for sku in basket if sku in partner and dice.chance(0.6)]
        customer = "" if dice.chance(0.08) else f"B{200 + dice.below(45)}"
        dated = f"{time:%d.%m.%Y %H:%M}"
        for sku in dict.fromkeys(basket):
            title, cents = products[sku]
            price = money(cents).replace(".", ",")
            quantity = "1" if dice.chance(0.8) else "2"
            lines.append(ExportLine(str(number), customer, sku, title, quantity, price, dated))
        if dice.chance(0.1):
            lines.append(
                ExportLine(str(number), customer, "POSTAGE", "Versand", "1", "4,95", dated, "service_code")
            )
    return _with_dirt(lines, dice)


def _with_dirt(lines: list[ExportLine], dice: Dice) -> list[ExportLine]:
    """Return the lines with cancellations at the end and a few exact duplicates in between."""
    goods = [line for line in lines if not line.dirt]
    marred = dice.sample(goods, 9)
    back = [
        replace(line, order_no=f"C{7900 + n}", quantity=f"-{line.quantity}", dirt="cancelled")
        for n, line in enumerate(marred[:5])
    ]
    doubled = []
    for line in lines:
        doubled.append(line)
        if any(line is other for other in marred[5:]):
            doubled.append(replace(line, dirt="duplicate"))
    return doubled + back
