"""Mutants of every kind of file that a command reads: counted problems or a reason in two lines, nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.driver import run_mutants


def check(corpus: Path, folder: Path, seeds: range) -> None:
    verdicts = run_mutants(corpus, folder, seeds)
    assert len(verdicts) == len(seeds)
    wrong = [verdict for verdict in verdicts if verdict["wrong"]]
    assert not wrong, json.dumps(wrong[:5], indent=1)
    codes = [verdict["code"] for verdict in verdicts]
    # Mutants that all fail, or none of which does, would show that the corpus itself is broken.
    assert 0.2 < codes.count(0) / len(codes) < 0.8


def test_200_mutants(corpus, tmp_path):
    check(corpus, tmp_path, range(200))


@pytest.mark.faults
def test_6000_mutants(corpus, tmp_path):
    check(corpus, tmp_path, range(10_000, 16_000))
