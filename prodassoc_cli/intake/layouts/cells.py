"""A basket in one cell → its products: notations of programs, or text between separators."""

from __future__ import annotations

import re

import polars as pl

from prodassoc_cli.intake.values.missing import MISSING_WORDS

SEPARATORS = ("\n", ";", "|", "\t", ",", " + ", " / ")
"""What may stand between products, in the order in which those count that stand in equally many cells."""

_ENTITY = r"&(?:[A-Za-z]+|#\d+);"
_OPENED = r"^\s*(?:(?:frozenset|set|array|tuple|list|c)\s*\()?\s*[\[({]|^\s*c\s*\("
_CLOSED = r"[\])}](?:\s*,\s*dtype=[^)]*)?\s*\)?\s*$"
_QUOTED = r"""^\s*(?:frozenset|set|array|tuple|list|c)?[\s\[({]*['"]"""
_ITEM = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,\[\](){}'"]+"""
_FUNCTIONS = ("frozenset", "set", "array", "tuple", "list", "c", "dtype=object", "dtype=")
_TIMES_BEFORE = r"^(\d+)\s*(?:[x×*]|шт\.?|pcs\.?|ks)\s+(\S.*)$"
_TIMES_BEHIND = r"^(\S.*?)\s+[x×]\s*(\d+)$"


def has_brackets(cells: pl.Series) -> bool:
    """Return whether cells are lists, sets or arrays as a program writes them."""
    texts = cells.drop_nulls()
    return len(texts) > 0 and bool((texts.str.contains(_OPENED) & texts.str.contains(_CLOSED)).any())


def separator_of(cells: pl.Series) -> str:
    """Return what stands between the products of a column of cells, all of it asked; empty for nothing.

    A space is none, for names hold spaces; but it is where every word of every cell holds a digit, as
    codes do. An entity of HTML is a letter, whatever its semicolon.
    """
    texts = cells.drop_nulls().str.strip_chars().str.replace_all(_ENTITY, "")
    counts = {each: int(texts.str.contains(each, literal=True).sum()) for each in SEPARATORS}
    most = max(counts.values())
    if most:
        return next(each for each in SEPARATORS if counts[each] == most)
    codes = texts.str.contains(r"^\S*\d\S*(?: +\S*\d\S*)*$").all() and texts.str.contains(r"\S \S").any()
    return " " if len(texts) and codes else ""


def split_cells(cells: pl.Series, separator: str | None = None) -> tuple[pl.Series, str]:
    """Cut the cells of a column into lists of products.

    Args:
        cells: text; the whole column, which decides how it is written.
        separator: what stands between products; None to find out.

    Returns:
        The lists, null where a cell is; and how they are written, for messages.
    """
    bracketed = cells.str.contains(_OPENED) & cells.str.contains(_CLOSED)
    quoted = (bracketed & cells.str.contains(_QUOTED)).fill_null(value=False)
    bare = cells.str.replace(_OPENED, "").str.replace(_CLOSED, "")
    bare = pl.select(pl.when(bracketed).then(bare).otherwise(cells)).to_series()
    mark = separator if separator is not None else separator_of(bare.filter(~quoted))
    plain = bare.str.split(mark) if mark else pl.select(pl.concat_list(bare)).to_series()
    items = pl.select(pl.when(quoted).then(_tokens(cells)).otherwise(plain)).to_series()
    items = named(items)
    items = items.set(cells.is_null(), None) if cells.null_count() else items
    how = "lists as programs write them" if quoted.any() else "products"
    return items, f"{how}, between {shown(mark)}" if mark and not quoted.all() else how


def named(products: pl.Series) -> pl.Series:
    """Return lists of products without white space around these, and without words for none."""
    products = products.list.eval(pl.element().str.strip_chars())
    return products.list.eval(pl.element().filter(~pl.element().str.to_lowercase().is_in(MISSING_WORDS)))


def shown(separator: str) -> str:
    """Return a separator as messages name it."""
    names = {"\n": "line ends", "\t": "tabs", " ": "spaces", ",": "commas", ";": "semicolons", "|": "bars"}
    return names.get(separator, f"'{separator}'")


def _tokens(cells: pl.Series) -> pl.Series:
    """Take out quoted texts, and what stands beside them unquoted, of JSON, Python, R and numpy."""
    tokens = cells.str.extract_all(_ITEM)
    return tokens.list.eval(_unquoted(pl.element().filter(~pl.element().is_in(_FUNCTIONS))))


def _unquoted(token: pl.Expr) -> pl.Expr:
    inside = token.str.slice(1, token.str.len_chars() - 2)
    double = token.str.starts_with('"')
    plain = pl.when(double | token.str.starts_with("'")).then(inside).otherwise(token)
    escaped = double & token.str.contains("\\", literal=True)
    json = pl.when(escaped).then(token).otherwise(pl.lit('""')).str.json_decode(pl.String)
    return pl.when(escaped).then(json).otherwise(plain.str.replace_all(r"\\(['\\])", "$1"))


def split_quantities(items: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """Take `2 x Red Mug` or `Red Mug x 2` apart, where at least half of a column's products are written so.

    Returns:
        The products and their quantities, as text, null where none is given; None where they are written
        otherwise.
    """
    for pattern, (count, name) in ((_TIMES_BEFORE, (1, 2)), (_TIMES_BEHIND, (2, 1))):
        if 2 * int(items.str.contains(pattern).sum() or 0) >= items.count() > 0:
            names = pl.select(pl.coalesce(items.str.extract(pattern, name), items)).to_series()
            return names, items.str.extract(pattern, count)
    return None


def looks_like_records(cell: str) -> bool:
    """Return whether a cell holds objects, with names of what they hold, rather than products."""
    return re.match(r"\s*\[\s*\{\s*['\"]\w+['\"]\s*:|\s*\w+:[^|;]*\|\s*\w+:", cell) is not None
