"""Catalogues → products; and products from the order lines where there is no catalogue."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from prodassoc_cli.artifacts.frames import schema_of, with_absent
from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.aliases import CATALOGUE_ALIASES
from prodassoc_cli.intake.columns.derived import DerivedColumns
from prodassoc_cli.intake.columns.match import match_columns
from prodassoc_cli.intake.columns.presets import ANY, Preset
from prodassoc_cli.intake.columns.schema import REJECTS, ROW
from prodassoc_cli.intake.formats.raw_table import RawTable, as_csv
from prodassoc_cli.intake.layouts.cells import has_brackets, split_cells
from prodassoc_cli.intake.rules.outliers import medians
from prodassoc_cli.intake.values.categories import numbered
from prodassoc_cli.intake.values.counters import Counts
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.intake.values.numbers import Parsed, parse_numbers

COLUMNS = schema_of(PRODUCTS)
SEPARATORS = (r"\s*(?:->|=>|→|»|›|>+)\s*", r"\|", "/")
"""What stands between the levels of a category path, as regular expressions, strongest first."""
PATH = " > "


@dataclass(frozen=True)
class Catalogue:
    """A cleaned catalogue.

    Attributes:
        products: the kept ones, sorted by product_id, with further columns of the catalogue.
        rejects: rows left out (the schema of rejects).
        columns: field → column.
        unread_prices: how many prices are there but cannot be read, and up to three of them.
        notes: what was a choice in reading it.
    """

    products: pl.DataFrame
    rejects: pl.DataFrame
    columns: dict[str, str]
    unread_prices: tuple[int, list[str]] = (0, [])
    notes: tuple[str, ...] = ()


def clean_catalogue(tables: Sequence[RawTable], mapping: dict[str, str], preset: Preset = ANY) -> Catalogue:
    """Clean the tables of a catalogue into products (without rows for products unknown to it).

    The first row of a product wins; later ones, and rows without an id, become rejects. A category path may
    be written `A > B`, `A|B` or `A/B`, as a list, or lie in two columns. Columns that have no meaning here
    are kept under names of letters, digits and underscores.

    Args:
        tables: the parts of the catalogue.
        mapping: field → column, as the user gave it.
        preset: what is known of such an export.

    Raises:
        BadData: no column holds product ids.
        UsageProblem: a column the user maps does not exist.
    """
    first = tables[0]
    names = [name for name in first.frame.columns if name != ROW]
    columns = match_columns(
        names, CATALOGUE_ALIASES, mapping=mapping, known=preset.catalogue, source=first.source
    )
    if "product_id" not in columns:
        raise BadData(
            f"{first.source}: no column holds product ids; columns: {', '.join(names)}",
            "name it with `map=products.product_id=COLUMN`",
        )
    if "title" not in columns and "description" in columns:
        columns["title"] = columns.pop("description")
    frame = pl.concat(
        [table.frame.with_columns(pl.lit(table.source).alias("\0source")) for table in tables],
        how="diagonal_relaxed",
    )
    raw = [name for name in frame.columns if name not in (ROW, "\0source")]
    derived = DerivedColumns.of(columns, names)
    filled = _carried_down(frame, columns, preset)
    products, price = _fields(derived.beside(filled), columns)
    ids = products["product_id"]
    reason = pl.select(
        pl.when(ids.is_null()).then(pl.lit("missing_product"))
        .when(~ids.is_first_distinct()).then(pl.lit("duplicate_product"))
        .alias("reason")
    ).to_series()  # fmt: skip
    left_out = frame.with_columns(reason).filter(pl.col("reason").is_not_null())
    rejects = left_out.select(
        pl.col("\0source").alias("source"), pl.col(ROW).alias("row"), "reason", as_csv(raw).alias("raw")
    )
    rejects = pl.concat([*(table.rejects for table in tables), rejects.cast(REJECTS)])
    used = {*columns.values(), *derived.sources}
    extras = _extras(frame, [name for name in raw if name not in used])
    kept = products.hstack(extras).filter(reason.is_null()).sort("product_id")
    unread = (
        frame[columns["price"]].filter(price.bad) if price is not None and price.bad is not None else None
    )
    return Catalogue(
        kept, rejects.sort("source", "row"), columns,
        (0, []) if unread is None else (len(unread), unread.unique(maintain_order=True).head(3).to_list()),
        (f"price: {price.note}",) if price is not None and price.note else (),
    )  # fmt: skip


def _carried_down(frame: pl.DataFrame, columns: dict[str, str], preset: Preset) -> pl.DataFrame:
    """Fill in what an export tells on the first row of a product's variants only."""
    group = next((name for name in frame.columns if name == preset.variants_of), None)
    if group is None:
        return frame
    texts = [
        column for name, column in columns.items()
        if name not in ("product_id", "price") and frame.schema.get(column) == pl.String
    ]  # fmt: skip
    blank = (pl.when(pl.col(name).str.contains(r"\S")).then(pl.col(name)) for name in texts)
    return frame.with_columns(each.forward_fill().over(group) for each in blank)


def _fields(frame: pl.DataFrame, columns: dict[str, str]) -> tuple[pl.DataFrame, Parsed | None]:
    """Pick and parse the columns of the schema; those it lacks are null. And the prices."""
    fields = {name: frame[column] for name, column in columns.items()}
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    made = {"product_id": parse_ids(fields["product_id"])}
    for name in ("title", "description", "brand"):
        made[name] = _texts(fields[name]) if name in fields else blank
    levels = [category_path(fields[name]) for name in ("category", "subcategory") if name in fields]
    if len(levels) == 2:
        below = pl.when(levels[1] == levels[0]).then(None).otherwise(levels[1])
        joined = pl.concat_str([levels[0], below], separator=PATH, ignore_nulls=True)
        levels = [pl.select(pl.when(joined != "").then(joined)).to_series()]
    made["category"] = levels[0] if levels else blank
    parsed = parse_numbers(fields["price"]) if "price" in fields else None
    price = blank.cast(pl.Float64) if parsed is None else parsed.values
    made["price"] = price.set((price < 0).fill_null(value=False), None)
    return pl.DataFrame({name: made[name].alias(name) for name in COLUMNS}), parsed


def _texts(column: pl.Series, separator: str = " ") -> pl.Series:
    """Trim texts and join those of a list; blank ones become null. Entities of HTML become characters."""
    text = _plain(column, separator).str.strip_chars()
    return text.set((text == "").fill_null(value=False), None)


def _plain(column: pl.Series, separator: str) -> pl.Series:
    """Return texts; lists, also those that a program wrote as text, joined."""
    if isinstance(column.dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.join(separator)
    text = column.cast(pl.String)
    if has_brackets(text):
        # Of several lists in one, as paths of categories, the first tells enough.
        listed = text.str.contains(r"^\s*[\[(]").fill_null(value=False)
        inner = text.str.replace(r"^\s*\[\s*(\[[^\]]*\]).*$", "$1")
        joined, _ = split_cells(inner.filter(listed), ",")
        text = text.scatter(listed.arg_true(), joined.list.join(separator))
    if text.str.contains(r"&(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]{2,8});").any():
        distinct = text.drop_nulls().unique()
        text = text.replace_strict(
            distinct, pl.Series([html.unescape(each) for each in distinct]), default=None
        )
    return text


def category_path(column: pl.Series) -> pl.Series:
    """Write category paths as `A > B`. One separator serves the column: the strongest that occurs."""
    text = _texts(column, PATH)
    separator = next((each for each in SEPARATORS if text.str.contains(each).any()), None)
    if separator is None:
        return text
    levels = text.str.replace_all(separator, PATH.strip()).str.split(PATH.strip())
    levels = levels.list.eval(pl.element().str.strip_chars())
    levels = levels.list.eval(pl.element().filter(pl.element() != ""))
    path = levels.list.join(PATH)
    return path.set((path == "").fill_null(value=False), None)


def _extras(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    taken = set(COLUMNS)
    renamed = []
    for place, name in enumerate(names, 1):
        safe = base = re.sub(r"\W+", "_", name.strip().lower()).strip("_") or f"column_{place}"
        again = 2
        while safe in taken:
            safe, again = f"{base}_{again}", again + 1
        taken.add(safe)
        column = frame[name]
        renamed.append((_texts(column) if column.dtype == pl.String else column).alias(safe))
    return pl.DataFrame(renamed)


class ProductTally:
    """Counts what order lines know of products.

    The title is the most frequent one of the product's lines (ties: the first by letter), so are brand and
    category; the price is the median.
    """

    def __init__(self) -> None:
        self._texts: dict[str, Counts] = {}
        self._prices = Counts("product_id", "price")

    def add(self, lines: pl.DataFrame) -> None:
        """Count kept rows: product_id, price and, where known, title, brand and category."""
        self._prices.add(lines.select("product_id", "price"))
        for name in ("title", "brand", "category"):
            if name in lines.columns:
                texts = lines.select("product_id", _texts(lines[name]).alias(name)).drop_nulls()
                self._texts.setdefault(name, Counts("product_id", name)).add(texts)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all that was counted, for `take`."""
        counted = {"price": self._prices} | self._texts
        return {name: counts.table() for name, counts in counted.items()}

    def take(self, tables: dict[str, pl.DataFrame]) -> None:
        """Take what was counted elsewhere, as `tables` tells it."""
        for name, table in tables.items():
            if name == "price":
                self._prices.take(table)
            else:
                self._texts.setdefault(name, Counts("product_id", name)).take(table)

    def products(self) -> pl.DataFrame:
        """Return products with the columns of the schema, sorted by product_id."""
        prices = self._prices.table()
        products = prices.select(pl.col("product_id").unique().sort())
        for name, counts in self._texts.items():
            common = (
                counts.table().sort("product_id", "n", name, descending=[False, True, False])
                .unique("product_id", keep="first", maintain_order=True)
            ).drop("n")  # fmt: skip
            products = products.join(common, on="product_id", how="left", maintain_order="left")
        prices = prices.filter(pl.col("price") > 0)
        product, ids = numbered(prices["product_id"])
        usual = pl.DataFrame(
            {
                "product_id": ids,
                "price": medians(product, prices["price"].to_numpy(), prices["n"].to_numpy())[0],
            }
        )
        products = products.join(usual, on="product_id", how="left", maintain_order="left")
        products = with_absent(products, COLUMNS).select(list(COLUMNS))
        return products.with_columns(category_path(products["category"]).alias("category"))


def complete(catalogue: pl.DataFrame, derived: pl.DataFrame) -> pl.DataFrame:
    """Add the products that occur in the lines but not in the catalogue, with what the lines know."""
    unknown = derived.join(catalogue.select("product_id"), on="product_id", how="anti")
    return pl.concat([catalogue, unknown], how="diagonal_relaxed").sort("product_id")
