"""Options of `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass

from prodassoc_cli.settings.declare import FILE, setting


@dataclass(frozen=True)
class EvaluateConfig:
    """Recommendations + a holdout → metrics."""

    truth: str | None = setting(None, "Interactions set aside by clean --holdout", group="Inputs", **FILE)
    train: str | None = setting(
        None,
        "Interactions the model was trained on: for novelty, new products and the catalogue",
        group="Inputs",
        **FILE,
    )
    products: str | None = setting(
        None, "Products: the catalogue that coverage is a share of", group="Inputs", **FILE
    )
    k: str = setting("5,10,20", "Lengths to cut the lists to", flag="-k", metavar="N,N")
    baseline: str | None = setting(None, "Model the others are compared with", metavar="NAME")
    require: list[str] = setting(
        [], "Exit with 1 unless this holds: 'ndcg@10>=0.1' (repeatable)", metavar="BOUND", result=False
    )
