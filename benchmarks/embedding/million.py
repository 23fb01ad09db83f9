"""`python -m benchmarks.embedding.million`: a large catalogue through `embed`, its time and peak memory."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.embedding.texts import titles

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Embed so many products of distinct titles in one run of the command line."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        products, output = Path(folder) / "products.parquet", Path(folder) / "embeddings.parquet"
        ids = [f"{number:08}" for number in range(options.products)]
        pl.DataFrame({"product_id": ids, "title": titles(options.products)}).write_parquet(products)
        words = ["embed", str(products), "-o", str(output), "-q", "--memory-limit", options.memory_limit]
        if options.threads:
            words += ["--threads", str(options.threads)]
        if options.model:
            words += ["--model", options.model]
        started = time.perf_counter()
        run = subprocess.Popen([sys.executable, "-m", "prodassoc_cli", *words], cwd=ROOT)
        _, status, used = os.wait4(run.pid, 0)
        wall, cpu = time.perf_counter() - started, used.ru_utime + used.ru_stime
        if status:
            raise SystemExit("embed failed")
        print(
            f"{options.products:,} products: {wall:,.0f} s, {cpu:,.0f} CPU s, "
            f"{options.products / cpu:,.0f} a CPU second, peak {used.ru_maxrss / 1e3:,.0f} MB, "
            f"{output.stat().st_size / 1e6:,.0f} MB written"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding.million", description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000, help="how many [default: 1000000]")
    parser.add_argument("--memory-limit", default="1GB", help="of the run [default: 1GB]")
    parser.add_argument("--threads", type=int, help="of the run [default: all]")
    parser.add_argument("--model", help="model folder [default: the one in the package]")
    parser.add_argument("--folder", help="where the files go while it runs [default: the system's]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
