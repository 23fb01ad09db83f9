"""Options that every command has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from prodassoc_cli.settings.declare import FILE, setting

Format = Literal["parquet", "csv", "jsonl", "table"]


@dataclass(frozen=True)
class CommonConfig:
    """Options that every command has."""

    from_shell: ClassVar[bool] = True
    """Whether a run says which command comes next, and shows what it has written to a file."""

    output: str | None = setting(None, "Where to write; - is standard output", flag="-o/--output", **FILE)
    format: Format | None = setting(
        None, "Format of the output [default: by its suffix; a table on a terminal]", result=False
    )
    raw_csv: bool = setting(
        False, "Leave CSV texts that a spreadsheet would take for formulas as they are", result=False
    )
    summary: str | None = setting(None, "Write the run's summary as JSON", **FILE)
    metrics_file: str | None = setting(
        None, "Write the run's figures for Prometheus' textfile collector", metavar="FILE.prom", result=False
    )
    threads: int | None = setting(
        None, "Threads to use [default: all cores]", metavar="N", low=1, high=1024, result=False
    )
    memory_limit: str | None = setting(
        None,
        "Memory the run may use, such as 8GB [default: 75% of what is free]",
        metavar="SIZE",
        result=False,
    )
    seed: int = setting(42, "Seed of everything random", metavar="N", low=0, high=2**31 - 1)
    force: bool = setting(False, "Run even if the output is up to date", result=False)
    wait: float = setting(
        0.0, "Wait this long for another run that writes the same output", metavar="SECONDS", low=0.0,
        result=False,
    )  # fmt: skip
    dry_run: bool = setting(False, "Say what would be read, done and written, and stop", result=False)
    quiet: bool = setting(False, "Say nothing but errors", flag="-q/--quiet", result=False)
    verbose: bool = setting(False, "Say more; show tracebacks", flag="-v/--verbose", result=False)
    log_format: Literal["text", "json"] = setting(
        "text", "Form of what is said on standard error", result=False
    )
    config: str | None = setting(
        None, "Read defaults from this TOML file [default: prodassoc.toml if there]", **FILE
    )
