"""What Typer keeps to itself is where it was, and one module knows of it."""

import re

import typer

from prodassoc_cli.commands.options import click_names
from tests.conftest import ROOT


def test_typer_has_them_still():
    assert issubclass(typer.BadParameter, click_names.ClickException)
    assert issubclass(click_names.NoSuchOption, click_names.ClickException)
    assert issubclass(typer.Context, click_names.Context)
    assert hasattr(typer.core.TyperGroup, "_main_shell_completion")
    assert issubclass(typer.core.TyperOption, click_names.Parameter)
    assert hasattr(click_names.HelpFormatter, "write_dl")


def test_nobody_else_asks_for_them():
    private = re.compile(r"typer\._|from typer import _|_main_shell_completion")
    found = [path.name for path in (ROOT / "prodassoc_cli").rglob("*.py") if private.search(path.read_text())]
    assert found == ["click_names.py"]
