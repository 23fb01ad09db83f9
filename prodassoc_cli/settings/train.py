"""Options of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prodassoc_cli.declare import FILE, setting
from prodassoc_cli.models.registry import MODELS
from prodassoc_cli.settings.engine import EngineConfig

if TYPE_CHECKING:
    ModelName = str
else:
    ModelName = Literal[tuple(MODELS)]


@dataclass(frozen=True)
class TrainConfig(EngineConfig):
    """Interactions → a recommendation model."""

    model: ModelName = setting("hybrid", "Recommender to train", group="Model")
    param: list[str] = setting(
        [],
        "Model parameter: neighbours=200 (repeatable); see inspect --parameters MODEL",
        group="Model",
        metavar="NAME=VALUE",
    )
    tune: int | None = setting(
        None, "Tune parameters first: number of trials, judged on held-out orders", group="Model",
        metavar="N", low=1, high=10_000,
    )  # fmt: skip
    relevant_from: float | None = setting(
        None, "Lowest rating that is a wish [default: above the middle of the scale]", group="Model",
        metavar="RATING",
    )  # fmt: skip
    products: str | None = setting(
        None, "Products: titles, brands, categories, prices", group="Inputs", **FILE
    )
    embeddings: str | None = setting(None, "Embeddings of the products", group="Inputs", **FILE)
    rules: str | None = setting(None, "Association rules", group="Inputs", **FILE)
    feedback: str | None = setting(
        None, "Impression log, made by clean: clicks and purchases count for, dismissals against",
        group="Inputs", **FILE,
    )  # fmt: skip
