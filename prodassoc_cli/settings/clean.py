"""Options of `clean`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prodassoc_cli.artifacts.schemas import Event
from prodassoc_cli.declare import FILE, setting
from prodassoc_cli.intake.columns.presets import PRESETS
from prodassoc_cli.intake.layouts.registry import LAYOUTS
from prodassoc_cli.settings.engine import EngineConfig

if TYPE_CHECKING:
    LayoutName = str
    PresetName = str
else:
    LayoutName = Literal["auto", *LAYOUTS]
    PresetName = Literal[*PRESETS, "none"]


@dataclass(frozen=True)
class CleanConfig(EngineConfig):
    """Raw order lines → interactions (and a catalogue → products)."""

    map: list[str] = setting(
        [],
        "Name a column: order_id=InvoiceNo; several: order_id=store+date+receipt, product_id=sku|name; none: "
        "event=; a word: event:read=view (repeatable)",
        group="Reading", metavar="FIELD=COLUMN",
    )  # fmt: skip
    ignore: list[str] = setting([], "Ignore a column (repeatable)", group="Reading", metavar="COLUMN")
    order_table: str | None = setting(
        None, "Table of the orders (user, time, status), joined to the lines by the order id",
        group="Reading", on_spark=False, excludes=("append_to",), **FILE,
    )  # fmt: skip
    preset: PresetName | None = setting(
        None, "Columns and rules of a known export [default: by its header]", group="Reading"
    )
    layout: LayoutName = setting("auto", "How baskets are laid out in the file", group="Reading")
    delimiter: str | None = setting(
        None, "Field delimiter [default: detected]", group="Reading", metavar="CHAR"
    )
    separator: str | None = setting(
        None, "Separator of the products within a cell [default: detected]", group="Reading", metavar="TEXT"
    )
    decimal_mark: list[str] = setting(
        [], "How numbers are written: comma, point, or of one field: quantity=comma (repeatable)",
        group="Reading", metavar="[FIELD=]MARK",
    )  # fmt: skip
    rating_scale: str | None = setting(
        None, "Lowest and highest rating; a 0 below it means not rated, what is off it is left out",
        group="Reading", metavar="LOW,HIGH",
    )  # fmt: skip
    missing: list[str] = setting(
        [], "Words for a missing id, instead of NA, null, - and similar: user_id=0,guest (repeatable)",
        group="Reading", metavar="FIELD=WORDS",
    )  # fmt: skip
    ids_as_written: bool = setting(
        False, 'Leave white space, ="…" and .0 around ids as they are', group="Reading"
    )
    encoding: str | None = setting(None, "Text encoding [default: detected]", group="Reading", metavar="NAME")
    quote: str | None = setting(
        None, "Quote that encloses fields, or none [default: detected]", group="Reading", metavar="CHAR"
    )
    escape: str | None = setting(
        None, "Escape before a quote, such as backslash, or none [default: detected]", group="Reading",
        metavar="CHAR",
    )  # fmt: skip
    comment: str | None = setting(None, "Ignore lines that begin with this", group="Reading", metavar="CHAR")
    skip_rows: int | None = setting(
        None, "Lines, or rows of a sheet, before the header [default: detected]", group="Reading",
        metavar="N", low=0,
    )  # fmt: skip
    header: bool | None = setting(
        None, "Take the first row as the header (or as data) [default: detected]", group="Reading",
        flag="--header/--no-header",
    )  # fmt: skip
    sheet: str | None = setting(
        None, "Sheet of a workbook, by name or number [default: those with order lines]", group="Reading",
        metavar="NAME",
    )  # fmt: skip
    keep_totals: bool = setting(False, "Keep a last row that says total", group="Reading")
    dayfirst: bool | None = setting(
        None, "Read ambiguous dates as day/month (or month/day) [default: detected]", group="Reading",
        flag="--dayfirst/--monthfirst",
    )  # fmt: skip
    append_to: str | None = setting(
        None, "Add these lines to interactions cleaned earlier; -o may be the same file",
        group="Reading", on_spark=False, **FILE,
        excludes=(
            "holdout", "drop_outliers", "min_item_count", "min_user_count", "products", "products_output",
        ),
    )  # fmt: skip
    event: Event | None = setting(
        None, "Event of rows without one [default: purchase, or rating]", group="Reading"
    )
    products: str | None = setting(
        None, "Product catalogue to clean too", group="Catalogue", needs=("products_output",), **FILE
    )
    category_names: str | None = setting(
        None, "Table of the catalogue's category ids and their names, also with parents", group="Catalogue",
        needs=("products",), **FILE,
    )  # fmt: skip
    products_output: str | None = setting(None, "Output of the products", group="Catalogue", **FILE)
    rejects_output: str | None = setting(
        None, "Output of the rejected rows, with reasons", group="Cleaning", **FILE
    )
    drop_outliers: bool = setting(False, "Leave out outliers of price and quantity", group="Cleaning")
    service_codes: str | None = setting(
        None, "Regular expression of codes that are not products [default: POSTAGE and similar]",
        group="Cleaning", metavar="REGEX",
    )  # fmt: skip
    min_item_count: int = setting(
        1, "Minimum number of rows per product, applied repeatedly with --min-user-count", group="Cleaning",
        metavar="N", low=1, on_spark=False,
    )  # fmt: skip
    min_user_count: int = setting(
        1, "Minimum number of rows per user, applied repeatedly with --min-item-count", group="Cleaning",
        metavar="N", low=1, on_spark=False,
    )  # fmt: skip
    pseudonymize_key_file: str | None = setting(
        None,
        "Replace user ids with keyed hashes (HMAC-SHA-256); the file holds the key",
        group="Privacy",
        **FILE,
    )
    drop_users: bool = setting(
        False, "Leave user ids out of all outputs", group="Privacy", excludes=("pseudonymize_key_file",)
    )
    holdout: str | None = setting(
        None, "Set rows aside for evaluation: last-order, last-item, time:FRACTION, random:FRACTION",
        group="Holdout", metavar="SPLIT", needs=("holdout_output",),
    )  # fmt: skip
    holdout_output: str | None = setting(
        None, "Output of the rows set aside", group="Holdout", needs=("holdout",), **FILE
    )
