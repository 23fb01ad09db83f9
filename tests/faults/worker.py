"""Runs mutants in a process of its own, so that one that hangs or aborts is found and named.

Reads seeds, one per line; writes a verdict for each as one JSON object per line.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import polars as pl

from prodassoc_cli.app import run_command_line
from prodassoc_cli.artifacts.schemas import KINDS
from prodassoc_cli.artifacts.store import read_artifact
from tests.conftest import cpu_seconds
from tests.faults.corpus import MADE, SCENARIOS, Scenario
from tests.faults.mutators import mutate, sha256

MADE_BY = {
    "clean": "interactions", "embed": "embeddings", "mine": "rules", "train": "model",
    "recommend": "recommendations", "evaluate": "metrics",
}  # fmt: skip
USAGE, BAD_DATA, NO_INPUT, BAD_CONFIG = 2, 65, 66, 78
ADDRESS_SPACE = 12 << 30
CPU_SECONDS = 30
"""No mutant may take more of them: the system ends the process of one that does."""


class Wrong(Exception):
    """A mutant was not treated as promised."""


def main(corpus: Path) -> None:
    """Judge mutants until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    seeds, verdicts = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    said = Path.cwd() / ".said"
    stream = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    shutil.copytree(corpus, ".", dirs_exist_ok=True)
    of_the_start = 60  # imports, and a first run of every kernel
    for line in seeds:
        ends_at = int(cpu_seconds()) + CPU_SECONDS + of_the_start
        resource.setrlimit(resource.RLIMIT_CPU, (ends_at, resource.RLIM_INFINITY))
        of_the_start = 0
        verdicts.write(json.dumps(judge(corpus, int(line), said)) + "\n")
        verdicts.flush()


def judge(corpus: Path, seed: int, said: Path) -> dict[str, Any]:
    """Run one mutant and tell what was wrong with its treatment; empty where nothing was."""
    rng = random.Random(seed)
    scenario = rng.choice(SCENARIOS)
    victim = rng.choice(scenario.victims)
    data, done = mutate(victim, (corpus / victim).read_bytes(), rng)
    Path(victim).write_bytes(data)
    if victim.startswith("model/") and victim != "model/encoder.json" and rng.random() < 0.8:
        _sign(victim, data)
    os.truncate(said, 0)
    try:
        code = run_command_line([*scenario.words, "-q", "--threads", "2"])
        text = said.read_text(errors="replace")
        wrong = _what_is_wrong(scenario, victim, data, code, text)
    finally:
        before = {path.relative_to(corpus) for path in corpus.rglob("*")}
        for path in Path().rglob("*"):
            if path not in before and path != said.relative_to(Path.cwd()) and path.is_file():
                path.unlink()
        for name in (victim, "model/encoder.json"):
            shutil.copyfile(corpus / name, name)
    return {
        "seed": seed, "scenario": scenario.name, "victim": victim, "done": done, "code": code,
        "said": text[:2000], "wrong": wrong,
    }  # fmt: skip


def _sign(victim: str, data: bytes) -> None:
    """Make the model folder's digests fit the mutant, so that the parsers behind them meet it."""
    path = Path("model/encoder.json")
    config = json.loads(path.read_text())
    config["onnx_sha256" if victim.endswith(".onnx") else "tokenizer_sha256"] = sha256(data)
    path.write_text(json.dumps(config))


def _what_is_wrong(scenario: Scenario, victim: str, data: bytes, code: int, said: str) -> str:
    allowed = {0, BAD_DATA, NO_INPUT}
    if victim.endswith(".toml"):
        allowed |= {BAD_CONFIG, USAGE}
    if scenario.command == "embed":
        allowed |= {USAGE}  # --text names a column that the mutant lost
    if code not in allowed:
        return f"exit code {code}"
    if "Traceback" in said or "panicked" in said:
        return "a traceback"
    partial = [path.name for path in Path().glob(".*") if path.name != ".said"]
    if partial:
        return f"left behind: {partial}"
    if code:
        lines = said.splitlines()
        if not 1 <= len(lines) <= 2:
            return f"{len(lines)} lines were said"
        if "\0" in said or "\x1b" in said or "\u202e" in said:
            return "control characters on the terminal"
        return "an output in spite of the error" if Path(MADE).exists() else ""
    try:
        if scenario.command in MADE_BY:
            frame, _ = read_artifact([Path(MADE)], KINDS[MADE_BY[scenario.command]])
            if scenario.command == "clean":
                _check_counts(scenario, victim, data, frame)
    except Wrong as problem:
        return str(problem)
    return ""


def _check_counts(scenario: Scenario, victim: str, data: bytes, interactions: pl.DataFrame) -> None:
    summary = json.loads(Path("summary.json").read_text())
    rejects, _ = read_artifact([Path("rejects.parquet")], KINDS["rejects"])
    of_products = summary.get("products", {}).get("rejects", {})
    if summary["rows_in"] != summary["rows_kept"] + summary["rows_rejected"]:
        raise Wrong("rows_in is not kept + rejected")
    if rejects.height != summary["rows_rejected"] + sum(of_products.values()):
        raise Wrong("rejects were lost")
    rows = interactions.height
    if Path("holdout.out.parquet").exists():
        rows += read_artifact([Path("holdout.out.parquet")], KINDS["interactions"])[0].height
    if scenario.name != "feedback" and rows != summary["rows_kept"]:
        raise Wrong(f"{rows} rows for {summary['rows_kept']} kept")
    if victim == "orders.csv":
        _check_rows_of_text(data, summary, interactions)


def _check_rows_of_text(data: bytes, summary: dict[str, Any], interactions: pl.DataFrame) -> None:
    """Count the rows of a plain CSV by other means, and look its ids up in the text."""
    found = summary["inputs"][0]
    encoding = found["encoding"] or "utf-8"
    text = data.decode(encoding, "replace")
    if found["layout"] == "lines" and '"' not in text and "\r" not in text:
        rows = sum(1 for line in text.removeprefix("\ufeff").split("\n") if line)
        if summary["rows_in"] not in (rows, rows - 1):
            raise Wrong(f"{summary['rows_in']} rows in, but the file has {rows} lines")
    for name in ("product_id", "order_id", "user_id"):
        for each in interactions[name].drop_nulls().unique():
            if each not in text and each.replace('"', '""') not in text and not each.isdigit():
                raise Wrong(f"the {name} {each[:40]!r} is not in the file")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
