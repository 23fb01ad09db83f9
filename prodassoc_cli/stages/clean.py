"""Raw order lines → interactions, and a catalogue → products."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import INTERACTIONS, PRODUCTS, REJECTS
from prodassoc_cli.errors import BadData, NoInput, UsageProblem
from prodassoc_cli.execution.engine import engine, parts_of, within_reach
from prodassoc_cli.execution.frames import memory_file
from prodassoc_cli.execution.run import Run
from prodassoc_cli.execution.targets import IN_MEMORY
from prodassoc_cli.execution.writer import Writer
from prodassoc_cli.resources import share_threads
from prodassoc_cli.settings import CleanConfig
from prodassoc_cli.stage import StageResult
from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.intake.arrange.append import Earlier
    from prodassoc_cli.intake.columns.likeness import ReadHeaders
    from prodassoc_cli.intake.formats.sources import Source

LARGE_BYTES = 100 * 10**6
"""Inputs of so many bytes are cleaned in parts, several stages beside one another."""


def clean(run: Run, inputs: Sequence[str], config: CleanConfig) -> dict[str, Any]:
    """Clean order lines, and what belongs to them; return what is known of them.

    A catalogue without order lines is cleaned alone.
    """
    if not inputs:
        return _clean_catalogue(run, config)
    with ExitStack() as stack:
        orders = _taken(run, "orders", inputs, stack)
        if config.engine == "spark":
            within_reach(run, "orders")
        elif sum(each.path.stat().st_size for each in orders) >= LARGE_BYTES:
            share_threads(run.threads)
        catalogue = _taken(run, "products", config.products, stack)
        category_names = _taken(run, "category_names", config.category_names, stack)
        order_table = _taken(run, "order_table", config.order_table, stack)
        if config.pseudonymize_key_file:
            from prodassoc_cli.intake.values.privacy import key_fingerprint, read_key

            run.decide(pseudonymized_by=key_fingerprint(read_key(config.pseudonymize_key_file)))
        earlier = _earlier(run, config.append_to) if config.append_to else None
        if run.common.dry_run and config.engine != "spark":
            _show_understood(run, sources_of(orders, inputs), sources_of(order_table, []), config)
        outputs = stack.enter_context(
            run.outputs(
                INTERACTIONS,
                products=(PRODUCTS, config.products_output),
                rejects=(REJECTS, config.rejects_output),
                holdout=(INTERACTIONS, config.holdout_output),
            )
        )
        with (
            engine(config) as spark,
            _cleaning(
                spark,
                sources_of(orders, inputs),
                config,
                lambda notice: say_notice(run, notice),
                catalogue=sources_of(catalogue, [str(config.products)]),
                seed=run.common.seed,
                budget=run.memory_limit,
                folder=run.scratch_folder(),
                keep_rejects=outputs.wants("rejects"),
                earlier=earlier,
                order_table=sources_of(order_table, [str(config.order_table)]),
                category_names=sources_of(category_names, [str(config.category_names)]),
                read_headers=_read_headers(run),
            ) as cleaning,
        ):
            rows_stay_there = spark is not None and outputs.folder("output") is not None
            summary = _put_all(outputs, cleaning, in_parts=rows_stay_there and not config.holdout)
        run.note(summary)
        for line in _summary_lines(summary):
            run.messages.info(line)
    _warn_without_orders(run, summary)
    return summary


class Columns(Enum):
    """What the columns of raw order lines allow: the split of `holdout`, or what else they are."""

    ORDERS_OF_USERS = "last-order"
    USERS = "last-item"
    ANONYMOUS = "random:0.2"
    LOG = "log"
    UNKNOWN = ""


def columns_of(path: Path) -> Columns:
    """Return what a file of raw order lines has, by its first rows; UNKNOWN where it is none."""
    from prodassoc_cli.artifacts.inputs import locate
    from prodassoc_cli.intake.inputs import LOGGED
    from prodassoc_cli.intake.opening import open_inputs

    with ExitStack() as stack:
        try:
            sources = sources_of(locate([str(path)]), [str(path)])
            found = open_inputs(sources, CleanConfig(), lambda _: None, stack)
        except (BadData, NoInput, UsageProblem):
            return Columns.UNKNOWN
        fields = set(found.inputs[0].read_from())
    if fields & set(LOGGED):
        return Columns.LOG
    if "user_id" in fields:
        return Columns.ORDERS_OF_USERS if "order_id" in fields else Columns.USERS
    return Columns.ANONYMOUS


def _clean_catalogue(run: Run, config: CleanConfig) -> dict[str, Any]:
    """Clean a catalogue without order lines; return what is known of it."""
    _check_catalogue_alone(run, config)
    with ExitStack() as stack:
        catalogue = _taken(run, "products", config.products, stack)
        category_names = _taken(run, "category_names", config.category_names, stack)
        wants_none = run.common.output == IN_MEMORY
        outputs = stack.enter_context(
            run.outputs(
                INTERACTIONS if wants_none else None,
                products=(PRODUCTS, config.products_output),
                rejects=(REJECTS, config.rejects_output),
            )
        )
        from prodassoc_cli.intake.catalogue.reading import cleaned_catalogue

        found = cleaned_catalogue(
            sources_of(catalogue, [str(config.products)]), config, lambda notice: say_notice(run, notice),
            sources_of(category_names, [str(config.category_names)]),
            _read_headers(run) if config.preset is None else None,
        )  # fmt: skip
        if wants_none:
            from prodassoc_cli.artifacts.frames import empty_frame

            outputs.put(StageResult("output", empty_frame(INTERACTIONS)))
        outputs.put(StageResult("products", found.products))
        outputs.put(StageResult("rejects", found.rejects))
        summary = {"products": {**found.counts(), "products": found.products.height}}
        run.note(summary)
    return summary


def _check_catalogue_alone(run: Run, config: CleanConfig) -> None:
    """Refuse options that need order lines, where there are none (UsageProblem)."""
    if config.products is None:
        raise UsageProblem("no order lines", "give their file, or a catalogue by `products`")
    given = [name for name in ("holdout", "append_to", "order_table") if getattr(config, name)]
    if run.common.output not in (None, IN_MEMORY):
        given.append("output")
    if given:
        raise UsageProblem(
            f"`{given[0]}` needs order lines",
            "give their file; a catalogue alone goes to `products_output`",
        )


def _show_understood(
    run: Run, orders: Sequence[Source], order_table: Sequence[Source], config: CleanConfig
) -> None:
    """Say how the lines would be read, by their first rows."""
    from prodassoc_cli.intake.opening import open_inputs
    from prodassoc_cli.intake.preview import preview

    with ExitStack() as stack:
        found = open_inputs(
            orders, config, lambda notice: say_notice(run, notice), stack, order_table=order_table,
            read_headers=_read_headers(run),
        )  # fmt: skip
        for line in preview(found, replace(config, preset=found.preset)):
            run.messages.info(line)


def _read_headers(run: Run) -> ReadHeaders:
    """Return what reads headers that are not known; an encoder is loaded where one is to be read."""
    from prodassoc_cli.embedding.header_names import EncodedHeaders

    return EncodedHeaders(run.messages.info, run.progress)


def say_notice(run: Run, notice: str) -> None:
    """Say what was detected and decided; a caution is a warning."""
    from prodassoc_cli.intake.columns.schema import Caution

    (run.messages.warning if isinstance(notice, Caution) else run.messages.info)(notice)


def _taken(run: Run, role: str, specs: str | Sequence[str] | None, stack: ExitStack) -> list[InputFile]:
    """Find the files of an input; rows in memory become files there, for readers that judge by the bytes."""
    from prodassoc_cli.artifacts.inputs import InputFile

    files = run.take(role, specs)
    in_memory = [
        InputFile(str(each), stack.enter_context(memory_file(each.rows))) for each in run.in_memory[role]
    ]
    return [*files, *in_memory]


def _put_all(outputs: Writer, cleaning: Any, *, in_parts: bool) -> dict[str, Any]:  # noqa: ANN401
    """Put what comes of the cleaning; return its summary."""
    if in_parts:
        into = parts_of(outputs, conventions=cleaning.facts)
        cleaning.write_parts(into)
        outputs.put_parts("output", into.check())
    else:
        outputs.put(StageResult("output", cleaning.interactions(), {"conventions": cleaning.facts}))
    outputs.put(StageResult("rejects", cleaning.all_rejects()))
    if cleaning.products is not None:
        outputs.put(StageResult("products", cleaning.products))
    outputs.put(StageResult("holdout", cleaning.holdout()))
    summary: dict[str, Any] = cleaning.summary
    return summary


def _warn_without_orders(run: Run, summary: dict[str, Any]) -> None:
    events, orders = (summary["interactions"][name] for name in ("events", "orders"))
    if "purchase" in events and "impression" not in events and not orders:
        run.messages.warning(
            "no column holds orders: what a user buys at one moment counts as one basket; "
            "if there is one, name it: `map=order_id=COLUMN`"
        )


def _cleaning(spark: Any, *inputs: Any, **options: Any) -> Any:  # noqa: ANN401 — those of `Cleaning`
    """Return what cleans: here, or in a cluster."""
    if spark is None:
        from prodassoc_cli.intake.pipeline import Cleaning

        return Cleaning(*inputs, **options)
    from prodassoc_cli.engines.cleaning.stage import SparkCleaning

    return SparkCleaning(spark, *inputs, **options)


def sources_of(files: Sequence[InputFile], named: Sequence[str]) -> list[Source]:
    """Return files as sources; those of a dataset with the columns that its folders name."""
    from prodassoc_cli.artifacts.partitions import partition_values
    from prodassoc_cli.intake.formats.sources import Source, members

    found: list[Source] = []
    for each in files:
        folders = {} if str(each.path) in named else partition_values(each.path)
        found += members(Source(each.name, each.path.absolute(), folders))
    return found


def _earlier(run: Run, path: str) -> Earlier:
    """Return the interactions that were cleaned before, and let the run continue theirs."""
    from prodassoc_cli.artifacts.inputs import locate
    from prodassoc_cli.artifacts.store import read_lineage, read_pieces
    from prodassoc_cli.intake.arrange.append import Earlier

    files = [each.path for each in locate([path])]
    lineage = read_lineage(files[0])
    if lineage is None or lineage.kind != INTERACTIONS.name or "conventions" not in lineage.details:
        raise BadData(
            f"{path} does not record how its lines were read, so none can be added",
            "give interactions made by this version of `clean`",
        )
    run.continue_run(lineage)
    names = [column.name for column in INTERACTIONS.columns]
    return Earlier(lineage.details["conventions"], lambda: read_pieces(files, INTERACTIONS, names))


def rows_read(summary: dict[str, Any]) -> list[str]:
    """Return how many rows were read, kept and left out, and why, one line each."""
    rows = f"{number_of(summary['rows_in'], 'row')} read, {summary['rows_kept']:,} kept"
    lines = [f"{rows}, {summary['rows_rejected']:,} left out"]
    if summary["rejects"]:
        lines.append("left out: " + ", ".join(f"{name} {n:,}" for name, n in summary["rejects"].items()))
    return lines


def _summary_lines(summary: dict[str, Any]) -> list[str]:
    """Return what was read, left out and kept, one line each."""
    kept, lines = summary["interactions"], rows_read(summary)
    span = f", {kept['first']} to {kept['last']}" if kept["first"] else ""
    lines.append(
        f"{number_of(kept['users'], 'user')}, {number_of(kept['orders'], 'order')}, "
        f"{number_of(kept['products'], 'product')}{span}; "
        f"{number_of(summary['missing_user'], 'row')} without a user"
    )
    flagged = {name: n for name, n in summary["flagged_outliers"].items() if n}
    if flagged:
        found = ", ".join(f"{n:,} of {name}" for name, n in flagged.items())
        lines.append(f"outliers: {found} (kept; `drop_outliers` leaves them out)")
    if "holdout" in summary:
        split = summary["holdout"]
        lines.append(
            f"holdout: {number_of(split['holdout'], 'row')} set aside, {split['train']:,} to train on"
        )
    return lines
