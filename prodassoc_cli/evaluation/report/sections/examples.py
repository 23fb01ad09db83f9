"""Three users as they are: what they had, what they were shown and why, what they then chose."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from prodassoc_cli.evaluation.judged_lists import RELEVANT_EVENTS
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Cell, Head, Section, Table, own

_HISTORY = 10


def examples(data: ReportData) -> Section | None:
    """Return three users of the best model: served very well, as the median, and not at all."""
    name = data.best()
    judged, lists = data.judged[name], data.lists.get(name)
    if lists is None or data.truth is None:
        return None
    values = ALL_METRICS["ndcg"].values
    assert values is not None
    served = values(judged, data.main_k)
    listed = np.flatnonzero(np.bincount(judged.user, minlength=len(served)))
    if not len(listed):
        return None
    order = listed[np.argsort(served[listed], kind="stable")]
    picks = {
        "well": order[int(0.95 * (len(order) - 1))],
        "middle": order[len(order) // 2],
        "not": order[0],
    }
    users = judged.truth.users["user_id"]
    shown, examined = set(), []
    for how, place in picks.items():
        if place not in shown:
            shown.add(place)
            examined.append(_user(data, lists, users[int(place)], how))
    return Section("users", {"model": name, "k": data.main_k, "users": examined})


def _user(data: ReportData, lists: pl.DataFrame, user: str, how: str) -> dict[str, Any]:
    words = data.words
    chosen = _products(data.truth, user)
    history = _products(data.train, user)
    rows = lists.filter((pl.col("user_id") == user) & (pl.col("rank") <= data.main_k)).sort("rank")
    titles = data.titles([*chosen, *history, *rows["product_id"]])
    hits = set(chosen)
    cells = [
        [
            Cell(words.number(row["rank"]), row["rank"]),
            Cell(own(titles[row["product_id"]]), css="best" if row["product_id"] in hits else ""),
            Cell(own(row.get("reason") or "")),
            Cell(words("users.chosen") if row["product_id"] in hits else ""),
        ]
        for row in rows.iter_rows(named=True)
    ]
    heads = [Head(words.text("users.rank"), numeric=True)]
    heads += [Head(words.text(f"users.{name}")) for name in ("product", "reason", "then")]
    missed = [each for each in chosen if each not in set(rows["product_id"])]

    def named(ids: list[str]) -> Markup:
        return words.listed(own(titles[each]) for each in ids[:_HISTORY])

    return {
        "user": user,
        "how": words(f"users.{how}"),
        "before": named(history),
        "more": max(0, len(history) - _HISTORY),
        "table": Table(heads, cells, words.text("users.caption", user=user), wide=True),
        "missed": named(missed),
    }


def _products(interactions: pl.DataFrame | None, user: str) -> list[str]:
    """Return the distinct products a user chose, latest first."""
    if interactions is None:
        return []
    own_rows = interactions.filter((pl.col("user_id") == user) & pl.col("event").is_in(RELEVANT_EVENTS))
    latest = own_rows.sort("timestamp", "product_id", descending=[True, False], nulls_last=True)
    return latest["product_id"].unique(maintain_order=True).to_list()
