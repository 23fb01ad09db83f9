"""Which products may be recommended at all: --where, --allow and --deny, applied before the lists are cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.models.data import Items

_PATH = "category"


def allowed_items(
    items: Items,
    where: Sequence[str] = (),
    allow: Sequence[str] | None = None,
    deny: Sequence[str] | None = None,
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Return which products pass all filters (None: all do), and notices about what had no effect.

    Conditions on one column are alternatives; conditions on several must all hold. A condition on the
    category holds for any run of segments of its path: `Dairy` and `Food > Dairy` hold for
    `Food > Dairy > Milk`. Case does not matter.

    Raises:
        UsageProblem: a condition is not COLUMN=VALUE, or there is no such column.
        BadData: no product passes a filter.
    """
    if not where and allow is None and not deny:
        return None, []
    mask = np.ones(len(items), np.bool_)
    notices: list[str] = []
    by_column: dict[str, list[str]] = {}
    for condition in where:
        column, value = _parsed(items, condition)
        by_column.setdefault(column, []).append(value)
    for column, values in by_column.items():
        mask &= np.logical_or.reduce([_holds(items, column, value) for value in values])
    if allow is not None:
        mask &= _listed(items, allow, "--allow", notices, needed=True)
    if deny:
        mask &= ~_listed(items, deny, "--deny", notices, needed=False)
    if not mask.any():
        raise BadData("no product passes all filters together", "loosen --where, --allow or --deny")
    return mask, notices


def _parsed(items: Items, condition: str) -> tuple[str, str]:
    column, equals, value = condition.partition("=")
    column = column.strip()
    if not equals:
        raise UsageProblem(f"--where {condition}: no value", "write --where column=value")
    if column not in items.frame.columns:
        raise UsageProblem(
            f"--where {condition}: the model's products have no column '{column}'",
            did_you_mean(column, items.frame.columns),
        )
    return column, value.strip()


def _holds(items: Items, column: str, value: str) -> NDArray[np.bool_]:
    values = items.frame[column]
    if values.is_null().all():
        raise BadData(
            f"--where {column}={value}: no product has a {column}", "train with --products FILE that has one"
        )
    if values.dtype.is_numeric():
        try:
            number = float(value)
        except ValueError:
            raise UsageProblem(f"--where {column}={value}: {column} is a number", "write a number") from None
        match = values == number
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
        raise BadData(f"--where {column}={value}: no product has it", did_you_mean(value, known.to_list()))
    return holds


def _path(values: pl.Series) -> pl.Series:
    """Return `Food > Dairy` as `>food>dairy>`, so that a run of segments is a part of the text."""
    segments = values.str.to_lowercase().str.split(">").list.eval(pl.element().str.strip_chars())
    return ">" + segments.list.join(">") + ">"


def _listed(
    items: Items, ids: Sequence[str], flag: str, notices: list[str], *, needed: bool
) -> NDArray[np.bool_]:
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
        notices.append(f"{flag}: products not known to the model, ignored: {missing} of {wanted.len()}")
    mask = np.zeros(len(items), np.bool_)
    mask[found.drop_nulls().to_numpy()] = True
    return mask
