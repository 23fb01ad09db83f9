"""A choice on the command line and what the domain can do are one list."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from prodassoc_cli import settings
from prodassoc_cli.artifacts.schemas import EVENTS, KINDS
from prodassoc_cli.declare import flag_of
from prodassoc_cli.execution.dry_run import STEPS
from prodassoc_cli.intake.columns.aliases import ALIASES
from prodassoc_cli.intake.columns.presets import PRESETS
from prodassoc_cli.intake.layouts.registry import LAYOUTS
from prodassoc_cli.mining.measures import MEASURES, REQUIRED_MEASURES
from prodassoc_cli.models.registry import MODELS
from prodassoc_cli.stages.embed import STORED_AS


def choices(config: type, option: str) -> set[str]:
    found: set[str] = set()

    def collect(hint) -> None:
        if get_origin(hint) is Literal:
            found.update(get_args(hint))
        for each in get_args(hint):
            collect(each)

    collect(get_type_hints(config)[option])
    return found


@pytest.mark.parametrize(
    ("config", "option", "known"),
    [
        (settings.CleanConfig, "preset", {*PRESETS, "none"}),
        (settings.CleanConfig, "layout", {"auto", *LAYOUTS}),
        (settings.CleanConfig, "event", set(EVENTS)),
        (settings.TrainConfig, "model", set(MODELS)),
        (settings.EmbedConfig, "output_precision", set(STORED_AS)),
    ],
)
def test_choices_are_what_the_domain_knows(config, option, known):
    assert choices(config, option) == known


def test_columns_are_those_declared():
    logged = {"click", "purchase", "dismiss", "title", "category", "brand", "status", "cancelled_at"}
    assert set(ALIASES) - logged == {column.name for column in KINDS["interactions"].columns}
    rules = {column.name for column in KINDS["rules"].columns}
    assert {*REQUIRED_MEASURES, "leverage", "jaccard"} <= rules & set(MEASURES)


def test_every_option_has_a_meaning_and_a_flag_of_its_own():
    for name in settings.__all__:
        config = getattr(settings, name)
        if not name.endswith("Config"):
            continue
        own = [*fields(config), *(() if config is settings.CommonConfig else fields(settings.CommonConfig))]
        flags = [flag_of(each) for each in own]
        assert len(flags) == len(set(flags))
        assert all(each.metadata["setting"].meaning for each in own)


def test_every_stage_is_planned():
    assert set(STEPS) == {"clean", "embed", "mine", "train", "recommend", "evaluate"}
