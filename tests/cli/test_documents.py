"""Every line a newcomer may copy runs: recipes, examples in help, indented lines of the README."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.documents import COMMANDS, Shell, blocks, examples, indented_commands, languages
from tests.conftest import ROOT, SAMPLE
from tests.embedding.conftest import write_checkpoint

RECIPES, README = ROOT / "docs" / "recipes.md", ROOT / "README.md"
NOT_RUN = {"crontab"}
"""Languages of blocks that need something no test has: a clock."""

NEEDS_A_CLUSTER = "--master spark://"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder after the first recipe, which makes what the other lines read."""
    shell = Shell(tmp_path_factory.mktemp("shop"))
    shell(blocks(RECIPES, "sh")[0])
    return shell


def test_every_recipe_runs(shell):
    for block in blocks(RECIPES, "sh")[1:]:
        shell(block)
    assert languages(RECIPES) - {"sh"} <= NOT_RUN
    assert sum(len(blocks(RECIPES, language)) for language in NOT_RUN) <= 2
    assert not indented_commands(RECIPES)


def test_the_recipes_are_all_there():
    text = RECIPES.read_text()
    for heading in (
        "Frequently bought together", "Shelves and stock", "Out of stock", "A weekly e-mail",
        "New products, new customers", "The next basket", "Films and music", "Unusual baskets",
        "A Chinese catalogue", "Vectors of your own", "Close the loop", "Privacy",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in text
        anchor = heading.lower().replace(" ", "-").replace(",", "")
        assert f"(#{anchor})" in text


def further_files(shell: Shell) -> None:
    """Make the files that examples name and the recipes do not."""
    for name, source in {"orders.csv": "orders.csv", "catalog.csv": "catalog.csv"}.items():
        (shell.folder / name).symlink_to(SAMPLE / source)
    header, *lines = (SAMPLE / "orders.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (shell.folder / "tonight.csv").write_text("".join([header, *lines[:50]]))
    sold = header.replace("order_no", "Bon").replace("sku", "Artikel").replace("customer", "Kunde")
    (shell.folder / "baskets.dat").write_text("1 2 3\n2 3\n" * 10)
    (shell.folder / "sales.csv").write_text("".join([sold, *lines[:200]]))
    for name in ("all-MiniLM-L12-v2", "xlm-roberta-base"):
        write_checkpoint(shell.folder / name, "bert" if "MiniLM" in name else "roberta")
    shell("prodassoc train interactions.parquet --model popularity -o popularity.parquet -q")
    shell("prodassoc clean orders.csv -o all.parquet -q")
    for model, recs in {"model": "recs", "popularity": "popular"}.items():
        shell(f"prodassoc recommend {model}.parquet --include-seen -o {recs}.parquet -q")


def test_every_example_of_the_help_and_every_indented_line_of_the_readme_runs(shell):
    further_files(shell)
    lines = [line for name in COMMANDS for line in examples(shell(f"prodassoc {name} --help"))]
    assert len(lines) >= 2 * len(COMMANDS)
    readme = indented_commands(README)
    assert len(readme) >= 10
    left_out = [line for line in readme if NEEDS_A_CLUSTER in line]
    assert len(left_out) <= 1
    for line in [*lines, *(line for line in readme if line not in left_out)]:
        shell(line)


@pytest.fixture(scope="module", autouse=True)
def timed(shell: Shell):
    yield
    if "PRODASSOC_TIMES" in os.environ:
        slowest = sorted(shell.seconds, reverse=True)
        text = "".join(f"{seconds:6.1f} s  {script.strip()[:140]!r}\n" for seconds, script in slowest)
        Path(os.environ["PRODASSOC_TIMES"]).write_text(text)
