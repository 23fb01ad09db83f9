"""One basket per line: integers between spaces, as in the FIMI repository."""

from __future__ import annotations

import re

import polars as pl

from prodassoc_cli.intake.columns.schema import ROW
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.layouts.layout import Head, Layout, Lines

_INTEGERS = re.compile(r"\s*\d+([ \t]+\d+)*\s*")


def _recognise(head: Head, _: dict[str, str]) -> str:
    return "integers between spaces, one basket per line" if head.uncut and _are_integers(head) else ""


def _are_integers(head: Head) -> bool:
    suffix = head.source.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]
    if suffix == "dat" and (head.delimiter == "\t" or all(len(row) == 1 for row in head.rows)):
        # A stray tab may have been taken for the delimiter.
        return all(_INTEGERS.fullmatch("\t".join(row)) for row in head.rows)
    single = all(len(row) == 1 and _INTEGERS.fullmatch(row[0]) for row in head.rows)
    return single and any(len(row[0].split()) > 1 for row in head.rows)


def _to_lines(table: RawTable, *_: object) -> Lines:
    line = table.frame["line"].str.strip_chars()
    if line.str.contains(r"\t|  ").any():
        line = line.str.replace_all(r"\s+", " ")
    frame = pl.DataFrame({ROW: table.frame[ROW], "product_id": line.str.split(" ")}).explode("product_id")
    return Lines(frame, frame.select("product_id"))


FIMI = Layout("fimi", _recognise, _to_lines, uncut=True, products_are_numbers=True)
