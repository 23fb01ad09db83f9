"""`prodassoc clean`: raw order lines → interactions, and a catalogue → products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from prodassoc_cli.artifacts.schemas import FEEDBACK, INTERACTIONS, PRODUCTS, REJECTS
from prodassoc_cli.commands.execution.engine import engine, parts_of, within_reach
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.execution.targets import Writer
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.resources import share_threads
from prodassoc_cli.settings import CleanConfig, CommonConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.intake.arrange.append import Earlier
    from prodassoc_cli.intake.formats.sources import Source

LARGE_BYTES = 100 * 10**6
"""Inputs of so many bytes are cleaned in parts, several stages beside one another."""

NOT_ON_SPARK = {
    "append_to": "clean all of the inputs again, or run with --engine local",
    "min_item_count": "clean on Spark without it, then its result with --engine local and this option",
    "min_user_count": "clean on Spark without it, then its result with --engine local and this option",
}
"""Options that need all rows in one process, and what to do instead."""

NOT_FOR_INCREMENTS = (
    "holdout", "drop_outliers", "min_item_count", "min_user_count", "products", "products_output",
)  # fmt: skip
"""Options whose outcome for earlier lines depends on the new ones."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "clean",
        CleanConfig,
        InputArgument(
            "orders", "Order lines: CSV, TSV, JSON lines, Parquet, Arrow; .gz, .zst; - is stdin", many=True
        ),
        (
            "prodassoc clean orders.csv --products catalog.csv -o interactions.parquet "
            "--products-output products.parquet --holdout last-order --holdout-output holdout.parquet",
            "prodassoc clean orders.csv --map order_id=order_no --rejects-output rejects.csv -o i.parquet",
            "prodassoc clean tonight.csv --append-to all.parquet -o all.parquet",
        ),
        run,
    )


def run(inputs: list[str], config: CleanConfig, common: CommonConfig) -> None:
    """Clean order lines, and what belongs to them."""
    _check(config)
    this = Run("clean", config, common)
    orders = this.take("orders", inputs)
    if config.engine == "spark":
        within_reach(this, "orders")
    elif sum(each.path.stat().st_size for each in orders) >= LARGE_BYTES:
        share_threads(this.threads)
    catalogue = this.take("products", config.products)
    if config.pseudonymize_key_file:
        from prodassoc_cli.intake.values.privacy import key_fingerprint, read_key

        this.decide(pseudonymized_by=key_fingerprint(read_key(config.pseudonymize_key_file)))
    earlier = _earlier(this, config.append_to) if config.append_to else None
    with this.outputs(
        INTERACTIONS,
        products=(PRODUCTS, config.products_output),
        rejects=(REJECTS, config.rejects_output),
        holdout=(INTERACTIONS, config.holdout_output),
    ) as outputs:
        with (
            engine(config) as spark,
            _cleaning(
                spark,
                _sources(orders, inputs),
                config,
                this.messages.info,
                catalogue=_sources(catalogue, [str(config.products)]),
                seed=common.seed,
                budget=this.memory_limit,
                folder=this.room(),
                keep_rejects=outputs.wants("rejects"),
                earlier=earlier,
            ) as cleaning,
        ):
            rows_stay_there = spark is not None and outputs.folder("output") is not None
            summary = _put_all(outputs, cleaning, in_parts=rows_stay_there and not config.holdout)
        this.note(**summary)
        for line in _summary_lines(summary):
            this.messages.info(line)
    events = set(summary["interactions"]["events"])
    _warn_without_orders(this, summary)
    role = FEEDBACK if "impression" in events else INTERACTIONS.name
    this.next_step(role, products=config.products_output, holdout=config.holdout_output)


def _put_all(outputs: Writer, cleaning: Any, *, in_parts: bool) -> dict[str, Any]:  # noqa: ANN401
    """Put what comes of the cleaning; return its summary."""
    if in_parts:
        into = parts_of(outputs, conventions=cleaning.facts)
        cleaning.write_parts(into)
        outputs.put_parts("output", into.check())
    else:
        outputs.put("output", cleaning.interactions(), conventions=cleaning.facts)
    outputs.put("rejects", cleaning.all_rejects())
    if cleaning.products is not None:
        outputs.put("products", cleaning.products)
    outputs.put("holdout", cleaning.holdout())
    summary: dict[str, Any] = cleaning.summary
    return summary


def _warn_without_orders(this: Run, summary: dict[str, Any]) -> None:
    events, orders = (summary["interactions"][name] for name in ("events", "orders"))
    if "purchase" in events and "impression" not in events and not orders:
        this.messages.warning(
            "no column holds orders: what a user buys at one moment counts as one basket; "
            "if there is one, name it: --map order_id=COLUMN"
        )


def _cleaning(spark: Any, *inputs: Any, **options: Any) -> Any:  # noqa: ANN401 — those of `Cleaning`
    """Return what cleans: here, or in a cluster."""
    if spark is None:
        from prodassoc_cli.intake.pipeline import Cleaning

        return Cleaning(*inputs, **options)
    from prodassoc_cli.engines.cleaning import SparkCleaning

    return SparkCleaning(spark, *inputs, **options)


def _sources(files: Sequence[InputFile], named: Sequence[str]) -> list[Source]:
    """Return files as sources; those of a dataset with the columns that its folders name."""
    from prodassoc_cli.artifacts.partitions import partition_values
    from prodassoc_cli.intake.formats.sources import Source

    return [
        Source(
            each.name, each.path.absolute(), {} if str(each.path) in named else partition_values(each.path)
        )
        for each in files
    ]


def _earlier(this: Run, path: str) -> Earlier:
    """Return the interactions that were cleaned before, and let the run continue theirs."""
    from prodassoc_cli.artifacts.inputs import locate
    from prodassoc_cli.artifacts.store import read_lineage, read_pieces
    from prodassoc_cli.intake.arrange.append import Earlier

    files = [each.path for each in locate([path])]
    lineage = read_lineage(files[0])
    if lineage is None or lineage.kind != INTERACTIONS.name or "conventions" not in lineage.details:
        raise BadData(
            f"{path} does not tell how its lines were read, so none can be added",
            "give interactions made by this version of prodassoc clean",
        )
    this.continue_run(lineage)
    names = [column.name for column in INTERACTIONS.columns]
    return Earlier(lineage.details["conventions"], lambda: read_pieces(files, INTERACTIONS, names))


def _check(config: CleanConfig) -> None:
    """Refuse options that need each other, before anything is read."""
    if config.drop_users and config.pseudonymize_key_file:
        raise UsageProblem("--drop-users leaves no user to pseudonymize", "keep one of the two options")
    for name, instead in NOT_ON_SPARK.items() if config.engine == "spark" else ():
        if getattr(config, name) != getattr(CleanConfig(), name):
            raise UsageProblem(f"--engine spark does not do --{name.replace('_', '-')}", instead)
    for name in NOT_FOR_INCREMENTS if config.append_to else ():
        if getattr(config, name) != getattr(CleanConfig(), name):
            flag = "--" + name.replace("_", "-")
            raise UsageProblem(
                f"{flag} needs all lines at once, not new ones beside those of --append-to",
                f"drop {flag}, or clean all of the inputs again",
            )
    if config.holdout and not config.holdout_output:
        raise UsageProblem(
            "--holdout sets rows aside: where do they go?", "add --holdout-output holdout.parquet"
        )
    if config.holdout_output and not config.holdout:
        raise UsageProblem("--holdout-output needs to know how to split", "add --holdout last-order")
    if config.products and not config.products_output:
        raise UsageProblem(
            "--products cleans a catalogue: where does it go?", "add --products-output products.parquet"
        )


def _summary_lines(summary: dict[str, Any]) -> list[str]:
    """Return what was read, left out and kept, a line each."""
    kept = summary["interactions"]
    rows = f"{summary['rows_in']:,} rows read, {summary['rows_kept']:,} kept"
    lines = [f"{rows}, {summary['rows_rejected']:,} left out"]
    if summary["rejects"]:
        lines.append("left out: " + ", ".join(f"{name} {n:,}" for name, n in summary["rejects"].items()))
    span = f", {kept['first']} to {kept['last']}" if kept["first"] else ""
    lines.append(
        f"{kept['users']:,} users, {kept['orders']:,} orders, {kept['products']:,} products{span}; "
        f"{summary['missing_user']:,} rows without a user"
    )
    flagged = {name: n for name, n in summary["flagged_outliers"].items() if n}
    if flagged:
        found = ", ".join(f"{n:,} of {name}" for name, n in flagged.items())
        lines.append(f"outliers: {found} (kept; --drop-outliers leaves them out)")
    if "holdout" in summary:
        split = summary["holdout"]
        lines.append(f"holdout: {split['holdout']:,} rows set aside, {split['train']:,} to train on")
    return lines
