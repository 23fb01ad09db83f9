"""The rules of cleaning, each declared once, and their application.

A row is left out by the first rule that matches it, in the order of `RULES`. Cancelled orders come first, so
that their count is that of the file, whatever else is wrong with such a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.intake.values.categories import distinct_texts, known, of_each
from prodassoc_cli.intake.values.conventions import Conventions


@dataclass(frozen=True)
class Rule:
    """A reason to leave a row out: its name in the rejects, and what it means."""

    name: str
    meaning: str


RULES = (
    Rule("broken_row", "the row has too many or too few fields, or is no JSON object"),
    Rule("nul_character", "the row holds a NUL character: the file is damaged"),
    Rule("broken_encoding", "the row holds bytes that are no text in the file's encoding"),
    Rule("cancelled_order", "the order id is a C before digits, where most ids are digits only"),
    Rule("missing_product", "the row names no product, or the basket is empty"),
    Rule("unparsable_product", "the product of a FIMI file is no integer"),
    Rule("unparsable_timestamp", "the time is there but is none"),
    Rule("unparsable_quantity", "the quantity is there but is no number"),
    Rule("unparsable_price", "the price is there but is no number"),
    Rule("unparsable_rating", "the rating is there but is no number"),
    Rule("unparsable_feedback", "click, purchase, dismiss, position, propensity or revenue is off"),
    Rule("unknown_event", "the event is none that is known"),
    Rule("missing_rating", "the row of a ratings file has no rating"),
    Rule("quantity_not_positive", "the quantity bought is 0 or less: a return or a correction"),
    Rule("price_negative", "the price is below 0: a correction of the books"),
    Rule("stock_adjustment", "the price is 0 and no user is named, where others are: nobody bought this"),
    Rule("non_product_code", "the product is a service: postage, a fee, a discount, a manual entry"),
    Rule(
        "duplicate_line", "the row of a dated or numbered order says in every column what an earlier one does"
    ),
    Rule("missing_timestamp", "the row has no time, and the holdout is split by time"),
    Rule("outlier_price", "the price is far from the product's others (with --drop-outliers)"),
    Rule("outlier_quantity", "the quantity is far from the product's others (with --drop-outliers)"),
    Rule("rare_product", "the product has fewer rows than --min-item-count"),
    Rule("rare_user", "the user has fewer rows than --min-user-count"),
)
"""Every rule, in the order of application."""

REASON = pl.Enum([rule.name for rule in RULES])

SERVICE_WORDS = (
    r"POST(AGE)?|CARRIAGE|DOT(COM ?POSTAGE)?|SHIPPING|DELIVERY|FREIGHT|MANUAL|DISCOUNT|AMAZON ?FEE"
    r"|BANK CHARGES?|CRUK|PADS|SAMPLES?|ADJUST(MENT)?\d*|GIFT_\w*|GIFT ?(CARD|VOUCHER)S?|VOUCHER|COUPON"
    r"|TEST\d*"
)
SERVICE_LETTERS = r"[MDSB]|C2"
"""Codes of services. Letters alone count only where products mostly have digits in their codes."""


def row_rules(
    lines: pl.DataFrame, conventions: Conventions, service_codes: str | None, *, cancelled_prefix: bool
) -> pl.Series:
    """Judge each row by itself.

    Args:
        lines: parsed rows: the columns of interactions, click and purchase, and a Boolean `bad_FIELD` for
            each field that could not be parsed.
        conventions: what is usual in the inputs.
        service_codes: regular expression of whole codes that are no products; None for the usual ones,
            empty for none.
        cancelled_prefix: whether any order id that begins with C is a cancellation.

    Returns:
        The name of the first rule that matches (REASON), null where the row is kept.

    Raises:
        UsageProblem: `service_codes` is no regular expression.
    """
    quantity, price = pl.col("quantity"), pl.col("price")
    bought = pl.col("event").is_in(["purchase", "cart"])
    nobody = pl.lit(conventions.some_users) & pl.col("user_id").is_null()
    unparsable = ("product", "timestamp", "quantity", "price", "rating", "feedback")
    conditions = {
        "cancelled_order": _cancelled(lines["order_id"], conventions, cancelled_prefix),
        "missing_product": pl.col("product_id").is_null(),
        **{f"unparsable_{name}": _bad(lines, name) for name in unparsable},
        "unknown_event": _bad(lines, "event"),
        "missing_rating": (pl.col("event") == "rating") & pl.col("rating").is_null(),
        "quantity_not_positive": bought & (quantity <= 0),
        "price_negative": price < 0,
        "stock_adjustment": nobody & bought & (price == 0),
        "non_product_code": _is_service(lines, conventions, service_codes),
    }
    reasons = [
        pl.when(condition).then(pl.lit(name, dtype=REASON))
        for name, condition in conditions.items() if condition is not None
    ]  # fmt: skip
    return lines.select(pl.coalesce(reasons).alias("reason")).to_series()


def _bad(lines: pl.DataFrame, name: str) -> pl.Expr | None:
    return pl.col(f"bad_{name}") if f"bad_{name}" in lines.columns else None


def _cancelled(orders: pl.Series, conventions: Conventions, prefix: bool) -> pl.Expr | None:
    if prefix:
        return pl.lit(_found(orders, "^[Cc]"))
    # C100 among 200, 201, 202 is a cancellation; among A100, B200, C300 it is an order like any other.
    return pl.lit(_found(orders, r"^[Cc]\d+$")) if conventions.numbered_orders else None


def _found(ids: pl.Series, pattern: str) -> pl.Series:
    """Tell which ids hold a pattern that begins with a letter; as a rule few do."""
    letters = (ids >= ":").arg_true()
    found = pl.Series([False]).new_from_index(0, len(ids))
    return found.scatter(letters.filter(ids.gather(letters).str.contains(pattern)), values=True)


def _is_service(lines: pl.DataFrame, conventions: Conventions, pattern: str | None) -> pl.Expr | None:
    if pattern == "":
        return None
    if pattern is None:
        letters = conventions.coded_products
        pattern = f"{SERVICE_WORDS}|{SERVICE_LETTERS}" if letters else SERVICE_WORDS
    whole = f"^(?i:{pattern})$"
    products = known(lines["product_id"])
    try:
        services = distinct_texts(products).str.contains(whole)
    except pl.exceptions.ComputeError as problem:
        reason = re.sub(r"\s+", " ", str(problem))[:100]
        raise UsageProblem(
            f"--service-codes is no regular expression: {reason}", "for example --service-codes 'POST|FEE.*'"
        ) from problem
    return pl.lit(of_each(products, services)) if services.any() else None


def duplicate_rows(rows: pl.DataFrame, places: pl.Series) -> pl.Series:
    """Tell which rows equal an earlier candidate in every column.

    Equal hashes only nominate rows; the fields themselves decide.

    Args:
        rows: what they tell.
        places: of the candidates, ascending.
    """
    found = pl.Series("duplicate", [False]).new_from_index(0, rows.height)
    if not rows.width:
        return found
    among = rows[places]
    hashes = among.hash_rows()
    ordered = hashes.sort()
    shared = ordered.filter(ordered == ordered.shift())
    if len(shared):
        twice = hashes.is_in(shared.unique().implode())
        again = ~among.filter(twice).select(pl.struct(pl.all()).is_first_distinct()).to_series()
        found = found.scatter(places.filter(twice).filter(again), values=True)
    return found


def rare(lines: pl.DataFrame, min_item_count: int, min_user_count: int) -> pl.Series:
    """Find the rows outside the core; see `Core`."""
    core = Core()
    core.add(lines)
    core.find(min_item_count, min_user_count)
    return core.reason(0)


class Core:
    """The rows left when rare products, then rare users, are dropped until none is rare any more.

    Rows without a user have no user to be rare; they count for their product. What is held of a row are 9
    bytes, whatever part it came in.
    """

    def __init__(self) -> None:
        self._ids = {name: pl.Series(name, [], dtype=pl.String) for name in ("product_id", "user_id")}
        self._codes: list[tuple[NDArray[np.uint32], ...]] = []
        self._reasons: list[NDArray[np.int8]] = []

    def add(self, lines: pl.DataFrame) -> None:
        """Take the kept rows of the next part, with product_id and user_id."""
        self._codes.append(tuple(self._coded(lines[name]) for name in self._ids))
        self._reasons.append(np.zeros(lines.height, np.int8))

    def find(self, min_item_count: int, min_user_count: int) -> None:
        """Drop what is rare, over and over.

        Args:
            min_item_count: rows a product needs.
            min_user_count: rows a user needs.
        """
        sizes = [len(ids) + 1 for ids in self._ids.values()]
        left = -1
        while left != (left := sum(int((reason == 0).sum()) for reason in self._reasons)):
            for which, least in enumerate((min_item_count, min_user_count)):
                counts = np.zeros(sizes[which], np.int64)
                for codes, reason in zip(self._codes, self._reasons, strict=True):
                    counts += np.bincount(codes[which][reason == 0], minlength=sizes[which])
                counts[0] = least  # nobody
                for codes, reason in zip(self._codes, self._reasons, strict=True):
                    reason[(reason == 0) & (counts < least)[codes[which]]] = which + 1

    def reason(self, part: int) -> pl.Series:
        """Return `rare_product` or `rare_user` (REASON) for the rows of a part, null where the row stays."""
        names = pl.Series("reason", self._reasons[part]).replace_strict(
            {0: None, 1: "rare_product", 2: "rare_user"}, return_dtype=pl.String
        )
        return names.cast(REASON)

    def _coded(self, texts: pl.Series) -> NDArray[np.uint32]:
        """Return a number from 1 for each text, the same in all parts; 0 where there is none."""
        known = pl.concat([self._ids[texts.name], texts]).unique(maintain_order=True).drop_nulls()
        self._ids[texts.name] = known
        codes = texts.cast(pl.Enum(known)).to_physical().cast(pl.UInt32)
        return (codes + 1).fill_null(0).to_numpy()
