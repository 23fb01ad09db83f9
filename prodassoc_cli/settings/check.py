"""Whether options are right: their values, and what each declares that it needs, excludes and works on."""

from __future__ import annotations

from dataclasses import Field, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from prodassoc_cli.declare import Setting, default_of
from prodassoc_cli.errors import UsageProblem, did_you_mean


def check_options(config: Any) -> None:  # noqa: ANN401 — a config class's instance
    """Refuse options that do not go together, before anything is read.

    Args:
        config: the options of a stage.

    Raises:
        UsageProblem: one lacks what it needs, excludes another, or does not work on the engine asked for.
    """
    known = {each.name: each for each in fields(config)}
    on_spark = getattr(config, "engine", "local") == "spark"
    for name, option in known.items():
        if not _is_given(config, option):
            continue
        about: Setting = option.metadata["setting"]
        if on_spark and not about.on_spark:
            raise UsageProblem(
                f"`engine=spark` does not do `{name}`", f"drop `{name}`, or run with `engine=local`"
            )
        for condition in about.needs:
            if not _holds(config, known, condition):
                raise UsageProblem(f"`{name}` needs `{condition}`", _remedy(config, known, name, condition))
        for condition in about.excludes:
            if _holds(config, known, condition):
                raise UsageProblem(f"`{name}` and `{condition}` exclude each other", "drop one of them")


def _is_given(config: Any, option: Field[Any]) -> bool:  # noqa: ANN401
    return bool(getattr(config, option.name) != default_of(option))


def _holds(config: Any, known: dict[str, Field[Any]], condition: str) -> bool:  # noqa: ANN401
    """Return whether an option is given (`NAME`) or has a value (`NAME=VALUE`)."""
    name, equals, value = condition.partition("=")
    return getattr(config, name) == value if equals else _is_given(config, known[name])


def _remedy(config: Any, known: dict[str, Field[Any]], name: str, condition: str) -> str:  # noqa: ANN401
    other, equals, _ = condition.partition("=")
    if equals:
        given = _is_given(config, known[other])
        return f"drop `{name}` or `{other}`" if given else f"add `{condition}`"
    metavar = known[other].metadata["setting"].metavar
    return f"add `{other}={metavar}`" if metavar else f"add `{other}`"


def checked_value(config: type[Any], option: Field[Any], value: Any) -> Any:  # noqa: ANN401
    """Return a value given in Python as an option holds it.

    Args:
        config: the config class.
        option: one of its fields.
        value: a number, a text, a yes or no, or a list of texts.

    Raises:
        UsageProblem: it is of another type, out of bounds, or not among the choices.
    """
    kind = _type_of(get_type_hints(config)[option.name])
    about: Setting = option.metadata["setting"]
    if get_origin(kind) is Literal:
        choices = [str(each) for each in get_args(kind)]
        if value not in choices:
            raise UsageProblem(f"{option.name}: '{value}' is not a choice", did_you_mean(str(value), choices))
        return value
    if get_origin(kind) is list:
        return [str(each) for each in (value if isinstance(value, list | tuple) else [value])]
    if kind is str:
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if kind is bool:
        if not isinstance(value, bool):
            raise UsageProblem(f"{option.name}: {value!r} is neither True nor False")
        return value
    return _checked_number(option.name, about, kind, value)


def _type_of(hint: Any) -> Any:  # noqa: ANN401 — a type, or what stands for one
    """Return a type without None."""
    if get_origin(hint) in (Union, UnionType):
        return next(each for each in get_args(hint) if each is not NoneType)
    return hint


def _checked_number(name: str, about: Setting, kind: type[int] | type[float], value: Any) -> int | float:  # noqa: ANN401
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageProblem(f"{name}: {value!r} is not a number") from error
    if kind is int:
        if not number.is_integer():
            raise UsageProblem(f"{name}: {value} is not a whole number")
        number = int(value)
    low = -float("inf") if about.low is None else about.low
    high = float("inf") if about.high is None else about.high
    if not low <= number <= high:
        bounds = f"at least {about.low:g}" if about.high is None else f"from {low:g} to {high:g}"
        raise UsageProblem(f"{name}: {value} is out of bounds", f"it is {bounds}")
    return number
