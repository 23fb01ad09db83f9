"""`prodassoc evaluate`: recommendations, models or rules + a holdout → metrics."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import typer

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, METRICS, PRODUCTS
from prodassoc_cli.commands.evaluate_inputs import JudgedInputs, read_inputs
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.commands.reporting import provenance_of, read_report_inputs
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import CommonConfig, EvaluateConfig, result_parameters
from prodassoc_cli.settings.naming import as_flags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from prodassoc_cli.evaluation.judged_lists import Judged
    from prodassoc_cli.evaluation.rules import JudgedRules

DEFAULT_KS = "5,10,20"
SHOWN_OF_SEGMENTS = ("ndcg",)
INPUT_ROLES = ("truth", "train", "products", "embeddings", "feedback", "rules")


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
        run,
    )


def run(inputs: list[str], config: EvaluateConfig, common: CommonConfig) -> None:
    """Judge lists, models and rules, side by side."""
    from prodassoc_cli.evaluation import requirements

    ks = requirements.parse_ks(config.k or DEFAULT_KS)
    bounds = [requirements.parse_requirement(text) for text in config.require]
    if config.truth is None and config.feedback is None:
        raise UsageProblem(
            "evaluate needs the rows set aside: --truth FILE (or a log of lists shown: --feedback FILE)",
            "make them: prodassoc clean ORDERS --holdout last-order --holdout-output holdout.parquet",
        )
    if not inputs and config.feedback is None:
        raise UsageProblem("there is nothing to judge", "name recommendations, models or rules")
    this = Run("evaluate", config, common)
    this.take("recommendations", inputs)
    for role in INPUT_ROLES:
        this.take(role, getattr(config, role))
    this.take("cleaning", config.clean_summary)
    this.page(config.report)
    with this.outputs(METRICS) as outputs:
        evaluation = _Evaluation(this, config, ks)
        if config.k is None:
            evaluation.cut_within_reach({bound.k for bound in bounds})
        requirements.require_answerable(bounds, evaluation.models, evaluation.ks)
        metrics = evaluation.metrics()
        for notice in evaluation.notices:
            this.messages.warning(notice)
        view = evaluation.view(metrics)
        outputs.put("output", metrics, view=view)
        outputs.put_page(lambda: evaluation.report(metrics))
    if outputs.is_file("output") and common.from_shell:
        this.messages.table(view)
    requirements.check_requirements(bounds, metrics)
    if config.report is None and common.from_shell:
        this.messages.hint(_with_a_page(inputs, config))


def _with_a_page(inputs: list[str], config: EvaluateConfig) -> str:
    """Return the same command with a page for people."""
    words = ["prodassoc", "evaluate", *inputs]
    words += ["--truth", config.truth] if config.truth else []
    words += ["--feedback", config.feedback] if config.feedback else []
    return " ".join([*map(shlex.quote, words), "--report report.html"])


class _Evaluation:
    """Everything read once, and judged."""

    def __init__(self, this: Run, config: EvaluateConfig, ks: Sequence[int]) -> None:
        from prodassoc_cli.evaluation.feedback.feedback import impressions_of

        self.this, self.config, self.ks = this, config, ks
        self.truth = this.read_optional("truth", INTERACTIONS)
        self.train = this.read_optional("train", INTERACTIONS)
        self.products = this.read_optional("products", PRODUCTS)
        log = this.read_optional("feedback", INTERACTIONS)
        self.shown = None if log is None else impressions_of(log)
        self.inputs: JudgedInputs = read_inputs(
            this, self._users(), max(ks), include_seen=config.include_seen
        )
        self.notices: list[str] = []
        self.judged: Mapping[str, Judged] = {}
        self.rules: dict[str, JudgedRules] = {}
        self.differences: pl.DataFrame | None = None

    def cut_within_reach(self, asked: set[int | None]) -> None:
        """Leave out the lengths that no list reaches, but for those asked for."""
        reach = max((int(lists["rank"].max() or 0) for lists in self.inputs.lists.values()), default=0)  # type: ignore[arg-type]
        if reach:
            self.ks = [k for k in self.ks if k <= reach or k in asked] or [reach]

    @property
    def models(self) -> list[str]:
        logged = [] if self.shown is None else self.shown["model"].unique().to_list()
        return list(dict.fromkeys([*self.inputs.lists, *self.inputs.rules, *logged]))

    def metrics(self) -> pl.DataFrame:
        """Judge everything, and return the metrics."""
        import polars as pl

        from prodassoc_cli.evaluation.compare import METRICS_SCHEMA

        parts = [pl.DataFrame(schema=METRICS_SCHEMA)]
        if self.truth is not None:
            parts += [*self._lists(self.truth), *self._rules(self.truth)]
        if self.shown is not None:
            parts += self._feedback(self.shown)
        return pl.concat(parts)

    def _users(self) -> list[str]:
        from prodassoc_cli.evaluation.judged_lists import relevant_pairs

        users = set() if self.truth is None else set(relevant_pairs(self.truth)["user_id"])
        if self.shown is not None:
            users |= set(self.shown["user_id"].drop_nulls())
        return sorted(users)

    def _lists(self, truth: pl.DataFrame) -> list[pl.DataFrame]:
        from prodassoc_cli.evaluation import compare
        from prodassoc_cli.evaluation import judged_lists as judging
        from prodassoc_cli.evaluation.leaks import leak_notices
        from prodassoc_cli.evaluation.ratings import evaluate_ratings
        from prodassoc_cli.evaluation.segments import segment_metrics

        if self.train is not None:
            self.notices += leak_notices(truth, self.train)
        if not self.inputs.lists:
            return []
        embeddings = self.this.read_optional("embeddings", EMBEDDINGS)
        self.judged = judging.judge_lists(self.inputs.lists, truth, self.train, self.products, embeddings)
        self.notices = judging.notices(self.judged, self.ks) + self.notices
        parts = [compare.tabulate(self.judged, self.ks), evaluate_ratings(self.inputs.ratings, truth)]
        if self.config.by_segment:
            parts.append(segment_metrics(self.judged, self.ks))
        self.differences = compare.compare_all(self.judged, self.ks)
        if self.config.baseline in self.judged or (self.config.baseline and self.shown is None):
            _say_differences(self.this, compare.compare_with(self.judged, self.config.baseline, self.ks))
        return parts

    def _rules(self, truth: pl.DataFrame) -> list[pl.DataFrame]:
        from prodassoc_cli.evaluation.rules import judge_rules, rule_metrics

        self.rules = {
            name: judge_rules(rules, truth, max(self.ks)) for name, rules in self.inputs.rules.items()
        }
        return [rule_metrics(name, judged, self.ks) for name, judged in self.rules.items()]

    def _feedback(self, shown: pl.DataFrame) -> list[pl.DataFrame]:
        from prodassoc_cli.evaluation.feedback.feedback import evaluate_feedback, models_of
        from prodassoc_cli.evaluation.feedback.offpolicy import estimate_offpolicy, notices

        known = models_of(shown)
        for model in known:
            if text := _clicks_by_position(shown, model):
                self.this.messages.info(text)
        baseline = self.config.baseline
        if baseline is not None and baseline not in known and baseline in self.inputs.lists:
            baseline = None
        parts = [evaluate_feedback(shown, baseline)]
        found = {name: estimate_offpolicy(name, lists, shown) for name, lists in self.inputs.lists.items()}
        self.notices += notices(found)
        return [*parts, *(each.metrics for each in found.values())]

    def view(self, metrics: pl.DataFrame) -> pl.DataFrame:
        """Return the figures side by side, without intervals where the terminal is too narrow for them."""
        from prodassoc_cli.terminal.output import fits

        whole = self._side_by_side(metrics, intervals=True)
        return whole if fits(whole, whole.height) else self._side_by_side(metrics, intervals=False)

    def _side_by_side(self, metrics: pl.DataFrame, *, intervals: bool) -> pl.DataFrame:
        """Return a row a metric and k, a column a model: value ± half the 95 % interval.

        * marks the best, ≈ what cannot be told from it. Of the segments only one metric is shown.
        """
        import polars as pl

        from prodassoc_cli.evaluation.compare import DIFFERENCES_SCHEMA, mark_best, mark_tied

        differences = (
            self.differences if self.differences is not None else pl.DataFrame(schema=DIFFERENCES_SCHEMA)
        )
        marked = mark_tied(mark_best(metrics), differences)
        k = 10 if 10 in self.ks else self.ks[len(self.ks) // 2]
        of_all, telling = pl.col("segment").is_null(), pl.col("metric").is_in(SHOWN_OF_SEGMENTS)
        marked = marked.filter(of_all | (telling & (pl.col("k").is_null() | (pl.col("k") == k))))
        several = marked.group_by("metric", "k", "segment").len().get_column("len").max() or 0
        wide: dict[str, int] = {}
        for model, value in marked.select("model", "value").iter_rows():
            wide[model] = max(wide.get(model, 0), len(_value(value)))
        texts = [
            _figure(
                row,
                wide[row["model"]],
                several=isinstance(several, int) and several > 1,
                intervals=intervals,
            )
            for row in marked.iter_rows(named=True)
        ]
        shown = marked.select("metric", "k", "segment", "model", pl.Series("text", texts))
        index = ["metric", "k"] + (["segment"] if shown["segment"].null_count() < shown.height else [])
        return shown.pivot("model", index=index, values="text", maintain_order=True)

    def report(self, metrics: pl.DataFrame) -> str:
        """Return the report."""
        import polars as pl

        from prodassoc_cli.evaluation.report.build import render
        from prodassoc_cli.evaluation.report.data import ReportData
        from prodassoc_cli.evaluation.segments import segment_metrics

        if self.judged and not self.config.by_segment:
            metrics = pl.concat([metrics, segment_metrics(self.judged, self.ks)])
        shown_rules, cleaning = read_report_inputs(self.this)
        if shown_rules is None:
            shown_rules = next(iter(self.inputs.rules.values()), None)
        return render(
            ReportData(
                ks=self.ks,
                judged=self.judged,
                metrics=metrics,
                differences=self.differences,
                lists=self.inputs.lists,
                truth=self.truth,
                train=self.train,
                products=self.products,
                rules=shown_rules,
                judged_rules=self.rules,
                cleaning=cleaning,
                provenance=provenance_of(self.this),
                parameters=result_parameters(self.config),
                notices=[as_flags(notice) for notice in self.notices],
            )
        )


def _value(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else ""


def _figure(row: dict[str, object], wide: int, *, several: bool, intervals: bool) -> str:
    """Return the value with its points below each other, half the interval, and the mark."""
    low, high = row["low"], row["high"]
    text = _value(row["value"]).rjust(wide)
    if intervals and isinstance(low, float) and isinstance(high, float):
        text += f" ± {(high - low) / 2:.4f}"
    mark = " *" if row["best"] and several else " ≈" if row["tied"] else ""
    return text + mark


def _clicks_by_position(shown: pl.DataFrame, model: str) -> str:
    """Return the CTR of each place as a sparkline with its ends; empty where the log tells no places."""
    import polars as pl

    from prodassoc_cli.terminal.output import sparkline

    rows = shown.filter((pl.col("model") == model) & pl.col("position").is_not_null())
    rates = rows.group_by("position").agg(pl.col("clicked").mean()).sort("position")["clicked"].to_list()
    bars = sparkline(rates)
    return f"{model}: clicks by position {bars} ({rates[0]:.3f} to {rates[-1]:.3f})" if bars else ""


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
