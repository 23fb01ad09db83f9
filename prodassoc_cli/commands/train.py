"""`prodassoc train`: interactions → a recommendation model."""

from __future__ import annotations

import typer

from prodassoc_cli.artifacts.schemas import MODEL
from prodassoc_cli.commands.next_step import say_next_step
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CommonConfig, TrainConfig


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
        perform,
    )


def perform(inputs: list[str], config: TrainConfig, common: CommonConfig) -> None:
    """Fit one recommender."""
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.stages.train import train

    run = Run("train", config, common)
    train(run, inputs, config)
    say_next_step(run, MODEL.name)
