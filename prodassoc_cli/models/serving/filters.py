"""Which products may be recommended at all: --where, --allow and --deny, applied before the lists are cut."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.models.data import Items
from prodassoc_cli.numerics.arrays import Bools
from prodassoc_cli.numerics.id_overlap import id_overlap

_PATH = "category"
_CONDITION = re.compile(r"\s*(.+?)\s*(!=|>=|<=|=|>|<)(.*)", re.DOTALL)
_DATE = re.compile(r"\d{4}-\d\d(-\d\d([ T].*)?)?")
_ORDERED: dict[str, Callable[[pl.Series, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def allowed_items(
    items: Items,
    where: Sequence[str] = (),
    allow: Sequence[str] | None = None,
    deny: Sequence[str] | None = None,
) -> tuple[Bools | None, list[str]]:
    """Return which products pass all filters (None: all do), and notices about what had no effect.

    A condition is COLUMN=VALUE, or has one of != >= <= > < in the place of =; the last four compare numbers,
    or dates where the value is one (2025-12-31: such texts sort as the days do).
    Those with = on one column are alternatives; all others must hold. A condition on the category holds for
    any run of segments of its path: `Dairy` and `Food > Dairy` hold for `Food > Dairy > Milk`. Case does not
    matter. A missing value fulfils != only.

    Raises:
        UsageProblem: a condition is not of that form, or there is no such column.
        BadData: no product passes a filter.
    """
    if not where and allow is None and not deny:
        return None, []
    mask = np.ones(len(items), np.bool_)
    notices: list[str] = []
    by_column: dict[str, list[str]] = {}
    for condition in where:
        column, comparison, value = _parsed(items, condition)
        if comparison == "=":
            by_column.setdefault(column, []).append(value)
        elif comparison == "!=":
            mask &= ~_holds(items, column, value)
        else:
            mask &= _compared(items, column, comparison, value)
    for column, values in by_column.items():
        mask &= np.logical_or.reduce([_holds(items, column, value) for value in values])
    if allow is not None:
        mask &= _listed(items, allow, "`allow`", notices, needed=True)
    if deny:
        mask &= ~_listed(items, deny, "`deny`", notices, needed=False)
    if not mask.any():
        raise BadData("no product passes all filters together", "loosen `where`, `allow` or `deny`")
    return mask, notices


def _parsed(items: Items, condition: str) -> tuple[str, str, str]:
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise UsageProblem(
            f"`where={condition}`: no value", "write `where=column=value`, or with != >= <= > <"
        )
    column, comparison, value = match.groups()
    if column not in items.frame.columns:
        raise UsageProblem(
            f"`where={condition}`: the model's products have no column '{column}'",
            did_you_mean(column, items.frame.columns),
        )
    return column, comparison, value.strip()


def _compared(items: Items, column: str, comparison: str, value: str) -> Bools:
    where = f"`where={column}{comparison}{value}`"
    values = items.frame[column]
    if _DATE.fullmatch(value) and not values.dtype.is_numeric():
        holds: pl.Series = _ORDERED[comparison](values.cast(pl.String), value)
        return holds.fill_null(value=False).to_numpy()
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.is_null().all():
        raise BadData(f"{where}: no product has a number as {column}", "compare texts by = or !=")
    holds = _ORDERED[comparison](numbers, _number(value, where, column))
    return holds.fill_null(value=False).to_numpy()


def _number(value: str, where: str, column: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageProblem(f"{where}: {column} is a number", "write a number") from None


def _holds(items: Items, column: str, value: str) -> Bools:
    values = items.frame[column]
    if values.is_null().all():
        raise BadData(
            f"`where={column}={value}`: no product has a {column}", "train with `products=FILE` that has one"
        )
    if values.dtype.is_numeric():
        match = values == _number(value, f"`where={column}={value}`", column)
    elif column == _PATH:
        match = _path(values).str.contains(_path(pl.Series([value]))[0], literal=True)
    else:
        text = values.str.strip_chars().str.to_lowercase()
        match = text == value.lower()
    holds = match.fill_null(value=False).to_numpy()
    if not holds.any():
        known = values.cast(pl.String).drop_nulls().unique()
        if column == _PATH:
            known = known.str.split(">").explode().str.strip_chars().unique()
        raise BadData(f"`where={column}={value}`: no product has it", did_you_mean(value, known.to_list()))
    return holds


def _path(values: pl.Series) -> pl.Series:
    """Return `Food > Dairy` as `>food>dairy>`, so that a run of segments is a part of the text."""
    segments = values.str.to_lowercase().str.split(">").list.eval(pl.element().str.strip_chars())
    return ">" + segments.list.join(">") + ">"


def _listed(items: Items, ids: Sequence[str], flag: str, notices: list[str], *, needed: bool) -> Bools:
    wanted = pl.Series("id", list(ids), pl.String).unique()
    found = items.index_of(wanted)
    missing = int(found.null_count())
    if missing == wanted.len() and needed:
        example = str(wanted.sort()[0]) if wanted.len() else ""
        raise BadData(
            f"{flag}: the model knows none of its {wanted.len()} products"
            + (f", such as '{example}'" if example else ""),
            did_you_mean(example, items.ids.to_list()) if example else "",
        )
    if missing:
        cause = id_overlap(wanted, items.ids).clause
        notices.append(
            f"{flag}: products not known to the model, ignored: {missing} of {wanted.len()}{cause}"
        )
    mask = np.zeros(len(items), np.bool_)
    mask[found.drop_nulls().to_numpy()] = True
    return mask
