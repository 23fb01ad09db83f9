"""Every layout, in the order in which an input is held against them; a new one is a line here."""

from __future__ import annotations

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.layouts.baskets import BASKETS
from prodassoc_cli.intake.layouts.fimi import FIMI
from prodassoc_cli.intake.layouts.layout import Head, Layout
from prodassoc_cli.intake.layouts.list_column import LIST
from prodassoc_cli.intake.layouts.onehot import ONEHOT
from prodassoc_cli.intake.layouts.order_lines import LINES
from prodassoc_cli.intake.layouts.ratings import RATINGS

_ALL = (FIMI, LIST, RATINGS, LINES, ONEHOT, BASKETS)

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in _ALL}


def recognise(head: Head, columns: dict[str, str]) -> tuple[Layout, str]:
    """Return the layout of an input, and why it is that.

    Args:
        head: what its first rows show.
        columns: field → column, as found.

    Raises:
        BadData: no layout fits.
    """
    for layout in _ALL:
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
