"""Category paths, however a shop writes them, as `A > B`."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.catalogue.texts import plain_texts
from prodassoc_cli.intake.columns.derived import PATH
from prodassoc_cli.intake.columns.match import match_columns
from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.values.ids import parse_ids

SEPARATORS = (r"\s*(?:->|=>|→|»|›|>+)\s*", r"\|", "/")
"""What stands between the levels of a category path, as regular expressions, strongest first."""

_NAME_ALIASES = {
    "id": "category_id id code category_code cat_id 类目id 分类id",
    "name": "name category_name title category label description bezeichnung nom nombre 名称 类目名称",
    "parent": "parent_id parent_category_id parent_category parent parentid",
}
_DEEPEST = 20
"""Levels that a path of parents may have; a circle among them ends there."""


def category_path(column: pl.Series) -> pl.Series:
    """Write category paths as `A > B`. One separator serves the column: the strongest that occurs."""
    text = plain_texts(column, PATH)
    separator = next((each for each in SEPARATORS if text.str.contains(each).any()), None)
    if separator is None:
        return text
    levels = text.str.replace_all(separator, PATH.strip()).str.split(PATH.strip())
    levels = levels.list.eval(pl.element().str.strip_chars())
    levels = levels.list.eval(pl.element().filter(pl.element() != ""))
    path = levels.list.join(PATH)
    return path.set((path == "").fill_null(value=False), None)


def paths_of_names(table: RawTable) -> pl.DataFrame:
    """Return what categories are called, by a table of their ids and names and, if it has them, parents.

    Returns:
        id and path, `Parent > Name`; the first row of an id counts.

    Raises:
        BadData: it has no columns of ids and names.
    """
    names = [name for name in table.frame.columns if name != ROW]
    columns = match_columns(names, _NAME_ALIASES, source=table.source)
    if not {"id", "name"} <= columns.keys():
        raise BadData(
            f"{table.source}: no columns of category ids and names; columns: {', '.join(names)}",
            "call them category_id and name (and parent_id, for the category above)",
        )
    known = pl.DataFrame(
        {
            "id": parse_ids(table.frame[columns["id"]]),
            "path": plain_texts(table.frame[columns["name"]]),
            "above": parse_ids(table.frame[columns["parent"]])
            if "parent" in columns
            else pl.Series([None], dtype=pl.String).new_from_index(0, table.frame.height),
        }
    ).filter(pl.col("id").is_not_null(), pl.col("path").is_not_null())
    known = known.unique("id", keep="first", maintain_order=True)
    parents = known.rename({"id": "above", "path": "name", "above": "next"})
    for _ in range(_DEEPEST):
        if known["above"].is_null().all():
            break
        known = known.join(parents, on="above", how="left", maintain_order="left").select(
            "id",
            pl.concat_str("name", "path", separator=PATH, ignore_nulls=True).alias("path"),
            pl.col("next").alias("above"),
        )
    return known.select("id", "path")


def named(paths: pl.Series, names: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return category paths with names in the place of ids, and the distinct ids that have no name.

    Args:
        paths: as `category_path` writes them.
        names: id and path, of `paths_of_names`.
    """
    levels = pl.DataFrame({"row": pl.int_range(len(paths), eager=True), "id": paths.str.split(PATH)})
    levels = levels.explode("id", empty_as_null=True, keep_nulls=True)
    levels = levels.join(names, on="id", how="left", maintain_order="left")
    unknown = levels.filter(pl.col("path").is_null() & pl.col("id").is_not_null())["id"]
    whole = levels.group_by("row", maintain_order=True).agg(pl.coalesce("path", "id").drop_nulls())
    path = whole["path"].list.join(PATH)
    return path.set(path == "", None).alias(paths.name), unknown.unique(maintain_order=True)
