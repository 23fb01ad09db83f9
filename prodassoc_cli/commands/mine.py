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

    from prodassoc_cli.mining.baskets import Baskets
    from prodassoc_cli.mining.constraints import Sides
    from prodassoc_cli.mining.itemsets import Itemsets
    from prodassoc_cli.mining.judging import Judge

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
    wants_rules = config.target == "rules"
    _check(config)
    this = Run("mine", config, common)
    this.take("interactions", inputs)
    this.take("products", config.products)
    this.take("validate", config.validate)
    with this.outputs(
        RULES if wants_rules else ITEMSETS, itemsets=(ITEMSETS, config.itemsets_output)
    ) as outputs:
        products = this.read_optional("products", PRODUCTS)
        baskets = _baskets(this, config, products)
        sets = _mine_sets(this, config, baskets)
        if wants_rules:
            rules = _rules(this, config, baskets, sets, products)
            outputs.put(
                "output", rules, view=_with_titles(rules.head(SHOWN_RULES), products), baskets=sets.n_baskets
            )
        outputs.put("itemsets" if wants_rules else "output", sets.frames(), baskets=sets.n_baskets)
    if wants_rules:
        this.next_step("train", f"{inputs[0]} --rules {common.output} -o model.parquet")


def _check(config: MineConfig) -> None:
    """Refuse options that say nothing together, before anything is read."""
    from prodassoc_cli.mining.measures import chosen_measures, least_values, measure
    from prodassoc_cli.mining.redundancy import pruning

    if config.target != "rules":
        for name in (
            "itemsets_output", "measures", "min", "prune", "antecedent", "consequent",
            "fdr", "correction", "validate",
        ):  # fmt: skip
            if getattr(config, name):
                flag = name.replace("_", "-")
                raise UsageProblem(
                    f"--target {config.target} writes itemsets to -o: --{flag} is for rules", f"drop --{flag}"
                )
    measure(config.sort_by)
    chosen_measures(config.measures)
    least_values(config.min)
    pruning(config.prune)
    if config.validate and config.correction == "webb":
        raise UsageProblem(
            "--correction webb counts the rules searched; --validate tests only those found",
            "use --correction holm, bonferroni, bh or by",
        )


def _baskets(this: Run, config: MineConfig, products: pl.DataFrame | None) -> Baskets:
    """Read the interactions as baskets of what is to be mined."""
    import polars as pl

    from prodassoc_cli.mining.baskets import baskets_from_interactions
    from prodassoc_cli.mining.constraints import named_products

    interactions = this.read("interactions", INTERACTIONS)
    if config.exclude:
        known = interactions["product_id"].unique()
        excluded = named_products(config.exclude, "--exclude", known, products)
        interactions = interactions.filter(~pl.col("product_id").is_in(sorted(excluded)))
    return baskets_from_interactions(interactions, config.max_basket_size, this.messages.warning)


def _mine_sets(this: Run, config: MineConfig, baskets: Baskets) -> Itemsets:
    """Find the itemsets, and say what was looked for and found."""
    with this.kernels():
        from prodassoc_cli.mining.itemsets import mine_itemsets, nothing_found, resolve_min_count

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


def _rules(
    this: Run, config: MineConfig, baskets: Baskets, sets: Itemsets, products: pl.DataFrame | None
) -> pl.DataFrame:
    """Make the rules, and say what was asked of them and how many passed."""
    with this.kernels():
        from prodassoc_cli.mining.measures import chosen_measures, least_values
        from prodassoc_cli.mining.rules import mine_rules

    sides = _sides(config, sets, products)
    judge = _judge(this, config, baskets, sets, sides)

    rules = mine_rules(
        sets,
        min_confidence=config.min_confidence,
        min_lift=config.min_lift,
        max_consequent=config.max_consequent,
        sort_by=config.sort_by,
        top=config.top,
        threads=this.threads,
        memory_limit=this.memory_limit,
        measures=chosen_measures(config.measures),
        least=least_values(config.min),
        keep=sides,
        judge=judge,
    )
    first = f", the first {config.top} by {config.sort_by}" if config.top == rules.height else ""
    bounds = f"confidence ≥ {config.min_confidence:g} and lift ≥ {config.min_lift:g}"
    this.messages.info(f"{rules.height:,} rules of {bounds}{first}")
    if judge is not None:
        this.messages.info(judge.account())
        this.note(**judge.facts)
    if len(sets) and rules.is_empty():
        this.messages.warning(_why_none(config, judge))
    return rules


def _sides(config: MineConfig, sets: Itemsets, products: pl.DataFrame | None) -> Sides | None:
    """Return what the sides of a rule must hold."""
    from prodassoc_cli.mining.constraints import Sides, named_products

    if not config.antecedent and not config.consequent:
        return None
    left, right = (
        named_products(words, flag, sets.item_ids, products) if words else None
        for words, flag in ((config.antecedent, "--antecedent"), (config.consequent, "--consequent"))
    )
    return Sides(sets, left, right)


def _judge(
    this: Run, config: MineConfig, baskets: Baskets, sets: Itemsets, sides: Sides | None
) -> Judge | None:
    """Return what decides which rules to believe; None where nothing was asked for."""
    if config.fdr is None and not (config.correction or config.prune or config.validate):
        return None
    from prodassoc_cli.mining.baskets import baskets_from_interactions
    from prodassoc_cli.mining.itemsets import resolve_min_count
    from prodassoc_cli.mining.judging import Judge, space_of
    from prodassoc_cli.mining.redundancy import pruning

    holdout = None
    if this.files("validate"):
        holdout = baskets_from_interactions(
            this.read("validate", INTERACTIONS), config.max_basket_size, this.messages.warning
        )
    min_count = resolve_min_count(len(baskets), config.min_support, config.min_count)
    return Judge(
        sets,
        space_of(sets, baskets.counts >= min_count, config.max_consequent, config.max_size, sides),
        pruning(config.prune),
        config.correction or ("webb" if config.fdr is not None and holdout is None else None),
        config.fdr,
        holdout,
    )


def _why_none(config: MineConfig, judge: Judge | None) -> str:
    """Return what to lower when no rule is left, by where the last of them went."""
    if judge is None or not judge.facts["rules_tested"]:
        also = "".join(f", --{name}" for name in ("antecedent", "consequent", "min") if getattr(config, name))
        return f"no rule passes: lower --min-support, --min-confidence or --min-lift{also}"
    if judge.facts["rules_pruned"] == judge.facts["rules_tested"]:
        return f"all {judge.facts['rules_tested']:,} rules are superfluous by --prune {config.prune}"
    return (
        f"no rule is significant at --fdr {config.fdr:g}: fewer hypotheses help, with --max-size 2, "
        "a higher --min-support or --antecedent"
    )


def _with_titles(rules: pl.DataFrame, products: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rules as people read them: titles instead of ids where the products are given."""
    from prodassoc_cli.artifacts.naming import with_titles

    named = rules if products is None else with_titles(rules, products, ("antecedent", "consequent"))
    return named.select("antecedent", "consequent", *SHOWN_COLUMNS)
