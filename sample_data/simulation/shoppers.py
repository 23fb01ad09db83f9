"""Who buys: customers with a household, favourite categories, a price tier and likings of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.catalogue import Shop
from simulation.dice import Dice, Floats

FIRST_CUSTOMER = 10001

FAVOURITE = 14.0
"""How much more of a favourite category a customer buys."""

TIER_LEANINGS = ((4.0, 1.0, 0.25), (1.0, 1.5, 1.0), (0.25, 1.0, 4.0))
"""How those who look for value, the middle and the premium shopper weigh the three tiers of brands."""


@dataclass(frozen=True)
class Shopper:
    """One customer, as the planted truth tells of them."""

    customer: str
    household: str
    favourites: tuple[int, ...]  # indices of categories
    tier: int
    orders: int  # how many over the year
    joined: int  # day of the year of the first visit, from 0
    loyalty: float  # chance that a line is something bought before
    appetite: float  # mean number of further lines in an order


def invite_shoppers(shop: Shop, count: int, orders: int, dice: Dice) -> list[Shopper]:
    """Return the customers; a few order every week, most of them now and then.

    Args:
        shop: what is sold, and the kinds of households.
        count: how many customers.
        orders: how many orders they place together, roughly.
        dice: the chance to draw from.
    """
    heaviness = (1.0 - dice.units(count)) ** -0.45 - 0.65
    order_counts = np.clip(np.floor(heaviness * orders / heaviness.sum() + dice.units(count)), 1, 70)
    household_shares = np.array([h.share for h in shop.households])
    paths = [category.path for category in shop.categories]
    shoppers = []
    for index in range(count):
        household = shop.households[dice.pick(household_shares)]
        favourites = [paths.index(path) for path in dice.sample(household.likes, 4)]
        own = dice.below(len(paths))
        shoppers.append(
            Shopper(
                customer=str(FIRST_CUSTOMER + index),
                household=household.name,
                favourites=tuple(sorted({*favourites, own})),
                tier=dice.pick(np.array([0.3, 0.4, 0.3])),
                orders=int(order_counts[index]),
                joined=0 if dice.chance(0.6) else dice.below(270),
                loyalty=0.15 + 0.4 * dice.unit(),
                appetite=1.0 + 1.6 * dice.unit(),
            )
        )
    return shoppers


def tastes(shop: Shop, shoppers: list[Shopper], dice: Dice) -> Floats:
    """Return how readily each customer (row) buys each product (column), in an average month.

    A taste is the product's popularity times the customer's liking of its category, of its brand's price
    tier, of its use, of its line and of its variant. Rows sum to 1.
    """
    liking = dice.spread(0.35, len(shoppers), len(shop.categories))
    for row, shopper in enumerate(shoppers):
        liking[row, list(shopper.favourites)] *= FAVOURITE
    tier_of_line = np.array([shop.tier_of(line) for line in shop.lines])
    leaning = np.array(TIER_LEANINGS)[[shopper.tier for shopper in shoppers]]
    uses = {use: number for number, use in enumerate(shop.by_use)}
    use_of = [uses[shop.lines[line].use] for line in shop.line_of]
    taste: Floats = (
        shop.popularity()
        * liking[:, shop.category_of]
        * leaning[:, tier_of_line[shop.line_of]]
        * dice.spread(0.35, len(shoppers), len(uses))[:, use_of]
        * dice.spread(0.3, len(shoppers), len(shop.lines))[:, shop.line_of]
        * dice.spread(0.35, len(shoppers), len(shop.products))
    )
    taste /= taste.sum(axis=1, keepdims=True)
    return taste
