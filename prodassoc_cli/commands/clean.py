"""`prodassoc clean`: raw order lines → interactions, and a catalogue → products."""

from __future__ import annotations

from pathlib import Path

import typer

from prodassoc_cli.artifacts.schemas import FEEDBACK, INTERACTIONS, PRODUCTS
from prodassoc_cli.commands.next_step import say_command_after, say_next_step
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CleanConfig, CommonConfig


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "clean",
        CleanConfig,
        InputArgument(
            "orders",
            "Order lines: CSV, TSV, JSON lines, Excel, Parquet, Arrow; .gz, .zst, .zip; - is stdin",
            many=True,
            needed=False,
        ),
        (
            "prodassoc clean orders.csv --products catalog.csv -o interactions.parquet "
            "--products-output products.parquet --holdout last-order --holdout-output holdout.parquet",
            "prodassoc clean orders.csv --map order_id=order_no --rejects-output rejects.csv -o i.parquet",
            "prodassoc clean --products catalog.csv --products-output products.parquet",
            "prodassoc clean tonight.csv --append-to all.parquet -o all.parquet",
        ),
        perform,
    )


def perform(inputs: list[str], config: CleanConfig, common: CommonConfig) -> None:
    """Clean order lines, and what belongs to them."""
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.stages.clean import clean

    run = Run("clean", config, common)
    summary = clean(run, inputs, config)
    if "interactions" not in summary:
        say_command_after(run, PRODUCTS.name, Path(str(config.products_output)))
        return
    role = FEEDBACK if "impression" in summary["interactions"]["events"] else INTERACTIONS.name
    say_next_step(run, role, products=config.products_output, holdout=config.holdout_output)
