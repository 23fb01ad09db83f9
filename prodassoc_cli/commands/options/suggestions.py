"""What a mistyped option or choice was probably meant to be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from prodassoc_cli.commands.options.click_names import ClickException, NoSuchOption, Parameter
from prodassoc_cli.errors import BadConfig, did_you_mean

_NO_COMMAND = re.compile(r"No such command '(?P<word>.*?)'")
_NO_CHOICE = re.compile(r"'(?P<word>.*)' is not one of ", re.DOTALL)


def explain(error: ClickException) -> tuple[str, str]:
    """Return what is wrong with a command line, and what would fix it."""
    context = getattr(error, "ctx", None)
    help_line = f"see: {context.command_path if context is not None else 'prodassoc'} --help"
    if isinstance(error, NoSuchOption) and context is not None:
        flags = [flag for each in context.command.params for flag in (*each.opts, *each.secondary_opts)]
        known = [flag for flag in [*flags, "--help"] if flag.startswith("--")]
        return error.message, did_you_mean(error.option_name, known, otherwise=help_line)
    text = " ".join(error.format_message().split())
    unknown = _NO_COMMAND.match(text)
    if unknown and context is not None:
        return unknown[0], did_you_mean(unknown["word"], context.command.commands, otherwise=help_line)
    return text, value_hint(getattr(error, "param", None), error.message) or help_line


def value_hint(parameter: Parameter | None, message: str) -> str:
    """Return what a value should have been: the choice probably meant, or how shares are written; else ""."""
    if getattr(parameter, "metavar", None) == "FRACTION":
        number = (
            "; a number of baskets is --min-count" if getattr(parameter, "name", "") == "min_support" else ""
        )
        return f"a share of one: 0.01 is 1 %{number}"
    found = _NO_CHOICE.match(message)
    choices = [str(each) for each in getattr(getattr(parameter, "type", None), "choices", ())]
    return did_you_mean(found["word"], choices, otherwise="") if found else ""


def refuse_unknown_variables(prefix: str, known: Iterable[str]) -> None:
    """Refuse variables of a command that set none of its options: they would be passed over in silence.

    Raises:
        BadConfig: there is one.
    """
    known = set(known)
    for name in os.environ:
        if name.startswith(prefix) and name not in known:
            raise BadConfig(f"{name} is set, but there is no such option", did_you_mean(name, known))
