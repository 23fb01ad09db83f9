"""`python -m benchmarks.scale`: seconds, CPU seconds and peak memory by stage, from a million lines up.

Each stage is one run of the command line in a process of its own. With DuckDB in reach (--peer, a Python that
has it), `clean` is put beside its parse, filter, DISTINCT and write.
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

from benchmarks.scale.orders import write

STAGES = {
    "clean": ("clean {lines} -o {folder}/interactions.parquet", "4GB"),
    "mine": ("mine {folder}/interactions.parquet --min-support 0.001 -o {folder}/rules.parquet", "4GB"),
    "train": ("train {folder}/interactions.parquet --model item-knn -o {folder}/model.parquet", "8GB"),
    "recommend": ("recommend {folder}/model.parquet -o {folder}/recommendations.parquet", "8GB"),
}
"""What is run, and the memory it may use."""

PEER = """
import sys, duckdb
lines, target = sys.argv[1:3]
fields = ("order_id", "user_id", "product_id", "quantity", "price", "timestamp")
types = dict(zip(fields, ("VARCHAR", "VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE", "TIMESTAMP")))
read = f"read_csv('{lines}', header=true, columns={types})" if lines.endswith(".csv") else f"'{lines}'"
con = duckdb.connect()
con.execute(f"set memory_limit='4GB'; set threads=2; set temp_directory='{target}.spill'")
con.execute(f'''copy (
    select user_id, order_id, product_id, 'purchase' as event, quantity::double as quantity,
           price::double as price, null::double as rating, timestamp
    from (select distinct * from {read}
          where product_id is not null and quantity > 0 and price >= 0
            and not regexp_full_match(order_id, '[Cc][0-9]+'))
) to '{target}' (format parquet, compression zstd)''')
"""


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


def report(lines: int, folder: Path, form: str, stages: list[str], peer: str | None) -> None:
    """Make so many lines, run the stages on them and print a row each."""
    path = folder / f"{lines}.{form}"
    if not path.exists():
        write(path, lines)
    for stage in stages:
        words, limit = STAGES[stage]
        command = words.format(lines=path, folder=folder).split()
        used = measure(
            sys.executable, "-m", "prodassoc_cli", *command, "--memory-limit", limit, "--force", "-q"
        )
        print(row(f"{lines:,}", stage, limit, used), flush=True)
        if stage == "clean" and peer is not None:
            theirs = measure(peer, "-c", PEER, str(path), str(folder / "peer.parquet"))
            print(row(f"{lines:,}", "DuckDB", "4GB", theirs))
            wall, cpu = used.seconds / theirs.seconds, used.cpu / theirs.cpu
            print(f"clean / DuckDB: {wall:.2f} of the seconds, {cpu:.2f} of the CPU seconds", flush=True)


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
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| lines | stage | limit | seconds | CPU s | peak MB |\n|--:|---|--:|--:|--:|--:|", flush=True)
    for lines in options.lines.split(","):
        stages = options.stages.split(",")
        report(int(float(lines)), options.folder, options.format, stages, options.peer)


if __name__ == "__main__":
    main()
