"""A table of orders, one row each, whose lines stand in another file: joined to them by the order id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.match import parse_map
from prodassoc_cli.intake.columns.presets import ANY
from prodassoc_cli.intake.columns.schema import ROW, Say
from prodassoc_cli.intake.fields import match_fields
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.formats.reader import SAMPLE_ROWS
from prodassoc_cli.intake.layouts.layout import Head, Lines
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.wording import number_of

FIELDS = ("user_id", "timestamp", "event", "status", "cancelled_at")
"""What an order may say of all of its lines."""

_KEY = "\0order"


@dataclass
class OrderTable:
    """The orders that lines belong to.

    Attributes:
        orders: the order id, and the FIELDS that the table has, as text.
        columns: field → column it was read from.
        source: name of the input.
        lines_without: lines read so far whose order is not in the table.
    """

    orders: pl.DataFrame
    columns: dict[str, str]
    source: str
    lines_without: int = 0

    @classmethod
    def of(cls, tables: Sequence[RawTable], entries: Sequence[str], say: Say) -> OrderTable:
        """Take the fields of orders; the first row of an order wins.

        Args:
            tables: the parts of the table.
            entries: how its columns are named, as `map` has it.
            say: receives what was found.

        Raises:
            BadData: it has no order ids, or nothing else that is known.
            UsageProblem: a column that the user names does not exist.
        """
        frame = pl.concat([table.frame.drop(ROW) for table in tables], how="diagonal_relaxed")
        source, names = tables[0].source, frame.columns
        first = [
            list(row) for row in frame.head(SAMPLE_ROWS).cast(pl.String, strict=False).fill_null("").rows()
        ]
        head = Head(source, names, first, first)
        matched = match_fields(names, head.values, parse_map(entries, ("order_id", *FIELDS)), ANY, source)
        columns = {name: matched.columns[name] for name in FIELDS if name in matched.columns}
        if "order_id" not in matched.columns or not columns:
            missing = "the order id" if "order_id" not in matched.columns else "a user, a time or a status"
            raise BadData(
                f"{source}: no column of the order table holds {missing}; columns: {', '.join(names)}",
                "name it with `map=orders.FIELD=COLUMN`",
            )
        derived = matched.derived.beside(frame)
        key = parse_ids(derived[matched.columns["order_id"]]).alias(_KEY)
        orders = derived.select(key, *(pl.col(column).alias(name) for name, column in columns.items()))
        once = orders.drop_nulls(_KEY).unique(_KEY, keep="first", maintain_order=True)
        found = ", ".join(f"{name}={column}" for name, column in columns.items())
        say(f"{source}: orders, joined by {matched.columns['order_id']}: {found}")
        if once.height < orders.height:
            unused = number_of(orders.height - once.height, "row")
            say(f"{source}: {unused} without an id or of an order again, not used")
        return cls(once, columns, source)

    def beside(self, lines: Lines) -> Lines:
        """Return lines with what their orders say, but for fields that they have themselves."""
        fields = lines.fields
        new = [name for name in self.columns if name not in fields.columns]
        if "order_id" not in lines.columns:
            raise BadData(
                f"{self.source} cannot be joined: the lines have no order id",
                "name it: `map=order_id=COLUMN`",
            )
        if not new:
            raise BadData(
                f"{self.source}: the lines have all that it says of orders", "leave `order_table` out"
            )
        ids = parse_ids(fields["order_id"]).alias(_KEY)
        there = pl.lit(value=True).alias("\0there")
        joined = fields.with_columns(ids).join(
            self.orders.select(_KEY, *new, there), on=_KEY, how="left", maintain_order="left"
        )
        self.lines_without += joined["\0there"].null_count()
        columns = lines.columns | {name: f"{self.source}:{self.columns[name]}" for name in new}
        return replace(lines, fields=joined.drop(_KEY, "\0there"), columns=columns)
