"""Recommendations, models or rules + a holdout → metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, METRICS, PRODUCTS
from prodassoc_cli.declare import result_parameters
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.execution.run import Run
from prodassoc_cli.settings import EvaluateConfig
from prodassoc_cli.stage import StageResult
from prodassoc_cli.stages.report_inputs import provenance_of, read_report_inputs

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.evaluation.stage import EvaluationStage

DEFAULT_KS = "5,10,20"
INPUT_ROLES = ("truth", "train", "products", "embeddings", "feedback", "rules", "relations")


@dataclass(frozen=True)
class Judgement:
    """What came of an evaluation, once its outputs are written.

    Attributes:
        view: what people are to see of the metrics where these went to a file; else None.
        check_requirements: raises `RequirementNotMet` where a bound given by `require` does not hold.
    """

    view: pl.DataFrame | None
    check_requirements: Callable[[], None]


def evaluate(run: Run, inputs: Sequence[str], config: EvaluateConfig) -> Judgement:
    """Judge lists, models and rules, side by side."""
    from prodassoc_cli.evaluation import requirements

    ks = requirements.parse_ks(config.k or DEFAULT_KS)
    bounds = [requirements.parse_requirement(text) for text in config.require]
    if config.truth is None and config.feedback is None:
        raise UsageProblem(
            "evaluate needs the rows set aside: `truth=FILE` (or an impression log: `feedback=FILE`)",
            "make them: `clean ORDERS holdout=last-order holdout_output=holdout.parquet`",
        )
    if not inputs and config.feedback is None:
        raise UsageProblem("there is nothing to evaluate", "name recommendations, models or rules")
    run.take("recommendations", inputs)
    for role in INPUT_ROLES:
        run.take(role, getattr(config, role))
    run.take("cleaning", config.clean_summary)
    run.page(config.report, config.language)
    with run.outputs(METRICS) as outputs:
        stage = _stage(run, config, ks)
        if config.k is None:
            stage.cut_within_reach({bound.k for bound in bounds})
        requirements.require_answerable(bounds, stage.models, stage.ks)
        metrics = stage.metrics()
        for notice in stage.notices:
            run.messages.warning(notice)
        view = _view(stage, metrics)
        outputs.put(StageResult("output", metrics, view=view))
        outputs.put_page(lambda: _report(run, config, stage, metrics))
    check = partial(requirements.check_requirements, bounds, metrics)
    return Judgement(view if outputs.is_file("output") else None, check)


def _stage(run: Run, config: EvaluateConfig, ks: Sequence[int]) -> EvaluationStage:
    """Read what was given."""
    from prodassoc_cli.evaluation.feedback.impressions import impressions_of
    from prodassoc_cli.evaluation.judged_lists import without_low_ratings
    from prodassoc_cli.evaluation.stage import EvaluationStage, users_to_judge
    from prodassoc_cli.stages.evaluate_inputs import read_inputs

    truth = run.read_optional("truth", INTERACTIONS)
    train = run.read_optional("train", INTERACTIONS)
    products = run.read_optional("products", PRODUCTS)
    log = run.read_optional("feedback", INTERACTIONS)
    shown = None if log is None else impressions_of(log)
    relevant, low = (None, "") if truth is None else without_low_ratings(truth, train, config.relevant_from)
    judged = read_inputs(run, users_to_judge(relevant, shown), max(ks), include_seen=config.include_seen)
    stage = EvaluationStage(
        config,
        judged,
        ks,
        truth=truth,
        relevant=relevant,
        train=train,
        products=products,
        read_embeddings=partial(run.read_optional, "embeddings", EMBEDDINGS),
        shown=shown,
        context=run.context,
    )
    stage.notices += [low] if low else []
    return stage


def _view(stage: EvaluationStage, metrics: pl.DataFrame) -> pl.DataFrame:
    """Return the figures side by side, without intervals where the terminal is too narrow for them."""
    from prodassoc_cli.evaluation.side_by_side import side_by_side
    from prodassoc_cli.terminal.output import fits

    whole = side_by_side(metrics, stage.differences, stage.ks, intervals=True)
    if fits(whole, whole.height):
        return whole
    return side_by_side(metrics, stage.differences, stage.ks, intervals=False)


def _report(run: Run, config: EvaluateConfig, stage: EvaluationStage, metrics: pl.DataFrame) -> str:
    """Return the report."""
    import polars as pl

    from prodassoc_cli.evaluation.report.build import render
    from prodassoc_cli.evaluation.report.data import ReportData
    from prodassoc_cli.evaluation.segments import segment_metrics

    if stage.judged and not config.by_segment:
        metrics = pl.concat([metrics, segment_metrics(stage.judged, stage.ks)])
    shown = read_report_inputs(run)
    rules = next(iter(stage.inputs.rules.values()), None) if shown.rules is None else shown.rules
    return render(
        ReportData(
            ks=stage.ks,
            judged=stage.judged,
            metrics=metrics,
            differences=stage.differences,
            lists=stage.inputs.lists,
            truth=stage.truth,
            train=stage.train,
            products=stage.products,
            rules=rules,
            relations=shown.relations,
            judged_rules=stage.rules,
            cleaning=shown.cleaning,
            provenance=provenance_of(run),
            parameters=result_parameters(config),
            language=config.language,
            notices=stage.notices,
            name_options=run.name_options,
        )
    )
