"""The command-line application: registers the commands, and turns errors into exit codes.

The one place where an exception becomes an exit code (the list is in README.md).
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import typer

from prodassoc_cli import watchdog
from prodassoc_cli.commands import clean, embed, evaluate, export, inspect, mine, recommend, train
from prodassoc_cli.commands.options.build import print_version
from prodassoc_cli.commands.options.click_names import ClickException, answer_completion
from prodassoc_cli.commands.options.suggestions import explain
from prodassoc_cli.errors import BadConfig, BadData, NothingToDo, ProdassocError, UsageProblem
from prodassoc_cli.resources import lacks_addresses
from prodassoc_cli.terminal.messages import Messages

EXIT_BUG = 70
EXIT_BROKEN_PIPE = 141

OVERVIEW = """Product association analysis: rules, recommendations and their evaluation, from order lines.

\b
  orders.csv ── clean ──▶ interactions ── mine ──▶ rules ─────┐
  catalog.csv ─ clean ──▶ products ── embed ──▶ embeddings ─┐ │
                          holdout ─────────────┐            ▼ ▼
  metrics ◀── evaluate ◀── recommendations ◀── recommend ◀── train
"""

app = typer.Typer(
    name="prodassoc",
    help=OVERVIEW,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for stage in (clean, embed, mine, train, recommend, evaluate, inspect, export):
    stage.register(app)


@app.callback(help=OVERVIEW)
def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit", is_eager=True, callback=print_version
    ),
) -> None:
    """Hold the options that stand before a command."""


def main() -> NoReturn:
    """Run the command line and exit with the contract's code."""
    # A run makes few cycles of objects, and imports make many objects: looking for cycles would take 60 ms.
    gc.set_threshold(100_000, 20, 20)
    watchdog.watch_signals()
    code = run_command_line(sys.argv[1:] or ["--help"])
    if len(sys.argv) == 1:
        _say_next_step()
    gc.freeze()  # nor need all objects be looked through once more on the way out: 80 ms
    sys.exit(code)


def _say_next_step() -> None:
    """Say which command comes first, or next after what lies in the current folder."""
    from prodassoc_cli.commands.next_step import Guide

    found: dict[str, Path] = {}
    if any(Path().glob("*.parquet")):
        from prodassoc_cli.artifacts.discover import artifacts_in

        found = artifacts_in(Path())
    Messages("").hint(f"prodassoc {Guide(found, Path()).for_newcomer()}")


def run_command_line(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error ends here."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    messages = Messages(command, log_format="json" if _asks_for_json(arguments) else "text")
    try:
        _run(arguments)
    except NothingToDo:
        pass
    except typer.Exit as leave:
        return leave.exit_code
    except ProdassocError as error:
        messages.error(error.message, error.hint)
        if {"-v", "--verbose"} & set(arguments):
            traceback.print_exc()
        return error.exit_code
    except ClickException as error:
        return _usage_error(error, messages)
    except BaseException as error:  # polars' panics are no Exceptions
        return _ended_by(error, messages)
    return 0


def _asks_for_json(arguments: list[str]) -> bool:
    """Return whether errors are wanted as JSON; read from the words, since they may not have been parsed."""
    flags = " ".join(arguments).replace("=", " ")
    return "--log-format json" in flags or os.environ.get("PRODASSOC_LOG_FORMAT") == "json"


def _ended_by(error: BaseException, messages: Messages) -> int:
    """Return the exit code of a run that something from outside ended, or a bug."""
    if isinstance(error, BrokenPipeError):
        # There is no reader any more: what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt | watchdog.Terminated):
        # A library may raise one interrupt and Python another, where the first was being cleaned up after.
        watchdog.remove_unfinished()
        ended = isinstance(error, watchdog.Terminated)
        return watchdog.EXIT_TERMINATED if ended else watchdog.EXIT_INTERRUPTED
    if isinstance(error, MemoryError) or lacks_addresses(0.7):  # libraries then fail in ways of their own
        messages.error(
            "out of memory", "give the run more, or less to do: `memory_limit`, a higher `min_support`"
        )
        return BadData.exit_code
    if isinstance(error, SystemExit):
        raise error
    traceback.print_exception(error)
    messages.error(
        f"internal error: {type(error).__name__}: {error}", "please report it with the lines above"
    )
    return EXIT_BUG


def _run(arguments: list[str]) -> None:
    """Run one command line. Not by `app()`, which turns interrupts and broken pipes into codes of its own."""
    root = typer.main.get_command(app)
    answer_completion(root, "prodassoc")
    with root.make_context("prodassoc", arguments) as context:
        root.invoke(context)


def _usage_error(error: ClickException, messages: Messages) -> int:
    """Say what is wrong with the command line, in two lines."""
    context = getattr(error, "ctx", None)
    parameter = getattr(error, "param", None)
    source = context.get_parameter_source(parameter.name) if context is not None and parameter else None
    text, hint = explain(error)
    from_environment = source is not None and source.name == "ENVIRONMENT"
    if from_environment and parameter is not None:
        text += f" (set by {next(name for name in parameter.envvar if name in os.environ)})"
    messages.error(text, hint)
    return BadConfig.exit_code if from_environment else UsageProblem.exit_code
