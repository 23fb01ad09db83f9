"""The tables of a catalogue → products."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.catalogue.category_paths import category_path, named
from prodassoc_cli.intake.catalogue.prices import lowest_prices
from prodassoc_cli.intake.catalogue.product_tally import COLUMNS
from prodassoc_cli.intake.catalogue.texts import joined_lists, plain_texts, without_html
from prodassoc_cli.intake.columns.aliases import CATALOGUE_ALIASES
from prodassoc_cli.intake.columns.derived import PATH, DerivedColumns
from prodassoc_cli.intake.columns.likeness import Likened, ReadHeaders
from prodassoc_cli.intake.columns.match import PRODUCTS, match_columns
from prodassoc_cli.intake.columns.presets import ANY, Preset
from prodassoc_cli.intake.columns.schema import REJECTS, ROW
from prodassoc_cli.intake.fields import liken_columns
from prodassoc_cli.intake.formats.raw_table import RawTable, as_csv
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.intake.values.missing import says_missing
from prodassoc_cli.intake.values.numbers import parse_numbers
from prodassoc_cli.resemblance.lookalikes import lookalike_groups
from prodassoc_cli.wording import number_of

_SOURCE = "\0source"
_CATEGORY_IDS = "category_id category_code category_ids cat_id 类目id 分类id"
"""Names of a column of category ids, where a table tells what they are called."""
_WANTED = ("product_id", "title", "description", "category", "brand", "price")
"""Fields for which a column is looked for by its header's meaning where none is called as usual."""

_SHOWN = 100
"""Rows whose values tell of which kind a column is."""


@dataclass(frozen=True)
class Catalogue:
    """A cleaned catalogue.

    Attributes:
        products: the kept ones, sorted by product_id, with further columns of the catalogue.
        rejects: rows left out (the schema of rejects).
        columns: field → column.
        notes: what was a choice in reading it, what could not be read, and what is kept beside; one each.
        likened: columns that were taken by their headers.
    """

    products: pl.DataFrame
    rejects: pl.DataFrame
    columns: dict[str, str]
    notes: tuple[str, ...] = ()
    likened: Likened = field(default_factory=Likened)

    def counts(self) -> dict[str, Any]:
        """Return how many rows were read, kept and left out, ready for JSON."""
        return {
            "rows_in": self.products.height + self.rejects.height,
            "rows_kept": self.products.height,
            "rejects": dict(self.rejects.group_by("reason").len().sort("reason").rows()),
            **self.likened.facts(),
        }


def clean_catalogue(
    tables: Sequence[RawTable],
    mapping: dict[str, str],
    preset: Preset = ANY,
    category_names: pl.DataFrame | None = None,
    read_headers: ReadHeaders | None = None,
) -> Catalogue:
    """Clean the tables of a catalogue into products (without rows for products unknown to it).

    The first row of a product wins; later ones, and rows without an id, become rejects. A category path may
    be written `A > B`, `A|B` or `A/B`, as a list, or lie in several columns; of a range of prices, the lowest
    counts. Columns that have no meaning here are kept under names of letters, digits and underscores.

    Args:
        tables: the parts of the catalogue.
        mapping: field → column, as the user gave it.
        preset: what is known of such an export.
        category_names: id and path of the categories, where the catalogue holds their ids.
        read_headers: tells what headers mean that are not known; None to leave their columns as they are.

    Raises:
        BadData: no column holds product ids.
        UsageProblem: a column the user maps does not exist.
    """
    first = tables[0]
    names = [name for name in first.frame.columns if name != ROW]
    known = preset.catalogue if category_names is None else {"category": _CATEGORY_IDS} | preset.catalogue
    columns = match_columns(names, CATALOGUE_ALIASES, mapping=mapping, known=known, source=first.source)
    likened = Likened()
    if read_headers is not None and preset is ANY:
        wanted = [name for name in _WANTED if name not in mapping]
        likened = liken_columns(
            columns, names, lambda name: _shown(first.frame, name), read_headers, wanted=wanted
        )
        columns |= likened.taken
    if "title" not in columns and "description" in columns:
        columns["title"] = columns.pop("description")
    if "product_id" not in columns:
        likely = likened.proposed.get("product_id") or ["COLUMN"]
        raise BadData(
            f"{first.source}: no column holds product ids; columns: {', '.join(names)}",
            "name it with "
            + " or ".join(f"`map=products.product_id={name}`" for name in likely)
            + (f"; {likened.hint}" if likened.hint else ""),
        )
    frame = pl.concat(
        [table.frame.with_columns(pl.lit(table.source).alias(_SOURCE)) for table in tables],
        how="diagonal_relaxed",
    )
    raw = [name for name in frame.columns if name not in (ROW, _SOURCE)]
    derived = DerivedColumns.of(columns, names)
    filled = derived.beside(_carried_down(frame, columns, preset))
    products, notes = _fields({name: filled[column] for name, column in columns.items()}, category_names)
    reason = _reasons(products["product_id"])
    left_out = frame.with_columns(reason).filter(pl.col("reason").is_not_null())
    rejects = left_out.select(
        pl.col(_SOURCE).alias("source"), pl.col(ROW).alias("row"), "reason", as_csv(raw).alias("raw")
    )
    rejects = pl.concat([*(table.rejects for table in tables), rejects.cast(REJECTS)])
    notes = [*likened.notes(PRODUCTS), *notes]
    used = {*columns.values(), *derived.sources}
    further = [name for name in raw if name not in used]
    if further:
        notes.append(f"kept as they are: {', '.join(further)}")
    kept = products.hstack(_extras(frame, further)).filter(reason.is_null()).sort("product_id")
    notes += _lookalike_notes(kept)
    return Catalogue(kept, rejects.sort("source", "row"), columns, tuple(notes), likened)


def _shown(frame: pl.DataFrame, name: str) -> list[str]:
    """Return what the first rows hold in a column, but for what is missing; nothing of lists and objects."""
    cells = frame[name].head(_SHOWN)
    texts = [] if cells.dtype.is_nested() else cells.cast(pl.String).drop_nulls().str.strip_chars().to_list()
    return [text for text in texts if not says_missing(text)]


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


def _reasons(ids: pl.Series) -> pl.Series:
    """Return why each row is left out; null where it is kept."""
    return pl.select(
        pl.when(ids.is_null()).then(pl.lit("missing_product"))
        .when(~ids.is_first_distinct()).then(pl.lit("duplicate_product"))
        .alias("reason")
    ).to_series()  # fmt: skip


def _fields(
    fields: dict[str, pl.Series], category_names: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns of the schema, null where the catalogue lacks one, and notes on reading them."""
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, len(fields["product_id"]))
    notes: list[str] = []
    made = {"product_id": parse_ids(fields["product_id"])}
    for name in ("title", "description", "brand"):
        made[name] = blank
        if name in fields:
            made[name], marked = without_html(joined_lists(fields[name], " "))
            if marked:
                notes.append(f"{name}: the HTML of {number_of(marked, 'row')} was reduced to its text")
    made["category"], unknown = _category(fields, category_names, blank)
    if len(unknown):
        some = ", ".join(unknown.head(3))
        notes.append(f"category: {len(unknown):,} without a name in `category_names`, such as {some}")
    made["price"], more = _price(fields["price"]) if "price" in fields else (blank.cast(pl.Float64), [])
    return pl.DataFrame({name: made[name].alias(name) for name in COLUMNS}), notes + more


def _category(
    fields: dict[str, pl.Series], names: pl.DataFrame | None, blank: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """Return the paths of the columns category and subcategory, and the ids that have no name."""
    levels = [category_path(fields[name]) for name in ("category", "subcategory") if name in fields]
    unknown = blank.clear()
    if names is not None and "category" in fields:
        levels[0], unknown = named(levels[0], names)
    if len(levels) < 2:
        return (levels[0] if levels else blank), unknown
    below = pl.when(levels[1] == levels[0]).then(None).otherwise(levels[1])
    joined = pl.concat_str([levels[0], below], separator=PATH, ignore_nulls=True)
    return pl.select(pl.when(joined != "").then(joined)).to_series(), unknown


def _price(column: pl.Series) -> tuple[pl.Series, list[str]]:
    """Return the prices, and notes on reading them; one below 0 is none."""
    lowest, ranges = lowest_prices(column)
    parsed = parse_numbers(lowest)
    notes = [f"price: {parsed.note}"] if parsed.note else []
    if ranges:
        notes.append(f"price: {number_of(ranges, 'range')}, of which the lowest price counts")
    if parsed.bad is not None and parsed.bad.any():
        unread = column.filter(parsed.bad)
        some = ", ".join(map(repr, unread.unique(maintain_order=True).head(3)))
        notes.append(f"{number_of(len(unread), 'price')} could not be read, such as {some}")
    return parsed.values.set((parsed.values < 0).fill_null(value=False), None), notes


def _lookalike_notes(products: pl.DataFrame) -> list[str]:
    """Return what to say of products that a shopper cannot tell apart."""
    group = lookalike_groups(products)
    alike = group.filter(group >= 0)
    if not len(alike):
        return []
    example = products["title"].filter(group >= 0)[0]
    groups = number_of(alike.n_unique(), "title and brand", "titles and brands")
    return [f"{len(alike):,} products share {groups}, such as '{example}'; a list shows one of each at most"]


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
        renamed.append((plain_texts(column) if column.dtype == pl.String else column).alias(safe))
    return pl.DataFrame(renamed)
