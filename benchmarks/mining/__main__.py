"""`python -m benchmarks.mining`: every contender on every case, interleaved, each in a process of its own.

Says medians of wall seconds, CPU seconds and peak memory, and first of all the ratios to prodassoc with the
same number of threads. File parse is excluded; all emit every set. That the counts agree is checked.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.mining.datasets import CASES, Case, load

PEERS = {"pyfim eclat": "fim", "pyfim fpgrowth": "fim", "rusket": "rusket", "mlxtend": "mlxtend"}
MANY_THREADS = ("prodassoc", "prodassoc tree", "rusket")
SLOW = {"mlxtend": ("mushroom 10 %",)}
"""Contenders that only run where they end in reasonable time."""

TIMEOUT = 120
"""Seconds until a run is given up."""

Measured = dict[tuple[str, int], list[dict[str, float]]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="cases whose name contains this")
    options = parser.parse_args()
    missing = sorted({name for name, module in PEERS.items() if not importlib.util.find_spec(module)})
    if missing:
        print(f"left out, not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            if options.only and options.only not in case.name:
                continue
            path = load(case.data, Path(folder))
            if path is None:
                print(f"\n{case.name}: left out, no {case.data}.dat below $PRODASSOC_DATA")
                continue
            report(case, measure(case, path, options.rounds, missing))


def measure(case: Case, path: Path, rounds: int, missing: list[str]) -> Measured:
    """Run every contender `rounds` times, one after the other within a round."""
    runs: Measured = {}
    wanted = [("prodassoc", 1), ("prodassoc", 2), ("prodassoc tree", 1), ("prodassoc tree", 2)]
    wanted += [
        (name, threads)
        for name in PEERS
        for threads in ((1, 2) if name in MANY_THREADS else (1,))
        if name not in missing and case.name in SLOW.get(name, (case.name,))
        # mlxtend has no closed sets; rusket's emit some twice, and took over 600 s on retail.
        if case.target == "frequent" or name.startswith("pyfim")
    ]
    for _ in range(rounds):
        for name, threads in wanted:
            words = [name, str(path), str(case.min_count), case.target, str(threads)]
            # polars sorts on threads of its own.
            env = {**os.environ, "POLARS_MAX_THREADS": str(threads)}
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.mining.contenders", *words],
                    capture_output=True, text=True, env=env, check=True, timeout=TIMEOUT,
                )  # fmt: skip
            except subprocess.SubprocessError as problem:
                print(f"  {name} failed on {case.name}: {problem}")
                continue
            runs.setdefault((name, threads), []).append(json.loads(done.stdout.splitlines()[-1]))
    return runs


def report(case: Case, runs: Measured) -> None:
    """Print one case, and say where counts differ."""
    ours = {threads: median(runs["prodassoc", threads], "seconds") for threads in (1, 2)}
    sets = int(runs["prodassoc", 1][0]["sets"])
    known = (
        "" if case.known is None else " as known" if case.known == sets else f", BUT KNOWN ARE {case.known:,}"
    )
    print(f"\n{case.name}: {sets:,} {case.target} sets{known}")
    print(f"  {'':16}{'threads':>8}{'ratio':>8}{'seconds':>10}{'CPU s':>8}{'peak MB':>9}{'grown MB':>10}")
    for (name, threads), found in runs.items():
        seconds = median(found, "seconds")
        row = (
            f"  {name:16}{threads:8}{seconds / ours[threads]:8.2f}{seconds:10.3f}{median(found, 'cpu'):8.2f}"
        )
        row += f"{median(found, 'peak_mb'):9.0f}{median(found, 'grown_mb'):10.0f}"
        count = int(found[0]["sets"])
        fault = case.full_support if name.startswith("pyfim") else 0
        print(row + ("" if count + fault == sets else f"   COUNTS {count:,}"))


def median(found: list[dict[str, float]], key: str) -> float:
    """Return the median of one measure."""
    return statistics.median(each[key] for each in found)


if __name__ == "__main__":
    main()
