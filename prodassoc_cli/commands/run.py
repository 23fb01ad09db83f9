"""One run of a command: what it takes in, what it puts out, what it says.

A command's body reads: take the inputs, open the outputs, call the domain, put the results, say what to do
next. Everything that is the same for all commands happens here: digests, lineage, the check whether there is
anything to do, locks, formats, the summary.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.resources import memory_budget, peak_memory, use_threads
from prodassoc_cli.settings import CommonConfig, Format, result_parameters
from prodassoc_cli.terminal.messages import Messages

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.artifacts.lineage import InputDigest, Lineage
    from prodassoc_cli.artifacts.outputs import Outputs

STDOUT = "-"
_FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "table",
}


class NothingToDo(Exception):
    """The run ends here, well: its output is up to date, or it was a dry run."""


@dataclass(frozen=True)
class Target:
    """One output of a run: its kind, where it goes (None: shown as a table) and in which format."""

    kind: Kind
    path: Path | None
    form: Format

    @property
    def is_file(self) -> bool:
        """Whether it goes to a file rather than to standard output."""
        return self.path is not None


class Run:
    """One run of a command.

    Args:
        command: its name.
        config: its config, an instance of a class of `settings.py`.
        common: the options every command has.

    Attributes:
        messages: what it says goes through here.
        threads: threads it may use.
        memory_limit: bytes it may use.
    """

    def __init__(self, command: str, config: Any, common: CommonConfig) -> None:  # noqa: ANN401
        self.command = command
        self.common = common
        self.messages = Messages(command, quiet=common.quiet, log_format=common.log_format)
        self.threads = use_threads(common.threads)
        self.memory_limit = memory_budget(common.memory_limit)
        self._parameters = result_parameters(config)
        self._files: dict[str, list[Path]] = {}
        self._digests: list[InputDigest] = []
        self._started = time.monotonic()
        self._summary: dict[str, Any] = {}

    def take(self, role: str, specs: str | Sequence[str] | None) -> list[Path]:
        """Find the files of an input and note their digests; no file when `specs` is None.

        Args:
            role: what the input is to the command; the name it is read by.
            specs: file, glob, folder or `-`, or several of them.

        Raises:
            NoInput: nothing is there.
        """
        from prodassoc_cli.artifacts.inputs import display_name, locate
        from prodassoc_cli.artifacts.lineage import digest_file

        given = [] if specs is None else [specs] if isinstance(specs, str) else list(specs)
        for spec in given:
            for path in locate(spec):
                self._files.setdefault(role, []).append(path)
                self._digests.append(digest_file(path, role, display_name(spec, path)))
        return self._files.get(role, [])

    def read(self, role: str, kind: Kind) -> pl.DataFrame:
        """Read an input taken before, as an artifact of that kind."""
        from prodassoc_cli.artifacts.store import read_artifact

        return read_artifact(self._files[role], kind)[0]

    def read_optional(self, role: str, kind: Kind) -> pl.DataFrame | None:
        """Read an input taken before, or None where none was given."""
        return self.read(role, kind) if self._files.get(role) else None

    def source_of(self, path: Path) -> str:
        """Return how a file taken before is called in messages and rejects."""
        for role, paths in self._files.items():
            if path in paths:
                digests = [each for each in self._digests if each.role == role]
                return digests[paths.index(path)].name
        return path.name

    @contextmanager
    def outputs(self, main: Kind, **others: tuple[Kind, str | None]) -> Iterator[Writer]:
        """Lock the outputs, and put them in place together when the block ends well.

        Args:
            main: the kind of what goes to -o.
            others: further outputs by name: their kind and where they go; None leaves one out.

        Yields:
            What the results are put into.

        Raises:
            NothingToDo: the outputs are up to date, or this is a dry run.
            CannotCreate, OutputLocked: known before any work is done.
        """
        from prodassoc_cli.artifacts.outputs import Outputs

        targets = {"output": self._main_target(main)}
        targets |= {
            name: Target(kind, Path(where), _format_of(Path(where)))
            for name, (kind, where) in others.items()
            if where is not None
        }
        self._refuse_overwriting_inputs(targets)
        if self.common.dry_run:
            self._say_plan(targets)
            raise NothingToDo
        if not self.common.force and self._up_to_date(targets):
            raise NothingToDo
        with Outputs([target.path for target in targets.values() if target.path]) as files:
            yield Writer(self, targets, files)
        self._write_summary(targets)

    def lineage(self, kind: Kind, details: dict[str, Any]) -> Lineage:
        """Return what made an artifact of this run."""
        from prodassoc_cli.artifacts.lineage import Lineage

        inputs = tuple(self._digests)
        return Lineage(kind.name, self.command, self._parameters, self.common.seed, inputs, details)

    def note(self, **facts: Any) -> None:  # noqa: ANN401 — anything JSON can hold
        """Put facts into the run's summary."""
        self._summary.update(facts)

    def _main_target(self, kind: Kind) -> Target:
        where, form = self.common.output, self.common.format
        if where is None:
            return Target(kind, None, form or "table")
        if where == STDOUT:
            return Target(kind, None, form or "parquet")
        path = Path(where)
        return Target(kind, path, form or _format_of(path))

    def _refuse_overwriting_inputs(self, targets: dict[str, Target]) -> None:
        read = {os.path.realpath(path) for paths in self._files.values() for path in paths}
        for target in targets.values():
            if target.path and os.path.realpath(target.path) in read:
                raise UsageProblem(f"{target.path} is an input and an output", "name another file with -o")

    def _say_plan(self, targets: dict[str, Target]) -> None:
        for digest, path in zip(self._digests, (p for ps in self._files.values() for p in ps), strict=True):
            self.messages.info(f"would read {digest.role} from {digest.name} ({path.stat().st_size:,} bytes)")
        for target in targets.values():
            place = target.path or "standard output"
            self.messages.info(f"would write {target.kind.name} to {place} as {target.form}")

    def _up_to_date(self, targets: dict[str, Target]) -> bool:
        """Tell whether every output is there and came from this very run; touch them if so."""
        from prodassoc_cli.artifacts.store import read_lineage

        for target in targets.values():
            if target.path is None or target.form != "parquet" or not target.path.is_file():
                return False
            try:
                found = read_lineage(target.path)
            except BadData:
                return False
            if found is None or not found.same_run(self.lineage(target.kind, {})):
                return False
        for target in targets.values():
            assert target.path is not None
            target.path.touch()
        names = ", ".join(str(target.path) for target in targets.values())
        self.messages.info(f"{names} is up to date (--force makes it again)")
        return True

    def _write_summary(self, targets: dict[str, Target]) -> None:
        if self.common.summary is None:
            return
        from prodassoc_cli.artifacts.outputs import Outputs

        summary = {
            "command": self.command,
            "parameters": self._parameters,
            "seed": self.common.seed,
            "inputs": [vars(each) for each in self._digests],
            "outputs": {name: str(target.path or STDOUT) for name, target in targets.items()},
            "seconds": round(time.monotonic() - self._started, 3),
            "peak_memory_bytes": peak_memory(),
            **self._summary,
        }
        path = Path(self.common.summary)
        with Outputs([path]) as files:
            text = json.dumps(summary, indent=2, ensure_ascii=False, default=str)
            files.file(path).write(f"{text}\n".encode())


class Writer:
    """Where a run puts its results; see `Run.outputs`."""

    def __init__(self, run: Run, targets: dict[str, Target], files: Outputs) -> None:
        self._run = run
        self._targets = targets
        self._files = files

    def wants(self, name: str) -> bool:
        """Tell whether that output was asked for."""
        return name in self._targets

    def is_file(self, name: str) -> bool:
        """Tell whether that output goes to a file rather than to standard output."""
        return self.wants(name) and self._targets[name].path is not None

    def put(
        self,
        name: str,
        data: pl.DataFrame | pa.Table,
        view: pl.DataFrame | None = None,
        **details: Any,  # noqa: ANN401 — anything JSON can hold
    ) -> None:
        """Write one result, if it was asked for.

        Args:
            name: `output`, or a name given to `Run.outputs`.
            data: its rows.
            view: what a table for people shows instead, where the rows alone would say less.
            details: facts its readers need; they go into the lineage.
        """
        if not self.wants(name):
            return
        from prodassoc_cli.artifacts.outputs import write_errors
        from prodassoc_cli.artifacts.store import write_artifact
        from prodassoc_cli.terminal import output

        target = self._targets[name]
        stream = self._files.file(target.path) if target.path else output.standard_output()
        with write_errors(target.path or Path("standard output")):
            if target.form == "parquet":
                write_artifact(data, target.kind, self._run.lineage(target.kind, details), stream)
            elif target.form == "table" and view is not None:
                output.write_text(view, target.form, stream)
            else:
                output.write_text(output.to_frame(data), target.form, stream)
        rows = data.num_rows if hasattr(data, "num_rows") else data.height
        self._run.note(**{f"{target.kind.name}_rows": rows})


def _format_of(path: Path) -> Format:
    return _FORMAT_OF_SUFFIX.get(path.suffix.lower(), "parquet")
