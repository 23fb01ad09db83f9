"""Every layout, in the order in which an input is held against them; a new one is a line here.

Light to import, so that the options of `clean` can be made of it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from prodassoc_cli.errors import BadData

if TYPE_CHECKING:
    from prodassoc_cli.intake.layouts.layout import Head, Layout

LAYOUTS = {
    "fimi": "fimi:FIMI",
    "list": "list_column:LIST",
    "ratings": "ratings:RATINGS",
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


def recognise(head: Head, columns: dict[str, str]) -> tuple[Layout, str]:
    """Return the layout of an input, and why it is that.

    Args:
        head: what its first rows show.
        columns: field → column, as found.

    Raises:
        BadData: no layout fits.
    """
    for layout in map(layout_of, LAYOUTS):
        if why := layout.recognise(head, columns):
            return layout, why
    raise no_products(head)


def no_products(head: Head) -> BadData:
    """Return the error for an input in which no column holds products."""
    names = head.names
    hint = "name it with --map product_id=COLUMN, or give the --layout"
    if names and all(name == str(place) for place, name in enumerate(names, 1)):
        hint = "there is no header: name columns by number, as in --map product_id=2, or give the --layout"
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return BadData(f"{head.source}: no column holds products; columns: {shown}", hint)
