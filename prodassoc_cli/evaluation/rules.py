"""Rules on baskets they were not mined from: do confidence and lift hold, and do rules predict?

A rule is testable when its left side stands in at least `MIN_BASKETS` baskets of the holdout. Rules share
baskets, so the intervals over rules are rough; those over baskets are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.errors import BadData
from prodassoc_cli.evaluation.compare import METRICS_SCHEMA, row_of
from prodassoc_cli.evaluation.intervals import Estimate, mean_interval, share_interval, wilson
from prodassoc_cli.mining.basket_builder import baskets_from_interactions
from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.numerics.arrays import Doubles, Longs
from prodassoc_cli.numerics.indexing import index_of

MIN_BASKETS = 5
_RULES_A_BLOCK = 1024
_BINS = 10


@dataclass(frozen=True)
class JudgedRules:
    """Rules beside the holdout.

    Attributes:
        rules: confidence and lift as mined, and in the holdout: n_left, n_right, n_both (baskets),
            held_confidence and held_lift (null where undefined), testable, kept (the mined confidence is not
            above the 95 % interval of the held one).
        fired: basket, right (code of a right side), hit, order: one row per basket and right side predicted
            in it; order counts the predictions of a basket from 1, by confidence.
        baskets: number of baskets in the holdout.
    """

    rules: pl.DataFrame
    fired: pl.DataFrame
    baskets: int


def judge_rules(rules: pl.DataFrame, truth: pl.DataFrame, depth: int = 20) -> JudgedRules:
    """Count the rules in the baskets of the holdout, and let them predict there.

    Args:
        rules: antecedent, consequent, confidence, lift.
        truth: interactions set aside; baskets as in mining.
        depth: most predictions kept of a basket.

    Raises:
        BadData: the holdout has no basket.
    """
    baskets = baskets_from_interactions(truth)
    if not len(baskets):
        raise BadData(
            "the truth has no baskets", "rules are judged on orders: `clean ORDERS holdout=last-order`"
        )
    held = _matrix(baskets)
    left, right = (_members(rules[side], baskets) for side in ("antecedent", "consequent"))
    code = _codes(rules["consequent"])
    _, first = np.unique(code, return_index=True)
    has_right = _contains(held, right[:, first])
    order = np.lexsort((-rules["lift"].to_numpy(), -rules["confidence"].to_numpy()))
    counts = np.zeros((rules.height, 3), dtype=np.int64)
    fired = pl.DataFrame(schema={"basket": pl.Int64, "right": pl.Int64, "hit": pl.Boolean})
    for start in range(0, len(order), _RULES_A_BLOCK):
        rule = order[start : start + _RULES_A_BLOCK]
        has_left, its_right = _contains(held, left[:, rule]), has_right[:, code[rule]]
        both = sparse.csc_array(has_left.multiply(its_right))
        counts[rule] = np.column_stack([each.sum(axis=0) for each in (has_left, its_right, both)])
        fired = _first_ones(pl.concat([fired, _firings(has_left, both, code[rule])]), depth)
    numbered = fired.sort("basket", maintain_order=True).with_columns(
        (pl.int_range(pl.len()).over("basket") + 1).alias("order")
    )
    return JudgedRules(_held(rules, counts, len(baskets)), numbered, len(baskets))


def rule_metrics(name: str, judged: JudgedRules, ks: Sequence[int]) -> pl.DataFrame:
    """Return how well rules hold and predict, in the schema of metrics artifacts."""
    tested = judged.rules.filter("testable")
    shift = (tested["held_confidence"] - tested["confidence"]).to_numpy().astype(np.float64)
    firing = judged.fired["basket"].n_unique()
    fires = np.zeros(judged.baskets)
    fires[:firing] = 1
    found: list[tuple[str, int | None, Estimate]] = [
        ("confidence_kept", None, share_interval(_floats(tested["kept"]))),
        ("lift_kept", None, share_interval(_floats(tested["held_lift"].fill_null(0) > 1))),
        ("confidence_shift", None, mean_interval(shift, low=-1, high=1)),
        ("calibration_error", None, Estimate(_calibration_error(tested), None, None, tested.height)),
        ("rule_coverage", None, share_interval(fires)),
    ]
    for k in ks:
        hits = (
            judged.fired.filter(pl.col("order") <= k)
            .group_by("basket")
            .agg(pl.col("hit").any())
            .sort("basket")
        )
        found.append(("rule_hit_rate", k, share_interval(_floats(hits["hit"]))))
    rows = [(name, metric, k, *row_of(estimate), None) for metric, k, estimate in found]
    return pl.DataFrame(rows, schema=METRICS_SCHEMA, orient="row")


def calibration(judged: JudgedRules) -> pl.DataFrame:
    """Return the mined and the held confidence by tenths of the mined one.

    Returns:
        bin, confidence, held_confidence, rules, baskets; both confidences are weighted by the baskets with
        the left side. Only testable rules.
    """
    left = pl.col("n_left").sum()
    return (
        judged.rules.filter("testable")
        .group_by((pl.col("confidence") * _BINS).floor().clip(0, _BINS - 1).cast(pl.Int32).alias("bin"))
        .agg(
            ((pl.col("confidence") * pl.col("n_left")).sum() / left).alias("confidence"),
            (pl.col("n_both").sum() / left).alias("held_confidence"),
            pl.len().alias("rules"),
            left.alias("baskets"),
        )
        .sort("bin")
    )


def _members(sides: pl.Series, baskets: Baskets) -> sparse.csc_array:
    """Return products × rules: 1 where the side has the product; the last row holds what no basket has."""
    width = len(baskets.item_ids)
    rows = pl.DataFrame({"rule": np.arange(len(sides)), "product_id": sides}).explode("product_id")
    item = index_of(rows["product_id"], baskets.item_ids).fill_null(width).to_numpy()
    ones = np.ones(rows.height, np.float32)
    return sparse.csc_array((ones, (item, rows["rule"].to_numpy())), shape=(width + 1, len(sides)))


def _matrix(baskets: Baskets) -> sparse.csr_array:
    shape = (len(baskets), len(baskets.item_ids) + 1)
    return sparse.csr_array(
        (np.ones(len(baskets.items), np.float32), baskets.items, baskets.indptr), shape=shape
    )


def _contains(held: sparse.csr_array, sides: sparse.csc_array) -> sparse.csc_array:
    """Return baskets × sides: 1 where the basket has the whole side."""
    sizes = sides.sum(axis=0)
    product = sparse.csc_array(held @ sides)
    whole = product.data == np.repeat(sizes, np.diff(product.indptr))
    product.data = whole.astype(np.float32)
    product.eliminate_zeros()
    return product


def _firings(left: sparse.csc_array, both: sparse.csc_array, right: Longs) -> pl.DataFrame:
    """Return basket, right side and whether the basket has it, rule by rule."""
    entries, hits, height = left.tocoo(), both.tocoo(), np.int64(left.shape[0])
    code = entries.col.astype(np.int64) * height + entries.row
    hit = np.isin(code, hits.col.astype(np.int64) * height + hits.row)
    found = pl.DataFrame({"basket": entries.row.astype(np.int64), "right": right[entries.col], "hit": hit})
    return found[np.argsort(entries.col, kind="stable")]


def _first_ones(rows: pl.DataFrame, depth: int) -> pl.DataFrame:
    """Keep the first row of each right side in each basket, and the first `depth` of those of a basket.

    Rules come by confidence: what is beyond the depth now will be beyond it in the end.
    """
    once = rows.unique(["basket", "right"], keep="first", maintain_order=True)
    return once.filter(pl.int_range(pl.len()).over("basket") < depth)


def _codes(sides: pl.Series) -> Longs:
    """Number equal sides alike, from 0."""
    frame = pl.DataFrame({"side": sides})
    distinct = frame.unique(maintain_order=True).with_row_index("code")
    return (
        frame.join(distinct, on="side", how="left", maintain_order="left")["code"].cast(pl.Int64).to_numpy()
    )


def _held(rules: pl.DataFrame, counts: np.ndarray, baskets: int) -> pl.DataFrame:
    left, right, both = (pl.col(name) for name in ("n_left", "n_right", "n_both"))
    _, upper = wilson(counts[:, 2], np.maximum(counts[:, 0], 1))
    return (
        rules.select("antecedent", "consequent", "confidence", "lift")
        .with_columns(
            pl.Series("n_left", counts[:, 0], pl.Int64),
            pl.Series("n_right", counts[:, 1], pl.Int64),
            pl.Series("n_both", counts[:, 2], pl.Int64),
            pl.Series("upper", np.where(counts[:, 0] > 0, upper, 1.0), pl.Float64),
        )
        .with_columns(
            pl.when(left > 0).then(both / left).alias("held_confidence"),
            pl.when((left > 0) & (right > 0)).then(both * baskets / (left * right)).alias("held_lift"),
            (left >= MIN_BASKETS).alias("testable"),
            (pl.col("confidence") <= pl.col("upper")).alias("kept"),
        )
        .drop("upper")
    )


def _calibration_error(tested: pl.DataFrame) -> float | None:
    """Return the mean over tenths of confidence of |held - mined|, weighted by the baskets they speak of."""
    if tested.is_empty():
        return None
    by_bin = calibration(JudgedRules(tested, tested, 0))
    gaps = (by_bin["held_confidence"] - by_bin["confidence"]).abs() * by_bin["baskets"]
    return float(gaps.sum()) / float(by_bin["baskets"].sum())


def _floats(flags: pl.Series) -> Doubles:
    return flags.to_numpy().astype(np.float64)
