"""Association rules from frequent itemsets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.baskets import ranks_of
from prodassoc_cli.mining.itemsets import UNLIMITED, Itemsets, lists_of_ids
from prodassoc_cli.mining.kernels.bitsets import COUNT
from prodassoc_cli.mining.kernels.ordering import order_sets
from prodassoc_cli.mining.kernels.rules import split_sets
from prodassoc_cli.mining.kernels.tree import index_sets, sizes_of
from prodassoc_cli.mining.measures import DEFAULT_MEASURES, MEASURES, measure
from prodassoc_cli.mining.selection.significance import log_fisher

_BYTES_A_RULE = 250
"""Twelve columns of 8 bytes, once more while they are sorted, and the lists of both sides."""

_TIES = ("support", "confidence", "lift")
"""With these equal n(A), n(B) and n(A∪B) are equal, and so is every other measure."""

_FURTHER = ("p_value", "q_value", "holdout_count", "holdout_support", "holdout_confidence", "holdout_p_value")
"""What the rules may carry beside their measures."""


def mine_rules(
    itemsets: Itemsets,
    *,
    min_confidence: float = 0.0,
    min_lift: float = 0.0,
    max_consequent: int = 1,
    sort_by: str = "lift",
    top: int | None = None,
    threads: int = 1,
    memory_limit: int | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    minimum: Mapping[str, float] | None = None,
    keep: Callable[[np.ndarray], np.ndarray] | None = None,
    select: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Return the rules A → B with A∪B one of the itemsets (columns of `schemas.RULES`).

    Sorted by `sort_by`, best first and undefined last; ties by support, confidence, lift, then by the ids of
    the antecedent and of the consequent. Peak memory: 12 to 20 bytes per itemset and 250 bytes per rule;
    with `top` only 12 bytes per rule and the nine measures of all.

    Args:
        itemsets: all frequent itemsets (target rules or frequent); closed or maximal ones lack the counts.
        min_confidence: minimum confidence.
        min_lift: minimum lift.
        max_consequent: maximum number of products on the right.
        sort_by: name of a measure.
        top: keep the first so many.
        threads: threads to work with; they do not change the result.
        memory_limit: bytes the rules may take.
        measures: names of the measures to return.
        minimum: measure → minimum value; a rule for which it is undefined is left out.
        keep: returns which rules stay (bool), given as nodes (int32[3, rules]: set, antecedent, consequent).
        select: takes the rules as a frame (set_node, antecedent_node, consequent_node, count, n, n_a, n_b,
            n_ab and measures) and returns those that stay, with further columns. It comes before `top`.

    Raises:
        UsageProblem: there is no measure `sort_by`.
        BadData: the rules would pass the memory limit.
    """
    measure(sort_by)
    minimum = minimum or {}
    needed = [name for name in MEASURES if name in {*measures, *_TIES, *minimum, sort_by}]
    a_rule = _BYTES_A_RULE + 16 * max(0, len(needed) - len(DEFAULT_MEASURES))
    limit = UNLIMITED - 1 if memory_limit is None else memory_limit // a_rule
    rules = _split(itemsets, min_confidence, min_lift, max_consequent, limit, threads, keep)
    count = itemsets.tree[COUNT].astype(np.int64)
    frame = pl.DataFrame(
        {
            "set_node": rules[0],
            "antecedent_node": rules[1],
            "consequent_node": rules[2],
            "count": count[rules[0]],
            "n_a": count[rules[1]],
            "n_b": count[rules[2]],
        }
    ).with_columns(pl.col("count").alias("n_ab"), pl.lit(itemsets.n_baskets).alias("n"))
    frame = frame.with_columns(MEASURES[name].expression() for name in needed)
    for name, value in minimum.items():
        frame = frame.filter(pl.col(name) >= value)
    if select is not None:
        frame = select(frame)
    if top is not None:
        frame = _without_losers(frame, sort_by, top)
    frame = _sorted(frame, sort_by, itemsets).head(top or len(frame))
    return _with_ids(with_p_values(frame), itemsets, measures)


def with_p_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rules with their one-sided Fisher exact p-value, where they have none yet.

    Args:
        frame: n, n_a, n_b and n_ab of each rule.
    """
    if "p_value" in frame.columns:
        return frame
    log_p = log_fisher(*(frame[name].to_numpy() for name in ("n", "n_a", "n_b", "n_ab")))
    return frame.with_columns(pl.Series("p_value", np.exp(log_p)))


def _split(
    itemsets: Itemsets, min_confidence: float, min_lift: float, max_consequent: int, limit: int,
    threads: int, keep: Callable[[np.ndarray], np.ndarray] | None,
) -> np.ndarray:  # fmt: skip
    """Return the rules as nodes (int32[3, rules]: set, antecedent, consequent), in the order of the sets."""
    tree = itemsets.tree
    index = index_sets(tree)

    def work(span: tuple[int, int]) -> np.ndarray:
        rules, n = split_sets(
            tree, *span, index.words, index.hashes, index.table,
            float(itemsets.n_baskets), max_consequent, min_confidence, min_lift, limit,
        )  # fmt: skip
        part: np.ndarray = rules[:, :n]
        return part if keep is None else part[:, keep(part)]

    cuts = np.linspace(0, tree.shape[1], 1 + min(64, 1 + tree.shape[1] // 10_000)).astype(int).tolist()
    spans = list(pairwise(cuts))
    if threads == 1:
        parts = [work(span) for span in spans]
    else:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(work, spans))
    if sum(part.shape[1] for part in parts) > limit:
        raise BadData(
            f"stopped at {limit:,} rules: more would pass the memory limit",
            f"raise `min_confidence` (now {min_confidence:g}), `min_lift` or `min_support`",
        )
    return np.concatenate(parts, axis=1)


def _without_losers(frame: pl.DataFrame, sort_by: str, top: int) -> pl.DataFrame:
    """Leave out rules that cannot be among the first `top`, before the costly full order is made."""
    best = frame[sort_by].drop_nulls().top_k(top)
    return frame.filter(pl.col(sort_by) >= best.min()) if len(best) == top else frame


def _sorted(frame: pl.DataFrame, sort_by: str, itemsets: Itemsets) -> pl.DataFrame:
    """Sort the rules; see `mine_rules`."""
    sides = frame["antecedent_node"].to_numpy(), frame["consequent_node"].to_numpy()
    nodes, places = np.unique(np.concatenate(sides), return_inverse=True)
    order = order_sets(itemsets.tree, nodes, ranks_of(itemsets.item_ids))
    rank = np.empty(len(nodes), np.int32)
    rank[order] = np.arange(len(nodes), dtype=np.int32)
    ranks = rank[places]
    measures = list(dict.fromkeys((sort_by, *_TIES)))
    return frame.with_columns(
        pl.Series("antecedent_rank", ranks[: len(frame)]), pl.Series("consequent_rank", ranks[len(frame) :])
    ).sort(
        [*measures, "antecedent_rank", "consequent_rank"],
        descending=[True] * len(measures) + [False, False],
        nulls_last=True,
    )


def _with_ids(frame: pl.DataFrame, itemsets: Itemsets, measures: Sequence[str]) -> pl.DataFrame:
    """Replace the nodes of the sides by lists of ids, and leave out what only the search needed."""
    sizes = sizes_of(itemsets.tree)
    ids = itemsets.item_ids.sort()
    sides = {
        side: lists_of_ids(*itemsets.ranked_items(frame[f"{side}_node"].to_numpy(writable=True), sizes), ids)
        for side in ("antecedent", "consequent")
    }
    further = [name for name in frame.columns if name in _FURTHER]
    return pl.DataFrame(sides).hstack(frame.select("count", *measures, *further))
