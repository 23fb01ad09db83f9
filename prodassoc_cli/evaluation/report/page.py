"""The page around the sections: styles and script inside, nothing fetched, a policy that forbids fetching."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from prodassoc_cli.evaluation.report.markup import Section, colour, own, visible
from prodassoc_cli.evaluation.report.words import Words
from prodassoc_cli.version import __version__

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, lead: Markup, sections: Sequence[Section], words: Words) -> str:
    """Return a whole HTML document.

    Args:
        title: the name of its heading among the messages.
        lead: what the reader should take away.
        sections: the parts, in order.
        words: the language.
    """
    script = _file("script.js") + _file("products.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return str(
        fill(
            "page",
            words,
            title=words(f"titles.{title}"),
            lead=lead,
            sections=[
                (each.name, words(f"titles.{each.name}"), fill(each.name, words, **each.values))
                for each in sections
            ],
            policy=f"{_POLICY}; script-src 'sha256-{digest}'",
            style=Markup(_file("style.css")),  # noqa: S704 — our own file
            script=Markup(script),  # noqa: S704 — our own file
            version=__version__,
        )
    )


def fill(template: str, words: Words, **values: Any) -> Markup:  # noqa: ANN401 — what a template shows
    """Return a template of this package with its values, which are escaped unless they are markup."""
    filled = _environment().get_template(f"{template}.html").render(**values, words=words)
    return Markup(filled)  # noqa: S704 — escaped by the template


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__ or ""), autoescape=True, undefined=StrictUndefined,
        finalize=visible, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"own": own, "colour": colour}
    return environment


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
