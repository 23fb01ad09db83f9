"""Three users as they are: what they had, what they were shown and why, what they then chose."""

from __future__ import annotations

import numpy as np
import polars as pl

from prodassoc_cli.evaluation.judged_lists import RELEVANT_EVENTS
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Cell, Head, number_cell, own, safe, table, text_cell
from prodassoc_cli.evaluation.report.page import Section

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
        "served well": order[int(0.95 * (len(order) - 1))],
        "in the middle": order[len(order) // 2],
        "not served": order[0],
    }
    users = judged.truth.users["user_id"]
    blocks, shown = [], set()
    for word, place in picks.items():
        if place not in shown:
            shown.add(place)
            blocks.append(_user(data, lists, users[int(place)], word))
    intro = f"From the lists of {own(name)}, first {data.main_k}. Shaded: what the user then chose."
    return Section("users", "Three users", f'<p class="soft">{intro}</p>{"".join(blocks)}')


def _user(data: ReportData, lists: pl.DataFrame, user: str, word: str) -> str:
    chosen = _products(data.truth, user)
    history = _products(data.train, user)
    rows = lists.filter((pl.col("user_id") == user) & (pl.col("rank") <= data.main_k)).sort("rank")
    titles = data.titles([*chosen, *history, *rows["product_id"]])
    hits = set(chosen)
    cells = [
        [
            number_cell(row["rank"]),
            Cell(own(titles[row["product_id"]]), css="best" if row["product_id"] in hits else ""),
            text_cell(row.get("reason") or ""),
            Cell("✓\u00a0chosen" if row["product_id"] in hits else ""),
        ]
        for row in rows.iter_rows(named=True)
    ]
    heads = [Head("Rank", numeric=True), Head("Product"), Head("Reason"), Head("Then")]
    before = _named(history[:_HISTORY], titles) or "nothing known"
    more = f" and {len(history) - _HISTORY:,} more" if len(history) > _HISTORY else ""
    missed = [each for each in chosen if each not in set(rows["product_id"])]
    then = f"<p>Chosen but not listed: {_named(missed[:_HISTORY], titles)}.</p>" if missed else ""
    return (
        f"<h3>{own(user)}, {safe(word)}</h3><p>Before: {before}{more}.</p>"
        f"{table(heads, cells, f'List of user {user}', wide=True)}{then}"
    )


def _named(ids: list[str], titles: dict[str, str]) -> str:
    return ", ".join(own(titles[each]) for each in ids)


def _products(interactions: pl.DataFrame | None, user: str) -> list[str]:
    """Return the distinct products a user chose, latest first."""
    if interactions is None:
        return []
    own_rows = interactions.filter((pl.col("user_id") == user) & pl.col("event").is_in(RELEVANT_EVENTS))
    latest = own_rows.sort("timestamp", "product_id", descending=[True, False], nulls_last=True)
    return latest["product_id"].unique(maintain_order=True).to_list()
