"""The sample orders, polluted in the ways of the Pollock benchmark (Vitagliano et al., VLDB 2023), seeded."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tests.conftest import ROOT

ROWS = 40
WORDS = {
    "utf-8-sig": "Käse, Crème", "utf-16": "Käse, Crème", "latin-1": "Käse, Crème",
    "cp1250": "Żółty ser, Śmietana, Mąka", "gb18030": "矿泉水方便面苹果", "big5": "礦泉水泡麵許功蓋",
    "shift_jis": "おにぎり緑茶ソー能表", "cp949": "생수라면사과우유", "koi8_r": "Молоко и Хлеб",
}  # fmt: skip


@dataclass(frozen=True)
class Polluted:
    """A polluted file.

    Attributes:
        name: of the pollution.
        data: its bytes.
        rows: what it is as a table, first the header where it has one.
        lossy: whether other rows than these may be in it, and be set aside, or the file be refused.
    """

    name: str
    data: bytes
    rows: list[list[str]]
    lossy: bool = False


def sample(seed: int) -> list[list[str]]:
    """Return a header and rows of the sample orders, with a remark of commas, quotes and apostrophes."""
    rnd = random.Random(seed)
    with (ROOT / "sample_data" / "orders.csv").open(newline="", encoding="utf-8") as file:
        rows = list(islice(csv.reader(line.encode("ascii", "ignore").decode() for line in file), 20 * ROWS))
    remarks = [
        "",
        "for Ann, and Bob",
        'size 12" round',
        "kids' shelf",
        "it's new, says Ann",
        "a;b|c",
        "later",
    ]
    chosen = [rows[0], *rnd.sample(rows[1:], ROWS)]
    return [[*row, rnd.choice(remarks) if at else "Remark"] for at, row in enumerate(chosen)]


def written(
    rows: list[list[str]], delimiter: str = ",", quote: str = '"', escape: str = "", end: str = "\r\n"
) -> str:
    """Write rows as a text; the delimiter may have several characters."""

    def cell(text: str) -> str:
        if not any(mark in text for mark in (*delimiter, quote, "\n")):
            return text
        return quote + text.replace(quote, (escape or quote) + quote) + quote

    return "".join(delimiter.join(map(cell, row)) + end for row in rows)


def pollutions(seed: int) -> Iterator[Polluted]:
    """Yield every kind of pollution, once."""
    rows = sample(seed)
    header, body, text = rows[0], rows[1:], written(rows)

    def plain(name: str, text: str, table: list[list[str]] = rows, encoding: str = "utf-8") -> Polluted:
        return Polluted(name, text.encode(encoding), table)

    yield plain("as it is", text)
    yield plain("no payload", "", [])
    yield plain("header only", written(rows[:1]), rows[:1])
    yield plain("one row", written(rows[:2]), rows[:2])
    yield plain("no line end at the end", text.removesuffix("\r\n"))
    yield plain("two line ends at the end", text + "\r\n")
    yield plain("no header", written(body), body)
    for count in (2, 3):
        names = [" ".join([name] * count) for name in header]
        yield plain(f"header of {count} rows", written(rows[:1] * (count - 1)) + text, [names, *body])
    blank = "," * (len(header) - 1) + "\r\n"
    yield plain("preamble", f"PREAMBLE{blank}{blank}{text}")
    yield plain("preamble of one cell", f"PREAMBLE\r\nof two lines\r\n\r\n{text}")
    yield plain("two tables of one shape", text + text, rows + body)
    for name, table in (
        ("less", [row[:-2] for row in rows]),
        ("more", [[*row, "1" if at else "more"] for at, row in enumerate(rows)]),
    ):
        data = (text + written(table)).encode()
        yield Polluted(f"two tables, the second with {name} columns", data, rows, lossy=True)
    for mark in (";", "\t", "|", ", ", " "):
        yield plain(f"delimiter {mark!r}", written(rows, mark))
    for end in ("\n", "\r"):
        yield plain(f"line end {end!r}", written(rows, end=end))
    yield plain("single quotes", written(rows, quote="'"))
    yield plain("backslash", written(rows, escape="\\"))
    for encoding, word in WORDS.items():
        named = [header, *([*row[:-1], row[-1] and word] for row in body)]
        yield plain(encoding, written(named), named, encoding)
    yield from _rows_unlike_others(rows, random.Random(seed))


def _rows_unlike_others(rows: list[list[str]], rnd: random.Random) -> Iterator[Polluted]:
    """Yield files in which one row is written unlike the others."""
    lines = [written([row]) for row in rows]
    at = rnd.randrange(1, len(rows))
    cells = rows[at]
    place = rnd.randrange(1, len(cells))
    merged = [*cells[: place - 1], cells[place - 1] + cells[place], *cells[place + 1 :]]
    odd = {
        "one delimiter more": written([[*cells[:place], "", *cells[place:]]]),
        "one delimiter less": written([merged]),
        "a stray quote": lines[at].replace(",", ',"', 1),
        "blanks as delimiters": written([cells], " "),
    }
    for name, line in odd.items():
        text = "".join([*lines[:at], line, *lines[at + 1 :]])
        yield Polluted(name, text.encode(), [*rows[:at], *rows[at + 1 :]], lossy=True)
