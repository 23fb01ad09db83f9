"""One command line in this process, and the CPU seconds of its phases as JSON: `phases.py FILE COMMAND ...`.

What an `import` statement runs is import, up to whatever it is called from; what reads an input as a table is
read (of `clean`: until all lines are typed rows); what writes an output is write, without the making of the
rows that it is given; all the rest is work. The start of the interpreter is import, its end is in no phase.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

PHASES = ("import", "read", "work", "write")

spent = dict.fromkeys(PHASES, 0.0)
_aside = 0.0
"""CPU seconds of phases of other threads than the main one, which has all the rest."""


class _Open(threading.local):
    """The phases that a thread is in, the innermost last, and when the last change was."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.since = 0.0
        self.is_main = threading.current_thread() is threading.main_thread()

    def switch(self) -> None:
        """Count the time since the last change for the phase that was open."""
        global _aside  # noqa: PLW0603 — the one clock of the process
        now = time.process_time() - _aside if self.is_main else time.thread_time()
        passed, self.since = now - self.since, now
        if self.names:
            spent[self.names[-1]] += passed
            _aside += 0.0 if self.is_main else passed


_open = _Open()


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Count what the block takes, without the phases inside, for this phase."""
    _open.switch()
    _open.names.append(name)
    try:
        yield
    finally:
        _open.switch()
        _open.names.pop()


def in_phase(name: str, owner: Any, attribute: str) -> None:  # noqa: ANN401 — a module or a class
    """Count every call of a function for a phase."""
    function: Callable[..., Any] = getattr(owner, attribute)

    @functools.wraps(function)
    def counted(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        if _open.names and _open.names[-1] == name:
            return function(*args, **options)
        with phase(name):
            return function(*args, **options)

    setattr(owner, attribute, counted)


def in_phase_each(name: str, items: Iterator[Any]) -> Iterator[Any]:
    """Count for a phase what an iterator takes to come to each item."""
    while True:
        with phase(name):
            item = next(items, None)
        if item is None:
            return
        yield item


def watch(command: str) -> None:
    """Count what reads and writes."""
    from prodassoc_cli.artifacts import outputs, store
    from prodassoc_cli.artifacts.parquet import partial_read
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.execution.writer import Writer

    for owner, attribute in ((Run, "read_with_lineage"), (Run, "take"), (partial_read.OpenArtifact, "read")):
        in_phase("read", owner, attribute)
    read_coded_pieces, put = store.read_coded_pieces, Writer.put
    store.read_coded_pieces = lambda *given: in_phase_each("read", read_coded_pieces(*given))
    if command == "clean":
        from prodassoc_cli.intake import pipeline

        in_phase("read", pipeline, "gather")

    def put_counted(writer: Writer, result: Any) -> None:  # noqa: ANN401 — a StageResult
        if isinstance(result.rows, Iterator):
            result = replace(result, rows=in_phase_each("work", result.rows))
        with phase("write"):
            put(writer, result)

    Writer.put = put_counted  # type: ignore[method-assign]
    in_phase("write", outputs.Outputs, "__exit__")


def main() -> None:
    """Run the command line, and write the phases where the first word says."""
    file, *words = sys.argv[1:]
    spent["import"] = _open.since = time.process_time()
    with phase("work"):
        in_phase("import", builtins, "__import__")
        in_phase("import", importlib, "import_module")
        from prodassoc_cli.app import run_command_line

        watch(words[0])
        code = run_command_line(words)
    Path(file).write_text(json.dumps(spent))
    sys.exit(code)


if __name__ == "__main__":
    main()
