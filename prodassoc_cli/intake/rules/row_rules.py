"""Rules on single rows: by their own values, and by what is usual among all rows."""

from __future__ import annotations

import re

import polars as pl

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.intake.columns.schema import FEEDBACK_NUMBERS, RESPONSES, is_feedback
from prodassoc_cli.intake.layouts.layout import Layout
from prodassoc_cli.intake.rules.rules import REASON, first_reason
from prodassoc_cli.intake.values.categories import distinct_texts, known, of_each
from prodassoc_cli.intake.values.usual_ids import UsualIds

SERVICE_WORDS = (
    r"POST(AGE)?|CARRIAGE|DOT(COM ?POSTAGE)?|SHIPPING|DELIVERY|FREIGHT|MANUAL|DISCOUNT|AMAZON ?FEE"
    r"|BANK CHARGES?|CRUK|PADS|SAMPLES?|ADJUST(MENT)?\d*|GIFT_\w*|GIFT ?(CARD|VOUCHER)S?|VOUCHER|COUPON"
    r"|TEST\d*"
)
SERVICE_LETTERS = r"[MDSB]|C2"
"""Codes of services. Letters alone count only where products mostly have digits in their codes."""

_FEEDBACK_BOUNDS = {
    "click": pl.col("click").is_in([0.0, 1.0]),
    "purchase": pl.col("purchase").is_in([0.0, 1.0]),
    "dismiss": pl.col("dismiss").is_in([0.0, 1.0]),
    "position": pl.col("position").is_between(1, 2**31 - 1) & (pl.col("position") % 1 == 0),
    "propensity": pl.col("propensity").is_between(0, 1, closed="right"),
    "revenue": pl.col("revenue").is_finite(),
}
"""The numbers of a log of shown lists, and what each may be."""


def unparsable(rows: pl.DataFrame, bad: dict[str, pl.Series], *, feedback: bool) -> pl.Series:
    """Return the first rule (REASON) that rows break by a value that cannot be parsed; null for none.

    Args:
        rows: typed rows.
        bad: field → which rows have a value of it that cannot be parsed.
        feedback: whether the rows are a log of shown lists.
    """
    conditions: list[tuple[str, pl.Expr | None]] = [
        (f"unparsable_{name}", pl.lit(bad[name]))
        for name in ("timestamp", "quantity", "price", "rating", "weight") if name in bad
    ]  # fmt: skip
    if "event" in bad:
        conditions.append(("unknown_event", pl.lit(bad["event"])))
    if feedback:
        conditions.append(("unparsable_feedback", _odd_feedback(rows, bad)))
    if not conditions:
        return pl.Series("reason", [None], dtype=REASON).new_from_index(0, rows.height)
    return rows.select(first_reason(*conditions).alias("reason")).to_series()


def odd_values(rows: pl.DataFrame, bad: dict[str, pl.Series]) -> dict[str, pl.Series]:
    """Return for each field which rows hold a value that it cannot be, where some do.

    Args:
        rows: typed rows.
        bad: field → which rows have a value of it that cannot be parsed.
    """
    feedback = [name for name in FEEDBACK_NUMBERS if is_feedback(rows.columns) and name in rows.columns]
    beyond = rows.select(
        (~_FEEDBACK_BOUNDS[name]).fill_null(value=False).alias(name) for name in feedback
    ).to_dict()  # fmt: skip
    return {name: odd for name, odd in (beyond | bad).items() if odd.any()}


def _odd_feedback(rows: pl.DataFrame, bad: dict[str, pl.Series]) -> pl.Expr:
    """Find rows with a number that it cannot be; only responses must be there."""
    names = [name for name in FEEDBACK_NUMBERS if name in rows.columns]
    return pl.any_horizontal(
        *(~_FEEDBACK_BOUNDS[name].fill_null(value=name not in RESPONSES) for name in names),
        *(pl.lit(bad[name]) for name in names if name in bad),
    )


def row_rules(
    rows: pl.DataFrame, usual: UsualIds, layout: Layout, service_codes: str | None, *, cancelled_prefix: bool
) -> pl.Series:
    """Return the first rule (REASON) that each row breaks; null for none.

    Args:
        rows: typed rows with all columns of interactions, and `reason`, the code of what `unparsable` found.
        usual: what is usual in the inputs.
        layout: of the inputs.
        service_codes: regular expression of whole codes that are no products; None for the usual ones,
            empty for none.
        cancelled_prefix: whether any order id that begins with C is a cancellation.

    Raises:
        UsageProblem: `service_codes` is no regular expression.
    """
    quantity, price = pl.col("quantity"), pl.col("price")
    bought = pl.col("event").is_in(["purchase", "cart"])
    nobody = pl.lit(usual.some_users) & pl.col("user_id").is_null()
    found = first_reason(
        ("cancelled_order", _cancelled(rows, usual, cancelled_prefix)),
        ("missing_product", pl.col("product_id").is_null()),
        ("unparsable_product", _no_number(rows["product_id"]) if layout.products_are_numbers else None),
        ("missing_rating", (pl.col("event") == "rating") & pl.col("rating").is_null()),
        ("weight_not_positive", _not_played(rows)),
        ("quantity_not_positive", bought & (quantity <= 0)),
        ("price_negative", price < 0),
        ("stock_adjustment", nobody & bought & (price == 0)),
        ("non_product_code", _is_service(rows, usual, service_codes)),
    )
    # Both are codes that have the order of RULES.
    lowest = rows.select(pl.min_horizontal(found.to_physical(), pl.col("reason")).alias("reason")).to_series()
    return lowest.cat.to(REASON)


def _not_played(rows: pl.DataFrame) -> pl.Expr | None:
    return (pl.col("event") == "view") & (pl.col("weight") <= 0) if "weight" in rows.columns else None


def _no_number(products: pl.Series) -> pl.Expr:
    digits = distinct_texts(products).str.contains(r"^\d+$")
    return pl.lit(~of_each(products, digits).fill_null(value=True))


def _cancelled(rows: pl.DataFrame, usual: UsualIds, prefix: bool) -> pl.Expr | None:
    """Find rows of cancelled orders: by their state, or by the C before their number."""
    found = [pl.col("cancelled")] if "cancelled" in rows.columns else []
    # C100 among 200, 201, 202 is a cancellation; among A100, B200, C300 it is an order like any other.
    if prefix or usual.numbered_orders:
        found.append(pl.lit(_found(rows["order_id"], "^[Cc]" if prefix else r"^[Cc]\d+$")))
    return pl.any_horizontal(found) if found else None


def _found(ids: pl.Series, pattern: str) -> pl.Series:
    """Return which ids hold a pattern that begins with a letter; as a rule few do."""
    letters = (ids >= ":").arg_true()
    found = pl.Series([False]).new_from_index(0, len(ids))
    return found.scatter(letters.filter(ids.gather(letters).str.contains(pattern)), values=True)


def _is_service(rows: pl.DataFrame, usual: UsualIds, pattern: str | None) -> pl.Expr | None:
    if pattern == "":
        return None
    if pattern is None:
        letters = usual.coded_products
        pattern = f"{SERVICE_WORDS}|{SERVICE_LETTERS}" if letters else SERVICE_WORDS
    whole = f"^(?i:{pattern})$"
    products = known(rows["product_id"])
    try:
        services = distinct_texts(products).str.contains(whole)
    except pl.exceptions.ComputeError as problem:
        reason = re.sub(r"\s+", " ", str(problem))[:100]
        raise UsageProblem(
            f"`service_codes` is no regular expression: {reason}", "for example `service_codes=POST|FEE.*`"
        ) from problem
    return pl.lit(of_each(products, services)) if services.any() else None
