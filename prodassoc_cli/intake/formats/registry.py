"""Every file format, in the order in which the first bytes are held against it; a new one is a line here."""

from __future__ import annotations

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.arrow_ipc import ARROW
from prodassoc_cli.intake.formats.json_lines import JSON_LINES
from prodassoc_cli.intake.formats.parquet import PARQUET
from prodassoc_cli.intake.formats.raw_table import NoRows
from prodassoc_cli.intake.formats.reader import Format, Head, ReadOptions
from prodassoc_cli.intake.formats.sources import Source, text_start
from prodassoc_cli.intake.formats.text.delimited import TEXT
from prodassoc_cli.intake.formats.workbook import WORKBOOK

FORMATS = (PARQUET, ARROW, WORKBOOK, JSON_LINES, TEXT)

_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or a broken Excel workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"FEA1", "a Feather file of version 1"),
)
"""First bytes of what is no table, and what it is."""


def look(source: Source, options: ReadOptions, say: Say) -> Head:
    """Return what the first rows of an input show.

    Raises:
        NoInput: it is missing.
        BadData: it is empty or no table at all.
        UsageProblem: the encoding or delimiter given is none.
    """
    head, whole = source.head()
    return recognise(source, head).look(source, head, whole, options, say)


def recognise(source: Source, head: bytes) -> Format:
    """Return the format of an input, by its first bytes: no format is trusted by its suffix.

    Raises:
        BadData: it is empty or no table at all.
    """
    if not head.strip():
        raise NoRows(f"{source.name} is empty", "give a file with at least one row")
    known = next((each for each in FORMATS if each is not TEXT and each.recognises(source, head)), None)
    if known is not None:
        return known
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            remedy = "unpack it" if "archive" in what else "export it as CSV or Parquet"
            raise BadData(f"{source.name} is {what}, not a table", f"{remedy} first")
    if text_start(head).startswith((b"[{", b"[\n", b"[ ")):
        raise BadData(
            f"{source.name} is one JSON array; one object per line is needed",
            f"jq -c '.[]' {source.name} > rows.jsonl",
        )
    return TEXT
