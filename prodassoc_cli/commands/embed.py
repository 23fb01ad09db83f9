"""`prodassoc embed`: products → embeddings, and what follows from them."""

from __future__ import annotations

import typer

from prodassoc_cli.artifacts.schemas import EMBEDDINGS
from prodassoc_cli.commands.next_step import say_next_step
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CommonConfig, EmbedConfig


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "embed",
        EmbedConfig,
        InputArgument("products", "Products, made by prodassoc clean --products-output"),
        (
            "prodassoc embed products.parquet -o embeddings.parquet --cache ~/.cache/prodassoc",
            'prodassoc embed products.parquet -o titles.parquet --text "{title}" --encoder tfidf',
            "prodassoc embed products.parquet -o embeddings.parquet --topics-output topics.parquet "
            "--neighbours-output similar.parquet",
            "prodassoc embed products.parquet -o embeddings.parquet --interactions interactions.parquet "
            "--profiles-output users.parquet",
        ),
        perform,
    )


def perform(inputs: list[str], config: EmbedConfig, common: CommonConfig) -> None:
    """Encode the text of each product into a vector of length 1."""
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.stages.embed import embed

    run = Run("embed", config, common)
    embed(run, inputs, config)
    if config.output_precision in ("f32", "f16"):
        say_next_step(run, EMBEDDINGS.name, products=inputs[0], interactions=config.interactions)
