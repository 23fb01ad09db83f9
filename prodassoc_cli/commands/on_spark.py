"""The commands with `--engine spark`: what differs from their bodies for this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import INTERACTIONS, ITEMSETS, RULES, Kind
from prodassoc_cli.commands.run import STDOUT, Run
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import CommonConfig, MineConfig

if TYPE_CHECKING:
    from pathlib import Path

_ENGINE = {"engine", "master", "spark_conf"}
_MINE = {
    "target", "min_support", "min_count", "max_size", "max_basket_size", "min_confidence", "min_lift",
    "max_consequent", "sort_by", "top", "products", "itemsets_output",
}  # fmt: skip
"""Options that these bodies know."""


def mine(inputs: list[str], config: MineConfig, common: CommonConfig) -> None:
    """Find frequent sets of products in a cluster, and the rules between them here."""
    from prodassoc_cli.commands.mine import SHOWN_RULES, _rules, _with_titles

    refuse_unknown(config, _MINE)
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
            view = _with_titles(this, rules.head(SHOWN_RULES))
            outputs.put("output", rules, view=view, baskets=sets.n_baskets)
        outputs.put("itemsets" if wants_rules else "output", sets.frames(), baskets=sets.n_baskets)
    if wants_rules:
        this.next_step("train", f"{inputs[0]} --rules {common.output} -o model.parquet")


def _mine_sets(this: Run, config: MineConfig) -> Any:  # noqa: ANN401 — Itemsets
    from prodassoc_cli.mining.itemsets import nothing_found, resolve_min_count

    paths = shared_files(this, "interactions", INTERACTIONS)
    with session(config) as spark:
        from prodassoc_cli.engines.mining import baskets_on_spark, mine_on_spark

        baskets = baskets_on_spark(spark, paths, config.max_basket_size, this.messages.warning)
        min_count = resolve_min_count(len(baskets), config.min_support, config.min_count)
        sets = mine_on_spark(
            spark,
            baskets,
            min_count=min_count,
            target=config.target,
            max_size=config.max_size,
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


@contextmanager
def session(config: Any) -> Iterator[Any]:  # noqa: ANN401 — a config with the engine's options, a SparkSession
    """Open the session that the options ask for."""
    from prodassoc_cli.engines.session import spark_session

    pairs = [each.partition("=") for each in config.spark_conf]
    wrong = next((name for name, equals, _ in pairs if not (name and equals)), None)
    if wrong is not None:
        raise UsageProblem(f"--spark-conf: '{wrong}' is no setting", "write it like spark.executor.memory=2g")
    with spark_session(config.master, {name: value for name, _, value in pairs}) as spark:
        yield spark


def shared_files(this: Run, role: str, kind: Kind) -> list[Path]:
    """Return the files of an input, checked by their headers, as executors can open them.

    Raises:
        UsageProblem: the input is standard input or a pipe, which lives in this process.
        BadData: a file is of another kind, or lacks a column.
    """
    from prodassoc_cli.artifacts.store import check_header

    files = this.files(role)
    if any(each.name == STDOUT or str(each.path).startswith("/proc/") for each in files):
        raise UsageProblem("--engine spark cannot read standard input or a pipe", "name a file or a folder")
    for each in files:
        check_header(each.path, kind)
    return [each.path for each in files]


def refuse_unknown(config: Any, known: set[str]) -> None:  # noqa: ANN401 — a config
    """Refuse options that the engine does not have, where they are set.

    Raises:
        UsageProblem: one is.
    """
    standard = type(config)()
    for each in fields(config):
        if each.name not in known | _ENGINE and getattr(config, each.name) != getattr(standard, each.name):
            flag = each.metadata["setting"].flag or "--" + each.name.rstrip("_").replace("_", "-")
            raise UsageProblem(f"--engine spark does not do {flag}", "drop it, or run with --engine local")
