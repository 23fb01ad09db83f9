"""The console blocks of the README, run in order, must print what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE

DOCUMENTS = [ROOT / "README.md"]
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
        elif steps and steps[-1][0].endswith("\\"):
            steps[-1] = (steps[-1][0][:-1] + line.strip(), [])
        else:
            steps[-1][1].append(line)
    return steps


def matches(shown: list[str], printed: list[str]) -> bool:
    pattern = "".join("(?:.*\n)*" if line == ANYTHING else f"{re.escape(line)}\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_console_blocks(document, tmp_path):
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "prodassoc"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m prodassoc_cli "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "150", "PATH": path}
    for block in console_blocks(document):
        for command, shown in transcript(block):
            done = subprocess.run(
                ["bash", "-c", f"set -o pipefail; {{ {command}\n}} 2>&1"],
                cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            printed = [line.rstrip() for line in done.stdout.splitlines()]
            assert matches(shown, printed), f"$ {command}\n" + "\n".join(printed)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 200
