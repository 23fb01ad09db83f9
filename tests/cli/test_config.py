"""Every option of every command can be set by a flag, by a variable and in `prodassoc.toml`."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import typer

from prodassoc_cli.artifacts.schemas import KINDS
from prodassoc_cli.commands.options import build as options
from prodassoc_cli.declare import flag_of
from prodassoc_cli.errors import BadConfig
from prodassoc_cli.settings import (
    CleanConfig,
    CommonConfig,
    EmbedConfig,
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    MineConfig,
    RecommendConfig,
    TrainConfig,
)

CONFIGS = {
    "clean": CleanConfig, "embed": EmbedConfig, "mine": MineConfig, "train": TrainConfig,
    "recommend": RecommendConfig, "evaluate": EvaluateConfig, "inspect": InspectConfig,
    "export": ExportConfig,
}  # fmt: skip


def another_value(config, option):
    """Return a value of an option that is not its default."""
    hint = get_type_hints(config)[option.name]
    if get_origin(hint) is not Literal and get_origin(hint) is not list and get_args(hint):
        hint = next(each for each in get_args(hint) if each is not type(None))
    default = option.default if option.default is not MISSING else []
    about = option.metadata["setting"]
    if get_origin(hint) is Literal:
        return next(each for each in get_args(hint) if each != default)
    if get_origin(hint) is list:
        return ["a=1", "b=2"]
    if hint is bool:
        return not default
    if hint is int:
        return int(max(about.low or 0, 3))
    if hint is float:
        return float(min(about.high or 1.5, 1.0 if about.high else 1.5)) - (0.25 if about.high == 1.0 else 0)
    assert hint is str
    return "2GB"


EVERY_OPTION = [
    (command, config, option)
    for command, own in CONFIGS.items()
    for config in (own, CommonConfig)
    for option in fields(config)
    if option.name != "config"
]


@pytest.fixture(scope="module")
def commands():
    """All commands, with the values that were parsed last."""
    seen: dict[str, object] = {}

    def body(inputs, config, common):
        seen.update(vars(common) | vars(config))

    app = typer.Typer()
    app.callback()(lambda: None)
    for each, config in CONFIGS.items():
        argument = options.InputArgument("files", "What it reads", many=True, needed=False)
        options.command(app, each, config, argument, (), body)
    return typer.main.get_command(app), seen


@pytest.fixture
def parsed(commands, tmp_path, monkeypatch):
    """Return a function that parses words as a command does, and gives back an option's value."""
    monkeypatch.chdir(tmp_path)
    group, seen = commands

    def parse(command: str, name: str, *words: str):
        seen.clear()
        with group.make_context("prodassoc", [command, *words]) as context:
            group.invoke(context)
        return seen[name]

    return parse


def as_toml(value) -> str:
    return json.dumps(value)  # numbers, texts, booleans and lists of texts are written alike


@pytest.mark.parametrize(
    ("command", "config", "option"), EVERY_OPTION,
    ids=[f"{command} {flag_of(option)}" for command, _, option in EVERY_OPTION],
)  # fmt: skip
def test_file_and_variable_set_it(parsed, tmp_path, monkeypatch, command, config, option):
    value = another_value(config, option)
    key = flag_of(option).lstrip("-")
    path = tmp_path / "prodassoc.toml"
    path.write_text(f"[{command}]\n{key} = {as_toml(value)}\n")
    assert parsed(command, option.name) == value
    if config is CommonConfig:
        path.write_text(f"{key} = {as_toml(value)}\n")
        assert parsed(command, option.name) == value
    path.unlink()
    text = " ".join(value) if isinstance(value, list) else str(value)
    name = key.upper().replace("-", "_")
    monkeypatch.setenv(f"PRODASSOC_{command.upper()}_{name}", text)
    assert parsed(command, option.name) == value


def test_one_text_is_a_list_of_one(parsed, tmp_path):
    (tmp_path / "prodassoc.toml").write_text('[recommend]\nwhere = "stock>0"\n')
    assert parsed("recommend", "where") == ["stock>0"]


def test_no_text_is_a_wrong_list(parsed, tmp_path):
    (tmp_path / "prodassoc.toml").write_text("[recommend]\nwhere = 3\n")
    with pytest.raises(BadConfig):
        parsed("recommend", "where")


@pytest.mark.parametrize("name", KINDS)
def test_inspect_shows_how_a_kind_is_declared(prodassoc, name):
    done = prodassoc("inspect", "--schema", name, env={"COLUMNS": "160"})
    assert done.returncode == 0
    text = done.stdout.decode()
    assert KINDS[name].meaning in text
    for column in KINDS[name].columns:
        row = next(line for line in text.splitlines() if line.startswith(f"{column.name} "))
        assert column.dtype in row
        assert column.meaning in row
    shown = json.loads(prodassoc("inspect", "--schema", name, "--format", "jsonl").stdout)
    assert [each["name"] for each in shown["columns"]] == [each.name for each in KINDS[name].columns]


@pytest.mark.parametrize("words", [[], ["a.parquet", "--schema", "rules"]])
def test_inspect_shows_one_thing(prodassoc, words):
    assert prodassoc("inspect", *words).returncode == 2
