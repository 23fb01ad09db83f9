"""The console blocks of the README, run in order, must print what they show."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from prodassoc_cli.embedding.multilingual import packed_file
from tests.conftest import ROOT, SAMPLE
from tests.fork_server import write_program

NEEDS_MULTILINGUAL = ROOT / "docs" / "quickstart.zh.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "files.md", NEEDS_MULTILINGUAL]
NUMERIC = ("numpy", "polars", "rich", "scikit-learn", "scipy")
FIRST_RUN = "only the first run waits"
ANYTHING = "…"
"""A line of its own that stands for any lines."""


def console_blocks(path: Path) -> list[str]:
    return re.findall(r"^```console\n(.*?)^```$", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def transcript(block: str) -> list[tuple[str, list[str]]]:
    """Return each command of a block with the lines it must print."""
    steps: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps and "<<END" in steps[-1][0] and not steps[-1][0].endswith("\nEND"):
            steps[-1] = (f"{steps[-1][0]}\n{line}", [])
        elif steps and steps[-1][0].endswith("\\"):
            steps[-1] = (steps[-1][0][:-1] + line.strip(), [])
        else:
            steps[-1][1].append(line)
    return steps


def matches(shown: list[str], printed: list[str]) -> bool:
    pattern = "".join("(?:.*\n)*" if line == ANYTHING else f"{re.escape(line)}\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def locked(name: str) -> str | None:
    found = re.search(rf"^{name}==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return found[1] if found else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_console_blocks(document, tmp_path):
    other = [name for name in NUMERIC if metadata.version(name) != locked(name)]
    if other:
        pytest.skip(f"{', '.join(other)} not as in requirements.lock: last digits may differ")
    if document == NEEDS_MULTILINGUAL and packed_file() is None:
        pytest.skip("needs the extra `multilingual`")
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    write_program(tmp_path / "bin" / "prodassoc", ROOT)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "150", "PATH": path}
    for block in console_blocks(document):
        for command, shown in transcript(block):
            done = subprocess.run(
                ["bash", "-c", f"set -o pipefail; {{ {command}\n}} 2>&1"],
                cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            printed = [line.rstrip() for line in done.stdout.splitlines() if FIRST_RUN not in line]
            assert matches(shown, printed), f"$ {command}\n" + "\n".join(printed)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 200
