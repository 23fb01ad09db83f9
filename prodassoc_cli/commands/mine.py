"""`prodassoc mine`: interactions → association rules, or itemsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from prodassoc_cli.artifacts.schemas import (
    EMBEDDINGS,
    INTERACTIONS,
    ITEMSETS,
    OUTLIERS,
    PRODUCTS,
    RELATED_PRODUCTS,
    RULES,
)
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.commands.reporting import rules_report
from prodassoc_cli.settings import CommonConfig, MineConfig

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.commands.mined import Mined

SHOWN_RULES = 20
SHOWN_COLUMNS = ("count", "support", "confidence", "lift")
SHOWN_FURTHER = ("q_value", "holdout_support", "similarity", "relation")

BYTES_A_ROW, BYTES_A_WHOLE_ROW = 20, 150
"""Memory it takes at the least to make baskets of a row, and to keep all of the row meanwhile."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "mine",
        MineConfig,
        InputArgument("interactions", "Interactions, made by prodassoc clean"),
        (
            "prodassoc mine interactions.parquet -o rules.parquet --min-support 0.001",
            "prodassoc mine interactions.parquet --products products.parquet --top 10",
            "prodassoc mine interactions.parquet -o rules.parquet --fdr 0.05 --prune redundant",
        ),
        run,
    )


def run(inputs: list[str], config: MineConfig, common: CommonConfig) -> None:
    """Find frequent sets of products, and the rules between them."""
    from prodassoc_cli.commands.options.mine_options import check

    check(config)
    this = Run("mine", config, common)
    this.take("interactions", inputs, meanwhile=["prodassoc_cli.mining.itemsets"])
    this.take("products", config.products)
    this.take("embeddings", config.embeddings)
    this.take("validate", config.validate)
    this.bytes_a_row = BYTES_A_ROW if _only_baskets(config) else BYTES_A_WHOLE_ROW
    wants_rules = config.target == "rules"
    this.page(config.report)
    with this.outputs(
        RULES if wants_rules else ITEMSETS,
        itemsets=(ITEMSETS, config.itemsets_output),
        relations=(RELATED_PRODUCTS, config.relations_output),
        outliers=(OUTLIERS, config.outliers_output),
    ) as outputs:
        mined = _mined(this, config)
        if config.sequence is not None:
            rules = mined.sequences()
            view = _with_titles(rules.head(SHOWN_RULES), mined.products)
            outputs.put("output", rules, view=view, users=mined.n_users)
        else:
            mined.find_sets()
            baskets = len(mined.baskets)
            if wants_rules:
                rules = mined.rules()
                view = _with_titles(rules.head(SHOWN_RULES), mined.products)
                outputs.put("output", rules, view=view, baskets=baskets)
            outputs.put("itemsets" if wants_rules else "output", mined.sets.tables(), baskets=baskets)
            if outputs.wants("relations"):
                outputs.put("relations", mined.related_products())
            if outputs.wants("outliers"):
                outputs.put("outliers", mined.outliers(), baskets=baskets)
        if wants_rules:
            outputs.put_page(lambda: rules_report(this, rules, mined.products, config))
    if wants_rules and config.sequence is None and config.level == "product" and not config.generalized:
        this.next_step(
            RULES.name, interactions=inputs[0], products=config.products, embeddings=config.embeddings
        )


def _only_baskets(config: MineConfig) -> bool:
    """Tell whether baskets are all that is wanted of the interactions, so that they are read in pieces."""
    from prodassoc_cli.commands.options.mine_options import locates

    return not (locates(config) or config.exclude or config.generalized or config.level != "product")


def _mined(this: Run, config: MineConfig) -> Mined:
    """Read what was given, and make baskets of it."""
    if config.engine == "spark":
        from prodassoc_cli.commands.mine_on_spark import MinedOnSpark

        return MinedOnSpark(this, config)
    from prodassoc_cli.commands.mined import Mined
    from prodassoc_cli.mining.basket_builder import BASKET_COLUMNS

    return Mined(
        this,
        config,
        this.read_pieces("interactions", INTERACTIONS, BASKET_COLUMNS)
        if _only_baskets(config)
        else this.read("interactions", INTERACTIONS),
        this.read_optional("products", PRODUCTS),
        this.read_optional("embeddings", EMBEDDINGS),
        this.read_optional("validate", INTERACTIONS),
    )


def _with_titles(rules: pl.DataFrame, products: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rules as people read them: titles instead of ids where the products are given."""
    from prodassoc_cli.artifacts.titles import with_titles

    named = rules if products is None else with_titles(rules, products, ("antecedent", "consequent"))
    further = [name for name in SHOWN_FURTHER if name in rules.columns]
    return named.select("antecedent", "consequent", *SHOWN_COLUMNS, *further)
