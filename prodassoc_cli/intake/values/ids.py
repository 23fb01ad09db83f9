"""Text → ids: exactly as they are, but for what spreadsheets, data frames and the web put around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from prodassoc_cli.intake.values.missing import MISSING_WORDS, capitalised

SPACES = (
    " \t\r\n\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c"
    "\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""Characters that cannot be seen at the ends of an id: it is the same with and without them."""

WHOLE_AS_FLOAT = r"^\d+\.0$"
"""How a data frame writes a whole number of a column that has gaps."""

ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+?\d{2}$"
"""How a spreadsheet writes a number that is longer than its cell: digits of it are lost."""

_WRAPPED = r'^="(.*)"$|^=(\d+)$|^\'(\d.*)$'
"""How an export keeps a spreadsheet from taking an id for a number."""


def parse_ids(
    column: pl.Series, missing: Sequence[str] = MISSING_WORDS, *, floats: bool = False,
    as_written: bool = False,
) -> pl.Series:  # fmt: skip
    """Turn ids into text: blank ones, and words for a missing one, become null.

    White space at the ends does not count, nor does what keeps a spreadsheet from taking the id for a
    number: `="00123"` and `'00123` are 00123. Texts of which none needs a change are returned as they came.
    In a typed column of floats 17850.0 is the id 17850 of a column that had gaps.

    Args:
        column: text, numbers, or any type that has a text.
        missing: words for a missing id, in lower case.
        floats: whether texts such as 17850.0 are whole numbers too.
        as_written: whether nothing around an id is taken away.
    """
    if column.dtype.is_float():
        return floats_as_text(column)
    text = column.cast(pl.String)
    changed = pl.Series([], dtype=pl.UInt32) if as_written else _dressed(text)
    if len(changed):
        text = text.scatter(changed, _bare(text.gather(changed)))
    if floats:
        text = text.str.replace(r"^(\d+)\.0$", "$1")
    blank = _are_among(text, missing)
    if blank.any():
        return text.set(blank, None)
    return text if len(changed) or floats or column.dtype != pl.String else column


def floats_as_text(column: pl.Series) -> pl.Series:
    """Return numbers as text, whole ones without a point; null where one is not finite."""
    whole = column.cast(pl.Int64, strict=False)
    same = (whole.cast(pl.Float64) == column.cast(pl.Float64)).fill_null(value=False)
    picked = pl.when(same).then(whole.cast(pl.String)).when(column.is_finite()).then(column.cast(pl.String))
    return pl.select(picked.alias(column.name)).to_series()


def _dressed(text: pl.Series) -> pl.Series:
    """Return the places of texts that may have something around the id: as a rule there are none."""
    if not _holds_odd_bytes(text):
        return pl.Series([], dtype=pl.UInt32)
    # Compared by their first letters, white space is below - or beyond the letters, as quotes and = are not.
    first = (text < "-") | (text > "{") | text.str.starts_with("=")
    last = text.str.strip_chars_end(SPACES).str.len_bytes() != text.str.len_bytes()
    return (first | last).fill_null(value=False).arg_true()


def _holds_odd_bytes(text: pl.Series) -> bool:
    """Return whether any text holds white space, a letter beyond ASCII, a quote or =; all bytes at once."""
    column = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    buffer = column.buffers()[2]
    if buffer is None:
        return False
    view = np.frombuffer(buffer, np.uint8)
    if not len(view) or (view.min() > ord(" ") and view.max() < 0x7F):
        content = view.tobytes()
        return b"'" in content or b"=" in content
    return True


def _bare(text: pl.Series) -> pl.Series:
    text = text.str.strip_chars(SPACES)
    inside = text.str.extract_groups(_WRAPPED).struct.unnest()
    return pl.select(pl.coalesce(*inside, text)).to_series().str.strip_chars(SPACES)


def _are_among(text: pl.Series, words: Sequence[str]) -> pl.Series:
    """Return which texts are one of the words (in lower case), in any usual capitalisation."""
    return text.is_in(list(capitalised(words))).fill_null(value=False)


def digits_only(ids: pl.Series) -> int:
    """Count the texts of nothing but digits, of any script."""
    # Numbers are cut from texts several times as quick as patterns are found; a sign or what is no number of
    # 64 bits leaves the rest to those.
    plain = (ids >= "0") & (ids < ":") & ids.cast(pl.UInt64, strict=False).is_not_null()
    return int(plain.sum() or 0) + int(ids.filter(~plain).str.contains(r"^\d+$").sum() or 0)
