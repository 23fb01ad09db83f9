"""From a stage's config class to its command line: flags, environment variables, TOML defaults, help.

`settings.py` declares every option once; `command` turns such a class into a Typer command, so that no flag,
default or help text is written twice. Precedence: flag, then `PRODASSOC_…` variable, then TOML, then default.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any, cast, get_type_hints

import typer
from typer.core import TyperCommand

from prodassoc_cli.commands.options.click_names import Context, HelpFormatter, Parameter
from prodassoc_cli.commands.options.suggestions import refuse_unknown_variables, value_hint
from prodassoc_cli.declare import Setting, default_of
from prodassoc_cli.errors import BadConfig, UsageProblem, did_you_mean
from prodassoc_cli.settings import CommonConfig
from prodassoc_cli.version import __version__

DEFAULT_CONFIG_FILE = "prodassoc.toml"
ENVIRONMENT_PREFIX = "PRODASSOC"
COMMON_GROUP = "Every command"
LAST_GROUPS = ("Engine", COMMON_GROUP)
"""Headings that stand at the end of a help."""


@dataclass(frozen=True)
class InputArgument:
    """What stands behind the command's name: the files it reads.

    Attributes:
        name: the word for them, `interactions`; in capitals it stands in the usage line.
        meaning: one line for the help.
        many: whether several may be given.
        needed: whether one must be given.
    """

    name: str
    meaning: str
    many: bool = False
    needed: bool = True


Body = Callable[[list[str], Any, CommonConfig], None]


def command(
    app: typer.Typer,
    name: str,
    config: type[Any],
    argument: InputArgument,
    examples: tuple[str, ...],
    body: Body,
) -> None:
    """Register one command.

    Args:
        app: where to register it.
        name: its name.
        config: its config class of `settings.py`; the class docstring is the help.
        argument: what it reads.
        examples: command lines for the end of the help; they run in the tests.
        body: called with the inputs, the config and the common options.
    """

    def callback(**values: Any) -> None:  # noqa: ANN401 — typer checks them
        refuse_unknown_variables(_variable(name, ""), (_variable(name, each) for each in values))
        given = values.pop(argument.name)
        inputs = list(given or ()) if argument.many else [given] if given is not None else []
        body(inputs, _take(config, values), _take(CommonConfig, values))

    parameters = [_argument_parameter(argument)]
    for options in (config, CommonConfig):
        types = get_type_hints(options)  # once a class: every start waits for it
        parameters += [_option_parameter(name, each, options, types[each.name]) for each in fields(options)]
    parameters.append(_version_parameter())
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {each.name: each.annotation for each in parameters}
    epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples)
    app.command(
        name,
        cls=GroupedHelp,
        help=config.__doc__,
        epilog=epilog,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )(callback)


class GroupedHelp(TyperCommand):
    """A command whose plain help stands under headings; rich help costs another 70 ms of CPU."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Write the argument as a word in capitals, with dots where several may be given."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        return [*(f"{each.metavar}{'...' if each.nargs != 1 else ''}" for each in arguments), "[OPTIONS]"]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the argument, then each group of options, the common ones last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                heading = getattr(parameter, "rich_help_panel", None) or COMMON_GROUP
                groups.setdefault(heading, []).append(record)
        last = {heading: groups.pop(heading) for heading in LAST_GROUPS if heading in groups}
        for heading, records in [*groups.items(), *last.items()]:
            with formatter.section(heading):
                formatter.write_dl(records, col_max=34)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the examples as they are, not wrapped."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog.replace("\b\n", "") + "\n")


def _take(config: type[Any], values: dict[str, Any]) -> Any:  # noqa: ANN401 — an instance of `config`
    return config(**{each.name: values[each.name] for each in fields(config)})


def _argument_parameter(argument: InputArgument) -> inspect.Parameter:
    info = typer.Argument(
        ... if argument.needed else None,
        help=argument.meaning,
        metavar=argument.name.upper(),
        rich_help_panel="Input",
    )
    kind: Any = list[str] if argument.many else str
    return inspect.Parameter(argument.name, inspect.Parameter.KEYWORD_ONLY, default=info, annotation=kind)


def _option_parameter(
    command_name: str,
    each: Field[Any],
    config: type[Any],
    hint: Any,  # noqa: ANN401 — a type, or what stands for one
) -> inspect.Parameter:
    about: Setting = each.metadata["setting"]
    common = config is CommonConfig
    flag = each.name.rstrip("_").replace("_", "-")
    words = about.flag.split("/") if about.flag else [f"--{flag}"]
    if about.flag and about.flag.startswith("--") and "/" in about.flag:
        words = [about.flag]  # --yes/--no of one boolean
    variables = [_variable(command_name, each.name)]
    if common:
        variables.append(_variable(each.name))
    info = typer.Option(
        default_of(each),
        *words,
        help=about.meaning,
        metavar=about.metavar,
        min=about.low,
        max=about.high,
        envvar=variables,
        show_envvar=False,
        show_default=default_of(each) not in (None, False, []),
        is_eager=each.name == "config",
        callback=_load_config if each.name == "config" else None,
        rich_help_panel=COMMON_GROUP if common else about.group,
    )
    return inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=info, annotation=hint)


def _variable(*names: str) -> str:
    """Return the environment variable of an option, or what those of a command begin with."""
    return "_".join([ENVIRONMENT_PREFIX, *(name.rstrip("_").upper() for name in names)])


def _version_parameter() -> inspect.Parameter:
    info = typer.Option(
        False, "--version", is_eager=True, callback=print_version, help="Show the version and exit",
        rich_help_panel=COMMON_GROUP,
    )  # fmt: skip
    return inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=info, annotation=bool)


def print_version(value: bool) -> None:
    """Show the version and leave, where the flag is given."""
    if value:
        from prodassoc_cli.terminal.output import write_line

        write_line(f"prodassoc {__version__}")
        raise typer.Exit


def _load_config(ctx: typer.Context, value: str | None) -> str | None:
    """Make the TOML file's values the defaults of this command."""
    path = Path(value) if value is not None else Path(DEFAULT_CONFIG_FILE)
    if value is None and not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as error:
        raise BadConfig(f"cannot read {path}: {error.strerror}", "name another file with --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} is not TOML: {error}") from error
    ctx.default_map = _defaults_of(ctx, document, path)
    return value


def _defaults_of(ctx: typer.Context, document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the values that concern this command: those above all tables, then those of its own table."""
    group = ctx.parent.command if ctx.parent else ctx.command
    commands = cast("dict[str, Any]", getattr(group, "commands", {}))
    common = {each.name for each in fields(CommonConfig)}
    for key, value in document.items():
        if isinstance(value, dict) and key not in commands:
            raise BadConfig(f"{path}: no command '{key}' to have a table", did_you_mean(key, commands))
        if not isinstance(value, dict) and key.replace("-", "_") not in common:
            raise BadConfig(f"{path}: no option '{key}' for every command", did_you_mean(key, common))
    own = document.get(ctx.info_name or "", {})
    top = {key: value for key, value in document.items() if not isinstance(value, dict)}
    known = {each.name: each for each in ctx.command.params if each.name}
    defaults: dict[str, Any] = {}
    for key, value in [*top.items(), *own.items()]:
        name = "for_" if key == "for" else key.replace("-", "_")
        if name not in known:
            raise BadConfig(f"{path}: [{ctx.info_name}] has no option '{key}'", did_you_mean(name, known))
        if isinstance(value, str) and getattr(known[name], "multiple", False):
            value = [value]
        try:
            cast_value(known[name], value, key, ctx)
        except UsageProblem as error:
            raise BadConfig(f"{path}: {error.message}", error.hint) from error
        defaults[name] = value
    return defaults


def cast_value(parameter: Parameter, value: Any, name: str, ctx: typer.Context | None = None) -> Any:  # noqa: ANN401
    """Return a value that is no text of a command line as the option has it.

    Args:
        parameter: the option.
        value: what it is given: a number, a text, a list of texts.
        name: its name in error texts.
        ctx: the context of the command, where there is one.

    Raises:
        UsageProblem: it is of another type, out of bounds, or no choice.
    """
    try:
        return parameter.type_cast_value(cast("Any", ctx), value)
    except typer.BadParameter as error:
        raise UsageProblem(f"{name}: {error.message}", value_hint(parameter, error.message)) from error
    except (TypeError, ValueError, OverflowError) as error:  # inf, a table, a date
        raise UsageProblem(f"{name}: {error}") from error
