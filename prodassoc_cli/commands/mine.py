"""`prodassoc mine`: interactions → association rules, or itemsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from prodassoc_cli.artifacts.schemas import INTERACTIONS, ITEMSETS, PRODUCTS, RULES
from prodassoc_cli.commands.options import InputArgument, command
from prodassoc_cli.commands.run import Run
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import CommonConfig, MineConfig

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.mining.itemsets import Itemsets

SHOWN_RULES = 20
SHOWN_COLUMNS = ("count", "support", "confidence", "lift")


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
        ),
        run,
    )


def run(inputs: list[str], config: MineConfig, common: CommonConfig) -> None:
    """Find frequent sets of products, and the rules between them."""
    if config.engine == "spark":
        from prodassoc_cli.commands import on_spark

        on_spark.mine(inputs, config, common)
        return
    wants_rules = config.target == "rules"
    if config.itemsets_output and not wants_rules:
        raise UsageProblem(f"--target {config.target} writes itemsets to -o", "drop --itemsets-output")
    this = Run("mine", config, common)
    this.take("interactions", inputs)
    this.take("products", config.products)
    with this.outputs(
        RULES if wants_rules else ITEMSETS, itemsets=(ITEMSETS, config.itemsets_output)
    ) as outputs:
        sets = _mine_sets(this, config)
        if wants_rules:
            rules = _rules(this, sets, config)
            outputs.put(
                "output", rules, view=_with_titles(this, rules.head(SHOWN_RULES)), baskets=sets.n_baskets
            )
        outputs.put("itemsets" if wants_rules else "output", sets.frames(), baskets=sets.n_baskets)
    if wants_rules:
        this.next_step("train", f"{inputs[0]} --rules {common.output} -o model.parquet")


def _mine_sets(this: Run, config: MineConfig) -> Itemsets:
    """Find the itemsets, and say what was looked for and found."""
    with this.kernels():
        from prodassoc_cli.mining.baskets import baskets_from_interactions
        from prodassoc_cli.mining.itemsets import mine_itemsets, nothing_found, resolve_min_count

    interactions = this.read("interactions", INTERACTIONS)
    baskets = baskets_from_interactions(interactions, config.max_basket_size, this.messages.warning)
    del interactions
    min_count = resolve_min_count(len(baskets), config.min_support, config.min_count)
    sets = mine_itemsets(
        baskets,
        min_count=min_count,
        target=config.target,
        algorithm=config.algorithm,
        max_size=config.max_size,
        threads=this.threads,
        memory_limit=this.memory_limit,
    )
    share = min_count / len(baskets) if len(baskets) else 0
    word = "frequent" if config.target == "rules" else config.target
    this.messages.info(
        f"{len(baskets):,} baskets, {len(baskets.item_ids):,} products, "
        f"{len(sets):,} {word} itemsets in at least {min_count:,} baskets ({share:.3%})"
    )
    if not len(sets):
        this.messages.warning(nothing_found(baskets, min_count))
    this.note(baskets=len(baskets), products=len(baskets.item_ids), min_count=min_count, itemsets=len(sets))
    return sets


def _rules(this: Run, sets: Itemsets, config: MineConfig) -> pl.DataFrame:
    with this.kernels():
        from prodassoc_cli.mining.rules import mine_rules

    rules = mine_rules(
        sets,
        min_confidence=config.min_confidence,
        min_lift=config.min_lift,
        max_consequent=config.max_consequent,
        sort_by=config.sort_by,
        top=config.top,
        threads=this.threads,
        memory_limit=this.memory_limit,
    )
    first = f", the first {config.top} by {config.sort_by}" if config.top == rules.height else ""
    bounds = f"confidence ≥ {config.min_confidence:g} and lift ≥ {config.min_lift:g}"
    this.messages.info(f"{rules.height:,} rules of {bounds}{first}")
    if len(sets) and rules.is_empty():
        this.messages.warning("no rule passes: lower --min-support, --min-confidence or --min-lift")
    return rules


def _with_titles(this: Run, rules: pl.DataFrame) -> pl.DataFrame:
    """Return the rules as people read them: titles instead of ids where the products are given."""
    from prodassoc_cli.artifacts.naming import with_titles

    products = this.read_optional("products", PRODUCTS)
    named = rules if products is None else with_titles(rules, products, ("antecedent", "consequent"))
    return named.select("antecedent", "consequent", *SHOWN_COLUMNS)
