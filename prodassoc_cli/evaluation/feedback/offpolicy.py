"""What lists that were never shown would have got, from a log of other lists.

Each place of each list shown is one decision: the log shows product a there with the probability that it
names (its propensity), the list judged would have shown product b. Where both agree, the row counts with
weight 1/propensity. This is the item-position model: a click depends on the product and its place, not on
the other products of the list. It is unbiased where every product judged could have been shown in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from prodassoc_cli.evaluation.compare import METRICS_SCHEMA, row_of
from prodassoc_cli.evaluation.feedback.impressions import clusters, propensity_problem
from prodassoc_cli.evaluation.intervals import Estimate, mean_interval, students_t
from prodassoc_cli.evaluation.notices import Notice
from prodassoc_cli.numerics.arrays import Doubles
from prodassoc_cli.numerics.indexing import numbered

MIN_EFFECTIVE = 10.0
"""Effective sample size below which an estimate would be noise."""

_ODD_WEIGHTS = 0.1
_PRIOR = 10.0
_FOLDS = 2


@dataclass(frozen=True)
class OffPolicy:
    """The estimates for one model's lists, or why there are none.

    Attributes:
        metrics: in the schema of metrics artifacts; empty where refused.
        refusal: the reason; None where estimated.
        odd_weight: the mean weight where it is clearly not 1, as it should be; else None.
    """

    metrics: pl.DataFrame
    refusal: Notice | None = None
    odd_weight: float | None = None


def estimate_offpolicy(name: str, lists: pl.DataFrame, shown: pl.DataFrame) -> OffPolicy:
    """Estimate the CTR that the lists would have had in the places of the log.

    Args:
        name: the model of the lists.
        lists: user_id, rank, product_id.
        shown: impressions with propensities, from `impressions.impressions_of`.
    """
    if problem := propensity_problem(shown):
        return _refused(problem)
    wanted = lists.select(
        "user_id", pl.col("rank").cast(pl.Int32).alias("position"), pl.col("product_id").alias("own")
    )
    rows = shown.join(wanted, on=["user_id", "position"], how="inner", maintain_order="left")
    if rows.is_empty():
        return _refused(Notice("no_user_of_log"))
    match = (rows["product_id"] == rows["own"]).to_numpy()
    weight = match / rows["propensity"].to_numpy()
    effective = float(weight.sum() ** 2 / (weight @ weight)) if match.any() else 0.0
    if effective < MIN_EFFECTIVE:
        same = int(match.sum())
        return _refused(Notice("little_overlap", same=same, rows=rows.height, effective=f"{effective:.1f}"))
    found = {
        **_estimates(rows, weight),
        "overlap": Estimate(float(match.mean()), None, None, rows.height),
        "effective_n": Estimate(effective, None, None, rows.height),
    }
    table = [(name, metric, None, *row_of(each), None) for metric, each in found.items()]
    metrics = pl.DataFrame(table, schema=METRICS_SCHEMA, orient="row")
    return OffPolicy(metrics, odd_weight=_odd_weight(rows, weight))


def notices(found: Mapping[str, OffPolicy]) -> list[Notice]:
    """Return what to know of the estimates of these models: refusals and odd weights."""
    refused: dict[Notice, list[str]] = {}
    odd: dict[str, list[str]] = {}
    for name, each in found.items():
        if each.refusal is not None:
            refused.setdefault(each.refusal, []).append(name)
        elif each.odd_weight is not None:
            why = "unshown" if each.odd_weight < 1 else "odd_weights"
            odd.setdefault(why, []).append(f"{name} {each.odd_weight:.2f}")
    return [
        *(Notice("no_estimate", reason=why, models=", ".join(names)) for why, names in refused.items()),
        *(Notice(why, models=", ".join(names)) for why, names in odd.items()),
    ]


def _refused(reason: Notice) -> OffPolicy:
    return OffPolicy(pl.DataFrame(schema=METRICS_SCHEMA), refusal=reason)


def _estimates(rows: pl.DataFrame, weight: Doubles) -> dict[str, Estimate]:
    click = rows["clicked"].to_numpy()
    clipped = np.minimum(weight, math.sqrt(rows.height))
    own, logged = expected_clicks(rows)
    return {
        "ips_ctr": _mean(rows, weight * click, low=0.0),
        "clipped_ips_ctr": _mean(rows, clipped * click, low=0.0),
        "snips_ctr": _weighted(rows, click, weight),
        "dr_ctr": _mean(rows, own + weight * (click - logged)),
    }


def _mean(rows: pl.DataFrame, values: Doubles, low: float = -math.inf) -> Estimate:
    return mean_interval(*clusters(rows, values), low=low)


def _weighted(rows: pl.DataFrame, click: Doubles, weight: Doubles) -> Estimate:
    """Return Σ w·click / Σ w, with a linearised interval over users."""
    value = float(weight @ click / weight.sum())
    sums, _ = clusters(rows, weight * (click - value) * rows.height / weight.sum())
    units = len(sums)
    if units < 2:
        return Estimate(value, None, None, rows.height)
    error = math.sqrt(float(sums @ sums) * units / (units - 1)) / rows.height
    half = error * students_t(units)
    if not half:
        return Estimate(value, None, None, rows.height)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), rows.height)


def expected_clicks(rows: pl.DataFrame) -> tuple[Doubles, Doubles]:
    """Return the expected clicks of the listed and of the logged product in each place.

    CTR of the place × the product's clicks over those expected of its places, drawn to 1 by `_PRIOR` expected
    clicks. Fitted on the users of the other fold, so that no row explains itself.
    """
    ids = numbered(pl.concat([rows["product_id"], rows["own"]]))[0]
    logged, own = ids[: rows.height], ids[rows.height :]
    position, click = rows["position"].to_numpy(), rows["clicked"].to_numpy()
    fold = rows["cluster"].to_numpy() % _FOLDS
    products, places = int(ids.max()) + 1, int(position.max()) + 1
    of_own, of_logged = np.zeros(rows.height), np.zeros(rows.height)
    for each in range(_FOLDS):
        fit, use = fold != each, fold == each
        if not fit.any():
            fit = use
        overall = click[fit].mean()
        clicks = np.bincount(position[fit], click[fit], minlength=places)
        shown = np.bincount(position[fit], minlength=places)
        place = (clicks + _PRIOR * overall) / (shown + _PRIOR)
        expected = np.bincount(logged[fit], place[position[fit]], minlength=products)
        got = np.bincount(logged[fit], click[fit], minlength=products)
        liking = (got + _PRIOR * overall) / (expected + _PRIOR * overall) if overall else np.ones(products)
        of_own[use] = np.minimum(1.0, place[position[use]] * liking[own[use]])
        of_logged[use] = np.minimum(1.0, place[position[use]] * liking[logged[use]])
    return of_own, of_logged


def _odd_weight(rows: pl.DataFrame, weight: Doubles) -> float | None:
    found = _mean(rows, weight)
    if found.high is None or found.low is None or found.value is None or found.low <= 1 <= found.high:
        return None
    return None if abs(found.value - 1) < _ODD_WEIGHTS else found.value
