"""How Arrow parses columns of a text as it cuts it into fields, and how it says that it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl
import pyarrow as pa
import pyarrow.csv

from prodassoc_cli.intake.values.missing import MISSING_WORDS, capitalised

NUMBER, TIME, _TEXT = pa.float64(), pa.timestamp("us"), pa.string()
"""What a column is read as."""

_POLARS: Mapping[pa.DataType, pl.DataType] = {
    NUMBER: pl.Float64(), TIME: pl.Datetime("us"), _TEXT: pl.String(),
}  # fmt: skip
_MISSING = sorted(capitalised(MISSING_WORDS))
"""How a missing number or time is written; other ways make the column text, which is asked again."""

_OF_ANOTHER_TYPE = re.compile(r"In CSV column #(\d+): ")
_NOTHING: Mapping[str, pa.DataType] = MappingProxyType({})


def conversion(names: Sequence[str], parsed: Mapping[str, pa.DataType] = _NOTHING) -> pa.csv.ConvertOptions:
    """Return how columns become typed: as text, which is known to be UTF-8, but for those that are parsed."""
    types = dict.fromkeys(names, _TEXT) | dict(parsed)
    return pa.csv.ConvertOptions(column_types=types, null_values=_MISSING, check_utf8=False)


def no_rows(names: Sequence[str], parsed: Mapping[str, pa.DataType]) -> pl.DataFrame:
    """Return the columns in their types; not by way of a table of Arrow, which would import any pandas."""
    return pl.DataFrame(schema={name: _POLARS[parsed.get(name, _TEXT)] for name in names})


def column_of_another_type(problem: str) -> int | None:
    """Return which column, from 0, holds what its type does not; None if Arrow's error says another thing."""
    found = _OF_ANOTHER_TYPE.match(problem)
    return None if found is None else int(found[1])
