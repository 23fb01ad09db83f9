"""Artifacts written as CSV or JSON lines: read again, as the kind they were."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from prodassoc_cli.artifacts.parquet.files import checked
from prodassoc_cli.artifacts.schemas import Kind

_FORMULA = r"^'([=+\-@\t\r])"
"""An apostrophe before what a spreadsheet would run, as CSV is written."""

_ID = re.compile(r"(?:^|\|)((?:[^\\|]|\\.)*)", re.DOTALL)
"""One id of a list: | between them, a backslash before a | or backslash within one."""


def is_text(path: Path) -> bool:
    """Return whether a file is something other than Parquet; an empty one is nothing, so not text."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) not in (b"PAR1", b"")


def read_text(path: Path, kind: Kind) -> pa.Table:
    """Read rows written as CSV or JSON lines; in CSV all columns are text but the lists of ids.

    Raises:
        BadData: the file is neither.
    """
    with checked(path), path.open("rb") as stream:
        is_json = stream.read(1) == b"{"
        stream.seek(0)
        return _json(stream.read(), kind) if is_json else _csv(stream.read(), kind)


def _json(text: bytes, kind: Kind) -> pa.Table:
    from pyarrow import json

    names = json.read_json(pa.BufferReader(text)).column_names
    # Texts that look like dates would become them.
    texts = [each.name for each in kind.columns if each.dtype == "str" and each.name in names]
    options = json.ParseOptions(explicit_schema=pa.schema((name, pa.string()) for name in texts))
    return json.read_json(pa.BufferReader(text), parse_options=options)


def _csv(text: bytes, kind: Kind) -> pa.Table:
    import pyarrow.compute as pc  # 30 ms, which reading Parquet goes without
    from pyarrow import csv

    parse = csv.ParseOptions(newlines_in_values=True)
    names = csv.open_csv(pa.BufferReader(text), parse_options=parse).schema.names
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    table = csv.read_csv(pa.BufferReader(text), parse_options=parse, convert_options=convert)
    table = pa.table({name: pc.replace_substring_regex(table[name], _FORMULA, r"\1") for name in names})
    for place, name in enumerate(names):
        if any(each.name == name and each.dtype == "list[str]" for each in kind.columns):
            lists = [_ids(cell) for cell in table[name].to_pylist()]
            table = table.set_column(place, name, pa.array(lists, pa.list_(pa.string())))
    return table


def _ids(cell: str | None) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", each) for each in _ID.findall(cell)] if cell else []
