"""Metrics and segments in the words of people who sell, for the report."""

from __future__ import annotations

from collections.abc import Iterable

GROUPS: dict[str, dict[str, str]] = {
    "Do the lists hit?": {
        "hit_rate": "Users with a hit",
        "precision": "Share of a list that hits",
        "recall": "Share of what was wanted that is listed",
        "f1": "Balance of these two",
        "ndcg": "Hits, weighed by their rank (NDCG)",
        "map": "Precision over the ranks of the hits (MAP)",
        "mrr": "One over the rank of the first hit (MRR)",
        "accuracy": "Right decisions over the catalogue",
        "auc": "Right order over the catalogue (AUC)",
    },
    "What is it worth?": {
        "revenue": "Revenue of the hits per user",
        "price": "Mean price of the products listed",
    },
    "Do they go beyond best-sellers?": {
        "coverage": "Catalogue reached",
        "gini": "Inequality between products (Gini)",
        "entropy": "Evenness between products (entropy, bits)",
        "popularity": "Users who have a listed product anyway",
        "novelty": "Novelty (bits)",
        "serendipity": "Hits that are no best-sellers",
        "diversity": "Pairs of a list of different categories",
        "embedding_diversity": "Distance between the texts of a list",
    },
}
"""Question → metric → its name; in the order of the table."""

OUTCOMES = {
    "ctr": "Clicks per impression",
    "conversion": "Purchases per impression",
    "clicks_per_list": "Clicks per list",
    "revenue_per_list": "Revenue per list",
    "ctr_uplift": "Clicks over the baseline",
}
"""What a log says of a model."""

_NAMES = {metric: name for group in GROUPS.values() for metric, name in group.items()}


def named(metric: str) -> str:
    """Return the plain name of a metric; its own where it has none."""
    return _NAMES.get(metric, OUTCOMES.get(metric, metric.replace("_", " ")))


def grouped(metrics: Iterable[str]) -> dict[str, list[str]]:
    """Return question → those of the metrics that answer it, in the order of the table; others last."""
    known = list(dict.fromkeys(metrics))
    found = {question: [each for each in group if each in known] for question, group in GROUPS.items()}
    found["Further"] = [each for each in known if each not in _NAMES]
    return {question: group for question, group in found.items() if group}


def part(segment: str) -> str:
    """Return the name of a segment: `users: new` are new users, of `category: Food` remains the name."""
    kind, _, name = segment.partition(": ")
    return f"{name.capitalize()} {kind}" if kind in ("users", "products") else name
