"""Texts of a catalogue: trimmed, without markup, lists joined."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.intake.catalogue.markup import without_markup
from prodassoc_cli.intake.layouts.cells import has_brackets, split_cells


def plain_texts(column: pl.Series, separator: str = " ") -> pl.Series:
    """Trim texts and join those of a list; blank ones become null. The markup of HTML is dropped."""
    return without_html(joined_lists(column, separator))[0]


def without_html(texts: pl.Series) -> tuple[pl.Series, int]:
    """Trim texts and drop their markup; blank ones become null. And how many had some."""
    plain, marked = without_markup(texts)
    plain = plain.str.strip_chars()
    return plain.set((plain == "").fill_null(value=False), None), marked


def joined_lists(column: pl.Series, separator: str) -> pl.Series:
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
    return text
