"""The corpus, built once a session in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is too long for `make test` is slow as well."""
    for item in items:
        if item.get_closest_marker("faults"):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small file of every kind; not to be changed."""
    folder = tmp_path_factory.mktemp("corpus")
    code = "from pathlib import Path; from tests.faults.corpus import build; build(Path.cwd())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
    return folder
