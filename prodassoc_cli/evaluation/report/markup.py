"""Texts and numbers as HTML: everything that comes from data is escaped here, and nowhere else."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def safe(text: object) -> str:
    """Return text that is only text: escaped for elements and attributes, no character that drives a reader.

    Controls and bidirectional marks, which could turn the words around them, become U+FFFD.
    """
    shown = "".join(
        char
        if char == " " or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else "\ufffd"
        for char in str(text)
    )
    return html.escape(shown, quote=True)


def own(text: object) -> str:
    """Return the safe text in an element of its own direction: a Hebrew title does not turn the table."""
    return f"<bdi>{safe(text)}</bdi>"


def width(text: str) -> int:
    """Return the columns a text takes: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, most: int) -> str:
    """Return the text cut to a display width, with … where it was cut."""
    if width(text) <= most:
        return text
    kept, room = "", most - 1
    for char in text:
        room -= width(char)
        if room < 0:
            break
        kept += char
    return kept.rstrip() + "…"


def cut_middle(text: str, most: int) -> str:
    """Return the text cut to a display width in its middle: variants of a product differ at the end."""
    if width(text) <= most:
        return text
    end, room = "", most // 3
    for char in reversed(text):
        room -= width(char)
        if room < 0:
            break
        end = char + end
    end = end[end.find(" ") + 1 :]
    return cut(text, most - width(end)) + end


def number(value: float | None, digits: int = 3) -> str:
    """Return a number as people read it: significant digits, thousands separated; a dash where undefined."""
    if value is None:
        return "–"
    if abs(value) >= 1000 or (float(value).is_integer() and abs(value) >= 1):
        return f"{value:,.0f}"
    if 0 < abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:.{max(0, digits - (len(str(int(abs(value)))) if abs(value) >= 1 else 0))}f}"


def percent(value: float | None) -> str:
    """Return a share as a percentage."""
    if value is None:
        return "–"
    return f"{100 * value:.1f}\u00a0%" if abs(value) < 0.1 else f"{100 * value:.0f}\u00a0%"


@dataclass(frozen=True)
class Cell:
    """A table cell: HTML made by this module, the number it sorts by, and a class."""

    html: str
    sort: float | None = None
    css: str = ""


@dataclass(frozen=True)
class Head:
    """A column of a table: its name, whether it holds numbers, and what it means."""

    name: str
    numeric: bool = False
    meaning: str = ""


def table(
    heads: Sequence[Head],
    rows: Sequence[Sequence[Cell]] | Mapping[str, Sequence[Sequence[Cell]]],
    caption: str,
    *,
    sortable: bool = False,
    tall: bool = False,
    wide: bool = False,
    name: str = "",
) -> str:
    """Return a table that can scroll sideways.

    Args:
        heads: its columns.
        rows: its rows, or heading → the rows under it.
        caption: what it shows.
        sortable: whether a click on a heading sorts it.
        tall: whether it scrolls inside of a fixed height.
        wide: whether it takes all the width there is.
        name: its id.
    """

    def head(each: Head) -> str:
        inner = f'<button type="button">{safe(each.name)}</button>' if sortable else safe(each.name)
        title = f' title="{safe(each.meaning)}"' if each.meaning else ""
        kind = " class=n" if each.numeric else ""
        return f'<th scope="col"{title}{kind}>{inner}</th>'

    def cell(each: Cell, of: Head) -> str:
        css = " ".join(filter(None, ("n" if of.numeric else "", each.css)))
        value = "" if each.sort is None else f' data-v="{each.sort!r}"'
        if of.numeric and each.sort is None:
            value = ' data-v=""'
        kind = f' class="{css}"' if css else ""
        return f"<td{kind}{value}>{each.html}</td>"

    def lines(part: Sequence[Sequence[Cell]]) -> str:
        return "\n".join(
            f"<tr>{''.join(cell(each, of) for each, of in zip(row, heads, strict=True))}</tr>" for row in part
        )

    if isinstance(rows, Mapping):
        bodies = "".join(
            f'<tbody><tr><th class="group" scope="rowgroup" colspan="{len(heads)}">{safe(heading)}</th></tr>'
            f"{lines(part)}</tbody>"
            for heading, part in rows.items()
        )
    else:
        bodies = f"<tbody>{lines(rows)}</tbody>"
    css = " ".join(filter(None, ("sortable" * sortable, "wide" * wide)))
    kind = f' class="{css}"' if css else ""
    mark = f' id="{safe(name)}"' if name else ""
    return (
        f'<div class="scroll{" tall" * tall}" tabindex="0" role="region" aria-label="{safe(caption)}">'
        f"<table{kind}{mark}><caption>{safe(caption)}</caption>"
        f"<thead><tr>{''.join(map(head, heads))}</tr></thead>{bodies}</table></div>"
    )


def text_cell(text: object, css: str = "") -> Cell:
    """Return a cell of text from data."""
    return Cell(own(text), css=css)


def number_cell(value: float | None, digits: int = 3, css: str = "") -> Cell:
    """Return a cell of a number, sorted by its full value."""
    return Cell(number(value, digits), value, css)


def legend(names: Sequence[str]) -> str:
    """Return the key of the colours of a chart."""
    keys = "".join(f'<li class="{colour(place)}"><i></i>{own(name)}</li>' for place, name in enumerate(names))
    return f'<ul class="legend">{keys}</ul>'


def colour(place: int) -> str:
    """Return the class of the colour of the n-th series."""
    return f"s{place % 6 + 1}"
