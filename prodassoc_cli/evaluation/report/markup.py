"""Texts as HTML: what comes from data is only text, whatever characters it has."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

_DRIVING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Categories of characters that drive a reader instead of being read."""


def visible(value: object) -> object:
    """Return a value to show: markup as it is, text without controls and bidirectional marks.

    Those could turn the words around them; they become U+FFFD.
    """
    if isinstance(value, Markup):
        return value
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char == " " or unicodedata.category(char) not in _DRIVING else "\ufffd" for char in text
    )


def safe(text: object) -> Markup:
    """Return text that is only text, escaped for elements and attributes."""
    return Markup.escape(visible(text))


def own(text: object) -> Markup:
    """Return the safe text in an element of its own direction: a Hebrew title does not turn the table."""
    return Markup("<bdi>{}</bdi>").format(visible(text))


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


def colour(place: int) -> str:
    """Return the class of the colour of the n-th series."""
    return f"s{place % 6 + 1}"


@dataclass(frozen=True)
class Cell:
    """A table cell: its text or markup, the number it sorts by, and a class."""

    shown: object
    sort: float | None = None
    css: str = ""


@dataclass(frozen=True)
class Head:
    """A column of a table: its name, whether it holds numbers, and what it means."""

    name: str
    numeric: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Table:
    """A table that can scroll sideways.

    Attributes:
        heads: its columns.
        rows: its rows, or heading → the rows under it.
        caption: what it shows.
        sortable: whether a click on a heading sorts it.
        tall: whether it scrolls inside of a fixed height.
        wide: whether it takes all the width there is.
        name: its id.
    """

    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]] | Mapping[str, Sequence[Sequence[Cell]]]
    caption: str
    sortable: bool = False
    tall: bool = False
    wide: bool = False
    name: str = ""

    @property
    def bodies(self) -> Mapping[str, Sequence[Sequence[Cell]]]:
        """Heading → rows; "" for rows without one."""
        return self.rows if isinstance(self.rows, Mapping) else {"": self.rows}


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        name: its anchor, its title among the messages, and its template.
        values: what the template shows.
    """

    name: str
    values: Mapping[str, Any]
