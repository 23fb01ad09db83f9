"""The options of `clean`, and the export that they name → what they state of how values are written."""

from __future__ import annotations

from collections.abc import Sequence

from prodassoc_cli.artifacts.schemas import EVENTS
from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.intake.columns.match import EVENTS as EVENT_ENTRIES
from prodassoc_cli.intake.columns.match import entries_of
from prodassoc_cli.intake.columns.presets import preset_of
from prodassoc_cli.intake.columns.schema import FEEDBACK_NUMBERS, NUMBERS
from prodassoc_cli.intake.values.conventions import Stated
from prodassoc_cli.intake.values.events import event_word
from prodassoc_cli.intake.values.numbers import NumberStyle
from prodassoc_cli.settings import CleanConfig


def stated(config: CleanConfig) -> Stated:
    """Return what the options, and the export they name, say of how values are written.

    Raises:
        UsageProblem: one of them is none that can be understood.
    """
    preset = preset_of(config.preset)
    own = {event_word(word): event for word, event in preset.events.items()}
    return Stated(
        preset.dayfirst if config.dayfirst is None else config.dayfirst,
        _decimal_marks(config.decimal_mark),
        _missing_words(config.missing),
        own | _event_words(config.map),
        config.ids_as_written,
        preset.price_of_line,
    )


def _decimal_marks(entries: Sequence[str]) -> dict[str, NumberStyle]:
    styles: dict[str, NumberStyle] = {
        "comma": "comma", "point": "dot", "dot": "dot", ",": "comma", ".": "dot",
    }  # fmt: skip
    fields = (*NUMBERS, *FEEDBACK_NUMBERS)
    found: dict[str, NumberStyle] = {}
    for entry in entries:
        name, _, mark = entry.rpartition("=")
        if mark not in styles:
            raise UsageProblem(f"`decimal_mark={entry}`: '{mark}' is no decimal mark", "it is comma or point")
        if name and name not in fields:
            raise UsageProblem(
                f"`decimal_mark={entry}`: no field of numbers is called '{name}'", did_you_mean(name, fields)
            )
        found |= dict.fromkeys([name] if name else fields, styles[mark])
    return found


def _missing_words(entries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    fields = ("user_id", "order_id", "product_id")
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        name, equals, words = entry.partition("=")
        if not equals or name not in fields:
            raise UsageProblem(
                f"`missing={entry}`: not FIELD=WORDS of {', '.join(fields)}",
                "for example `missing=user_id=0`",
            )
        found[name] = ("", *(word.strip().lower() for word in words.split(",") if word.strip()))
    return found


def _event_words(entries: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries_of(entries, EVENT_ENTRIES):
        word, _, event = entry.rpartition("=")
        if not word or event not in EVENTS:
            raise UsageProblem(
                f"`map={EVENT_ENTRIES}{entry}`: '{event}' is no event", did_you_mean(event, EVENTS)
            )
        found[event_word(word)] = event
    return found
