"""What a run says on standard error: one line each, as text or as JSON. Standard output is data only."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from prodassoc_cli.resources import peak_memory
from prodassoc_cli.settings.naming import as_flags
from prodassoc_cli.terminal.printable import printable

if TYPE_CHECKING:
    import polars as pl

Level = Literal["info", "warning", "hint", "error"]


class Messages:
    """One-line messages of a run.

    Args:
        command: the command that speaks.
        quiet: say nothing but errors.
        log_format: `text` for people, `json` for one object per line.
        name_options: how options are named; see `settings.naming`.
    """

    def __init__(
        self,
        command: str,
        *,
        quiet: bool = False,
        log_format: Literal["text", "json"] = "text",
        name_options: Callable[[str], str] = as_flags,
    ) -> None:
        self._command = command
        self._name_options = name_options
        self._quiet = quiet
        self._log_format = log_format
        self._started = time.monotonic()

    def info(self, text: str) -> None:
        """Say what is being done or was found."""
        self._write("info", text)

    def warning(self, text: str) -> None:
        """Say what a user should look at."""
        self._write("warning", text)

    def hint(self, text: str) -> None:
        """Say what to do next."""
        self._write("hint", text)

    @contextlib.contextmanager
    def if_slow(self, text: str, seconds: float = 2.0) -> Iterator[None]:
        """Say something only if the block takes longer than that."""
        timer = threading.Timer(seconds, self.info, [text])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def table(self, frame: pl.DataFrame) -> None:
        """Show rows that a user should look at; only where people read."""
        if not self._quiet and self._log_format == "text" and sys.stderr is not None:
            from prodassoc_cli.terminal.output import table_text

            sys.stderr.write(table_text(frame, rows=frame.height))

    def step(self, name: str, rows: int) -> None:
        """Log that a step of the run is done and how many rows it handled; only where a program reads."""
        if self._log_format == "json":
            self._write("info", name, step=name, rows=rows)

    def error(self, text: str, hint: str = "") -> None:
        """Say what went wrong, and on a second line what fixes it."""
        self._write("error", text, hint=hint)

    def _write(self, level: Level, text: str, hint: str = "", **facts: str | int) -> None:
        if sys.stderr is None or (self._quiet and level != "error"):
            return
        try:
            sys.stderr.write(self._line(level, self._name_options(text), self._name_options(hint), facts))
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # nobody reads it; the work matters more

    def _line(self, level: Level, text: str, hint: str, facts: dict[str, str | int]) -> str:
        if self._log_format == "json":
            record: dict[str, Any] = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "level": level,
                "command": self._command,
                "message": text,
                **facts,
                "seconds": round(time.monotonic() - self._started, 3),
                "peak_memory_bytes": peak_memory(),
            }
            if hint:
                record["hint"] = hint
            return json.dumps(record, ensure_ascii=False) + "\n"
        word = {"info": "", "warning": "warning: ", "hint": "next: ", "error": "error: "}[level]
        name = f"prodassoc {self._command}".rstrip()
        lines = f"{name}: {word}{printable(text)}\n"
        return lines + (f"  {printable(hint)}\n" if hint else "")
