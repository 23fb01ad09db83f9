"""`prodassoc recommend`: a model → recommendations."""

from __future__ import annotations

import typer

from prodassoc_cli.artifacts.schemas import RECOMMENDATIONS
from prodassoc_cli.commands.next_step import say_next_step
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CommonConfig, RecommendConfig


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "recommend",
        RecommendConfig,
        InputArgument("model", "Model, made by prodassoc train"),
        (
            "prodassoc recommend model.parquet -k 10 -o recs.parquet",
            'prodassoc recommend model.parquet --basket "00101,00301" -k 5',
            "prodassoc recommend model.parquet --for products --where category=Food -o bought-together.csv",
            "prodassoc recommend model.parquet --for products --relation complement -o goes-with.parquet",
        ),
        perform,
    )


def perform(inputs: list[str], config: RecommendConfig, common: CommonConfig) -> None:
    """Make lists for users, for products or for baskets."""
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.stages.recommend import audience_of, recommend

    run = Run("recommend", config, common)
    recommend(run, inputs, config)
    if audience_of(config) == "users":
        say_next_step(run, RECOMMENDATIONS.name)
