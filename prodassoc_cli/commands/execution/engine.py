"""Where a command runs: here, or in a cluster that `--engine spark` opens a session with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.commands.execution.run import STDOUT, Run
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import flag_of

if TYPE_CHECKING:
    from pathlib import Path

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.commands.execution.targets import Writer
    from prodassoc_cli.engines.parts import PartsOf

_ENGINE = {"engine", "master", "spark_conf"}


@contextmanager
def engine(config: Any) -> Iterator[Any]:  # noqa: ANN401 — a config with the engine's options, a SparkSession
    """Open the session that the options ask for; None where the stage runs here."""
    if config.engine == "local":
        yield None
        return
    with session(config) as spark:
        yield spark


@contextmanager
def session(config: Any) -> Iterator[Any]:  # noqa: ANN401 — a config with the engine's options, a SparkSession
    """Open the session that the options ask for."""
    from prodassoc_cli.engines.session import spark_session

    pairs = [each.partition("=") for each in config.spark_conf]
    wrong = next((name for name, equals, _ in pairs if not (name and equals)), None)
    if wrong is not None:
        raise UsageProblem(f"`spark_conf`: '{wrong}' is no setting", "write it like spark.executor.memory=2g")
    with spark_session(config.master, {name: value for name, _, value in pairs}) as spark:
        yield spark


def shared_files(this: Run, role: str, kind: Kind) -> list[Path]:
    """Return the files of an input, checked by their headers, as executors can open them.

    Raises:
        UsageProblem: the input is standard input or a pipe, which lives in this process.
        BadData: a file is of another kind, or lacks a column.
    """
    from prodassoc_cli.artifacts.store import check_header

    paths = [each.path for each in within_reach(this, role)]
    for path in paths:
        check_header(path, kind)
    return paths


def within_reach(this: Run, role: str) -> list[InputFile]:
    """Return the files of an input, which executors can open if the file system is theirs too.

    Raises:
        UsageProblem: the input is standard input or a pipe, which lives in this process.
    """
    files = this.files(role)
    if any(each.name == STDOUT or str(each.path).startswith("/proc/") for each in files):
        raise UsageProblem("`engine=spark` cannot read standard input or a pipe", "name a file or a folder")
    return files


def parts_of(outputs: Writer, **details: Any) -> PartsOf:  # noqa: ANN401 — anything JSON can hold
    """Return where executors write the parts of -o, which is a folder, with the facts its readers need."""
    from prodassoc_cli.engines.parts import PartsOf

    return PartsOf(str(outputs.folder("output")), outputs.lineage("output", **details))


def refuse_unknown(config: Any, known: set[str]) -> None:  # noqa: ANN401 — a config
    """Refuse options that the engine does not have, where they are set.

    Raises:
        UsageProblem: one is.
    """
    standard = type(config)()
    for each in fields(config):
        if each.name not in known | _ENGINE and getattr(config, each.name) != getattr(standard, each.name):
            flag = flag_of(each)
            raise UsageProblem(f"`engine=spark` does not do {flag}", "drop it, or run with `engine=local`")
