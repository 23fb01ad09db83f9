"""Every layout, in the order in which an input is held against them; a new one is a line here.

Light to import, so that the options of `clean` can be made of it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from prodassoc_cli.errors import BadData

if TYPE_CHECKING:
    from prodassoc_cli.intake.columns.likeness import Likened
    from prodassoc_cli.intake.layouts.layout import Head, Layout

LAYOUTS = {
    "fimi": "fimi:FIMI",
    "records": "records:RECORDS",
    "wide": "wide:WIDE",
    "list": "list_column:LIST",
    "ratings": "ratings:RATINGS",
    "plays": "plays:PLAYS",
    "merged": "merged:MERGED",
    "lines": "order_lines:LINES",
    "onehot": "onehot:ONEHOT",
    "baskets": "baskets:BASKETS",
}
"""Name at the command line → module:layout in this package."""


@cache
def layout_of(name: str) -> Layout:
    """Return the layout of that name, one of LAYOUTS."""
    module, _, attribute = LAYOUTS[name].partition(":")
    found: Layout = getattr(import_module(f"prodassoc_cli.intake.layouts.{module}"), attribute)
    return found


def recognise(head: Head, columns: dict[str, str]) -> tuple[Layout, str] | None:
    """Return the layout of an input, and why it is that; None where no layout fits.

    Args:
        head: what its first rows show.
        columns: field → column, as found.
    """
    for layout in map(layout_of, LAYOUTS):
        if why := layout.recognise(head, columns):
            return layout, why
    return None


def no_products(head: Head, columns: dict[str, str], likened: Likened, layout: str = "") -> BadData:
    """Return the error for an input in which no column holds products.

    Args:
        head: what its first rows show.
        columns: field → column, as found.
        likened: what its further columns may be.
        layout: that the user named; empty where none.
    """
    names = head.names
    hint = "name it with `map=product_id=COLUMN`" + ("" if layout else ", or give the `layout`")
    if likely := likened.proposed.get("product_id", ()):
        hint = "name it: " + " or ".join(f"`map=product_id={name}`" for name in likely)
    elif names and all(name == str(place) for place, name in enumerate(names, 1)):
        hint = hint.replace("COLUMN", "2") + "; there is no header, so that columns have numbers"
    elif "order_id" in columns:
        hint += (
            "; if it tells of orders whose lines are in another file, give that as the input and this as "
            f"`order_table={head.source}`, to join them by {columns['order_id']}"
        )
    elif len(_flag_columns(head)) > 1:
        hint = "if each column is a product, give `layout=onehot`; else " + hint
    if likened.hint:
        hint += f"; {likened.hint}"
    return BadData(f"{head.source}: no column holds products; columns: {', '.join(names)}", hint)


def _flag_columns(head: Head) -> list[str]:
    """Return columns that hold few short words, as those do that tell which products are in a basket."""
    return [
        name for name in head.names
        if 0 < len({cell.strip() for cell in head.column(name)}) <= 2 and len(head.cells) > 4
    ]  # fmt: skip
