"""Make the simulated shop of this folder: orders, catalogue, another branch's extract, feedback, truth.

Beside it, a film club's ratings and a Chinese shop, for docs/recipes.md.

    python sample_data/simulate.py [--output DIR] [--seed N]

The same seed gives the same bytes. What the shop sells is told in simulation/catalogue.toml; simulation/
holds the steps, in this order: catalogue → shoppers → orders → exports, listing, feedback → truth.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulation import chinese, exports, feedback, films, listing, truth
from simulation.catalogue import read_shop
from simulation.dice import Dice
from simulation.orders import a_year_of_orders
from simulation.shoppers import invite_shoppers, tastes

HERE = Path(__file__).resolve().parent

SEED = 2025
SHOPPERS = 1200
ORDERS = 8300
"""Asked for; rounding and the shortest memberships leave about 8,000."""


def simulate(seed: int) -> dict[str, bytes]:
    """Return every file of the sample data, by name."""

    def dice(stream: str) -> Dice:
        return Dice(seed, stream)

    shop = read_shop(HERE / "simulation" / "catalogue.toml")
    shoppers = invite_shoppers(shop, SHOPPERS, ORDERS, dice("shoppers"))
    liking = tastes(shop, shoppers, dice("tastes"))
    orders = a_year_of_orders(shop, shoppers, liking, dice("orders"))

    order_lines = exports.export_orders(shop, shoppers, orders, dice("exports"))
    branch_lines = listing.branch_orders(shop, dice("branch"))
    catalog = listing.list_products(shop, dice("listing"))
    log = feedback.log_feedback(shop, shoppers, liking, orders, dice("feedback"))
    planted = {
        "about": "What was planted in the simulated shop. Rows are counted from 1, without the header.",
        "seed": seed,
        "orders.csv": truth.planted_in_orders(order_lines),
        "orders_latin1.csv": truth.planted_in_orders(branch_lines),
        "catalog.csv": truth.planted_in_catalog(catalog),
        "feedback.csv": truth.planted_in_feedback(log),
        **truth.planted_structure(shop, shoppers),
    }
    latin1 = as_csv(exports.COLUMNS, (line.row() for line in branch_lines), ";")
    return {
        "orders.csv": as_csv(exports.COLUMNS, (line.row() for line in order_lines)).encode(),
        "orders_latin1.csv": latin1.encode("iso-8859-1"),
        "catalog.csv": as_csv(listing.CATALOG_COLUMNS, (row.row() for row in catalog.rows)).encode(),
        "feedback.csv": as_csv(feedback.COLUMNS, log.rows).encode(),
        "truth.json": truth.as_json(planted).encode(),
        **film_club(dice("films"), dice("ratings")),
        **chinese_shop(dice("goods"), dice("chinese orders")),
    }


def film_club(film_dice: Dice, rating_dice: Dice) -> dict[str, bytes]:
    """Return films and their ratings, as MovieLens lays them out."""
    made = films.make_films(film_dice)
    ratings = films.rating_rows(made, rating_dice)
    return {
        "movies.csv": as_csv(films.MOVIE_COLUMNS, films.movie_rows(made)).encode(),
        "ratings.csv": as_csv(films.RATING_COLUMNS, ratings).encode(),
    }


def chinese_shop(goods_dice: Dice, order_dice: Dice) -> dict[str, bytes]:
    """Return the catalogue and the orders of a Chinese shop."""
    goods = chinese.make_goods(goods_dice)
    listed = chinese.catalog_rows(goods, goods_dice)
    return {
        "catalog_zh.csv": as_csv(chinese.CATALOG_COLUMNS, listed).encode(),
        "orders_zh.csv": as_csv(chinese.ORDER_COLUMNS, chinese.order_rows(goods, order_dice)).encode(),
    }


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Return a header and rows as CSV with Unix line ends, quoted where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description="Make the simulated shop's sample data.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write to (default: this one)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of all chance (default: {SEED})")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name, content in simulate(options.seed).items():
        (options.output / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
