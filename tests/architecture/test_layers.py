"""The layers: commands → domain → artifacts.schemas → errors, read from the imports."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "prodassoc_cli"
DOMAIN = ("intake", "mining", "embedding", "models", "evaluation")
ENTRANCES = ("commands", "stages", "execution", "api", "app")
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a module, which is parsed once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@cache
def imported(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_domain_knows_no_terminal(path):
    names = imported(path)
    if room(path) in DOMAIN:
        assert not any(
            name.startswith(
                ("typer", "rich", *(f"prodassoc_cli.{each}" for each in (*ENTRANCES, "terminal")))
            )
            for name in names
        )
        assert "prodassoc_cli.artifacts.store" not in names
        assert "prodassoc_cli.artifacts.outputs" not in names
    if room(path) == "artifacts":
        assert not any(name.startswith(tuple(f"prodassoc_cli.{each}" for each in DOMAIN)) for name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_texts_of_the_domain_name_no_flag(path):
    """They name an option by its keyword between backticks; `settings.naming` shows it."""
    if room(path) not in DOMAIN:
        return
    prose = {node.value for node in nodes(path) if isinstance(node, ast.Expr)}
    texts = [
        node.value for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose
    ]  # fmt: skip
    assert not [text for text in texts if re.search(r"(?<![\w-])--[a-z]", text)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_unsafe_is_read_or_run(path):
    assert not imported(path) & {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
    calls = [
        node.func.id for node in nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert not {"eval", "exec", "print"} & set(calls)


def test_settings_and_help_stand_on_little():
    """What `--help` imports knows only of schemas, errors and the lists of models, layouts and presets."""
    for path in (PACKAGE / "settings").glob("*.py"):
        ours = {name for name in imported(path) if name.startswith("prodassoc_cli.")}
        light = (
            "settings",
            "declare",
            "artifacts.schemas",
            "errors",
            "models.registry",
            "intake.columns.presets",
            "intake.layouts.registry",
        )
        assert all(name.startswith(tuple(f"prodassoc_cli.{each}" for each in light)) for name in ours)


def test_only_the_entrances_know_the_commands():
    for path in MODULES:
        if any(name.startswith("prodassoc_cli.commands") for name in imported(path)):
            assert room(path) == "commands" or path.name == "app.py", path


def test_errors_and_schemas_stand_on_nothing():
    assert not any(name.startswith("prodassoc_cli") for name in imported(PACKAGE / "errors.py"))
    assert not any(
        name.startswith("prodassoc_cli") for name in imported(PACKAGE / "artifacts" / "schemas.py")
    )


def test_the_map_names_what_is_there():
    """Rooms whose files differ in what they are for, file by file; the others by what the room does."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_0-9]+", text))
    commands = {"clean", "embed", "mine", "train", "recommend", "evaluate", "inspect", "export"}
    for path in MODULES:
        if room(path) in ("", "commands", "artifacts"):
            assert path.stem in words | commands | {"__init__", "__main__"}, f"{path} is not on the map"
    for each in {folder(path) for path in MODULES if path.parent != PACKAGE}:
        assert f"`{each}/`" in text, f"{each} is not on the map"
    for name in re.findall(r"`((?:\w+/)*\w+\.py)`", text):
        is_there = any(str(path).endswith(f"/{name}") for path in [*MODULES, *ROOT.glob("*/*.py")])
        assert is_there or name == "commands/NAME.py", f"the map names {name}"


@cache
def rooms_known() -> dict[str, set[str]]:
    """Return which folders the modules of each folder import from."""
    modules = {module_name(path): path for path in MODULES}
    found: dict[str, set[str]] = {}
    for path in MODULES:
        own = folder(path)
        for name in imported(path) & modules.keys():
            if (other := folder(modules[name])) != own:
                found.setdefault(own, set()).add(other)
    return found


def module_name(path: Path) -> str:
    parts = ("prodassoc_cli", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def folder(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return "/".join(parts[:-1]) or path.stem.strip("_")


MAY_KNOW: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "rooms.toml").read_text(encoding="utf-8")
)
"""Folder → the folders (or modules at the top) that it may import from."""


@pytest.mark.parametrize("room", sorted({*MAY_KNOW, *map(folder, MODULES)}))
def test_a_room_knows_only_the_rooms_it_is_said_to_know(room):
    assert sorted(rooms_known().get(room, set())) == MAY_KNOW.get(room, [])


def test_no_module_imports_itself_by_way_of_others():
    modules = {module_name(path) for path in MODULES}
    waiting = {module_name(path): modules_imported(path, modules) for path in MODULES}
    while free := {name for name, needed in waiting.items() if not needed & waiting.keys() - {name}}:
        waiting = {name: needed for name, needed in waiting.items() if name not in free}
    assert not waiting, sorted(waiting)


def modules_imported(path: Path, modules: set[str]) -> set[str]:
    """Return the modules that a file imports from: of `from room import module`, the module alone."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in named}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules
    return found
