"""Feeds seeds to workers and gathers what went wrong; a worker that hangs or dies names its mutant too."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.faults.worker import CPU_SECONDS

STOP_SECONDS = 600
"""By the clock; no mutant but one that waits forever gets so far, however busy the machine is."""


def run_mutants(corpus: Path, folder: Path, seeds: Sequence[int], workers: int = 2) -> list[dict[str, Any]]:
    """Return a verdict for every seed."""
    with ThreadPoolExecutor(workers) as pool:
        parts = [(corpus, folder / f"worker{at}", seeds[at::workers]) for at in range(workers)]
        return [verdict for part in pool.map(lambda part: _work(*part), parts) for verdict in part]


def _work(corpus: Path, folder: Path, seeds: Sequence[int]) -> list[dict[str, Any]]:
    verdicts: list[dict[str, Any]] = []
    worker = None
    for seed in seeds:
        if worker is None:
            folder.mkdir(parents=True, exist_ok=True)
            worker = _start(corpus, folder)
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(f"{seed}\n".encode())
        worker.stdin.flush()
        ready, _, _ = select.select([worker.stdout], [], [], STOP_SECONDS)
        line = worker.stdout.readline() if ready else b""
        if line:
            verdicts.append(json.loads(line))
            continue
        worker.kill()
        code = worker.wait()
        said = folder / ".said"
        text = said.read_text(errors="replace")[-1500:] if said.exists() else ""
        wrong = f"it hung for {STOP_SECONDS} s" if not ready else f"the process died with {code}"
        if code == -signal.SIGXCPU:
            wrong = f"it took more than {CPU_SECONDS} CPU seconds"
        verdicts.append({"seed": seed, "wrong": wrong, "said": text})
        worker = None
    if worker is not None:
        worker.communicate()
    return verdicts


def _start(corpus: Path, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.worker", str(corpus)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"},
    )
