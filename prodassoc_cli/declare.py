"""How an option is declared: its default, its bounds and what it means."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class SearchRange:
    """Where tuning looks for the best value of a parameter.

    Attributes:
        low: smallest value.
        high: largest value.
        log: whether values are drawn evenly by their logarithms.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Setting:
    """What is known of one option beside its type and default.

    Attributes:
        meaning: one line for the help.
        group: heading it stands under in the help.
        metavar: word for its value in the help.
        low: smallest value allowed.
        high: largest value allowed.
        flag: its flags where they are not `--name-with-dashes`.
        result: whether it decides what is written. Only such options enter the lineage;
            where a file goes, how many threads work or what is shown does not.
        needs: what must be given with it: other options, or NAME=VALUE where another must have that value.
        excludes: what cannot be given with it, in the same form.
        on_spark: whether it works with `engine=spark`.
        tuned: where tuning looks for its best value; None where it leaves it alone.
    """

    meaning: str
    group: str = "Options"
    metavar: str | None = None
    low: float | None = None
    high: float | None = None
    flag: str | None = None
    result: bool = True
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    on_spark: bool = True
    tuned: SearchRange | None = None


def setting(default: Any, meaning: str, **details: Any) -> Any:  # noqa: ANN401 — as dataclasses.field is typed
    """Declare a field of a stage's config: its default and its `Setting`."""
    metadata = {"setting": Setting(meaning, **details)}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def default_of(option: Field[Any]) -> Any:  # noqa: ANN401 — any default
    """Return the default of an option."""
    return option.default_factory() if option.default_factory is not MISSING else option.default


def flag_of(option: Field[Any]) -> str:
    """Return the flag that an option is shown by: `--min-support`, `-k`."""
    about: Setting = option.metadata["setting"]
    flag = about.flag or f"--{option.name.rstrip('_').replace('_', '-')}"
    first, *_, last = [*flag.split("/"), flag.split("/")[-1]]
    return first if first.startswith("--") else last


def off_flag_of(option: Field[Any]) -> str:
    """Return the flag that turns an option off that has one for either way: `--no-header`."""
    about: Setting = option.metadata["setting"]
    assert about.flag is not None
    return about.flag.split("/")[1]


def as_given(name: str, value: object) -> str:
    """Return how an option was given, for messages: "with `map=order_id=Bon`", "without `drop_users`"."""
    if value in (None, False, []):
        return f"without `{name}`"
    words = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    return f"with `{name}`" if value is True else f"with {' '.join(f'`{name}={word}`' for word in words)}"


def result_parameters(config: object) -> dict[str, Any]:
    """Return the options of a config that decide what is written, for the lineage."""
    return {
        each.name: getattr(config, each.name)
        for each in fields(config)  # type: ignore[arg-type]
        if each.metadata["setting"].result
    }


FILE = {"metavar": "FILE", "result": False}
"""What options that name a file share."""
