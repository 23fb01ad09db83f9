"""Mine the same data with prodassoc and its peers by turns, and print ratios, seconds and memory."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.mining.cases import CASES, DATASETS, Case, missing
from benchmarks.mining.end_to_end import compare_programs
from benchmarks.mining.engines import ENGINES, Engine

SLOW = 2.0
"""Seconds from which an engine runs only once."""


@dataclass
class Worker:
    """A process that mines one case with one engine, whenever it is told to."""

    engine: Engine
    process: subprocess.Popen[str]
    fault: int = 0
    runs: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def start(cls, engine: Engine, rows: Path, case: Path) -> Worker:
        """Start it; its first answer comes when the data are loaded."""
        threads = {"RAYON_NUM_THREADS": str(engine.threads), "POLARS_MAX_THREADS": str(engine.threads)}
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.mining.worker", engine.name, rows, case],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | threads,
        )  # fmt: skip
        return cls(engine, process)

    def answer(self) -> dict[str, float]:
        """Wait for its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.engine.name} ended with {self.process.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def run(self) -> None:
        """Let it mine once."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.runs.append(self.answer())

    def stop(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def middle(self, what: str) -> float:
        """Return the median over the runs."""
        return median(run[what] for run in self.runs)

    @property
    def sets(self) -> int:
        """Number of sets it found, and those it is known to leave out."""
        return int(self.runs[0]["sets"]) + self.fault

    @property
    def memory(self) -> float:
        """Peak of the first run, in MB above the input; later runs find freed memory still held."""
        return self.runs[0]["memory"] / 1e6


def measure(case: Case, rows: Path, folder: Path, rounds: int) -> list[Worker]:
    """Start every engine, and let them run by turns."""
    case_file = folder / "case"
    case_file.write_bytes(pickle.dumps(case))
    workers = [Worker.start(each, rows, case_file) for each in ENGINES if each.installed and each.runs(case)]
    for worker in workers:
        worker.fault = int(worker.answer()["fault"])
    for at in range(rounds):
        for worker in workers:
            if at == 0 or worker.runs[-1]["seconds"] < SLOW:
                worker.run()
    for worker in workers:
        worker.stop()
    return workers


def report(case: Case, workers: list[Worker]) -> bool:
    """Print one case; return whether all engines found as many sets as they should."""
    own = next(each.middle("seconds") for each in workers if each.engine.name == "prodassoc 2")
    expected = case.expected or workers[0].sets
    print(f"\n{case.title}: {expected:,} {case.target} sets in at least {case.min_count:,} baskets")
    print(f"  {'':<18}{'ratio':>8}{'seconds':>10}{'CPU s':>9}{'MB':>8}")
    agree = True
    for each in workers:
        seconds = each.middle("seconds")
        note = "" if each.sets == expected else f"   WRONG: {each.sets:,} sets"
        agree = agree and not note
        print(
            f"  {each.engine.name:<18}{seconds / own:>7.2f}×{seconds:>10.3f}"
            f"{each.middle('cpu'):>9.3f}{each.memory:>8.0f}{note}"
        )
    for peer, ratio in case.wanted.items():
        times = [each.middle("seconds") for each in workers if each.engine.peer == peer]
        if times:
            reached = min(times) / own
            print(f"  {peer}: {reached:.2f}× ({'at least' if reached >= ratio else 'MISSED'} {ratio:g}×)")
    return agree


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mining", description=__doc__)
    parser.add_argument("only", nargs="*", help="words of the cases to run, or 'programs' [default: all]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each engine")
    options = parser.parse_args()
    begun = time.monotonic()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        "Seconds and CPU seconds: median, file parse excluded. MB: peak above the input. "
        "Ratio to prodassoc 2; a peer's best counts."
    )
    absent = sorted({each.peer for each in ENGINES if not each.installed})
    if absent:
        print(f"left out, not installed: {', '.join(absent)}")
    agree = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.only or "programs" in options.only:
            agree = compare_programs(folder, options.rounds)
        for case in CASES:
            if options.only and not any(word in case.title for word in options.only):
                continue
            reason = missing(case.data)
            if reason:
                print(f"\n{case.title}: left out, {reason}")
                continue
            agree = report(case, measure(case, _rows(case.data, folder), folder, options.rounds)) and agree
    print(f"\n{time.monotonic() - begun:.0f} s")
    sys.exit(not agree)


def _rows(data: str, folder: Path) -> Path:
    """Return the file of the data's rows, made when first asked for."""
    path = folder / f"{data}.npz"
    if not path.exists():
        baskets = DATASETS[data]()
        np.savez(path, indptr=baskets.indptr, items=baskets.items, n_items=len(baskets.item_ids))
    return path


if __name__ == "__main__":
    main()
