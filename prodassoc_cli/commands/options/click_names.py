"""What Typer has of Click and does not export: the only place that knows where Typer keeps it."""

from typing import Any

from typer._click.core import Context, Parameter
from typer._click.exceptions import ClickException, NoSuchOption
from typer._click.formatting import HelpFormatter

__all__ = ["ClickException", "Context", "HelpFormatter", "NoSuchOption", "Parameter", "answer_completion"]


def answer_completion(root: Any, name: str) -> None:  # noqa: ANN401 — the group that `typer.main.get_command` returns
    """Answer a shell that asks what a Tab could stand for, then exit; nothing where none asks."""
    root._main_shell_completion({}, name)
