"""Definitions of the metrics that are not of judged lists: of rules, and of a log of lists shown."""

from __future__ import annotations

from typing import Any

_RULES: dict[str, Any] = {"over": "rules", "has_k": False}
_BASKETS: dict[str, Any] = {"over": "baskets", "share": True}
_SHOWN: dict[str, Any] = {"over": "impressions", "has_k": False}
_LISTS: dict[str, Any] = {**_SHOWN, "high": None}

RULE_METRICS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "confidence_kept",
        "share of testable rules whose mined confidence is not above the 95 % interval of the held one",
        {**_RULES, "share": True},
    ),
    ("lift_kept", "share of testable rules whose lift in the holdout is above 1", {**_RULES, "share": True}),
    (
        "confidence_shift",
        "mean over testable rules of the held less the mined confidence",
        {**_RULES, "low": -1.0},
    ),
    (
        "calibration_error",
        "mean gap between mined and held confidence by tenths, weighted by the baskets they speak of",
        {**_RULES, "higher_is_better": False},
    ),
    (
        "rule_coverage",
        "share of the baskets in which some rule's left side stands",
        {**_BASKETS, "has_k": False},
    ),
    (
        "rule_hit_rate",
        "share of those baskets that have one of the k right sides of highest confidence",
        _BASKETS,
    ),
)
"""name, definition, further attributes of `Metric`."""

_KOHAVI = "Kohavi, Tang & Xu 2020, Trustworthy online controlled experiments"
_HORVITZ = "Horvitz & Thompson 1952, JASA 47; Li et al. 2018, Offline evaluation of ranking policies, KDD"
_SWAMINATHAN = "Swaminathan & Joachims 2015, The self-normalized estimator, NIPS"

FEEDBACK_METRICS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("ctr", "clicks / impressions", _KOHAVI, _SHOWN),
    ("conversion", "purchases / impressions", _KOHAVI, _SHOWN),
    ("clicks_per_list", "clicks / lists shown", _KOHAVI, _LISTS),
    ("revenue_per_list", "revenue / lists shown", _KOHAVI, _LISTS),
    (
        "ctr_uplift",
        "CTR / CTR of the baseline - 1; interval by the delta method on the logarithm",
        _KOHAVI,
        {**_LISTS, "low": -1.0},
    ),
    (
        "ips_ctr",
        "mean of weight · click, weight = [the list puts this product here] / propensity",
        _HORVITZ,
        _LISTS,
    ),
    (
        "clipped_ips_ctr",
        "IPS with weights cut at the square root of the impressions: less spread, some bias downwards",
        "Ionides 2008, Truncated importance sampling, JCGS 17(2)",
        _LISTS,
    ),
    ("snips_ctr", "sum of weight · click / sum of weights", _SWAMINATHAN, _SHOWN),
    (
        "dr_ctr",
        "expected clicks of the listed products by a click model, corrected by weight · (click - expected)",
        "Dudík, Langford & Li 2011, Doubly robust policy evaluation and learning, ICML",
        {**_LISTS, "low": float("-inf")},
    ),
    (
        "overlap",
        "share of the impressions where the log showed just what the list puts there",
        _HORVITZ,
        _SHOWN,
    ),
    (
        "effective_n",
        "effective sample size, (sum of weights)² / sum of squared weights",
        "Kong 1992, A note on importance sampling using standardized weights",
        _LISTS,
    ),
)
"""name, definition, source, further attributes of `Metric`."""
