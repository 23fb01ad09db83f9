"""A log of lists shown after the year of orders: who saw what where, clicked it and bought it.

Two models take turns at random. Each ranks the products for a customer and draws a list of ten from the
best of them without putting back (Plackett and Luce), so that the propensity of every shown product is
known: the chance of this product at this position, given those above it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from simulation.catalogue import Shop
from simulation.dice import Dice, Floats
from simulation.exports import money
from simulation.orders import Order
from simulation.shoppers import Shopper

COLUMNS = (
    "time", "user_id", "list_id", "product_id", "position",
    "model", "propensity", "click", "purchase", "revenue",
)  # fmt: skip

LISTS = 500
LIST_LENGTH = 10
CANDIDATES = 40
BUY_AFTER_CLICK = 0.25


@dataclass
class FeedbackLog:
    """The rows of feedback.csv and each model's true chance of a click, summed over a list."""

    rows: list[list[str]] = field(default_factory=list)
    clicks_expected: dict[str, list[float]] = field(default_factory=dict)


def examined(position: int) -> float:
    """Return the chance that a customer looks at a position (from 1): the bias of the log."""
    return 1.0 / (1.0 + 0.3 * (position - 1))


def relevance(tastes: Floats) -> Floats:
    """Return the chance of a click on a product that is looked at, from the customer's true taste."""
    liking: Floats = tastes * tastes.shape[1]  # 1 on average
    chance: Floats = 0.02 + 0.4 * liking / (liking + 8.0)
    return chance


def log_feedback(
    shop: Shop, shoppers: list[Shopper], tastes: Floats, orders: list[Order], dice: Dice
) -> FeedbackLog:
    """Return four weeks of impressions, early in the year after the orders."""
    sold = Counter(product for order in orders for product in order.basket)
    popularity = np.array([float(sold[index]) for index in range(len(shop.products))])
    # The hybrid knows a customer's taste, but not exactly; neither model knows the unsold.
    learned = tastes**0.8 * dice.spread(0.35, *tastes.shape)
    attraction = relevance(tastes)
    customers = sorted({order.shopper for order in orders})
    start = datetime(2026, 1, 5, 8)
    times = sorted(start + timedelta(seconds=dice.below(27 * 86400)) for _ in range(LISTS))
    log = FeedbackLog(clicks_expected={"popularity": [], "hybrid": []})
    for number, time in enumerate(times, start=1):
        shopper = dice.one_of(customers)
        model = "hybrid" if dice.chance(0.5) else "popularity"
        shown = _draw_list(learned[shopper] if model == "hybrid" else popularity, dice)
        chances = [examined(p) * float(attraction[shopper, item]) for p, (item, _) in enumerate(shown, 1)]
        log.clicks_expected[model].append(sum(chances))
        head = [f"{time:%Y-%m-%d %H:%M:%S}", shoppers[shopper].customer, f"L{number:04d}"]
        for position, ((item, propensity), chance) in enumerate(zip(shown, chances, strict=True), start=1):
            click = dice.chance(chance)
            purchase = click and dice.chance(BUY_AFTER_CLICK)
            product = shop.products[item]
            log.rows.append(
                [*head, product.sku, str(position), model, f"{propensity:.6f}", str(int(click)),
                 str(int(purchase)), money(product.cents if purchase else 0)]
            )  # fmt: skip
    return log


def _draw_list(scores: Floats, dice: Dice) -> list[tuple[int, float]]:
    """Return the products of a list with their propensities; a candidate's weight is 1/rank."""
    candidates = [int(item) for item in np.argsort(-scores, kind="stable")[:CANDIDATES]]
    weights = 1.0 / np.arange(1.0, CANDIDATES + 1.0)
    shown = []
    for _ in range(LIST_LENGTH):
        drawn = dice.pick(weights)
        shown.append((candidates[drawn], float(weights[drawn] / weights.sum())))
        weights[drawn] = 0.0
    return shown
