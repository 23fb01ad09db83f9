"""Whole programs: from a file to a file of itemsets, start-up included.

From a basket file prodassoc runs `mine FILE`, and its two commands `clean - | mine -`. For each peer there is
the program its user would write: read the lines, mine, write the sets. From cleaned order lines in Parquet
`mine` runs alone, and the programs of the peers read the same file. Run one as
`python -m benchmarks.mining.end_to_end PEER FILE COUNT OUTPUT`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.mining.cases import CASES, DATA, Case, missing

_MODULES = {"rusket": "rusket", "pyfim": "fim"}
_PRODASSOC = [sys.executable, "-m", "prodassoc_cli"]
_SPARSE = ("retail", "T10I4D100K", "zipf")


def compare_programs(folder: Path, rounds: int) -> bool:
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
        rows = folder / "interactions.parquet"
        clean = [*_PRODASSOC, "clean", str(source), "--layout", "fimi", "-q", "-o"]
        subprocess.run([*clean, str(rows), "--force"], check=True)
        mine = [*_PRODASSOC, "mine", "--target", "frequent", "--min-count", str(case.min_count),
                "-o", str(folder / "prodassoc.parquet"), "--threads", "2", "--force", "-q"]  # fmt: skip
        both = {"prodassoc": [[*mine, str(source)]], "clean - | mine -": [[*clean, "-"], [*mine, "-"]]}
        for title, read, ours in (
            ("basket file", source, both),
            ("order lines in Parquet", rows, {"prodassoc": [[*mine, str(rows)]]}),
        ):
            print(f"\n{case.title}, from {title} to itemsets in Parquet, whole programs, two threads")
            agree = _by_turns(ours, read, case, folder, rounds) and agree
    return agree


def _by_turns(ours: dict[str, list[list[str]]], read: Path, case: Case, folder: Path, rounds: int) -> bool:
    """Run each program by turns, and print what it took; return whether all wrote as many sets."""
    programs = dict(ours)
    for peer in ("rusket", "pyfim"):
        if find_spec(_MODULES[peer]):
            output = str(folder / f"{peer}.parquet")
            module = [sys.executable, "-m", "benchmarks.mining.end_to_end"]
            programs[peer] = [[*module, peer, str(read), str(case.min_count), output]]
    runs: dict[str, list[tuple[float, float, float]]] = {peer: [] for peer in programs}
    counts: dict[str, int] = {}
    for at in range(rounds + 1):
        for peer, commands in programs.items():
            _written_by(peer, folder).unlink(missing_ok=True)
            run = _measure(commands)
            counts[peer] = _count(_written_by(peer, folder))
            if at > 0:  # the first one warms the caches
                runs[peer].append(run)
    print(f"  {'':<18}{'seconds':>9}{'CPU s':>9}{'MB':>8}{'sets':>10}")
    for peer, sets in counts.items():
        seconds, cpu, memory = (median(each) for each in zip(*runs[peer], strict=True))
        print(f"  {peer:<18}{seconds:>9.2f}{cpu:>9.2f}{memory:>8.0f}{sets:>10,}")
    return set(counts.values()) == {case.expected or counts["prodassoc"]}


def _written_by(program: str, folder: Path) -> Path:
    return folder / f"{program if program in _MODULES else 'prodassoc'}.parquet"


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


def _measure(commands: list[list[str]]) -> tuple[float, float, float]:
    """Run commands, each reading what the one before writes; return seconds, CPU seconds and MB, of all."""
    cpu, memory = 0.0, 0.0
    begun = time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for at, command in enumerate(commands):
        is_last = at == len(commands) - 1
        process = subprocess.Popen(
            command, env=os.environ | {"RAYON_NUM_THREADS": "2"},
            stdin=running[-1].stdout if running else None, stdout=None if is_last else subprocess.PIPE,
        )  # fmt: skip
        if running and running[-1].stdout:
            running[-1].stdout.close()
        running.append(process)
    for process, command in zip(running, commands, strict=True):
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
        cpu += usage.ru_utime + usage.ru_stime
        memory += usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return time.perf_counter() - begun, cpu, memory


def _count(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _text_baskets(source: str) -> list[list[str]]:
    if source.endswith(".parquet"):
        import polars as pl

        rows = pl.read_parquet(source, columns=["order_id", "product_id"])
        return rows.group_by("order_id").agg("product_id")["product_id"].to_list()
    with open(source) as lines:
        return [line.split() for line in lines]


def _mine_with_pyfim(source: str, min_count: int, output: str) -> None:
    import fim
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = _text_baskets(source)
    sets = fim.eclat(rows, target="s", supp=-min_count, report="a", algo="o")
    items, counts = zip(*sets, strict=True)
    pq.write_table(pa.table({"items": [list(each) for each in items], "count": counts}), output)


def _mine_with_rusket(source: str, min_count: int, output: str) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from rusket._rusket import fpgrowth_from_csr

    names: Any
    if source.endswith(".parquet"):
        table = pq.read_table(source, columns=["order_id", "product_id"])
        orders, items = (table[name].dictionary_encode().combine_chunks() for name in table.column_names)
        names, codes = items.dictionary, items.indices.to_numpy()
        sizes = np.bincount(orders.indices.to_numpy())
        codes = codes[np.argsort(orders.indices.to_numpy(), kind="stable")]
    else:
        rows = _text_baskets(source)
        found, codes = np.unique(
            np.concatenate([np.array(row, np.int64) for row in rows]), return_inverse=True
        )
        names, sizes = pa.array(found.astype(str)), [len(row) for row in rows]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    counts, offsets, items = fpgrowth_from_csr(indptr, codes.astype(np.int32), len(names), min_count, None)
    values = names.take(pa.array(items))
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
    pq.write_table(pa.table({"items": lists, "count": counts}), output)


if __name__ == "__main__":
    _, peer, source, min_count, output = sys.argv
    {"pyfim": _mine_with_pyfim, "rusket": _mine_with_rusket}[peer](source, int(min_count), output)
