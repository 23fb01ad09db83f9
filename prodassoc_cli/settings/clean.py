"""Options of `clean`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prodassoc_cli.artifacts.schemas import Event
from prodassoc_cli.intake.columns.presets import PRESETS
from prodassoc_cli.intake.layouts.registry import LAYOUTS
from prodassoc_cli.settings.declare import FILE, setting
from prodassoc_cli.settings.engine import EngineConfig

if TYPE_CHECKING:
    LayoutName = str
    PresetName = str
else:
    LayoutName = Literal["auto", *LAYOUTS]
    PresetName = Literal[tuple(PRESETS)]


@dataclass(frozen=True)
class CleanConfig(EngineConfig):
    """Raw order lines → interactions (and a catalogue → products)."""

    map: list[str] = setting(
        [], "Name a column yourself: order_id=InvoiceNo (repeatable)", group="Reading", metavar="FIELD=COLUMN"
    )
    preset: PresetName | None = setting(None, "Columns and rules of a known export", group="Reading")
    layout: LayoutName = setting("auto", "How baskets are laid out in the file", group="Reading")
    delimiter: str | None = setting(
        None, "Field delimiter [default: detected]", group="Reading", metavar="CHAR"
    )
    encoding: str | None = setting(None, "Text encoding [default: detected]", group="Reading", metavar="NAME")
    dayfirst: bool | None = setting(
        None, "Dates are day/month (or month/day) where the data leave it open", group="Reading",
        flag="--dayfirst/--monthfirst",
    )  # fmt: skip
    append_to: str | None = setting(
        None, "Interactions cleaned before, to which these lines are added; -o may be the same file",
        group="Reading", **FILE,
    )  # fmt: skip
    event: Event | None = setting(
        None, "Event of rows that carry none [default: purchase, or rating]", group="Reading"
    )
    products: str | None = setting(
        None, "Catalogue to clean along", group="Catalogue", metavar="FILE", result=False
    )
    products_output: str | None = setting(None, "Where products go", group="Catalogue", **FILE)
    rejects_output: str | None = setting(
        None, "Where left-out rows go, with reasons", group="Cleaning", **FILE
    )
    drop_outliers: bool = setting(False, "Leave out outliers of price and quantity", group="Cleaning")
    service_codes: str | None = setting(
        None, "Regular expression of codes that are no products [default: POSTAGE and the like]",
        group="Cleaning", metavar="REGEX",
    )  # fmt: skip
    min_item_count: int = setting(
        1, "Leave out products with fewer rows, over and over", group="Cleaning", metavar="N", low=1
    )
    min_user_count: int = setting(
        1, "Leave out users with fewer rows, over and over", group="Cleaning", metavar="N", low=1
    )
    pseudonymize_key_file: str | None = setting(
        None, "Replace user ids by keyed hashes (HMAC-SHA-256)", group="Privacy", **FILE
    )
    drop_users: bool = setting(False, "Leave user ids out of everything that is written", group="Privacy")
    holdout: str | None = setting(
        None, "Set rows aside for evaluation: last-order, last-item, time:FRACTION, random:FRACTION",
        group="Holdout", metavar="SPLIT",
    )  # fmt: skip
    holdout_output: str | None = setting(None, "Where the rows set aside go", group="Holdout", **FILE)
