"""Let the customers of the simulated shop look at recommendations: lists in, a feedback log out.

    python sample_data/respond.py NAME=LISTS.csv [NAME=LISTS.csv ...] --output feedback.csv [--visits N]
                                  [--round N] [--seed N]
    python sample_data/respond.py --customers

LISTS.csv is what `prodassoc recommend --format csv` wrote for users. On each visit the toss of a coin decides
whose list a customer sees. They click as in feedback.csv (a look, then their true taste), buy a quarter of
what they clicked, and now and then dismiss what they looked at and do not care for. --customers prints who
they are. Lists are not drawn at random, so that there is no propensity. The same seed and round give the same
log.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from simulate import HERE, ORDERS, SEED, SHOPPERS, as_csv
from simulation.catalogue import Shop, read_shop
from simulation.dice import Dice
from simulation.exports import money
from simulation.feedback import BUY_AFTER_CLICK, COLUMNS, examined, relevance
from simulation.shoppers import Shopper, invite_shoppers, tastes

LOG_COLUMNS = (*(name for name in COLUMNS if name != "propensity"), "dismiss")
DISMISSED = 0.15
"""Chance that a product is dismissed that was looked at and has nothing for the customer."""

Lists = dict[str, list[str]]


def read_lists(path: Path) -> Lists:
    """Return the products of each customer's list, best first."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["user_id"], int(row["rank"])))
    lists: Lists = {}
    for row in rows:
        lists.setdefault(row["user_id"], []).append(row["product_id"])
    return lists


def the_shop(seed: int) -> tuple[Shop, list[Shopper]]:
    """Return the shop of the sample data and its customers."""
    shop = read_shop(HERE / "simulation" / "catalogue.toml")
    return shop, invite_shoppers(shop, SHOPPERS, ORDERS, Dice(seed, "shoppers"))


def respond(models: dict[str, Lists], visits: int, number: int, seed: int) -> Iterator[list[str]]:
    """Yield the rows of the log: every customer of the lists, visit by visit, position by position."""
    shop, shoppers = the_shop(seed)
    attraction = relevance(tastes(shop, shoppers, Dice(seed, "tastes")))
    most = float(attraction.max())
    place_of = {shopper.customer: n for n, shopper in enumerate(shoppers)}
    product_of = {product.sku: n for n, product in enumerate(shop.products)}
    customers = sorted(set.union(*(set(lists) for lists in models.values())) & set(place_of))
    chance = Dice(seed, f"responses {number}")
    start = datetime(2026, 1, 5, 8) + timedelta(weeks=4 * (number - 1))
    for visit in range(visits):
        for place, customer in enumerate(customers):
            model = chance.one_of(sorted(models))
            time = start + timedelta(days=28 * visit / visits, seconds=chance.below(8 * 3600))
            head = [f"{time:%Y-%m-%d %H:%M:%S}", customer, f"R{number}-{visit + 1}-{place + 1:04d}"]
            for position, sku in enumerate(models[model].get(customer, []), start=1):
                product = product_of.get(sku)
                liking = 0.0 if product is None else float(attraction[place_of[customer], product])
                looked = chance.chance(examined(position))
                click = looked and chance.chance(liking)
                bought = click and chance.chance(BUY_AFTER_CLICK)
                dismissed = looked and not click and chance.chance(DISMISSED * (1 - liking / most))
                cents = shop.products[product].cents if bought and product is not None else 0
                yield [*head, sku, str(position), model, str(int(click)), str(int(bought)), money(cents),
                       str(int(dismissed))]  # fmt: skip


def main() -> None:
    """Read the command line and write the log."""
    parser = argparse.ArgumentParser(description="Let simulated customers respond to recommendations.")
    parser.add_argument("lists", nargs="*", metavar="NAME=FILE", help="CSV of recommendations for users")
    parser.add_argument("--customers", action="store_true", help="print the customers' ids and stop")
    parser.add_argument("--output", type=Path, help="the log to write")
    parser.add_argument("--visits", type=int, default=2, help="visits of each customer (default: 2)")
    parser.add_argument("--round", type=int, default=1, help="which month after the orders (default: 1)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of all chance (default: {SEED})")
    options = parser.parse_args()
    if options.customers:
        print("\n".join(shopper.customer for shopper in the_shop(options.seed)[1]))
        return
    if options.output is None or not options.lists:
        parser.error("name files of lists and --output")
    named = dict(each.split("=", 1) for each in options.lists if "=" in each)
    if len(named) < len(options.lists):
        sys.exit("name each file of lists: popularity=popularity.csv")
    models = {name: read_lists(Path(path)) for name, path in named.items()}
    rows = list(respond(models, options.visits, options.round, options.seed))
    options.output.write_text(as_csv(LOG_COLUMNS, rows), encoding="utf-8")
    clicks = sum(row[LOG_COLUMNS.index("click")] == "1" for row in rows)
    print(f"{options.output}: {len(rows):,} impressions, {clicks:,} clicks", file=sys.stderr)


if __name__ == "__main__":
    main()
