"""Words for events → the events of interactions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from prodassoc_cli.intake.values.missing import is_missing
from prodassoc_cli.intake.values.numbers import Parsed

EVENT_WORDS = {
    "purchase": "purchase purchased buy bought order sale transaction checkout in_app_purchase 4 购买",
    "view": "view viewed view_item click_detail detail product_view pageview_item pv browse 浏览",
    "cart": "cart add_to_cart addtocart add_cart basket 加购",
    "rating": "rating rate rated",
    "review": "review reviewed",
    "impression": "impression view_item_list shown exposure 曝光",
    "click": "click clicked select_item 点击",
    "dismiss": "dismiss dismissed skip hide dislike",
}
"""Event → words it goes by."""


def parse_events(column: pl.Series, own: Mapping[str, str] = MappingProxyType({})) -> Parsed:
    """Turn the names other systems give to events into those of interactions.

    Args:
        column: words for events.
        own: word, as `event_word` has it, → event: what an export or a user says beside what is known.
    """
    words = {word: event for event, names in EVENT_WORDS.items() for word in names.split()} | dict(own)
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    text = text.str.replace_all(r"[\s-]+", "_")
    events = text.replace_strict(words, default=None, return_dtype=pl.String)
    bad = events.is_null() & ~is_missing(column.cast(pl.String))
    return Parsed(events, bad if bad.any() else None)


def event_word(word: str) -> str:
    """Return a word for an event as it is compared."""
    return re.sub(r"[\s-]+", "_", word.strip().lower())
