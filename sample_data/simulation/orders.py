"""A year of orders: when customers come, and how a basket fills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from simulation.catalogue import Shop
from simulation.dice import Dice, Floats
from simulation.shoppers import Shopper

YEAR = 2025
FIRST_DAY = datetime(YEAR, 1, 1)
DAYS = 365

PRICE_RISE = datetime(YEAR, 7, 1)
"""From here on every third product costs its catalogue price; before, a little less."""

LINES_MAX = 14
QUANTITIES = np.array([0.0, 0.72, 0.17, 0.05, 0.03, 0.01, 0.02])


@dataclass(frozen=True)
class Order:
    """One basket: who, when, and how many of each product (by index), in the order of picking."""

    shopper: int
    time: datetime
    basket: dict[int, int]


@dataclass(frozen=True)
class Trade:
    """What filling a basket needs to know, computed once."""

    shop: Shop
    tastes: Floats
    season: Floats  # month × product
    repeat: Floats  # product
    use_of: list[str]
    groups: dict[str, list[int]]  # use → indices of its complements

    @classmethod
    def of(cls, shop: Shop, tastes: Floats) -> Trade:
        """Return the trade of a shop among customers of these tastes."""
        groups: dict[str, list[int]] = {}
        for index, complement in enumerate(shop.complements):
            for use in complement.uses:
                groups.setdefault(use, []).append(index)
        return cls(
            shop=shop,
            tastes=tastes,
            season=shop.season_by_month(),
            repeat=np.array([shop.categories[c].repeat for c in shop.category_of]),
            use_of=[shop.lines[line].use for line in shop.line_of],
            groups=groups,
        )


def a_year_of_orders(shop: Shop, shoppers: list[Shopper], tastes: Floats, dice: Dice) -> list[Order]:
    """Return every order of the year in the order of time."""
    trade = Trade.of(shop, tastes)
    calendar = day_weights(shop)
    hours = np.array(shop.volume["hour"], dtype=np.float64)
    orders = []
    for index, shopper in enumerate(shoppers):
        bought = np.zeros(len(shop.products))
        for day in _days_of(shopper, calendar, dice):
            time = FIRST_DAY + timedelta(days=day, hours=dice.pick(hours), minutes=dice.below(60))
            picked = _fill_basket(trade, index, shopper, bought, time.month - 1, dice)
            bought[picked] += 1.0
            orders.append(Order(index, time, {product: dice.pick(QUANTITIES) for product in picked}))
    return sorted(orders, key=lambda order: (order.time, order.shopper))


def day_weights(shop: Shop) -> Floats:
    """Return how much is ordered on each day of the year: weekly rhythm times the month's volume."""
    days = [FIRST_DAY + timedelta(days=day) for day in range(DAYS)]
    month, weekday = shop.volume["month"], shop.volume["weekday"]
    return np.array([month[day.month - 1] * weekday[day.weekday()] for day in days])


def price_on(shop: Shop, product: int, time: datetime) -> int:
    """Return what a product costs at a time, in cents."""
    cents = shop.products[product].cents
    return cents if time >= PRICE_RISE or product % 3 else cents - max(1, cents * 4 // 100)


def _days_of(shopper: Shopper, calendar: Floats, dice: Dice) -> list[int]:
    """Return the different days on which a customer orders, ascending."""
    weights = calendar.copy()
    weights[: shopper.joined] = 0.0
    days = []
    for _ in range(min(shopper.orders, DAYS - shopper.joined)):
        day = dice.pick(weights)
        weights[day] = 0.0
        days.append(day)
    return sorted(days)


def _fill_basket(
    trade: Trade, index: int, shopper: Shopper, bought: Floats, month: int, dice: Dice
) -> list[int]:
    """Return the products of one order: the usual, something new, and what goes with them."""
    season = trade.season[month]
    something = trade.tastes[index] * season
    the_usual = bought * trade.repeat * season
    known = the_usual.sum() > 0.0
    picked: list[int] = []
    for _ in range(1 + dice.geometric(shopper.appetite)):
        again = known and dice.chance(shopper.loyalty)
        product = dice.pick(the_usual if again else something)
        if _has_room(trade, picked, product, dice):
            picked.append(product)
    for product in picked[:]:
        for group in trade.groups.get(trade.use_of[product], []):
            _add_complements(trade, group, index, bought, picked, dice)
    return picked


def _has_room(trade: Trade, picked: list[int], product: int, dice: Dice) -> bool:
    """Return whether a product may join: rarely beside a substitute, sometimes beside another variant."""
    if product in picked or len(picked) >= LINES_MAX:
        return False
    rivals = [other for other in picked if trade.use_of[other] == trade.use_of[product]]
    if not rivals:
        return True
    line = trade.shop.line_of[product]
    same_line = all(trade.shop.line_of[other] == line for other in rivals)
    sizes = trade.shop.lines[line].axis == "size"
    return dice.chance(0.35 if same_line and not sizes else 0.1)


def _add_complements(
    trade: Trade, group: int, index: int, bought: Floats, picked: list[int], dice: Dice
) -> None:
    """Let a product bring along the other parts of a complement, in the brands the customer prefers."""
    complement = trade.shop.complements[group]
    if not dice.chance(complement.chance):
        return
    in_basket = {trade.use_of[product] for product in picked}
    for use in complement.uses:
        if use in in_basket or not dice.chance(0.85):
            continue
        choices = trade.shop.by_use[use]
        taste = trade.tastes[index, choices]
        product = choices[dice.pick(taste / taste.sum() + bought[choices])]
        if _has_room(trade, picked, product, dice):
            picked.append(product)
