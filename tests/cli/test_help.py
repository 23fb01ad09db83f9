from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from tests.conftest import ROOT, cpu_seconds

COMMANDS = ("clean", "embed", "mine", "train", "recommend", "evaluate", "inspect", "export")
HEAVY = {"polars", "numpy", "pyarrow", "sklearn", "scipy", "numba", "onnxruntime", "pydantic", "rich"}
CALLS = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]

PROBE = """
import sys
from prodassoc_cli.app import main
try:
    main()
finally:
    print("\\nMODULES", *sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_help_imports_nothing_heavy(words):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = {name.split(".")[0] for name in done.stderr.split("MODULES")[1].split()}
    assert not loaded & HEAVY


def cpu_seconds_of(*words: str) -> float:
    before = cpu_seconds(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return cpu_seconds(resource.RUSAGE_CHILDREN) - before


@pytest.mark.parametrize("words", [["--help"], ["mine", "--help"]], ids=" ".join)
def test_help_takes_under_150_ms_of_cpu(words):
    cpu_seconds_of("-m", "prodassoc_cli", *words)  # compiles the byte code
    pairs = [(cpu_seconds_of("-m", "prodassoc_cli", *words), cpu_seconds_of("-c", "pass")) for _ in range(7)]
    # A bare interpreter takes 10 ms; on a busy machine both take longer, so there the multiple tells.
    multiple = sorted(ours / bare for ours, bare in pairs)[len(pairs) // 2]
    assert min(ours for ours, _ in pairs) < 0.150 or multiple < 15


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_groups_and_two_examples(prodassoc, name):
    text = prodassoc(name, "--help").stdout.decode()
    assert "Every command:" in text
    assert text.split("Examples:")[1].count("\n  prodassoc ") >= 2


def test_alone_it_shows_the_chain(prodassoc):
    done = prodassoc()
    assert done.returncode == 0
    assert "clean ──▶ interactions" in done.stdout.decode()


def test_version(prodassoc):
    done = prodassoc("--version")
    assert done.stdout.decode().startswith("prodassoc ")
    assert prodassoc("mine", "--version").stdout == done.stdout


def test_no_colour_in_pipes(prodassoc):
    done = prodassoc("mine", "--help", env={"FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert b"\x1b[" not in done.stdout + done.stderr
