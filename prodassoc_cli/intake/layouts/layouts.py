"""How baskets lie in a file, and from each layout to one row a product.

`lines` and `ratings` have a row a product already. The others hold a whole basket in a row: it is taken
apart here, and a "row" of the summary is then one product of one basket.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns import ALIASES, ITEM_LISTS, match_columns
from prodassoc_cli.intake.tables import ROW, SOURCE, RawTable
from prodassoc_cli.settings import Layout

FIELDS = (*ALIASES, "items")
"""What `--map` may name."""

FEEDBACK = ("click", "position", "propensity")
"""A file with `click` and one of the others is a log of what was shown."""

NUMBERS = ("quantity", "price", "rating")
FEEDBACK_NUMBERS = ("click", "purchase", "dismiss", "position", "propensity", "revenue")
"""Fields of numbers; the second are those of such a log."""

_INTEGERS = re.compile(r"\s*\d+([ \t]+\d+)*\s*")
_TRUE_FALSE = ("", "0", "1", "0.0", "1.0", "true", "false")
_ITEM_DELIMITERS = (";", "|", ",", "\t", " ")


@dataclass
class Lines:
    """One row a product, as text or as typed as it came.

    Attributes:
        fields: ROW and those of FIELDS that the input has.
        raw: the input's columns, row by row beside `fields`: what rejects show.
        layout: what the input was laid out as.
        columns: field → column it was read from.
        whole_rows: whether a row of `fields` is a row of the input, so that equal rows are duplicates.
    """

    fields: pl.DataFrame
    raw: pl.DataFrame
    layout: Layout
    columns: dict[str, str] = field(default_factory=dict)
    whole_rows: bool = True


def is_fimi(rows: Sequence[Sequence[str]], delimiter: str, name: str) -> bool:
    """Tell whether the first rows are integers between spaces, as the FIMI repository has them."""
    suffix = name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]
    if suffix == "dat" and (delimiter == "\t" or all(len(row) == 1 for row in rows)):
        # A stray tab may have been taken for the delimiter.
        return all(_INTEGERS.fullmatch("\t".join(row)) for row in rows)
    single = all(len(row) == 1 and _INTEGERS.fullmatch(row[0]) for row in rows)
    return single and any(len(row[0].split()) > 1 for row in rows)


def field_columns(
    names: Sequence[str], mapping: dict[str, str], preset: str | None, source: str
) -> dict[str, str]:
    """Match an input's columns with FIELDS; a product without an id goes by its title.

    Raises:
        UsageProblem: a column the user maps does not exist.
    """
    found = match_columns(names, ALIASES | {"items": ""}, mapping=mapping, preset=preset, source=source)
    if "product_id" not in found and "items" not in found:
        lists = match_columns(names, {"items": ITEM_LISTS})
        if lists and lists["items"] not in found.values():
            found |= lists
        elif "title" in found:
            found = {"product_id": found["title"]} | found
    return found


def decide(
    names: Sequence[str], columns: dict[str, str], cells: Sequence[Sequence[str]], *, ragged: bool = False,
    lists: Sequence[str] = (), source: str = "the input",
) -> tuple[Layout, str]:  # fmt: skip
    """Choose the layout of a table, and say why.

    Args:
        names: the table's columns.
        columns: field → column, as found.
        cells: its first rows as text.
        ragged: whether its rows have unequally many fields.
        lists: columns that hold lists.
        source: name of the input, for messages.

    Raises:
        BadData: no layout fits.
    """
    product = columns.get("product_id")
    if product in lists or (product is None and ("items" in columns or lists)):
        return "list", f"column {columns.get('items') or product or lists[0]} holds whole baskets"
    if product is not None:
        if "rating" in columns and not {"order_id", "quantity"} & columns.keys():
            return "ratings", f"one row a rating: products in {product}, ratings in {columns['rating']}"
        return "lines", f"one row a product: products in {product}"
    items = item_columns(names, columns)
    width = len(items)
    if width > 1 and cells and all(_all_flags(names, row, set(items)) for row in cells):
        return "onehot", f"{width:,} columns hold only 0 and 1"
    if ragged:
        return "baskets", "rows have unequally many fields: one basket a row"
    hint = "name it with --map product_id=COLUMN, or tell the --layout"
    if names and all(name == str(place) for place, name in enumerate(names, 1)):
        hint = "there is no header: name columns by number, as in --map product_id=2, or tell the --layout"
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    raise BadData(f"{source}: no column holds products; columns: {shown}", hint)


def item_columns(names: Sequence[str], columns: dict[str, str]) -> list[str]:
    """Return the columns of a one-hot table that stand for products."""
    keys = {columns[name] for name in ("user_id", "order_id", "timestamp") if name in columns}
    return [name for name in names if name not in keys and name != ROW]


def _all_flags(names: Sequence[str], row: Sequence[str], items: set[str]) -> bool:
    return all(
        cell.strip().casefold() in _TRUE_FALSE
        for name, cell in zip(names, row, strict=False)
        if name in items
    )


def from_lines(table: RawTable, columns: dict[str, str], layout: Layout = "lines") -> Lines:
    """Take a table that has a row a product as it is."""
    fields = table.frame.select(ROW, *(pl.col(column).alias(name) for name, column in columns.items()))
    return Lines(fields, table.frame.drop(ROW), layout, columns)


def from_list_column(table: RawTable, columns: dict[str, str]) -> Lines:
    """Take apart a column that holds whole baskets: a list, JSON, or delimited text."""
    name = columns.get("items") or columns.get("product_id")
    if name is None:
        name = next((each for each, dtype in table.frame.schema.items() if isinstance(dtype, pl.List)), None)
    if name is None:
        raise BadData(f"{table.source}: no column holds baskets", "name it with --map items=COLUMN")
    items = table.frame[name]
    if not isinstance(items.dtype, pl.List):
        items = _split_cells(items.cast(pl.String))
    others = {key: column for key, column in columns.items() if column != name}
    frame = table.frame.select(ROW, *(pl.col(column).alias(key) for key, column in others.items()))
    frame = _one_a_row(frame.with_columns(items.alias("product_id")))
    return Lines(frame, frame.select("product_id"), "list", others | {"product_id": name}, whole_rows=False)


def _one_a_row(baskets: pl.DataFrame) -> pl.DataFrame:
    """Give each product a row; an empty basket keeps one without a product, so that it is counted."""
    items = pl.col("product_id")
    return baskets.with_columns(pl.when(items.list.len() > 0).then(items)).explode("product_id")


def _split_cells(cells: pl.Series) -> pl.Series:
    if cells.str.contains(r"^\s*\[").any():
        inner = cells.str.strip_chars().str.strip_chars_start("[").str.strip_chars_end("]")
        items = inner.str.split(",")
        return items.list.eval(pl.element().str.strip_chars().str.strip_chars("\"'"))
    # All cells are asked, for many baskets hold one product. The file's own delimiter is among them: it may
    # stand in a quoted cell. A space splits only where nothing else does: names of products hold spaces.
    there = (each for each in _ITEM_DELIMITERS if cells.str.contains(each, literal=True).any())
    return cells.str.split(next(there, ";")).list.eval(pl.element().str.strip_chars())


def from_onehot(table: RawTable, columns: dict[str, str]) -> Lines:
    """Turn a table with a column a product into a row for each cell that is not zero.

    A number in a cell is the quantity; `true`, `yes` and `x` count as 1. A basket without any product keeps
    one row without a product, so that it is counted.
    """
    items = item_columns(table.frame.columns, columns)
    keys = {key: column for key, column in columns.items() if key in ("user_id", "order_id", "timestamp")}
    frame = table.frame.select(
        ROW,
        *(pl.col(column).alias("\0" + key) for key, column in keys.items()),
        *(pl.col(name).cast(pl.String).alias(name) for name in items),
    )
    marked = frame.select(ROW, *items).unpivot(
        on=items, index=ROW, variable_name="product_id", value_name="quantity"
    )
    word = pl.col("quantity").str.strip_chars().str.to_lowercase()
    zero = word.is_in(["", "0", "0.0", "false", "f", "no", "n", "null", "nan", "none", "?"])
    marked = marked.filter(~zero.fill_null(value=True)).with_columns(
        pl.when(word.is_in(["true", "t", "yes", "y", "x"])).then(pl.lit("1")).otherwise("quantity")
        .alias("quantity")
    )  # fmt: skip
    fields = frame.select(ROW, *(pl.col("\0" + key).alias(key) for key in keys))
    fields = fields.join(marked, on=ROW, how="left", maintain_order="left_right")
    found = {**keys, "product_id": f"{len(items)} columns"}
    return Lines(fields, fields.select("product_id", "quantity"), "onehot", found, whole_rows=False)


def from_baskets(table: RawTable, delimiter: str) -> Lines:
    """Take apart lines of products between delimiters, quotes respected."""
    cells = split_quoted(table.frame["line"], delimiter)
    frame = pl.DataFrame({ROW: table.frame[ROW], "product_id": cells})
    frame = frame.with_columns(
        pl.col("product_id").list.eval(
            pl.element().str.strip_chars().filter(pl.element().str.contains(r"\S"))
        )
    )
    frame = _one_a_row(frame)
    return Lines(frame, frame.select("product_id"), "baskets", whole_rows=False)


def split_quoted(lines: pl.Series, delimiter: str) -> pl.Series:
    """Split lines at a delimiter; one inside double quotes does not count."""
    if not lines.str.contains('"', literal=True).any():
        return lines.str.split(delimiter)
    mark = re.escape(delimiter)
    simple = ~lines.str.contains('"', literal=True)
    # Few lines hold quotes: a pattern that finds each cell, quoted or not, serves them alone.
    cells = lines.str.extract_all(rf'"(?:[^"]|"")*"|[^{mark}"]+')
    cells = cells.list.eval(pl.element().str.strip_chars().str.strip_chars('"').str.replace_all('""', '"'))
    return pl.select(pl.when(simple).then(lines.str.split(delimiter)).otherwise(cells)).to_series()


def from_fimi(table: RawTable) -> Lines:
    """Take apart lines of integers between spaces; the order is the number of the line."""
    line = table.frame["line"].str.strip_chars()
    if line.str.contains(r"\t|  ").any():
        line = line.str.replace_all(r"\s+", " ")
    frame = pl.DataFrame({ROW: table.frame[ROW], "product_id": line.str.split(" ")}).explode("product_id")
    return Lines(frame, frame.select("product_id"), "fimi", whole_rows=False)


def placed(lines: Lines, place: int, *, among: int) -> Lines:
    """Note which of so many inputs the lines are of; where a row is a basket, its number is its order."""
    frame = lines.fields.with_columns(pl.lit(place, dtype=pl.UInt32).alias(SOURCE))
    if "order_id" not in frame.columns and not lines.whole_rows:
        order = pl.col(ROW).cast(pl.String)
        # Rows of several files must not meet.
        order = pl.concat_str(pl.lit(f"{place + 1}:"), order) if among > 1 else order
        frame = frame.with_columns(order.alias("order_id"))
    return replace(lines, fields=frame)


def join_lines(parts: list[Lines]) -> Lines:
    """Put lines of several inputs one under the other, each column in a type that holds all."""
    first = parts[0]
    if len(parts) == 1:
        return first
    raw = pl.concat([part.raw for part in parts], how="diagonal_relaxed")
    fields = pl.concat([part.fields for part in parts], how="diagonal_relaxed")
    return replace(first, fields=fields, raw=raw)


def check_alike(name: str, lines: Lines, first: Lines) -> None:
    """Refuse an input that is laid out otherwise than the first, or lacks a field (BadData)."""
    if lines.layout != first.layout or lines.columns.keys() != first.columns.keys():
        lost = [each for each in first.columns if each not in lines.columns]
        what = f"has no column for {lost[0]}" if lost else f"is laid out as {lines.layout}, unlike the first"
        raise BadData(f"{name} {what}", "clean it apart, or name its columns with --map")
