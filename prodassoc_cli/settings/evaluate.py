"""Options of `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass

from prodassoc_cli.declare import FILE, setting
from prodassoc_cli.settings.common import DEFAULT_LANGUAGE, Language


@dataclass(frozen=True)
class EvaluateConfig:
    """Recommendations, models or rules + a holdout → metrics."""

    truth: str | None = setting(
        None, "Held-out interactions, made by clean --holdout", group="Inputs", **FILE
    )
    train: str | None = setting(
        None,
        "Training interactions: for novelty, new products and the catalogue",
        group="Inputs",
        **FILE,
    )
    products: str | None = setting(None, "Products: catalogue, categories and prices", group="Inputs", **FILE)
    embeddings: str | None = setting(None, "Product embeddings: for diversity", group="Inputs", **FILE)
    feedback: str | None = setting(
        None, "Impression log, made by clean: clicks by model, and estimated clicks of other lists",
        group="Inputs", **FILE,
    )  # fmt: skip
    k: str | None = setting(
        None, "List lengths to evaluate at [default: those of 5,10,20 that the lists reach]", flag="-k",
        metavar="N,N",
    )  # fmt: skip
    relevant_from: float | None = setting(
        None, "Lowest rating of a hit [default: what is above the middle of the scale]", metavar="RATING"
    )
    include_seen: bool = setting(
        False, "Include products that users already bought in the lists made from models"
    )
    by_segment: bool = setting(False, "Also by user segment, cold and warm products, and category")
    baseline: str | None = setting(None, "Model to compare the others with", metavar="NAME")
    require: list[str] = setting(
        [], "Exit with code 1 unless this holds: 'ndcg@10>=0.1' (repeatable)", metavar="BOUND", result=False
    )
    report: str | None = setting(None, "Write an HTML report", group="Report", **FILE)
    language: Language = setting(
        DEFAULT_LANGUAGE, "Language of the report, and of the reasons of lists made from models",
        group="Report", result=False,
    )  # fmt: skip
    rules: str | None = setting(None, "Association rules to show in the report", group="Report", **FILE)
    relations: str | None = setting(
        None, "Complements, substitutes and variants to show in the report, made by mine --relations-output",
        group="Report", **FILE,
    )  # fmt: skip
    clean_summary: str | None = setting(
        None, "Summary written by clean --summary, to show in the report", group="Report", **FILE
    )
