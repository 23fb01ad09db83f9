"""From what was found to the page: the sections that the inputs allow, in the order people ask for them."""

from __future__ import annotations

from prodassoc_cli.evaluation.report.data import ReportData
from prodassoc_cli.evaluation.report.examples import examples
from prodassoc_cli.evaluation.report.long_tail import long_tail, segments
from prodassoc_cli.evaluation.report.markup import percent
from prodassoc_cli.evaluation.report.models import curves, lead, side_by_side
from prodassoc_cli.evaluation.report.page import page
from prodassoc_cli.evaluation.report.provenance import lineage, quality
from prodassoc_cli.evaluation.report.results import feedback, rules_held
from prodassoc_cli.evaluation.report.rules import rules_section


def render(data: ReportData) -> str:
    """Return the report as one HTML document; the same data give the same bytes."""
    if not data.judged:
        return render_rules(data) if data.rules is not None else _render_feedback(data)
    sections = [
        side_by_side(data),
        curves(data),
        segments(data),
        long_tail(data),
        rules_section(data),
        rules_held(data),
        feedback(data),
        examples(data),
        quality(data),
        lineage(data),
    ]
    title = "How good the recommendations are"
    return page(title, lead(data), [section for section in sections if section is not None])


def render_rules(data: ReportData) -> str:
    """Return a report of rules alone: the rules in three views, the data behind them, the files.

    Args:
        data: with `rules`, and `products` for titles.
    """
    assert data.rules is not None
    sections = [rules_section(data), rules_held(data), quality(data), lineage(data)]
    return page(
        "Products bought together",
        _rules_lead(data),
        [section for section in sections if section is not None],
    )


def _render_feedback(data: ReportData) -> str:
    """Return a report of a log alone, where neither lists nor rules were judged by a holdout."""
    sections = [feedback(data), quality(data), lineage(data)]
    lead_text = '<p class="lead">Clicks, purchases and revenue of the lists that were shown.</p>'
    return page("What people did with the lists", lead_text, [each for each in sections if each is not None])


def _rules_lead(data: ReportData) -> str:
    rules = data.rules
    assert rules is not None
    if rules.is_empty():
        return '<p class="lead">No rule passed the bounds that were set.</p>'
    products = rules["antecedent"].explode().append(rules["consequent"].explode()).n_unique()
    sure = rules.filter(rules["confidence"] >= 0.5).height
    return (
        f'<p class="lead"><strong>{rules.height:,}</strong> rules join {products:,} products; '
        f"{sure:,} rules hold in at least half of the baskets they speak of, and the widest covers "
        f"{percent(float(rules['support'].max() or 0.0))} of all baskets.</p>"  # type: ignore[arg-type]
    )
