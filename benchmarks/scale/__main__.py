"""`python -m benchmarks.scale`: seconds, CPU seconds and peak memory by stage, from a million lines up.

Each stage is one run of the command line in a process of its own. With DuckDB in reach (--peer, a Python that
has it), `clean` is put beside it: doing the core of the work, writing the same file, and telling as much. The
last columns are then the seconds and CPU seconds of `clean` over those of DuckDB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.scale.orders import write

STAGES = {
    "clean": ("clean {lines} -o {folder}/interactions.parquet", "4GB"),
    "mine": ("mine {folder}/interactions.parquet --min-support 0.001 -o {folder}/rules.parquet", "4GB"),
    "train": ("train {folder}/interactions.parquet --model item-knn -o {folder}/model.parquet", "8GB"),
    "recommend": ("recommend {folder}/model.parquet -o {folder}/recommendations.parquet", "8GB"),
}
"""What is run, and the memory it may use."""

PEER = Path(__file__).with_name("duckdb_peer.py")
PEERS = {
    "rows": "DuckDB: parse, filter, distinct, write",
    "file": "DuckDB: the same file",
    "all": "DuckDB: the same file, and what clean tells",
}
"""How much of `clean` DuckDB does."""


@dataclass(frozen=True)
class Used:
    """What a process used: wall and CPU seconds, and megabytes at its peak; its exit code."""

    seconds: float
    cpu: float
    megabytes: float
    code: int


def measure(*words: str) -> Used:
    """Run a command to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        process.returncode,
    )


def report(
    lines: int, folder: Path, form: str, stages: list[str], peer: str | None, rounds: int
) -> None:  # fmt: skip
    """Make so many lines, run the stages on them and print a row each."""
    path = folder / f"{lines}.{form}"
    if not path.exists():
        write(path, lines)
    with path.open("rb") as file:  # the first run is to find it in memory, as the others do
        while file.read(1 << 24):
            pass
    for stage in stages:
        words, limit = STAGES[stage]
        command = [*words.format(lines=path, folder=folder).split(), "--memory-limit", limit, "--force", "-q"]
        runs = {stage: [sys.executable, "-m", "prodassoc_cli", *command]}
        if stage == "clean" and peer is not None:
            target = str(folder / "peer.parquet")
            runs |= {name: [peer, str(PEER), str(path), target, what] for what, name in PEERS.items()}
        used = in_turn(runs, rounds)
        for name, found in used.items():
            ours, ratio = used[stage], ""
            if name != stage:
                ratio = f" {ours.seconds / found.seconds:.2f} | {ours.cpu / found.cpu:.2f} |"
            print(row(f"{lines:,}", name, limit, found) + ratio, flush=True)
        if len(runs) > 1:
            same = equal(folder / "interactions.parquet", folder / "peer.parquet")
            print("both files hold the same rows" if same else "THE FILES DIFFER", flush=True)


def in_turn(runs: dict[str, list[str]], rounds: int) -> dict[str, Used]:
    """Run all of them in turn, so many times; return the medians of each."""
    found: dict[str, list[Used]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, words in runs.items():
            found[name].append(measure(*words))
    return {
        name: Used(
            median(each.seconds for each in used),
            median(each.cpu for each in used),
            median(each.megabytes for each in used),
            max(used, key=lambda each: abs(each.code)).code,
        )
        for name, used in found.items()
    }


def equal(ours: Path, theirs: Path, step: int = 1 << 22) -> bool:
    """Return whether two files hold the same rows in the same order, piece by piece."""
    both = [pl.scan_parquet(path) for path in (ours, theirs)]
    rows = [frame.select(pl.len()).collect().item() for frame in both]
    return rows[0] == rows[1] and all(
        both[0].slice(at, step).collect().equals(both[1].slice(at, step).collect())
        for at in range(0, rows[0], step)
    )


def row(lines: str, stage: str, limit: str, used: Used) -> str:
    """Return a row of the table."""
    failed = f" exit code {used.code}" if used.code else ""
    figures = f"{used.seconds:.1f} | {used.cpu:.1f} | {used.megabytes:,.0f}"
    return f"| {lines} | {stage} | {limit} | {figures} |{failed}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", default="1e6,1e7", help="how many, between commas")
    folder = Path(tempfile.gettempdir()) / "scale"
    parser.add_argument("--folder", type=Path, default=folder)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--peer", help="a Python that has duckdb")
    parser.add_argument("--rounds", type=int, default=1, help="in turn; medians are told")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| lines | stage | limit | seconds | CPU s | peak MB |\n|--:|---|--:|--:|--:|--:|", flush=True)
    for lines in options.lines.split(","):
        stages = options.stages.split(",")
        report(int(float(lines)), options.folder, options.format, stages, options.peer, options.rounds)


if __name__ == "__main__":
    main()
