"""Whole programs: from a basket file to a file of itemsets, start-up included.

prodassoc runs its two commands, `clean` and `mine`. For each peer there is the program its user would write:
read the lines, mine, write the sets. Run as `python -m benchmarks.mining.end_to_end PEER FILE COUNT OUTPUT`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.mining.cases import CASES, DATA, missing

_MODULES = {"prodassoc": "numba", "rusket": "rusket", "pyfim": "fim"}
_ROUNDS = 2
_SPARSE = ("retail", "T10I4D100K", "zipf")


def compare_programs(folder: Path) -> bool:
    """Run the programs by turns on the sparse cases, and print what they took.

    To be called before this process grows: a child's peak of memory counts from its parent's size.

    Returns:
        Whether all wrote as many sets as they should.
    """
    agree = True
    for case in CASES:
        if case.data not in _SPARSE or case.target != "frequent" or missing(case.data):
            continue
        source = _basket_file(case.data, folder)
        peers = [peer for peer, module in _MODULES.items() if find_spec(module)]
        runs: dict[str, list[tuple[float, float, float]]] = {peer: [] for peer in peers}
        for at in range(_ROUNDS + 1):
            for peer in peers:
                run = _measure(peer, source, case.min_count, folder)
                if at > 0:  # the first one warms the caches
                    runs[peer].append(run)
        print(f"\n{case.title}, file to file, whole programs, two threads")
        print(f"  {'':<18}{'seconds':>9}{'CPU s':>9}{'MB':>8}{'sets':>10}")
        for peer in peers:
            sets = _count(folder / f"{peer}.parquet")
            agree = agree and sets == (case.expected or _count(folder / f"{peers[0]}.parquet"))
            seconds, cpu, memory = (median(each) for each in zip(*runs[peer], strict=True))
            print(f"  {peer:<18}{seconds:>9.2f}{cpu:>9.2f}{memory:>8.0f}{sets:>10,}")
    return agree


def _basket_file(data: str, folder: Path) -> Path:
    """Return the file of the data's baskets, a line each; another process writes the simulated ones."""
    if data != "zipf":
        return DATA / "baskets" / f"{data}.dat"
    path = folder / "zipf.dat"
    write = (
        "import sys; from benchmarks.mining.cases import write_fimi, zipf; write_fimi(zipf(), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", write, str(path)], check=True)
    return path


def _measure(peer: str, source: Path, min_count: int, folder: Path) -> tuple[float, float, float]:
    """Run one program; return its seconds, CPU seconds and the peak of its memory in MB."""
    output = folder / f"{peer}.parquet"
    output.unlink(missing_ok=True)
    if peer == "prodassoc":
        rows = folder / "interactions.parquet"
        program = [sys.executable, "-m", "prodassoc_cli"]
        commands = [
            [*program, "clean", str(source), "--layout", "fimi", "-o", str(rows), "--force", "-q"],
            [*program, "mine", str(rows), "--target", "frequent", "--min-count", str(min_count),
             "-o", str(output), "--threads", "2", "--force", "-q"],
        ]  # fmt: skip
    else:
        module = [sys.executable, "-m", "benchmarks.mining.end_to_end"]
        commands = [[*module, peer, str(source), str(min_count), str(output)]]
    seconds, cpu, memory = 0.0, 0.0, 0.0
    for command in commands:
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=os.environ | {"RAYON_NUM_THREADS": "2"})
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
        seconds += time.perf_counter() - begun
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)
    return seconds, cpu, memory


def _count(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _mine_with_pyfim(source: str, min_count: int, output: str) -> None:
    import fim
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open(source) as lines:
        rows = [line.split() for line in lines]
    sets = fim.eclat(rows, target="s", supp=-min_count, report="a", algo="o")
    items, counts = zip(*sets, strict=True)
    pq.write_table(pa.table({"items": [list(each) for each in items], "count": counts}), output)


def _mine_with_rusket(source: str, min_count: int, output: str) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from rusket._rusket import fpgrowth_from_csr

    with open(source) as lines:
        rows = [line.split() for line in lines]
    names, codes = np.unique(np.concatenate([np.array(row, np.int64) for row in rows]), return_inverse=True)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    counts, offsets, items = fpgrowth_from_csr(indptr, codes.astype(np.int32), len(names), min_count, None)
    values = pa.array(names.astype(str)).take(pa.array(items))
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
    pq.write_table(pa.table({"items": lists, "count": counts}), output)


if __name__ == "__main__":
    _, peer, source, min_count, output = sys.argv
    {"pyfim": _mine_with_pyfim, "rusket": _mine_with_rusket}[peer](source, int(min_count), output)
