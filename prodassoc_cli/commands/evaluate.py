"""`prodassoc evaluate`: recommendations, models or rules + a holdout → metrics."""

from __future__ import annotations

import shlex
from typing import Any

import typer

from prodassoc_cli.commands.next_step import STDOUT
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.settings import CommonConfig, EvaluateConfig
from prodassoc_cli.settings.naming import options_given


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "evaluate",
        EvaluateConfig,
        InputArgument("recs", "Recommendations, models or rules, one file each", many=True, needed=False),
        (
            "prodassoc evaluate recs.parquet --truth holdout.parquet -k 5,10",
            "prodassoc evaluate recs.parquet popular.parquet --truth holdout.parquet "
            "--baseline popularity --require 'hybrid:ndcg@10>=0.05'",
        ),
        perform,
    )


def perform(inputs: list[str], config: EvaluateConfig, common: CommonConfig) -> None:
    """Judge lists, models and rules, side by side."""
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.stages.evaluate import evaluate

    run = Run("evaluate", config, common)
    judged = evaluate(run, inputs, config)
    if judged.view is not None:
        run.messages.table(judged.view)
    judged.check_requirements()
    options = list(options_given(config))
    if config.report is None and STDOUT not in (*inputs, *(value for _, value in options)):
        run.messages.hint(_with_a_page(inputs, options))


def _with_a_page(inputs: list[str], options: list[tuple[str, Any]]) -> str:
    """Return the same command with a page for people."""
    words = ["prodassoc", "evaluate", *inputs]
    for flag, value in options:
        for each in value if isinstance(value, list) else [value]:
            words += [flag] if each is True else [flag, str(each)]
    return " ".join([*map(shlex.quote, words), "--report report.html"])
