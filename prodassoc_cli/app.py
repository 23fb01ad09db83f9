"""The command-line application: registers the commands, and turns errors into exit codes.

The one place where an exception becomes an exit code (the list is in README.md).
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
import traceback
from typing import Any, NoReturn

import typer
from typer import _click as click

from prodassoc_cli.commands import clean, embed, evaluate, export, inspect, mine, recommend, train
from prodassoc_cli.commands.options import print_version
from prodassoc_cli.commands.run import NothingToDo
from prodassoc_cli.errors import BadConfig, BadData, ProdassocError, UsageProblem
from prodassoc_cli.terminal.messages import Messages

EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143
GRACE_SECONDS = 2.0
"""Time to unwind after SIGINT or SIGTERM."""

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
    signal.signal(signal.SIGTERM, _terminate)
    _leave_soon_after_a_signal()
    sys.exit(run_command_line(sys.argv[1:] or ["--help"]))


class _Terminated(BaseException):
    """SIGTERM came in."""


def _terminate(number: int, frame: Any) -> NoReturn:  # noqa: ANN401 — a frame
    raise _Terminated


def _leave_soon_after_a_signal() -> None:
    """Watch for SIGINT and SIGTERM from a thread.

    Python's own handlers wait for the main thread, which may sit in a kernel or a library for minutes.
    It gets the grace to unwind; then the partial files are removed and the process ends.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True, name="signals").start()


def _watch(signals: int) -> None:
    codes = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_TERMINATED}
    while (number := os.read(signals, 1)[0]) not in codes:
        pass
    select.select([signals], [], [], GRACE_SECONDS)  # a second signal cuts the grace short
    _remove_unfinished()
    os._exit(codes[signal.Signals(number)])


def _remove_unfinished() -> None:
    """Remove this process's partial files; there are none where the module that makes them is not loaded."""
    outputs = sys.modules.get("prodassoc_cli.artifacts.outputs")
    if outputs is not None:
        outputs.remove_unfinished()


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
    except click.exceptions.ClickException as error:
        return _usage_error(error, messages)
    except BaseException as error:  # polars' panics are no Exceptions
        return _ended_by(error, messages)
    return 0


def _asks_for_json(arguments: list[str]) -> bool:
    """Tell whether errors are wanted as JSON; read from the words, since they may not have been parsed."""
    flags = " ".join(arguments).replace("=", " ")
    return "--log-format json" in flags or os.environ.get("PRODASSOC_LOG_FORMAT") == "json"


def _ended_by(error: BaseException, messages: Messages) -> int:
    """Return the exit code of a run that something from outside ended, or a bug."""
    if isinstance(error, BrokenPipeError):
        # Nobody reads any more: what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt | _Terminated):
        # A library may raise one interrupt and Python another, where the first was being cleaned up after.
        _remove_unfinished()
        return EXIT_TERMINATED if isinstance(error, _Terminated) else EXIT_INTERRUPTED
    if isinstance(error, MemoryError):
        messages.error(
            "out of memory", "give the run more, or less to do: --memory-limit, a higher --min-support"
        )
        return BadData.exit_code
    if isinstance(error, SystemExit):
        raise error
    traceback.print_exception(error)
    messages.error(
        f"this is a bug of ours: {type(error).__name__}: {error}", "please report it with the lines above"
    )
    return EXIT_BUG


def _run(arguments: list[str]) -> None:
    """Run one command line. Not by `app()`, which turns interrupts and broken pipes into codes of its own."""
    root = typer.main.get_command(app)
    root._main_shell_completion({}, "prodassoc")  # answers a shell's Tab, then exits
    with root.make_context("prodassoc", arguments) as context:
        root.invoke(context)


def _usage_error(error: click.exceptions.ClickException, messages: Messages) -> int:
    """Say what is wrong with the command line, in two lines."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "prodassoc"
    parameter = getattr(error, "param", None)
    source = context.get_parameter_source(parameter.name) if context is not None and parameter else None
    text = " ".join(error.format_message().split())
    messages.error(text, f"see: {path} --help")
    from_environment = source is not None and source.name == "ENVIRONMENT"
    return BadConfig.exit_code if from_environment else UsageProblem.exit_code
