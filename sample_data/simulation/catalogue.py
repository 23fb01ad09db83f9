"""What the shop sells: catalogue.toml read into products, with the structure planted among them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from simulation.dice import Floats

AXES = ("size", "flavour", "colour", "scent", "style")
"""What the variants of a product line differ in."""

TIERS = ("value", "middle", "premium")

FIRST_SKU = {"Food": 101, "Household": 20101, "Gifts": 31001}
"""Food is numbered from 00101: its leading zeros are lost by whoever reads a sku as a number."""


@dataclass(frozen=True)
class Category:
    """A second-level category: its share of the trade, how readily it is bought again, its season."""

    path: str
    share: float
    repeat: float
    season: str

    @property
    def department(self) -> str:
        """The first level of the path."""
        return self.path.partition(" > ")[0]


@dataclass(frozen=True)
class Line:
    """A product line: one brand's answer to one use, in one or more variants."""

    use: str
    brand: str
    title: str
    about: str
    category: int
    rank: int  # 1 for the best seller of its category
    axis: str  # what its variants differ in; empty for a single product


@dataclass(frozen=True)
class Product:
    """One thing with a sku and a price: a variant of a line."""

    sku: str
    title: str
    variant: str
    cents: int
    line: int
    rank: int  # 1 for the best seller of its line
    is_new: bool


@dataclass(frozen=True)
class Complement:
    """Uses that are bought together, and the chance that one brings the others along."""

    name: str
    uses: tuple[str, ...]
    chance: float


@dataclass(frozen=True)
class Household:
    """A kind of customer: its share of all customers and the categories it likes."""

    name: str
    share: float
    likes: tuple[str, ...]


@dataclass(frozen=True)
class Shop:
    """The whole catalogue with its planted structure and its seasons."""

    categories: list[Category]
    lines: list[Line]
    products: list[Product]
    complements: list[Complement]
    households: list[Household]
    seasons: dict[str, list[float]]
    volume: dict[str, list[float]]
    tiers: dict[str, str]
    branch: dict[str, Any]

    @cached_property
    def by_use(self) -> dict[str, list[int]]:
        """The products of each use."""
        found: dict[str, list[int]] = {}
        for index, product in enumerate(self.products):
            found.setdefault(self.lines[product.line].use, []).append(index)
        return found

    @cached_property
    def by_line(self) -> list[list[int]]:
        """The products of each line."""
        found: list[list[int]] = [[] for _ in self.lines]
        for index, product in enumerate(self.products):
            found[product.line].append(index)
        return found

    @cached_property
    def line_of(self) -> list[int]:
        """The line of each product."""
        return [product.line for product in self.products]

    @cached_property
    def category_of(self) -> list[int]:
        """The category of each product."""
        return [self.lines[line].category for line in self.line_of]

    def tier_of(self, line: Line) -> int:
        """Return the price tier of a line's brand, as an index into TIERS."""
        return TIERS.index(self.tiers.get(line.brand, "middle"))

    def popularity(self) -> Floats:
        """Return each product's share of the trade: a long tail within each category; new ones sell 0."""
        line_rank = np.array([self.lines[p.line].rank for p in self.products], dtype=np.float64)
        variant_rank = np.array([p.rank for p in self.products], dtype=np.float64)
        weight: Floats = line_rank**-0.95 * variant_rank**-0.8
        weight[[p.is_new for p in self.products]] = 0.0
        category = np.array(self.category_of)
        share = np.array([c.share for c in self.categories])
        within = np.bincount(category, weights=weight, minlength=len(self.categories))
        weight *= share[category] / within[category] / share.sum()
        return weight

    def season_by_month(self) -> Floats:
        """Return the season's factor of each product (columns) in each month (rows)."""
        factors = np.array([self.seasons[category.season] for category in self.categories])
        return np.ascontiguousarray(factors[self.category_of].T)


def read_shop(path: Path) -> Shop:
    """Read the catalogue file.

    Raises:
        ValueError: two products share a title, or a complement or a household names what is not sold.
    """
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    categories = [
        Category(c["path"], float(c["share"]), float(c["repeat"]), c["season"]) for c in told["category"]
    ]
    lines: list[Line] = []
    products: list[Product] = []
    numbers = dict(FIRST_SKU)
    for index, category in enumerate(categories):
        for rank, entry in enumerate(told["category"][index]["lines"], start=1):
            axis = next((axis for axis in AXES if axis in entry), "")
            lines.append(
                Line(entry["use"], entry["brand"], entry["title"], entry["about"], index, rank, axis)
            )
            products += _variants(entry, axis, len(lines) - 1, category.department, numbers)
    shop = Shop(
        categories=categories,
        lines=lines,
        products=products,
        complements=[Complement(c["name"], tuple(c["uses"]), c["chance"]) for c in told["complement"]],
        households=[Household(h["name"], h["share"], tuple(h["likes"])) for h in told["household"]],
        seasons=told["seasons"],
        volume=told["volume"],
        tiers={brand: tier for tier, brands in told["tiers"].items() for brand in brands},
        branch=told["branch"],
    )
    _check(shop)
    return shop


def _variants(
    entry: dict[str, Any], axis: str, line: int, department: str, numbers: dict[str, int]
) -> list[Product]:
    """Return the products of one line; gifts share a number and differ in a letter, as 31004B does."""
    prices: dict[str, int] = entry[axis] if axis else {"": entry["price"]}
    step = 3 if department == "Household" else 1
    products = []
    for rank, (variant, cents) in enumerate(prices.items(), start=1):
        sku = f"{numbers[department]:05d}"
        if department == "Gifts":
            sku += chr(ord("A") + rank - 1) if axis else ""
        else:
            numbers[department] += step
        title = _title(entry["title"], variant, axis)
        products.append(Product(sku, title, variant, cents, line, rank, variant in entry.get("new", [])))
    if department == "Gifts":
        numbers[department] += 1
    return products


def _title(title: str, variant: str, axis: str) -> str:
    if not variant:
        return title
    plain_size = axis == "size" and "," not in title + variant and '"' not in title + variant
    return f"{title} {variant}" if plain_size or not title.isascii() else f"{title}, {variant}"


def _check(shop: Shop) -> None:
    titles = [product.title for product in shop.products]
    if len(set(titles)) < len(titles):
        raise ValueError(f"titles sold twice: {sorted({t for t in titles if titles.count(t) > 1})}")
    unknown = {use for c in shop.complements for use in c.uses} - shop.by_use.keys()
    unknown |= {path for h in shop.households for path in h.likes} - {c.path for c in shop.categories}
    if unknown:
        raise ValueError(f"named but not sold: {sorted(unknown)}")
