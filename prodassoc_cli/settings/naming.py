"""How texts name options and commands: as flags on the command line, as keywords in a notebook.

The domain does not know who calls it. Its errors and messages name an option by its keyword
between backticks, and each entrance shows that in its own words:

    written                          command line                          notebook
    `min_support`                    --min-support                         min_support=
    `min_count=10`                   --min-count 10                        min_count=10
    `dayfirst=False`                 --monthfirst                          dayfirst=False
    `clean holdout=last-order`       prodassoc clean --holdout last-order  clean(holdout="last-order")
    `train=` (`train` is a command)  --train                               train=
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import Field, fields
from functools import cache
from typing import Any

from prodassoc_cli.declare import default_of, flag_of, off_flag_of
from prodassoc_cli.settings.clean import CleanConfig
from prodassoc_cli.settings.common import CommonConfig
from prodassoc_cli.settings.embed import EmbedConfig, ExportConfig
from prodassoc_cli.settings.evaluate import EvaluateConfig
from prodassoc_cli.settings.inspect import InspectConfig
from prodassoc_cli.settings.mine import MineConfig
from prodassoc_cli.settings.recommend import RecommendConfig
from prodassoc_cli.settings.train import TrainConfig

CONFIGS = {
    "clean": CleanConfig, "embed": EmbedConfig, "mine": MineConfig, "train": TrainConfig,
    "recommend": RecommendConfig, "evaluate": EvaluateConfig, "inspect": InspectConfig,
    "export": ExportConfig,
}  # fmt: skip
"""Command → its options."""

_FUNCTIONS = tuple(CONFIGS)[:6]
"""Commands that are functions of the package too."""

_FOR_THE_SHELL = re.compile(r"""^(?!['"]).*[\s$&|;<>()*?#!~\\\[\]{}'"]""")
"""A value that a shell would not take as it is, and that is not quoted yet."""

_NAMED = re.compile(r"`([^`]+)`")
_NUMBER_OR_PLACEHOLDER = re.compile(r"-?[0-9.]+|[A-Z_,]+|…")


def options_given(config: object) -> Iterator[tuple[str, Any]]:
    """Yield the flag and value of each option that is not as by default; True for one that is a flag."""
    for option in fields(config):  # type: ignore[arg-type]
        value = getattr(config, option.name)
        if value != default_of(option):
            yield (off_flag_of(option), True) if value is False else (flag_of(option), value)


def as_flags(text: str) -> str:
    """Return a text of the domain with options as flags and commands as command lines."""
    return _replaced(text, _flag, lambda command, words: " ".join(["prodassoc", command, *words]))


def as_keywords(text: str) -> str:
    """Return a text of the domain with options as keywords and commands as calls."""
    return _replaced(text, _keyword, lambda command, words: f"{command}({', '.join(words)})")


def _replaced(text: str, option: Callable[[str], str], call: Callable[[str, list[str]], str]) -> str:
    def shown(found: re.Match[str]) -> str:
        first, *words = found[1].split(" ")
        if first not in CONFIGS:
            return option(found[1]) if found[1].partition("=")[0] in _flags() else found[0]
        if first not in _FUNCTIONS:
            return " ".join(["prodassoc", first, *map(_flag, words)])
        return call(first, [option(word) for word in words])

    return _NAMED.sub(shown, text)


def _flag(word: str) -> str:
    name, _, value = word.partition("=")
    if name not in _flags():
        return word
    if value == "True":
        return _flags()[name]
    if value == "False":
        return off_flag_of(_declared()[name])
    quoted = shlex.quote(value) if _FOR_THE_SHELL.search(value) else value
    return f"{_flags()[name]} {quoted}".rstrip()


def _keyword(word: str) -> str:
    name, _, value = word.partition("=")
    if name not in _flags():  # what a command reads, as a notebook has it: a frame, by its name
        return word.removeprefix("--").replace("-", "_").removesuffix(".parquet")
    bare = value in ("", "True", "False") or _NUMBER_OR_PLACEHOLDER.fullmatch(value)
    return f"{name}={value}" if bare else f'{name}="{value}"'


@cache
def _flags() -> dict[str, str]:
    """Return the flag of each option of any command."""
    return {name: flag_of(each) for name, each in _declared().items()} | {"output": "-o"}


@cache
def _declared() -> dict[str, Field[Any]]:
    return {each.name: each for config in (*CONFIGS.values(), CommonConfig) for each in fields(config)}
