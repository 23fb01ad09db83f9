"""What `evaluate` does: lists, rules and logged feedback are judged, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodassoc_cli.settings import EvaluateConfig
from prodassoc_cli.stage import StageContext

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.evaluation.judged_lists import JudgedLists
    from prodassoc_cli.evaluation.rules import JudgedRules


@dataclass
class JudgedInputs:
    """The inputs by the name of the model (or file) they come from.

    Attributes:
        lists: recommendations.
        ratings: those whose scores are predicted ratings.
        rules: association rules.
        histories: what the models that made lists know of the judged users; see `TrainedModel.history`.
    """

    lists: dict[str, pl.DataFrame] = field(default_factory=dict)
    ratings: dict[str, pl.DataFrame] = field(default_factory=dict)
    rules: dict[str, pl.DataFrame] = field(default_factory=dict)
    histories: dict[str, pl.DataFrame] = field(default_factory=dict)


class EvaluationStage:
    """Everything that is judged, and what it is judged by.

    Args:
        config: the options of `evaluate`.
        inputs: recommendations and rules to judge, by the names of their models.
        ks: list lengths to cut the lists to.
        truth: interactions set aside.
        relevant: those of them that a list is to hold; see `without_low_ratings`.
        train: interactions the models were trained on.
        products: the catalogue.
        read_embeddings: reads vectors of the products; None where there are none.
        shown: lists that were shown, from a log; see `impressions_of`.
        context: whom it tells.

    Attributes:
        notices: what readers of the metrics should know, one line each.
        judged: what was found of each list, after `metrics`.
        rules: what was found of rules, after `metrics`.
        differences: how each model differs from each other, after `metrics`.
    """

    def __init__(
        self,
        config: EvaluateConfig,
        inputs: JudgedInputs,
        ks: Sequence[int],
        *,
        truth: pl.DataFrame | None,
        relevant: pl.DataFrame | None = None,
        train: pl.DataFrame | None = None,
        products: pl.DataFrame | None = None,
        read_embeddings: Callable[[], pl.DataFrame | None] = lambda: None,
        shown: pl.DataFrame | None = None,
        context: StageContext,
    ) -> None:
        self.config, self.inputs, self.ks, self._context = config, inputs, ks, context
        self.truth, self.train, self.products, self.shown = truth, train, products, shown
        self._relevant = truth if relevant is None else relevant
        self._read_embeddings = read_embeddings
        self.notices: list[str] = []
        self.judged: Mapping[str, JudgedLists] = {}
        self.rules: dict[str, JudgedRules] = {}
        self.differences: pl.DataFrame | None = None

    def cut_within_reach(self, asked: set[int | None]) -> None:
        """Leave out the lengths that no list reaches, except those asked for."""
        reach = max((int(lists["rank"].max() or 0) for lists in self.inputs.lists.values()), default=0)  # type: ignore[arg-type]
        if reach:
            self.ks = [k for k in self.ks if k <= reach or k in asked] or [reach]

    @property
    def models(self) -> list[str]:
        """Names of what is judged."""
        logged = [] if self.shown is None else self.shown["model"].unique().to_list()
        return list(dict.fromkeys([*self.inputs.lists, *self.inputs.rules, *logged]))

    def metrics(self) -> pl.DataFrame:
        """Judge everything, and return the metrics."""
        import polars as pl

        from prodassoc_cli.evaluation.compare import METRICS_SCHEMA

        parts = [pl.DataFrame(schema=METRICS_SCHEMA)]
        if self.truth is not None and self._relevant is not None:
            parts += [*self._lists(self.truth, self._relevant), *self._rules(self.truth)]
        if self.shown is not None:
            parts += self._feedback(self.shown)
        return pl.concat(parts)

    def _lists(self, truth: pl.DataFrame, relevant: pl.DataFrame) -> list[pl.DataFrame]:
        from prodassoc_cli.evaluation import compare
        from prodassoc_cli.evaluation import judged_lists as judging
        from prodassoc_cli.evaluation.leaks import leak_notices, model_leak_notices
        from prodassoc_cli.evaluation.ratings import evaluate_ratings, predictions
        from prodassoc_cli.evaluation.segments import segment_metrics

        if self.train is not None:
            self.notices += leak_notices(relevant, self.train)
        for name, history in self.inputs.histories.items():
            self.notices += model_leak_notices(name, relevant, history, include_seen=self.config.include_seen)
        if not self.inputs.lists:
            return []
        self.judged = judging.judge_lists(
            self.inputs.lists, relevant, self.train, self.products, self._read_embeddings()
        )
        self.notices = [
            *judging.notices(self.judged, self.ks),
            *judging.overlap_notices(self.inputs.lists, relevant),
            *self.notices,
        ]
        predicted = {}
        for name, frame in self.inputs.ratings.items():
            predicted[name], said = predictions(name, frame, truth)
            self.notices += said
        parts = [compare.tabulate(self.judged, self.ks), evaluate_ratings(predicted, truth)]
        if self.config.by_segment:
            parts.append(segment_metrics(self.judged, self.ks))
        self.differences = compare.compare_all(self.judged, self.ks)
        if self.config.baseline in self.judged or (self.config.baseline and self.shown is None):
            self._say_differences(compare.compare_with(self.judged, self.config.baseline, self.ks))
        return parts

    def _rules(self, truth: pl.DataFrame) -> list[pl.DataFrame]:
        if not self.inputs.rules:
            return []
        from prodassoc_cli.evaluation.rules import judge_rules, rule_metrics

        self.rules = {
            name: judge_rules(rules, truth, max(self.ks)) for name, rules in self.inputs.rules.items()
        }
        return [rule_metrics(name, judged, self.ks) for name, judged in self.rules.items()]

    def _feedback(self, shown: pl.DataFrame) -> list[pl.DataFrame]:
        from prodassoc_cli.evaluation.feedback.impressions import evaluate_feedback, models_of
        from prodassoc_cli.evaluation.feedback.offpolicy import estimate_offpolicy, notices

        known = models_of(shown)
        for model in known:
            if text := _clicks_by_position(shown, model):
                self._context.say(text)
        baseline = self.config.baseline
        if baseline is not None and baseline not in known and baseline in self.inputs.lists:
            baseline = None
        parts = [evaluate_feedback(shown, baseline)]
        found = {name: estimate_offpolicy(name, lists, shown) for name, lists in self.inputs.lists.items()}
        self.notices += notices(found)
        return [*parts, *(each.metrics for each in found.values())]

    def _say_differences(self, differences: pl.DataFrame) -> None:
        """Say how each model differs from the baseline in NDCG, user by user."""
        import polars as pl

        for row in differences.filter(pl.col("metric") == "ndcg").iter_rows(named=True):
            if row["difference"] is None:
                continue
            if row["low"] is None:
                spread = "the same for every user"
            else:
                spread = f"95 % interval {row['low']:+.4f} to {row['high']:+.4f}"
                if row["p_adjusted"] is None or row["p_adjusted"] >= 0.05:
                    spread += ", not distinguishable"
            models = f"{row['model']} against {row['baseline']}"
            self._context.say(f"{models}: ndcg@{row['k']} {row['difference']:+.4f} ({spread})")


def users_to_judge(truth: pl.DataFrame | None, shown: pl.DataFrame | None) -> list[str]:
    """Return the users that a model must make lists for: those of the truth, and those of a log."""
    from prodassoc_cli.evaluation.judged_lists import relevant_pairs

    users = set() if truth is None else set(relevant_pairs(truth)["user_id"])
    if shown is not None:
        users |= set(shown["user_id"].drop_nulls())
    return sorted(users)


def _clicks_by_position(shown: pl.DataFrame, model: str) -> str:
    """Return the CTR of each place as a sparkline with its ends; empty where the log tells no places."""
    import polars as pl

    from prodassoc_cli.evaluation.sparkline import sparkline

    rows = shown.filter((pl.col("model") == model) & pl.col("position").is_not_null())
    rates = rows.group_by("position").agg(pl.col("clicked").mean()).sort("position")["clicked"].to_list()
    bars = sparkline(rates)
    return f"{model}: clicks by position {bars} ({rates[0]:.3f} to {rates[-1]:.3f})" if bars else ""
