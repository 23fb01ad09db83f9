"""Options that every command has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from prodassoc_cli.declare import FILE, setting

Format = Literal["parquet", "csv", "jsonl", "table"]
Language = Literal["de", "en", "es", "fr", "ja", "zh"]
"""Languages that reasons and reports are written in."""
DEFAULT_LANGUAGE: Language = "en"
COSINE: dict[str, Any] = {"metavar": "COSINE", "low": -1.0, "high": 1.0}
VARIANT_SIMILARITY = "Minimum similarity of variants [default: by the encoder]"
SUBSTITUTE_SIMILARITY = "Minimum similarity of substitutes [default: by the encoder]"


@dataclass(frozen=True)
class CommonConfig:
    """Options that every command has."""

    output: str | None = setting(None, "Output file; - is standard output", flag="-o/--output", **FILE)
    format: Format | None = setting(
        None, "Output format [default: by the suffix; a table on a terminal]", result=False
    )
    raw_csv: bool = setting(
        False, "Do not escape CSV texts that a spreadsheet would run as formulas", result=False
    )
    summary: str | None = setting(None, "Write a summary of the run as JSON", **FILE)
    metrics_file: str | None = setting(
        None, "Write figures of the run for Prometheus' textfile collector", metavar="FILE.prom", result=False
    )
    threads: int | None = setting(
        None, "Number of threads [default: all cores]", metavar="N", low=1, high=1024, result=False
    )
    memory_limit: str | None = setting(
        None,
        "Memory limit, such as 8GB [default: 75% of the free memory]",
        metavar="SIZE",
        result=False,
    )
    seed: int = setting(42, "Random seed", metavar="N", low=0, high=2**31 - 1)
    force: bool = setting(False, "Run even if the outputs are up to date", result=False)
    wait: float = setting(
        0.0, "How long to wait for another run that writes the same output", metavar="SECONDS", low=0.0,
        result=False,
    )  # fmt: skip
    dry_run: bool = setting(False, "Show what would be read, done and written, then stop", result=False)
    quiet: bool = setting(False, "Show only errors", flag="-q/--quiet", result=False)
    verbose: bool = setting(False, "Show tracebacks of errors", flag="-v/--verbose", result=False)
    log_format: Literal["text", "json"] = setting(
        "text", "Format of messages on standard error", result=False
    )
    config: str | None = setting(
        None, "Read defaults from this TOML file [default: prodassoc.toml if it exists]", **FILE
    )
