"""`python -m benchmarks.startup`: what each command takes on the sample shop.

CPU seconds by phase (see `phases`), and CPU and wall seconds of the process, all of the quickest of some
rounds: on a machine that does other work the others say more of that.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.startup.phases import PHASES

ROOT = Path(__file__).parent.parent.parent
COMMANDS = {
    "clean": (
        "clean {sample}/orders.csv --products {sample}/catalog.csv -o i.parquet --products-output p.parquet "
        "--holdout last-order --holdout-output h.parquet"
    ),
    "embed": "embed p.parquet -o e.parquet",
    "mine": "mine i.parquet -o r.parquet",
    "train": "train i.parquet --products p.parquet --embeddings e.parquet --rules r.parquet -o m.parquet",
    "recommend": "recommend m.parquet -o recs.parquet",
    "evaluate": "evaluate recs.parquet --truth h.parquet --train i.parquet -o metrics.parquet",
}  # fmt: skip
"""The chain of the demo, a command after the other."""


def measure(folder: Path, *words: str) -> tuple[float, float]:
    """Run Python to its end; return its seconds and CPU seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # With byte code, as an installed package has it.
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *words], cwd=folder, env={**env, "PYTHONPATH": str(ROOT)}, check=True)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    return seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Run the chain in rounds and print a row per command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    phases: dict[str, list[dict[str, float]]] = {name: [] for name in COMMANDS}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        for _ in range(rounds + 1):
            for name, line in COMMANDS.items():
                words = [*line.format(sample=ROOT / "sample_data").split(), "--force", "-q"]
                runs[name].append(measure(folder, "-m", "prodassoc_cli", *words))
                measure(folder, "-m", "benchmarks.startup.phases", "phases.json", *words)
                phases[name].append(json.loads((folder / "phases.json").read_text()))
    print(f"| command | {' | '.join(PHASES)} | CPU s | seconds |\n|---|{'--:|' * (len(PHASES) + 2)}")
    for name in COMMANDS:  # the first round compiles
        split = min(phases[name][1:], key=lambda each: sum(each.values()))
        seconds, cpu = (min(values) for values in zip(*runs[name][1:], strict=True))
        cells = [*(f"{split[each]:.2f}" for each in PHASES), f"{cpu:.2f}", f"{seconds:.2f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
