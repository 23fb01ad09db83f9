"""`prodassoc train`: interactions → a recommendation model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, MODEL, PRODUCTS, RULES
from prodassoc_cli.commands.execution.engine import engine
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CommonConfig, TrainConfig
from prodassoc_cli.terminal.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from prodassoc_cli.models.data import TrainingData
    from prodassoc_cli.models.model import TrainedModel


GATHERED = ("item-knn",)
"""Models that learn from matrices alone, which are made of the lines piece by piece where there are many."""

GATHER_FROM = 1 << 22
"""Lines from which on they are gathered: fewer fit in memory, and are done sooner there."""

BYTES_A_GATHERED_LINE = 65
"""What such a run holds at its peak, a line: with item-knn on 97 million interactions 70 were measured."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "train",
        TrainConfig,
        InputArgument("interactions", "Interactions, made by prodassoc clean"),
        (
            "prodassoc train interactions.parquet --products products.parquet "
            "--embeddings embeddings.parquet -o model.parquet",
            "prodassoc train interactions.parquet --model item-knn --param neighbours=100 -o knn.parquet",
            "prodassoc train interactions.parquet --model als --tune 20 -o als.parquet",
        ),
        run,
    )


def run(inputs: list[str], config: TrainConfig, common: CommonConfig) -> None:
    """Fit one recommender."""
    this = Run("train", config, common)
    this.take("interactions", inputs)
    this.take("products", config.products)
    this.take("embeddings", config.embeddings)
    this.take("rules", config.rules)
    this.take("feedback", config.feedback)
    if config.engine == "spark" and config.model == "als":
        from prodassoc_cli.engines.factorizing import SOLVER

        this.decide(solver=SOLVER)  # its vectors are others than those made here
    lines = _lines_to_gather(this, config)
    with this.outputs(MODEL) as outputs:
        with this.kernels():
            from prodassoc_cli.models.kernels.dispatch import load_kernels
            from prodassoc_cli.models.model import train
            from prodassoc_cli.models.registry import make
            from prodassoc_cli.models.storage.artifact import to_arrow

            load_kernels(*make(config.model, config.param).fit_kernels)

        data = _gathered(this, lines) if lines else _whole(this)
        parameters = config.param
        if config.tune is not None:
            from prodassoc_cli.models.hybrid.tuning import tune

            with progress_bar("trying parameters", quiet=common.quiet) as progress:
                parameters, found = tune(
                    config.model, data, config.tune, config.param, common.seed, this.threads, progress
                )
            this.note(tuning=found)
            for line in _tuning_lines(config.model, found):
                this.messages.info(line)
        with engine(config) as spark:
            fit = train if spark is None else _on_spark(spark)
            model = fit(config.model, data, parameters=parameters, seed=common.seed, threads=this.threads)
        table, header = to_arrow(model)
        outputs.put("output", table, model=header)
        this.note(model=model.facts)
        this.messages.info(
            f"{model.name}: {model.facts['users']:,} users, {model.facts['products']:,} products, "
            f"{model.facts['pairs']:,} pairs of user and product"
        )
        for line in _validation_lines(model.facts):
            this.messages.info(line)
    this.next_step(MODEL.name, more="" if model.facts["users"] else "--for products")


def _lines_to_gather(this: Run, config: TrainConfig) -> int:
    """Return how many lines there are if they are to be gathered piece by piece; 0 to take them whole."""
    others = (config.embeddings, config.rules, config.feedback, config.tune)
    if config.model not in GATHERED or config.engine != "local" or any(each is not None for each in others):
        return 0
    from prodassoc_cli.artifacts.partial_read import count_rows

    lines = sum(count_rows(each.path) or 0 for each in this.files("interactions"))
    if lines < GATHER_FROM:
        return 0
    this.bytes_a_row = BYTES_A_GATHERED_LINE
    return lines


def _whole(this: Run) -> TrainingData:
    from prodassoc_cli.models.data import TrainingData
    from prodassoc_cli.models.feedback import with_feedback

    interactions = this.read("interactions", INTERACTIONS)
    log = this.read_optional("feedback", INTERACTIONS)
    return TrainingData.from_frames(
        interactions if log is None else with_feedback(interactions, log),
        products=this.read_optional("products", PRODUCTS),
        embeddings=this.read_optional("embeddings", EMBEDDINGS),
        rules=this.read_optional("rules", RULES),
    )


def _gathered(this: Run, lines: int) -> TrainingData:
    from prodassoc_cli.artifacts.store import read_pieces
    from prodassoc_cli.models.storage.streaming import COLUMNS, GatheredData

    paths = [each.path for each in this.files("interactions")]
    return GatheredData.from_pieces(
        lambda: read_pieces(paths, INTERACTIONS, COLUMNS),
        lines,
        products=this.read_optional("products", PRODUCTS),
        folder=this.room(),
    )


def _on_spark(spark: Any) -> Callable[..., TrainedModel]:  # noqa: ANN401 — a SparkSession
    """Return what trains in a cluster."""
    from prodassoc_cli.engines.training import train_on_spark

    return partial(train_on_spark, spark)


def _tuning_lines(model: str, found: dict[str, Any]) -> list[str]:
    """Return what the search chose, a line a model."""
    lines = []
    for name, each in ({model: found} if "chosen" in found else found).items():
        (metric, ndcg), *_ = ((key, value) for key, value in each.items() if key.startswith("ndcg"))
        chosen = ", ".join(f"{key}={value}" for key, value in each["chosen"].items()) or "as they were"
        lines.append(
            f"tuned {name}: {chosen} ({metric} {ndcg['before']:.4f} → {ndcg['after']:.4f}, "
            f"{each['trials']} trials, {each['users']:,} users)"
        )
    return lines


def _validation_lines(facts: dict[str, Any]) -> list[str]:
    """Return what a fusing model learned about its parts, a line a kind of list."""
    from prodassoc_cli.models.storage.describe import LISTS

    lines = []
    for mode in ("new", "all"):
        if mode not in facts:
            continue
        words, found = f"lists {LISTS[mode]}", facts[mode]
        (metric, by_model), *_ = ((key, value) for key, value in found.items() if key.startswith("ndcg"))
        scores = ", ".join(
            f"{name} {value:.4f}" for name, value in sorted(by_model.items(), key=lambda each: -each[1])
        )
        shares = ", ".join(f"{name} {share:.0%}" for name, share in found["shares"].items())
        lines.append(f"{words}: validation {metric} over {found['users']:,} users: {scores}")
        lines.append(f"{words}: ranked by {found['chosen']}; contributions: {shares}")
    return lines
