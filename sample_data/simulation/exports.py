"""orders.csv as a shop system exports it, with the dirt of real exports, each piece of it counted.

A line carries at most one kind of dirt. Lines that a cleaner ought to drop are added to the clean ones, so
that the clean lines stay whole; dirt that ought to be survived (an odd date, a newline in a title) is put
on clean lines. Guest orders, which miss their customer, are the exception: any line may be one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from simulation.catalogue import Shop
from simulation.dice import Dice
from simulation.orders import Order, price_on
from simulation.shoppers import Shopper

COLUMNS = ("order_no", "customer", "sku", "description", "quantity", "unit_price", "order_date")

FIRST_ORDER_NO = 500017

GUESTS = 0.08
"""The part of the orders that miss their customer."""

CANCELLED_ORDERS = 110

SERVICES = {
    "POSTAGE": ("Postage & packing", 210, (395, 495, 695)),
    "CARRIAGE": ("Carriage, bulky goods", 24, (1495, 1995)),
    "DISCOUNT": ("Voucher", 60, (250, 500, 1000)),
    "MANUAL": ("Manual correction", 18, (100, 250, 799)),
    "SAMPLE": ("Free tasting sample", 15, (1,)),
    "BANK CHARGES": ("Bank charges", 8, (150, 1500)),
}
"""Codes in place of a sku: text, how many lines, what they cost in cents."""

BAD_DATES = (
    "2025-13-45 10:00", "2025-02-30 09:15", "0000-00-00 00:00", "31st of June", "#VALUE!",
    "yesterday", "2025-06-31 12:40", "20250x14 08:05", "2025-00-12 11:11",
)  # fmt: skip
BAD_PRICES = ("#REF!", "tbd", "3.4.9", "see list", "2,x5", "four", "1.99/kg", "ask")
BAD_QUANTITIES = ("two", "1 box", "#NAME?", "ten", "3x")
OUTLIER_QUANTITIES = [str(12 * n) for n in (20, 24, 36, 40, 50, 60, 72, 80, 100, 120, 160, 200, 400, 600)]
"""A dozen dozens where a dozen was meant."""


@dataclass
class ExportLine:
    """One row of orders.csv, all text, and what is wrong with it (empty: nothing)."""

    order_no: str
    customer: str
    sku: str
    description: str
    quantity: str
    unit_price: str
    order_date: str
    dirt: str = ""

    def row(self) -> list[str]:
        """Return the cells in the order of COLUMNS."""
        return [getattr(self, column) for column in COLUMNS]


Change: TypeAlias = Callable[[ExportLine, int], None]
"""Spoils a line; the number says the how-manieth of its kind it is."""


@dataclass
class ExportOrder:
    """One order on its way into the export."""

    time: datetime
    customer: str
    lines: list[ExportLine]

    @property
    def is_cancelled(self) -> bool:
        """Whether this is the cancellation of an earlier order."""
        return self.lines[0].dirt == "cancelled"


def money(cents: int) -> str:
    """Return cents as a decimal number of the shop's currency."""
    return f"{cents // 100}.{cents % 100:02d}"


def export_orders(shop: Shop, shoppers: list[Shopper], orders: list[Order], dice: Dice) -> list[ExportLine]:
    """Return the rows of orders.csv, dirt included, in the order of the file."""
    exported = [_clean_order(shop, shoppers, order) for order in orders]
    for order in exported:
        if dice.chance(GUESTS):
            order.customer = ""
    exported += _cancellations(exported, dice)
    exported.sort(key=lambda order: order.time)
    _number(exported)
    real_orders = [order for order in exported if not order.is_cancelled]
    _spoil(Spoiler(shop, real_orders, dice), dice)
    return [line for order in exported for line in order.lines]


def _clean_order(shop: Shop, shoppers: list[Shopper], order: Order) -> ExportOrder:
    lines = []
    for index, quantity in order.basket.items():
        product = shop.products[index]
        price = money(price_on(shop, index, order.time))
        lines.append(ExportLine("", "", product.sku, product.title, str(quantity), price, ""))
    return ExportOrder(order.time, shoppers[order.shopper].customer, lines)


def _cancellations(orders: list[ExportOrder], dice: Dice) -> list[ExportOrder]:
    """Return cancellations of some or all lines of earlier orders, a few days later."""
    last_time = orders[-1].time
    early = [order for order in orders if order.customer and order.time < last_time - timedelta(days=14)]
    cancelled = []
    for order in dice.sample(early, CANCELLED_ORDERS):
        lines = order.lines if dice.chance(0.5) else [dice.one_of(order.lines)]
        time = order.time + timedelta(days=1 + dice.below(12), minutes=dice.below(180))
        back = [replace(line, quantity=f"-{line.quantity}", dirt="cancelled") for line in lines]
        cancelled.append(ExportOrder(time, order.customer, back))
    return cancelled


def _number(orders: list[ExportOrder]) -> None:
    """Give every line its order's number, customer and date."""
    for number, order in enumerate(orders, start=FIRST_ORDER_NO):
        for line in order.lines:
            line.order_no = f"C{number}" if order.is_cancelled else str(number)
            line.customer = order.customer
            line.order_date = f"{order.time:%Y-%m-%d %H:%M}"


class Spoiler:
    """Plants dirt, each piece in an order of its own, so that no two pieces meet on a line."""

    def __init__(self, shop: Shop, orders: list[ExportOrder], dice: Dice) -> None:
        self._sold = [product for product in shop.products if not product.is_new]
        self._orders = iter(dice.sample(orders, len(orders)))
        self._dice = dice

    def add(self, dirt: str, count: int, spoil: Change) -> None:
        """Add `count` spoiled lines, each of a product that its order does not hold."""
        for n in range(count):
            order = next(self._orders)
            held = {line.sku for line in order.lines}
            product = self._dice.one_of([product for product in self._sold if product.sku not in held])
            line = replace(
                order.lines[0],
                sku=product.sku,
                description=product.title,
                quantity="1",
                unit_price=money(product.cents),
                dirt=dirt,
            )
            spoil(line, n)
            order.lines.append(line)

    def mar(self, dirt: str, count: int, spoil: Change) -> None:
        """Spoil `count` lines that are there already."""
        for n in range(count):
            line = self._dice.one_of(next(self._orders).lines)
            spoil(line, n)
            line.dirt = dirt

    def duplicate(self, count: int) -> None:
        """Repeat `count` lines exactly, each right after itself."""
        for _ in range(count):
            lines = next(self._orders).lines
            at = self._dice.below(len(lines))
            lines.insert(at + 1, replace(lines[at], dirt="duplicate"))


def _spoil(spoiler: Spoiler, dice: Dice) -> None:
    """Plant every kind of dirt but the cancelled orders and the guests."""
    spoiler.add("negative_quantity", 24, _set("quantity", ["-1", "-2", "-3", "-12"]))
    spoiler.add("zero_quantity", 12, _set("quantity", ["0"]))
    spoiler.add("zero_price", 30, _set("unit_price", ["0.00"]))
    spoiler.add("unparsable_date", len(BAD_DATES), _set("order_date", BAD_DATES))
    spoiler.add("unparsable_price", len(BAD_PRICES), _set("unit_price", BAD_PRICES))
    spoiler.add("unparsable_quantity", len(BAD_QUANTITIES), _set("quantity", BAD_QUANTITIES))
    spoiler.add("missing_product", 16, _lose_product)
    for code, (text, count, prices) in SERVICES.items():
        spoiler.add("service_code", count, _serve(code, text, prices, dice))
    spoiler.mar("odd_date", 12, _odd_date)
    spoiler.mar("outlier_quantity", len(OUTLIER_QUANTITIES), _set("quantity", OUTLIER_QUANTITIES))
    spoiler.mar("outlier_price", 6, _lose_point)
    spoiler.mar("newline_in_title", 9, _wrap)
    spoiler.mar("untidy_title", 60, _untidy)
    spoiler.duplicate(180)


def _set(column: str, values: Sequence[str]) -> Change:
    return lambda line, n: setattr(line, column, values[n % len(values)])


def _lose_product(line: ExportLine, n: int) -> None:
    line.sku, line.description = "", ("", "?", "damaged", "check stock")[n % 4]


def _serve(code: str, text: str, prices: Sequence[int], dice: Dice) -> Change:
    def serve(line: ExportLine, n: int) -> None:
        line.sku, line.description, line.unit_price = code, text, money(dice.one_of(prices))

    return serve


def _odd_date(line: ExportLine, n: int) -> None:
    """Write the date in another of the ISO forms: still readable, with the same day."""
    day, minute = line.order_date.split(" ")
    line.order_date = (day, f"{day}T{minute}:07", f"{day} {minute}:31", f"{day}T{minute}:00Z")[n % 4]


def _lose_point(line: ExportLine, n: int) -> None:
    """Write the price as keyed without its decimal point: 2.15 becomes 215.00."""
    line.unit_price = f"{int(line.unit_price.replace('.', ''))}.00"


def _wrap(line: ExportLine, n: int) -> None:
    line.description += "\n(gift wrapped)"


def _untidy(line: ExportLine, n: int) -> None:
    title = line.description
    line.description = (f"{title.upper()} ", f" {title}", title.replace(" ", "  ", 1))[n % 3]
