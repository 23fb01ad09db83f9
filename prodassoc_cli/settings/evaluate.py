"""Options of `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass

from prodassoc_cli.settings.declare import FILE, setting


@dataclass(frozen=True)
class EvaluateConfig:
    """Recommendations, models or rules + a holdout → metrics."""

    truth: str | None = setting(None, "Interactions set aside by clean --holdout", group="Inputs", **FILE)
    train: str | None = setting(
        None,
        "Interactions the model was trained on: for novelty, new products and the catalogue",
        group="Inputs",
        **FILE,
    )
    products: str | None = setting(
        None, "Products: the catalogue, its categories and prices", group="Inputs", **FILE
    )
    embeddings: str | None = setting(
        None, "Embeddings of the products: for diversity", group="Inputs", **FILE
    )
    feedback: str | None = setting(
        None, "Log of lists shown, made by clean: clicks by model, and what other lists would have got",
        group="Inputs", **FILE,
    )  # fmt: skip
    k: str | None = setting(
        None, "Lengths to cut the lists to [default: 5,10,20 as far as the lists reach]", flag="-k",
        metavar="N,N",
    )  # fmt: skip
    include_seen: bool = setting(False, "Let lists made from a model repeat what a user already bought")
    by_segment: bool = setting(False, "Also by kind of user, by cold and warm products and by category")
    baseline: str | None = setting(None, "Model the others are compared with", metavar="NAME")
    require: list[str] = setting(
        [], "Exit with 1 unless this holds: 'ndcg@10>=0.1' (repeatable)", metavar="BOUND", result=False
    )
    report: str | None = setting(None, "Write an HTML report for people", group="Report", **FILE)
    rules: str | None = setting(None, "Association rules to show in the report", group="Report", **FILE)
    clean_summary: str | None = setting(
        None, "Summary that clean --summary wrote, to show in the report", group="Report", **FILE
    )
