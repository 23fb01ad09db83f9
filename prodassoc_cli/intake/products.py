"""Catalogues → products; and products from the order lines where there is no catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from prodassoc_cli.artifacts.frames import schema_of, with_absent
from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.aliases import CATALOGUE_ALIASES
from prodassoc_cli.intake.columns.match import match_columns
from prodassoc_cli.intake.columns.schema import REJECTS, ROW
from prodassoc_cli.intake.formats.raw_table import RawTable, as_csv
from prodassoc_cli.intake.rules.outliers import medians
from prodassoc_cli.intake.values.categories import numbered
from prodassoc_cli.intake.values.counters import Counts
from prodassoc_cli.intake.values.numbers_ids import parse_ids, parse_numbers

COLUMNS = schema_of(PRODUCTS)
SEPARATORS = (">", "|", "/")
PATH = " > "


def clean_catalogue(
    tables: Sequence[RawTable], mapping: dict[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str]]:
    """Clean the tables of a catalogue into products.

    The first row of a product wins; later ones, and rows without an id, become rejects. A category path may
    be written `A > B`, `A|B` or `A/B`, or lie in two columns. Columns that have no meaning here are kept
    under names of letters, digits and underscores.

    Args:
        tables: the parts of the catalogue.
        mapping: field → column, as the user gave it.

    Returns:
        Products (without rows for products unknown to the catalogue), rejects, and field → column.

    Raises:
        BadData: no column holds product ids.
        UsageProblem: a column the user maps does not exist.
    """
    first = tables[0]
    names = [name for name in first.frame.columns if name != ROW]
    columns = match_columns(names, CATALOGUE_ALIASES, mapping=mapping, source=first.source)
    if "product_id" not in columns:
        raise BadData(
            f"{first.source}: no column holds product ids; columns: {', '.join(names[:8])}",
            "name it with --map products.product_id=COLUMN",
        )
    if "title" not in columns and "description" in columns:
        columns["title"] = columns.pop("description")
    frame = pl.concat(
        [table.frame.with_columns(pl.lit(table.source).alias("\0source")) for table in tables],
        how="diagonal_relaxed",
    )
    raw = [name for name in frame.columns if name not in (ROW, "\0source")]
    products = _fields(frame, columns)
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
    extras = _extras(frame, [name for name in raw if name not in columns.values()])
    kept = products.hstack(extras).filter(reason.is_null()).sort("product_id")
    return kept, rejects.sort("source", "row"), columns


def _fields(frame: pl.DataFrame, columns: dict[str, str]) -> pl.DataFrame:
    """Pick and parse the columns of the schema; those the catalogue lacks are null."""
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
    price = parse_numbers(fields["price"]).values if "price" in fields else blank.cast(pl.Float64)
    made["price"] = price.set((price < 0).fill_null(value=False), None)
    return pl.DataFrame({name: made[name].alias(name) for name in COLUMNS})


def _texts(column: pl.Series) -> pl.Series:
    """Trim texts; blank ones become null."""
    text = column.cast(pl.String).str.strip_chars()
    return text.set((text == "").fill_null(value=False), None)


def category_path(column: pl.Series) -> pl.Series:
    """Write category paths as `A > B`. One separator serves the column: the strongest that occurs."""
    text = _texts(column if not isinstance(column.dtype, pl.List) else column.list.join(">"))
    separator = next((each for each in SEPARATORS if text.str.contains(each, literal=True).any()), None)
    if separator is None:
        return text
    levels = text.str.split(separator).list.eval(pl.element().str.strip_chars())
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
