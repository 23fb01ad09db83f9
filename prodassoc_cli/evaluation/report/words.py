"""The texts of a page in one language: every one that is not data comes from a file of messages."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from prodassoc_cli.evaluation.notices import Notice
from prodassoc_cli.evaluation.report.markup import visible
from prodassoc_cli.languages.form import Form, forms, tables_of

_FOLDER = Path(__file__).with_name("messages")

QUESTIONS: dict[str, tuple[str, ...]] = {
    "hits": ("hit_rate", "precision", "recall", "f1", "ndcg", "map", "mrr", "accuracy", "auc"),
    "worth": ("revenue", "price"),
    "beyond": (
        "coverage", "gini", "entropy", "popularity", "novelty", "serendipity", "diversity",
        "embedding_diversity",
    ),
}  # fmt: skip
"""Question → the metrics that answer it, in the order of the table."""

OUTCOMES = ("ctr", "conversion", "clicks_per_list", "revenue_per_list", "ctr_uplift")
"""What a log says of a model."""


class Words:
    """The messages of one language, filled in, and its numbers.

    Args:
        language: its code, as in `<html lang>`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.form = Form.of(tables_of(language))
        tables = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
        self.messages = {
            f"{table}.{name}": forms(text) for table, texts in tables.items() for name, text in texts.items()
        }

    def __call__(self, message: str, count: int | None = None, /, **values: object) -> Markup:
        """Return a message with its placeholders filled in, as HTML.

        Args:
            message: its table and name: `rules.intro`.
            count: fills `{count}`, and decides between the forms of the message.
            values: by placeholder. Whole numbers are written as the language does; texts are escaped.
        """
        return Markup(self._form(message, count)).format(**self._shown(count, values))  # noqa: S704 — our own file

    def text(self, message: str, count: int | None = None, /, **values: object) -> str:
        """Return a message with its placeholders filled in, as plain text."""
        return self._form(message, count).format(**self._shown(count, values))

    def number(self, value: float | None, digits: int = 3) -> str:
        """Return a number as people read it, to so many significant digits; a dash where undefined."""
        if value is None:
            return "–"
        if abs(value) >= 1000 or (float(value).is_integer() and abs(value) >= 1):
            return self.form.number(value)
        if 0 < abs(value) < 1e-4:
            return f"{value:.1e}".replace(".", self.form.decimal)
        whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
        return self.form.number(value, max(0, digits - whole))

    def plain(self, value: float) -> str:
        """Return a round number, as on an axis."""
        return f"{value:g}".replace(".", self.form.decimal)

    def percent(self, value: float | None) -> str:
        """Return a share as a percentage."""
        if value is None:
            return "–"
        return self.form.number(100 * value, int(abs(value) < 0.1)) + self.form.percent

    def joined(self, entries: Iterable[object]) -> Markup:
        """Return a list: `A, B and C`."""
        return Markup(self.form.joined([str(Markup.escape(each)) for each in entries]))  # noqa: S704 — escaped

    def listed(self, entries: Iterable[Markup]) -> Markup:
        """Return a list that may go on: `A, B, C`."""
        return Markup(self.form.comma).join(entries)  # noqa: S704 — our own file

    def metric(self, name: str) -> str:
        """Return the plain name of a metric; its own where it has none."""
        return self.known(f"metrics.{name}", name.replace("_", " "))

    def definition(self, metric: str) -> str:
        """Return what a metric is; in English as it is declared."""
        return self.known(f"definitions.{metric}", ALL_METRICS[metric].definition)

    def segment(self, name: str) -> str:
        """Return the name of a segment; of `category: Food` remains the category."""
        return self.known(f"segments.{name.replace(': ', '_')}", name.partition(": ")[2])

    def notice(self, notice: str) -> str:
        """Return what a run said of its figures; in English as it was said."""
        message = f"notices.{getattr(notice, 'name', '')}"
        if not isinstance(notice, Notice) or message not in self.messages:
            return notice
        values = {
            name: self.notice(value) if isinstance(value, str) else value
            for name, value in notice.values.items()
        }
        return self.text(message, **values)

    def known(self, message: str, other: str) -> str:
        """Return a message without placeholders; the other text where there is none."""
        return self.messages[message][1] if message in self.messages else other

    def _form(self, message: str, count: int | None) -> str:
        return self.messages[message][int(count != 1)]

    def _shown(self, count: int | None, values: dict[str, object]) -> dict[str, object]:
        filled = values if count is None else {"count": count, **values}
        return {
            name: self.form.number(value) if isinstance(value, int) else visible(value)
            for name, value in filled.items()
        }


def grouped(metrics: Iterable[str]) -> dict[str, list[str]]:
    """Return question → those of the metrics that answer it, in the order of the table; `further` last."""
    wanted = list(dict.fromkeys(metrics))
    found = {question: [each for each in group if each in wanted] for question, group in QUESTIONS.items()}
    asked = {each for group in found.values() for each in group}
    found["further"] = [each for each in wanted if each not in asked]
    return {question: group for question, group in found.items() if group}
