"""`prodassoc recommend`: a model → recommendations."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, MODEL, PRODUCTS, RECOMMENDATIONS
from prodassoc_cli.commands.execution.engine import engine, parts_of, shared_files
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.errors import BadData, NoInput, UsageProblem
from prodassoc_cli.settings import CommonConfig, RecommendConfig
from prodassoc_cli.terminal.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from prodassoc_cli.artifacts.partial_read import OpenArtifact
    from prodassoc_cli.engines.parts import PartsOf
    from prodassoc_cli.models.model import TrainedModel
    from prodassoc_cli.models.serving.recommend import Blocks


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
        run,
    )


def run(inputs: list[str], config: RecommendConfig, common: CommonConfig) -> None:
    """Make lists for users, for products or for baskets."""
    audience = _audience(config)
    this = Run("recommend", config, common)
    this.take("model", inputs)
    for role in ("ids", "allow", "deny"):
        _take_ids(this, role, getattr(config, role))
    this.take("products", config.products)
    this.take("embeddings", config.embeddings)
    with this.outputs(RECOMMENDATIONS) as outputs:
        from concurrent.futures import ThreadPoolExecutor

        # Importing and reading take most of the time of one basket's answer: side by side, then.
        with this.opened("model", MODEL) as file, ThreadPoolExecutor(1) as pool, this.kernels():
            header = _header(file)
            reading = pool.submit(_read_arrays, file, header, config.basket)
            from prodassoc_cli.models.serving.recommend import in_blocks
            from prodassoc_cli.models.storage.artifact import family_of, from_arrays

            if not config.basket:  # for a basket numpy is quicker than loading kernels
                from prodassoc_cli.models.kernels.dispatch import load_kernels

                load_kernels("reasons", *family_of(header).serve_kernels)
            arrays = reading.result()
        this.messages.step("read model", file.height)
        model = from_arrays(arrays, header, for_kernels=not config.basket)
        with engine(config) as spark, progress_bar("making lists", quiet=common.quiet) as progress:
            if spark is not None and config.explore:
                raise UsageProblem("--engine spark does not do --explore", "drop it, or --engine local")
            means = "rating" if model.recommender.predicts_ratings else "rank"
            details = {"model": model.name, "score": means}
            written = spark is not None and outputs.folder("output") is not None and audience != "baskets"
            into = parts_of(outputs, **details) if written else None
            lists = in_blocks if spark is None else _on_spark(this, spark, into)
            made = lists(model, **_asked(this, config), progress=progress)
            if into is not None and into.parts:
                outputs.put_parts("output", into.check())
            else:
                first = next(made.frames)
                every = itertools.chain([first], made.frames)
                outputs.put("output", every, view=_with_titles(first, model), **details)
        for notice in made.notices:
            this.messages.warning(notice)
        this.note(**made.counts)
        this.messages.info(f"{made.counts['lists']:,} lists, {made.counts['rows']:,} recommendations")
    if audience == "users":
        this.next_step(RECOMMENDATIONS.name)


def _asked(this: Run, config: RecommendConfig) -> dict[str, Any]:
    """Return what `serving.in_blocks` is to make, by its own names."""
    return {
        "k": config.k,
        "audience": _audience(config),
        "ids": _read_ids(this, "ids"),
        "baskets": [basket.split(",") for basket in config.basket],
        "include_seen": config.include_seen,
        "where": config.where,
        "allow": _read_ids(this, "allow"),
        "deny": _read_ids(this, "deny"),
        "products": this.read_optional("products", PRODUCTS),
        "embeddings": this.read_optional("embeddings", EMBEDDINGS),
        "diversity": config.diversity,
        "max_per_category": config.max_per_category,
        "relation": config.relation,
        "epsilon": config.explore,
        "seed": this.common.seed,
        "with_reasons": config.reasons,
        "reason_weights": config.reason_weights,
        "threads": this.threads,
    }


def _on_spark(this: Run, spark: Any, into: PartsOf | None) -> Callable[..., Blocks]:  # noqa: ANN401
    """Return what makes the lists in a cluster."""
    from prodassoc_cli.engines.recommending import recommend_on_spark
    from prodassoc_cli.models.serving.recommend import Blocks

    path, *more = shared_files(this, "model", MODEL)
    if more:
        raise UsageProblem("--engine spark takes a model of one file", "train it again, into one file")

    def lists(*arguments: Any, **options: Any) -> Blocks:  # noqa: ANN401 — those of `in_blocks`
        served = recommend_on_spark(spark, path, *arguments, into=into, **options)
        return Blocks(iter([served.frame]), served.notices, served.counts)

    return lists


def _audience(config: RecommendConfig) -> Literal["users", "products", "baskets"]:
    if config.basket and config.for_ == "products":
        raise UsageProblem("--basket makes lists for baskets, not for products", "drop --for products")
    return "baskets" if config.basket else config.for_


def _header(file: OpenArtifact) -> dict[str, Any]:
    """Return what the file tells of its model.

    Raises:
        BadData: it holds no model.
    """
    header: dict[str, Any] = {} if file.lineage is None else file.lineage.details.get("model", {})
    if not header:
        raise BadData("the model file carries no model", "make it: prodassoc train interactions.parquet")
    return header


def _read_arrays(file: OpenArtifact, header: dict[str, Any], baskets: Sequence[str]) -> dict[str, Any]:
    """Return the arrays of the model file; for baskets, what their products take of them.

    Raises:
        BadData: it is damaged.
    """
    from prodassoc_cli.models.storage.array_storage import as_bad_data, joined_apart, joined_for

    with as_bad_data(header):
        if baskets:
            products = [product for basket in baskets for product in basket.split(",")]
            return joined_for(products, file.read, header["arrays"], header["by_product"])
        return joined_apart(file.read, header["arrays"])


def _take_ids(this: Run, role: str, path: str | None) -> None:
    """Take a file of ids.

    Raises:
        NoInput: it does not exist; perhaps an id itself was given.
    """
    try:
        this.take(role, path)
    except NoInput as error:
        hint = (
            error.hint or f"it takes a file, one id a line; for one id: echo {path} | prodassoc … --{role} -"
        )
        raise NoInput(f"--{role}: {error.message}", hint) from error


def _read_ids(this: Run, role: str) -> list[str] | None:
    """Read a file of ids, one a line; None where none was given.

    Raises:
        BadData: it is not UTF-8 text.
    """
    files = this.files(role)
    return [line for each in files for line in _lines(each.path) if line] if files else None


def _lines(path: Path) -> list[str]:
    try:
        return [line.rstrip("\r") for line in path.read_text(encoding="utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not a text file of ids in UTF-8", "write one id a line") from error


def _with_titles(frame: pl.DataFrame, model: TrainedModel) -> pl.DataFrame:
    """Return the lists as people read them: titles instead of ids, no scores beside reasons."""
    from prodassoc_cli.artifacts.titles import with_titles

    subject = frame.columns[0]
    columns = ["product_id"] + (["source_product_id"] if subject == "source_product_id" else [])
    shown = with_titles(frame.head(200), model.items.frame, columns)
    names = {"product_id": "product", "source_product_id": "for_product"}
    last = "reason" if "reason" in frame.columns else "score"
    return shown.select(subject, "rank", "product_id", last).rename(names, strict=False)
