"""`prodassoc evaluate`: recommendations + a holdout → metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from prodassoc_cli.artifacts.schemas import INTERACTIONS, METRICS, PRODUCTS, RECOMMENDATIONS
from prodassoc_cli.commands.options import InputArgument, command
from prodassoc_cli.commands.run import Run
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import CommonConfig, EvaluateConfig

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.artifacts.inputs import InputFile


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "evaluate",
        EvaluateConfig,
        InputArgument("recs", "Recommendations, one file a model", many=True),
        (
            "prodassoc evaluate recs.parquet --truth holdout.parquet -k 5,10",
            "prodassoc evaluate recs.parquet popular.parquet --truth holdout.parquet "
            "--baseline popularity --require 'hybrid:ndcg@10>=0.05'",
        ),
        run,
    )


def run(inputs: list[str], config: EvaluateConfig, common: CommonConfig) -> None:
    """Judge one or more files of recommendations, side by side."""
    import polars as pl

    from prodassoc_cli.evaluation import compare, judging, requirements
    from prodassoc_cli.evaluation.leaks import leak_notices
    from prodassoc_cli.evaluation.ratings import evaluate_ratings

    ks = requirements.parse_ks(config.k)
    bounds = [requirements.parse_requirement(text) for text in config.require]
    if config.truth is None:
        raise UsageProblem(
            "evaluate needs the rows set aside: --truth FILE",
            "make them: prodassoc clean ORDERS --holdout last-order --holdout-output holdout.parquet",
        )
    this = Run("evaluate", config, common)
    files = this.take("recommendations", inputs)
    this.take("truth", config.truth)
    this.take("train", config.train)
    this.take("products", config.products)
    with this.outputs(METRICS) as outputs:
        lists, ratings = _read_lists(files)
        requirements.require_answerable(bounds, list(lists), ks)
        truth, train = this.read("truth", INTERACTIONS), this.read_optional("train", INTERACTIONS)
        judged = judging.judge_lists(lists, truth, train, this.read_optional("products", PRODUCTS))
        metrics = pl.concat([compare.tabulate(judged, ks), evaluate_ratings(ratings, truth)])
        leaks = [] if train is None else leak_notices(truth, train)
        for notice in judging.notices(judged, ks) + leaks:
            this.messages.warning(notice)
        if config.baseline is not None:
            _say_differences(this, compare.compare_with(judged, config.baseline, ks))
        view = _side_by_side(metrics)
        outputs.put("output", metrics, view=view)
    if outputs.is_file("output"):
        this.messages.table(view)
    requirements.check_requirements(bounds, metrics)


def _read_lists(
    files: Sequence[InputFile],
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Read each file under the name of the model that made it; under its own name where two share that.

    Returns:
        All lists by name, and those among them whose scores are predicted ratings.
    """
    from prodassoc_cli.artifacts.store import read_artifact

    lists: dict[str, pl.DataFrame] = {}
    ratings: dict[str, pl.DataFrame] = {}
    for path in (each.path for each in files):
        frame, lineage = read_artifact([path], RECOMMENDATIONS)
        details = lineage.details if lineage else {}
        name = str(details.get("model", path.stem))
        if name in lists:
            name = path.stem
        if name in lists:
            raise UsageProblem(f"two files of recommendations are named '{name}'", "rename one of them")
        lists[name] = frame
        if details.get("score") == "rating":
            ratings[name] = frame
    return lists, ratings


def _side_by_side(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return a row a metric and k, a column a model: value ± half the 95 % interval, * the best."""
    import polars as pl

    from prodassoc_cli.evaluation.compare import mark_best

    several = metrics["model"].n_unique() > 1
    marks = {True: " *", False: ""}
    texts = [
        ""
        if value is None
        else f"{value:.4f}{'' if low is None else f' ± {(high - low) / 2:.4f}'}{marks[best and several]}"
        for value, low, high, best in mark_best(metrics).select("value", "low", "high", "best").iter_rows()
    ]
    shown = metrics.select("metric", "k", "model", pl.Series("text", texts))
    return shown.pivot("model", index=["metric", "k"], values="text", maintain_order=True)


def _say_differences(this: Run, differences: pl.DataFrame) -> None:
    """Say how each model differs from the baseline in NDCG, user by user."""
    import polars as pl

    for row in differences.filter(pl.col("metric") == "ndcg").iter_rows(named=True):
        if row["difference"] is None:
            continue
        sure = "" if row["p_adjusted"] is not None and row["p_adjusted"] < 0.05 else ", not distinguishable"
        this.messages.info(
            f"{row['model']} against {row['baseline']}: ndcg@{row['k']} {row['difference']:+.4f} "
            f"(95 % interval {row['low']:+.4f} to {row['high']:+.4f}{sure})"
        )
