"""`python -m benchmarks.recommend`: every contender on every case, one evaluator, each in its own process.

Says Recall@k and NDCG@k, their ratios to the best peer, CPU seconds of learning and of making all lists, and
peak memory. Recall = hits / relevant; NDCG is binary, its ideal cut at min(relevant, k); users without
relevant products do not count. Nothing is chosen here: parameters are the defaults, ours and theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.recommend.contenders import CONTENDERS
from benchmarks.recommend.datasets import CASES, Case, load

TIMEOUT = 900
"""Seconds until a run is given up."""

TOO_LARGE = {"Gowalla": ("irspack ease", "rusket ease")}
"""Contenders that would need products × products of memory, or hours."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument("--contenders", help="contenders whose name contains one of these, comma-separated")
    parser.add_argument(
        "--peers", default=sys.executable, help="the python that has implicit, irspack, rusket"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", help="where the cases are kept for the next run [default: nowhere]")
    options = parser.parse_args()
    wanted = (options.contenders or "").split(",")
    names = [name for name in CONTENDERS if any(part in name for part in wanted)]
    with tempfile.TemporaryDirectory() as passing:
        folder = options.folder or passing
        for case in CASES:
            if options.only and options.only not in case.name:
                continue
            place = load(case, Path(folder))
            if place is None:
                print(f"\n{case.name}: left out, its source is not below $PRODASSOC_DATA")
                continue
            measure(case, place, names, options.peers, options.threads)


def measure(case: Case, place: Path, names: list[str], peers: str, threads: int) -> None:
    """Run the contenders of one case one after the other, and print its table."""
    with np.load(place / "case.npz") as arrays:
        indptr, indices = arrays["test_indptr"], arrays["test_indices"]
        shape = len(arrays["users"]), len(arrays["items"])
    judged = int((np.diff(indptr) > 0).sum())
    print(f"\n{case.name}: {shape[0]:,} users, {shape[1]:,} products, {judged:,} users judged", flush=True)
    rows = []
    for name in names:
        ours = name.startswith("prodassoc")
        if name in TOO_LARGE.get(case.name, ()) or (case.cold and not ours):
            continue
        if name == "prodassoc content" and case.data != "retail":
            continue
        found = run(name, case, place, sys.executable if ours else peers, threads)
        if found is not None:
            spent, lists = found
            rows.append((name, *judge(lists, indptr, indices, case.k), spent))
            # A long run that is broken off has said what it found so far.
            print(
                "  so far:", name, *(f"{value:.4f}" for value in rows[-1][1:3]), file=sys.stderr, flush=True
            )
    report(case, rows)


def run(
    name: str, case: Case, place: Path, python: str, threads: int
) -> tuple[dict[str, float], np.ndarray] | None:
    """Return what one contender spent, and its lists; None where it failed."""
    words = [name, str(place), str(case.k), "repeats" if case.repeats else "new", str(threads)]
    env = {**os.environ, "POLARS_MAX_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    if name.startswith("implicit"):
        env["OPENBLAS_NUM_THREADS"] = "1"  # as its documentation asks
    try:
        subprocess.run(
            [python, "-m", "benchmarks.recommend.contenders", *words],
            capture_output=True, text=True, env=env, check=True, timeout=TIMEOUT,
        )  # fmt: skip
    except subprocess.CalledProcessError as problem:
        print(f"  {name} failed: {(problem.stderr or '').strip().splitlines()[-1:]}")
        return None
    except subprocess.TimeoutExpired:
        print(f"  {name}: no result after {TIMEOUT} s")
        return None
    return json.loads((place / "spent.json").read_text()), np.load(place / "lists.npy")


def judge(lists: np.ndarray, indptr: np.ndarray, indices: np.ndarray, k: int) -> tuple[float, float]:
    """Return recall and NDCG of users × k lists, mean over the users with relevant products.

    Args:
        lists: item numbers, best first; -1 is none.
        indptr: bounds of each user's relevant products.
        indices: the relevant products.
        k: length of the lists.
    """
    sizes = np.diff(indptr)
    width = int(max(indices.max(initial=0), lists.max(initial=0))) + 1
    relevant = np.repeat(np.arange(len(sizes)), sizes) * width + indices
    hits = np.isin(np.arange(len(sizes))[:, None] * width + lists[:, :k], relevant) & (lists[:, :k] >= 0)
    gains = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0], np.cumsum(gains)])[np.minimum(sizes, k)]
    judged = sizes > 0
    recall = hits.sum(axis=1)[judged] / sizes[judged]
    ndcg = (hits * gains[: hits.shape[1]]).sum(axis=1)[judged] / ideal[judged]
    return float(recall.mean()), float(ndcg.mean())


def report(case: Case, rows: list[tuple[str, float, float, dict[str, float]]]) -> None:
    """Print the table of one case, the best NDCG first."""
    peers = [row for row in rows if not row[0].startswith("prodassoc")]
    recall = max((row[1] for row in peers), default=float("nan"))
    ndcg = max((row[2] for row in peers), default=float("nan"))
    print(f"  {'':22}{f'recall@{case.k}':>10}{f'NDCG@{case.k}':>9}{'to the best peer':>18}", end="")
    print(f"{'learn CPU s':>13}{'list CPU s':>12}{'wall s':>8}{'peak MB':>9}")
    for name, r, n, spent in sorted(rows, key=lambda row: -row[2]):
        print(f"  {name:22}{r:10.4f}{n:9.4f}{r / recall:9.2f}{n / ndcg:9.2f}", end="")
        print(f"{spent['learn']:13.1f}{spent['list']:12.1f}{spent['seconds']:8.1f}{spent['peak_mb']:9.0f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
