"""`prodassoc mine`: interactions → association rules, or itemsets."""

from __future__ import annotations

import typer

from prodassoc_cli.artifacts.schemas import RULES
from prodassoc_cli.commands.next_step import say_next_step
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CommonConfig, MineConfig


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "mine",
        MineConfig,
        InputArgument("interactions", "Interactions made by prodassoc clean, or text: one basket per line"),
        (
            "prodassoc mine interactions.parquet -o rules.parquet --min-support 0.001",
            "prodassoc mine baskets.dat -o itemsets.parquet --target closed --min-count 10",
            "prodassoc mine interactions.parquet --products products.parquet --top 10",
            "prodassoc mine interactions.parquet -o rules.parquet --fdr 0.05 --prune redundant",
        ),
        perform,
    )


def perform(inputs: list[str], config: MineConfig, common: CommonConfig) -> None:
    """Find frequent sets of products, and the rules between them."""
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.stages.mine import mine
    from prodassoc_cli.stages.mine_inputs import are_basket_lines

    run = Run("mine", config, common)
    mine(run, inputs, config)
    is_of_products = config.sequence is None and config.level == "product" and not config.generalized
    if config.target == "rules" and is_of_products and not are_basket_lines(run):
        say_next_step(
            run, RULES.name,
            interactions=inputs[0], products=config.products, embeddings=config.embeddings,
        )  # fmt: skip
