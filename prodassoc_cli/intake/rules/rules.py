"""The rules of cleaning, each declared once.

A row is left out by the first rule that matches it, in the order of `RULES`. Cancelled orders come first, so
that their count is that of the file, whatever else is wrong with such a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Rule:
    """A reason to leave a row out: its name in the rejects, and what it means."""

    name: str
    meaning: str


RULES = (
    Rule("broken_row", "the row has too many or too few fields, or is no JSON object"),
    Rule("nul_character", "the row holds a NUL character: the file is damaged"),
    Rule("broken_encoding", "the row holds bytes that are no text in the file's encoding"),
    Rule("repeated_header", "the row is the header once more, as where files were put together"),
    Rule("total_row", "the last row is a total of the others"),
    Rule("cancelled_order", "the order was cancelled: its status says so, or its id is a C before digits"),
    Rule("missing_product", "the row names no product, or the basket is empty"),
    Rule("unparsable_product", "the product of a FIMI file is no integer"),
    Rule("unparsable_timestamp", "the time is there but is none"),
    Rule("unparsable_quantity", "the quantity is there but is no number"),
    Rule("unparsable_price", "the price is there but is no number"),
    Rule("unparsable_rating", "the rating is there but is no number"),
    Rule("unparsable_weight", "the weight is there but is no number"),
    Rule("unparsable_feedback", "click, purchase, dismiss, position, propensity or revenue is off"),
    Rule("unknown_event", "the event is none that is known"),
    Rule("missing_rating", "the row of a ratings file has no rating"),
    Rule("rating_off_scale", "the rating is not on the scale (with `rating_scale`)"),
    Rule("weight_not_positive", "the weight of a view is 0 or less: it was not played or watched"),
    Rule("quantity_not_positive", "the quantity bought is 0 or less: a return or a correction"),
    Rule("price_negative", "the price is below 0: a correction of the books"),
    Rule("stock_adjustment", "the price is 0 and no user is named, where others are: nobody bought this"),
    Rule("non_product_code", "the product is a service: postage, a fee, a discount, a manual entry"),
    Rule(
        "duplicate_line", "the row of a dated or numbered order says in every column what an earlier one does"
    ),
    Rule("missing_timestamp", "the row has no time, and the holdout is split by time"),
    Rule("outlier_price", "the price is far from the product's others (with `drop_outliers`)"),
    Rule("outlier_quantity", "the quantity is far from the product's others (with `drop_outliers`)"),
    Rule("rare_product", "the product has fewer rows than `min_item_count`"),
    Rule("rare_user", "the user has fewer rows than `min_user_count`"),
)
"""Every rule, in the order of application."""

REASON = pl.Enum([rule.name for rule in RULES])

RANK = {rule.name: place for place, rule in enumerate(RULES)}
"""A row's reason is the broken rule of the lowest rank."""


def first_reason(*conditions: tuple[str, pl.Expr | None]) -> pl.Expr:
    """Return the name (REASON) of the first rule, in the order of RULES, that a row breaks; null for none.

    Args:
        conditions: rule, and which rows break it; None for none.
    """
    ranked = sorted(conditions, key=lambda each: RANK[each[0]])
    reasons = [
        pl.when(condition).then(pl.lit(name, dtype=REASON))
        for name, condition in ranked if condition is not None
    ]  # fmt: skip
    return pl.coalesce([*reasons, pl.lit(None, dtype=REASON)])


def also(reason: pl.Series, rows: pl.Series, name: str) -> pl.Series:
    """Give rows that have no reason yet this one."""
    new = pl.when(reason.is_null() & rows).then(pl.lit(name, dtype=REASON)).otherwise(reason)
    return pl.select(new.alias("reason")).to_series()
