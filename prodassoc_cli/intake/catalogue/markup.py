"""Texts that were written for a browser → what a reader sees of them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_ENTITY = r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]{2,8});"
_INLINE = (
    "a|abbr|b|bdi|bdo|big|cite|code|em|font|i|kbd|label|mark|q|s|samp|small|span|strike|strong|sub|sup|time|tt|u"
    "|var|wbr"
)
"""Elements that stand within a line: their ends part no words."""
_BLOCKS = (
    "address|article|aside|blockquote|body|br|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form"
    "|h1|h2|h3|h4|h5|h6|head|header|hr|html|iframe|img|input|li|link|main|meta|nav|object|ol|p|picture|pre"
    "|script|section|source|style|summary|svg|table|tbody|td|template|tfoot|th|thead|title|tr|ul|video"
)
_UNSEEN = ["head", "script", "style", "template", "noscript", "title", "svg"]
_TAG = rf"(?is)<!--|<!doctype|</(?:{_INLINE}|{_BLOCKS})\s*>|<(?:{_BLOCKS})(?:\s[^<>]*)?/?>"
"""What only markup has: a comment, a closing tag, or a tag of a block; `a < b` and `<3` are none of these."""


def without_markup(texts: pl.Series) -> tuple[pl.Series, int]:
    """Return texts without the markup of HTML, and how many had some.

    Tags, comments, scripts and styles are dropped, entities become characters, also those that were written
    twice (`&amp;lt;p&amp;gt;`). What the tag of a block parts is parted by a blank.

    Args:
        texts: texts; null stays null.
    """
    distinct = texts.drop_nulls().unique()
    odd = distinct.filter(distinct.str.contains(rf"{_ENTITY}|{_TAG}"))
    if not len(odd):
        return texts, 0
    decoded = pl.Series([html.unescape(each) for each in odd], dtype=pl.String)
    marked = decoded.str.contains(_TAG)
    plain = decoded.scatter(marked.arg_true(), [_seen(each) for each in decoded.filter(marked)])
    read = texts.replace_strict(odd, plain, default=texts)
    return read, int(texts.is_in(odd.filter(marked).implode()).sum())


def _seen(text: str) -> str:
    """Return what a browser shows of a fragment of HTML, as one line."""
    from selectolax.lexbor import LexborHTMLParser

    page: LexborHTMLParser = LexborHTMLParser(f"<body>{text}")
    page.strip_tags(_UNSEEN, recursive=True)
    page.unwrap_tags(_INLINE.split("|"))
    page.merge_text_nodes()
    words = "" if page.body is None else page.body.text(deep=True, separator=" ")
    return " ".join(html.unescape(words).split())
