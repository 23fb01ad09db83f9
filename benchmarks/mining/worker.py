"""A process that holds one engine and one data set, and mines once for each line on standard input.

Each run answers with one line of JSON: seconds, CPU seconds, the number of sets, and the peak of memory above
what the process held before the run.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from pathlib import Path

from benchmarks.memory import held

CLEAR = Path("/proc/self/clear_refs")


def main(name: str, rows: str, case_file: str) -> None:
    """Serve runs until standard input ends."""
    import numpy as np

    from benchmarks.mining.engines import ENGINES

    engine = next(each for each in ENGINES if each.name == name)
    case = pickle.loads(Path(case_file).read_bytes())  # noqa: S301 — our own
    with np.load(rows) as arrays:
        csr = arrays["indptr"], arrays["items"], int(arrays["n_items"])
    mine = engine.prepare(csr, case, engine.threads)
    print(json.dumps({"fault": engine.fault(csr, case.target)}), flush=True)
    for _ in sys.stdin:
        if CLEAR.exists():
            CLEAR.write_text("5")  # the peak starts anew
        before = held("VmRSS")
        wall, cpu = time.perf_counter(), time.process_time()
        sets = mine()
        run = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "sets": sets}
        print(json.dumps({**run, "memory": held("VmHWM") - before}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # tearing down millions of objects would only keep the others waiting
