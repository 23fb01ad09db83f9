"""What a report is made of, and titles in the place of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from prodassoc_cli.evaluation.judged_lists import JudgedLists
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.report.words import Words
from prodassoc_cli.evaluation.rules import JudgedRules


@dataclass(frozen=True)
class Provenance:
    """Where a file came from.

    Attributes:
        role: what it is to the report.
        name: its file name.
        sha256: digest of its bytes.
        lineage: what made it, as its metadata tells; empty where it tells nothing.
    """

    role: str
    name: str
    sha256: str = ""
    lineage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportData:
    """Everything a report may show; what is missing is left out of it.

    Attributes:
        ks: list lengths evaluated, ascending.
        judged: name → judged lists; empty for a report of rules alone.
        metrics: in the schema of metrics artifacts, segments and feedback included.
        differences: of all pairs of models, from `compare.compare_all`.
        lists: name → recommendations with reasons.
        truth: interactions the lists are judged by.
        train: interactions the models learnt from.
        products: the catalogue, for titles.
        rules: association rules, best first.
        judged_rules: name → rules beside the holdout.
        cleaning: the summary that `clean --summary` wrote.
        provenance: the files read.
        parameters: options of this run.
        notices: what a reader must know of these figures, one sentence each.
        name_options: how the notices name options.
        baskets: product_id → in how many baskets it is, where these are at hand; else it is counted.
        relations: complements, substitutes and variants.
        language: of the page.
    """

    ks: Sequence[int] = ()
    judged: Mapping[str, JudgedLists] = field(default_factory=dict)
    metrics: pl.DataFrame | None = None
    differences: pl.DataFrame | None = None
    lists: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    truth: pl.DataFrame | None = None
    train: pl.DataFrame | None = None
    products: pl.DataFrame | None = None
    rules: pl.DataFrame | None = None
    judged_rules: Mapping[str, JudgedRules] = field(default_factory=dict)
    cleaning: Mapping[str, Any] | None = None
    provenance: Sequence[Provenance] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[str] = ()
    name_options: Callable[[str], str] = str
    baskets: Mapping[str, int] | None = None
    relations: pl.DataFrame | None = None
    language: str = "en"

    @cached_property
    def words(self) -> Words:
        """The texts of the page."""
        return Words(self.language)

    @property
    def main_k(self) -> int:
        """The list length that the words of the report speak of: 10, or the middle one."""
        return 10 if 10 in self.ks else self.ks[len(self.ks) // 2]

    def titles(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the titles of these products; those without one go by their id."""
        wanted = pl.DataFrame({"product_id": sorted(set(ids))}, schema={"product_id": pl.String})
        if self.products is None:
            return dict(zip(wanted["product_id"], wanted["product_id"], strict=True))
        known = self.products.select("product_id", "title").unique(
            "product_id", keep="first", maintain_order=True
        )
        found = wanted.join(known, on="product_id", how="left", maintain_order="left")
        return dict(found.select("product_id", pl.coalesce("title", "product_id")).iter_rows())

    def kinds(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the first level of the category of these products; other where it is not known."""
        other = self.words.text("rules.other")
        wanted = sorted(set(ids))
        if self.products is None or "category" not in self.products.columns:
            return dict.fromkeys(wanted, other)
        first = pl.col("category").str.split(" > ").list.first().fill_null(other)
        known = self.products.filter(pl.col("product_id").is_in(wanted)).select("product_id", first)
        return dict.fromkeys(wanted, other) | dict(known.unique("product_id", keep="first").iter_rows())

    def of_all(self, metric: str, k: int | None) -> dict[str, dict[str, Any]]:
        """Return model → row of a metric at a list length, over all users."""
        if self.metrics is None:
            return {}
        rows = self.metrics.filter(
            (pl.col("metric") == metric)
            & pl.col("k").eq_missing(pl.lit(k, pl.Int32))
            & pl.col("segment").is_null()
        )
        return {row["model"]: row for row in rows.iter_rows(named=True)}

    def best(self, metric: str = "ndcg") -> str:
        """Return the model that is best in a metric at the main list length."""
        rows = {model: row for model, row in self.of_all(metric, self.main_k).items() if model in self.judged}
        sign = 1 if ALL_METRICS[metric].higher_is_better else -1
        return max(
            rows, key=lambda model: sign * (rows[model]["value"] or 0.0), default=next(iter(self.judged))
        )
