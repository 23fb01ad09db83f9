"""Where a command runs: here, or in a cluster that `--engine spark` opens a session with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.execution.run import Run
from prodassoc_cli.execution.targets import STDOUT

if TYPE_CHECKING:
    from pathlib import Path

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.engines.parts import PartsOf
    from prodassoc_cli.execution.writer import Writer


@contextmanager
def engine(config: Any) -> Iterator[Any]:  # noqa: ANN401 — a config with the engine's options, a SparkSession
    """Open the session that the options ask for; None where the stage runs here."""
    if config.engine == "local":
        yield None
        return
    from prodassoc_cli.engines.session import configured_session

    with configured_session(config) as spark:
        yield spark


def shared_files(run: Run, role: str, kind: Kind) -> list[Path]:
    """Return the files of an input, checked by their headers, as executors can open them.

    Raises:
        UsageProblem: the input is standard input or a pipe, which lives in this process.
        BadData: a file is of another kind, or lacks a column.
    """
    from prodassoc_cli.artifacts.store import check_header

    paths = [each.path for each in within_reach(run, role)]
    for path in paths:
        check_header(path, kind)
    return paths


def within_reach(run: Run, role: str) -> list[InputFile]:
    """Return the files of an input, which executors can open if the file system is theirs too.

    Raises:
        UsageProblem: the input is standard input or a pipe, which lives in this process.
    """
    files = run.files(role)
    if any(each.name == STDOUT or str(each.path).startswith("/proc/") for each in files):
        raise UsageProblem("`engine=spark` cannot read standard input or a pipe", "name a file or a folder")
    return files


def parts_of(outputs: Writer, **details: Any) -> PartsOf:  # noqa: ANN401 — anything JSON can hold
    """Return where executors write the parts of the main output, a folder, with the facts readers need."""
    from prodassoc_cli.engines.parts import PartsOf

    return PartsOf(str(outputs.folder("output")), outputs.lineage("output", **details))
