"""The page around the sections: styles and script inside, nothing fetched, a policy that forbids fetching."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from prodassoc_cli.evaluation.report.markup import safe
from prodassoc_cli.version import __version__


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        name: its anchor.
        title: its heading.
        body: its HTML, made by `markup` and `charts`.
    """

    name: str
    title: str
    body: str


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return a whole HTML document.

    Args:
        title: the heading, plain text.
        lead: what the reader should take away, as HTML.
        sections: the parts, in order.
    """
    style, script = _file("style.css"), _file("script.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    links = "".join(f'<li><a href="#{each.name}">{safe(each.title)}</a></li>' for each in sections)
    parts = "\n".join(
        f'<section id="{each.name}" aria-labelledby="{each.name}-title">'
        f'<h2 id="{each.name}-title">{safe(each.title)}</h2>{each.body}</section>'
        for each in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="prodassoc {safe(__version__)}">
<link rel="icon" href="data:,">
<title>{safe(title)}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<main id="main">
<h1>{safe(title)}</h1>
{lead}
<nav aria-label="Parts of the report"><ul>{links}</ul></nav>
{parts}
</main>
<script>{script}</script>
</body>
</html>
"""


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
