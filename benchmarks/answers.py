"""`python -m benchmarks.answers MODEL`: how many baskets a second `recommend --histories -` answers.

The process is started once. It is asked line by line, each line written when the answer before is read;
then it is given many lines at once. Baskets are of one to eight products of the model, drawn with a seed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from statistics import median

import polars as pl


def baskets(model: str, count: int) -> list[str]:
    """Return lines of so many baskets of the model's products."""
    rng = random.Random(0)  # noqa: S311 — nothing is secret
    products = _products(model)
    return [",".join(rng.sample(products, rng.randint(1, 8))) for _ in range(count)]


def _products(model: str) -> list[str]:
    """Return what the model knows: it lists products for every product."""
    words = [sys.executable, "-m", "prodassoc_cli", "recommend", model, "--for", "products", "-k", "1"]
    done = subprocess.run(
        [*words, "--no-reasons", "-o", "-", "--format", "csv", "-q"], capture_output=True, check=True
    )
    return pl.read_csv(done.stdout, infer_schema=False)["source_product_id"].unique().sort().to_list()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model file, made by `train`")
    parser.add_argument("--one-by-one", type=int, default=200, help="lines per round, each after an answer")
    parser.add_argument("--at-once", type=int, default=2000, help="lines per round, written at once")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    lines = baskets(options.model, max(options.one_by_one, options.at_once))
    words = [sys.executable, "-m", "prodassoc_cli", "recommend", options.model, "--histories", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(asked: list[str]) -> float:
            """Return the seconds until all are answered."""
            started = time.perf_counter()
            text = "".join(line + "\n" for line in asked)
            writing = threading.Thread(target=write, args=(text,))
            writing.start()
            for _ in asked:
                assert len(json.loads(process.stdout.readline())["recommendations"]) == 10
            writing.join()
            return time.perf_counter() - started

        def write(text: str) -> None:
            process.stdin.write(text)
            process.stdin.flush()

        ask(lines[:3])  # it has started
        for name, size in (("one by one", 1), ("at once", options.at_once)):
            count = options.one_by_one if size == 1 else options.at_once
            seconds = [
                sum(ask(lines[start : start + size]) for start in range(0, count, size))
                for _ in range(options.rounds)
            ]
            rates = sorted(count / each for each in seconds)
            print(f"{name}: {median(rates):,.0f} answers a second ({rates[0]:,.0f} to {rates[-1]:,.0f})")
        process.stdin.close()


if __name__ == "__main__":
    main()
