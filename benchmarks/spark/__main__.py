"""`python -m benchmarks.spark`: mining on Spark, ours beside MLlib's FPGrowth, each run a process of its own.

Both start from the same interactions on the same master. Says seconds from the file to all itemsets, without
the start of Spark, and the ratio to ours. That the counts agree is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.mining.cases import DATA

CASES = (("retail", 88), ("retail", 44), ("T10I4D100K", 100), ("mushroom", 1625))
CONTENDERS = ("prodassoc", "MLlib FPGrowth")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--only", help="data sets whose name contains this")
    parser.add_argument("--timeout", type=int, default=600, help="seconds until a run is given up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for data, min_count in CASES:
            source = DATA / "baskets" / f"{data}.dat"
            if options.only and options.only not in data:
                continue
            if not source.exists():
                print(f"{data}: left out, no baskets/{data}.dat below $PRODASSOC_DATA")
                continue
            path = Path(folder) / f"{data}.parquet"
            if not path.exists():
                words = ["clean", str(source), "--layout", "fimi", "-q", "-o", str(path)]
                subprocess.run([sys.executable, "-m", "prodassoc_cli", *words], check=True)
            report(data, path, min_count, options)


def report(data: str, path: Path, min_count: int, options: argparse.Namespace) -> None:
    """Run every contender in turn, and print their medians."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds):
        for name in CONTENDERS:
            words = [name, str(path), str(min_count), options.master]
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.spark.contender", *words],
                    capture_output=True, text=True, check=True, timeout=options.timeout,
                )  # fmt: skip
                runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            except subprocess.TimeoutExpired:
                print(f"  {name}: given up after {options.timeout} s")
            except subprocess.CalledProcessError as problem:
                print(f"  {name}: failed: {' '.join(problem.stderr.splitlines()[-1:])[:200]}")
    ours = runs[CONTENDERS[0]]
    print(f"\n{data}, at least {min_count} baskets, {options.master} (load {os.getloadavg()[0]:.1f})")
    print(f"  {'':16}{'ratio':>8}{'seconds':>10}{'start s':>9}{'sets':>12}")
    for name, found in runs.items():
        if found:
            seconds, start = (statistics.median(each[key] for each in found) for key in ("seconds", "start"))
            ratio = seconds / statistics.median(each["seconds"] for each in ours) if ours else float("nan")
            sets = int(found[0]["sets"])
            same = "" if ours and sets == ours[0]["sets"] else "   COUNTS DIFFER"
            print(f"  {name:16}{ratio:8.2f}{seconds:10.1f}{start:9.1f}{sets:12,}{same}", flush=True)


if __name__ == "__main__":
    main()
