"""Command lines as they stand in documents and in help texts, and a folder to run them in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT, SAMPLE
from tests.fork_server import write_program

COMMANDS = ("clean", "embed", "mine", "train", "recommend", "evaluate", "inspect", "export")


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def languages(path: Path) -> set[str]:
    """Return the languages of all fenced blocks."""
    return set(re.findall(r"^```(\w+)$", path.read_text(), flags=re.MULTILINE))


def indented_commands(path: Path) -> list[str]:
    """Return the indented command lines, continued ones joined."""
    text = path.read_text().replace("\\\n", " ")
    return re.findall(r"^    (prodassoc .*)$", text, flags=re.MULTILINE)


def examples(help_text: str) -> list[str]:
    """Return the examples at the end of a help text."""
    return re.findall(r"^  (prodassoc .*)$", help_text.split("Examples:")[1], flags=re.MULTILINE)


class Shell:
    """Runs shell lines in a folder where `prodassoc` and `python` are this checkout's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: list[tuple[float, str]] = []
        write_program(folder / "bin" / "prodassoc", ROOT)
        (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (folder / "bin" / "python").chmod(0o755)
        (folder / "sample_data").symlink_to(SAMPLE)
        self.env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "150",
            "HOME": str(folder),
            # What is made once for a user, as a model of 120 MB, is not made again for each folder.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }

    def __call__(self, script: str) -> str:
        """Run lines, each of which must succeed, and return all that they say."""
        started = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{script}"],
            cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, timeout=300, check=False,
        )  # fmt: skip
        self.seconds.append((time.monotonic() - started, script))
        assert done.returncode == 0, f"{script}\nexit code {done.returncode}\n{done.stdout}"
        assert "error:" not in done.stdout, f"{script}\n{done.stdout}"
        return done.stdout
