"""What the command line asks of an evaluation: list lengths and bounds such as `hybrid:ndcg@10>=0.12`.

Texts are parsed by a pattern, never evaluated.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from prodassoc_cli.errors import RequirementNotMet, UsageProblem, did_you_mean
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS, NEEDS

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_PATTERN = re.compile(
    r"\s*(?:(?P<model>.+):)?\s*(?P<metric>[A-Za-z][\w-]*)\s*(?:@\s*(?P<k>\d+))?"
    r"\s*(?P<comparison>>=|<=|>|<)\s*(?P<bound>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*",
    re.ASCII,
)
_LARGEST_K = 10_000


@dataclass(frozen=True)
class Requirement:
    """A bound that a metric must keep.

    Attributes:
        text: as the user wrote it.
        model: the model it is asked of; None for every model.
        metric: name of the metric.
        k: list length; None for metrics without one.
        comparison: `>=`, `<=`, `>` or `<`.
        bound: the number on the right.
    """

    text: str
    model: str | None
    metric: str
    k: int | None
    comparison: str
    bound: float

    @property
    def measured(self) -> str:
        """The left side without the model: `ndcg@10`."""
        return self.metric if self.k is None else f"{self.metric}@{self.k}"

    def holds(self, value: float | None) -> bool:
        """Return whether a value keeps the bound; an undefined one does not."""
        return value is not None and _COMPARISONS[self.comparison](value, self.bound)


def parse_ks(text: str) -> list[int]:
    """Parse `-k`: "5,10,20" → [5, 10, 20], ascending and distinct.

    Raises:
        UsageProblem: a part is not a whole number from 1 to 10,000.
    """
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        # Length first: int() of a very long run of digits is an error of its own.
        if not (part.isascii() and part.isdigit() and len(part) <= 9 and 1 <= int(part) <= _LARGEST_K):
            raise UsageProblem(
                f"-k {text}: '{part}' is not a whole number from 1 to {_LARGEST_K:,}", "write: -k 5,10,20"
            )
    return sorted({int(part) for part in parts})


def parse_requirement(text: str) -> Requirement:
    """Parse one `--require`: METRIC@K>=VALUE, or MODEL:METRIC@K>=VALUE; also `<=`, `>`, `<`.

    Raises:
        UsageProblem: it is not written so, there is no such metric, or its @K is missing or has no meaning.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise UsageProblem(
            f"cannot read `require` '{text}'",
            "write METRIC@K>=VALUE, such as 'ndcg@10>=0.1' or 'hybrid:ndcg@10>=0.1'; also <=, > and <",
        )
    name = match["metric"].lower()
    metric = ALL_METRICS.get(name)
    if metric is None:
        raise UsageProblem(f"`require` '{text}': no metric '{name}'", did_you_mean(name, ALL_METRICS))
    if metric.has_k and match["k"] is None:
        raise UsageProblem(f"`require` '{text}': {name} needs a list length", f"write it as {name}@10")
    if match["k"] is not None and not metric.has_k:
        raise UsageProblem(f"`require` '{text}': {name} has no list length", f"write it as {name}")
    k = None if match["k"] is None else parse_ks(match["k"])[0]
    model = match["model"].strip() if match["model"] else None
    return Requirement(text.strip(), model, name, k, match["comparison"], float(match["bound"]))


def require_answerable(requirements: Iterable[Requirement], models: Sequence[str], ks: Sequence[int]) -> None:
    """Raise UsageProblem if a requirement names a model or a list length that is not evaluated.

    Can be called before anything is computed.
    """
    for each in requirements:
        if each.model is not None and each.model not in models:
            raise UsageProblem(
                f"`require` '{each.text}': no model '{each.model}'", did_you_mean(each.model, models)
            )
        if each.k is not None and each.k not in ks:
            raise UsageProblem(
                f"`require` '{each.text}': lists are cut to {', '.join(map(str, ks))}",
                f"add {each.k}: `k={','.join(map(str, sorted({*ks, each.k})))}`",
            )


def check_requirements(requirements: Iterable[Requirement], metrics: pl.DataFrame) -> None:
    """Raise unless the metrics keep every bound; one without a model binds every model.

    Args:
        requirements: the parsed bounds.
        metrics: frame in the schema of metrics artifacts.

    Raises:
        RequirementNotMet: naming each value and the bound it misses.
        UsageProblem: a metric, model or list length was not evaluated.
    """
    missed = []
    for each in requirements:
        asked = metrics.filter(
            (pl.col("metric") == each.metric)
            & pl.col("k").eq_missing(pl.lit(each.k, dtype=pl.Int32))
            & pl.col("segment").is_null()
            & (pl.lit(each.model is None) | (pl.col("model") == (each.model or "")))
        )
        if asked.is_empty():
            needs = ALL_METRICS[each.metric].needs
            raise UsageProblem(
                f"`require` '{each.text}': {each.measured} was not computed",
                f"it needs {NEEDS[needs]}" if needs else "",
            )
        missed += [
            f"{model}: {each.measured} is {'undefined' if value is None else f'{value:.6g}'}, "
            f"required {each.comparison} {each.bound:g}"
            for model, value in asked.select("model", "value").iter_rows()
            if not each.holds(value)
        ]
    if missed:
        raise RequirementNotMet("; ".join(missed))
