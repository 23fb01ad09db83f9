"""From what was found to the page: the sections that the inputs allow, in the order people ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.markup import Section
from prodassoc_cli.evaluation.report.page import page
from prodassoc_cli.evaluation.report.sections.examples import examples
from prodassoc_cli.evaluation.report.sections.long_tail import long_tail, segments
from prodassoc_cli.evaluation.report.sections.models import curves, lead, side_by_side
from prodassoc_cli.evaluation.report.sections.products import products
from prodassoc_cli.evaluation.report.sections.provenance import lineage, quality
from prodassoc_cli.evaluation.report.sections.results import feedback, rules_held
from prodassoc_cli.evaluation.report.sections.rules import rules_lead, rules_section

_Make = Callable[[ReportData], Section | None]
_JUDGED: Sequence[_Make] = (
    side_by_side, products, curves, segments, long_tail, rules_section, rules_held, feedback, examples,
    quality, lineage,
)  # fmt: skip
_RULES: Sequence[_Make] = (products, rules_section, rules_held, quality, lineage)
_FEEDBACK: Sequence[_Make] = (feedback, quality, lineage)


def render(data: ReportData) -> str:
    """Return the report as one HTML document; the same data give the same bytes."""
    if not data.judged:
        return render_rules(data) if data.rules is not None else _render_feedback(data)
    return _page("judged", lead(data), data, _JUDGED)


def render_rules(data: ReportData) -> str:
    """Return a report of rules alone: the rules in three views, the data behind them, the files.

    Args:
        data: with `rules`, and `products` for titles.
    """
    return _page("rules", rules_lead(data), data, _RULES)


def _render_feedback(data: ReportData) -> str:
    """Return a report of a log alone, where neither lists nor rules were judged by a holdout."""
    lead_text = Markup('<p class="lead">{}</p>').format(data.words("lead.feedback"))
    return _page("feedback", lead_text, data, _FEEDBACK)


def _page(title: str, lead_text: Markup, data: ReportData, makers: Sequence[_Make]) -> str:
    sections = [section for make in makers if (section := make(data)) is not None]
    return page(title, lead_text, sections, data.words)
