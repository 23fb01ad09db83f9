"""One run of a command: what it takes in, what it puts out, what it says.

A command's body reads: take the inputs, open the outputs, call the domain, put the results, say what to do
next. Everything that is the same for all commands happens here: digests, lineage, the check whether there is
anything to do, locks, formats, the summary.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.commands.execution.memory import bound_memory
from prodassoc_cli.commands.execution.run_summary import Account
from prodassoc_cli.commands.execution.targets import Target, Writer
from prodassoc_cli.errors import BadData, NoInput, UsageProblem
from prodassoc_cli.resources import (
    held_memory,
    memory_budget,
    place_kernel_cache,
    run_in_background,
    use_freed_memory_again,
    use_threads,
)
from prodassoc_cli.settings import CommonConfig, as_given, result_parameters
from prodassoc_cli.terminal.messages import Messages

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.artifacts.lineage import InputDigest, Lineage
    from prodassoc_cli.artifacts.outputs import Outputs
    from prodassoc_cli.artifacts.partial_read import OpenArtifact

STDOUT = "-"


class NothingToDo(Exception):
    """The run ends here, well: its output is up to date, or it was a dry run."""


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
        taken: the files of every input taken, by its role.
        page_path: where a page for people goes; see `page`.
        bytes_a_row: memory a row of its inputs takes at the least; None for what is usual of the command.
    """

    def __init__(self, command: str, config: Any, common: CommonConfig) -> None:  # noqa: ANN401
        self.command = command
        self.common = common
        self.messages = Messages(command, quiet=common.quiet, log_format=common.log_format)
        self.threads = use_threads(common.threads)
        use_freed_memory_again()
        place_kernel_cache()
        self.memory_limit = memory_budget(common.memory_limit)
        self.config = config
        self._parameters = result_parameters(config)
        self.is_here = getattr(config, "engine", "local") == "local"
        self.taken: dict[str, list[InputFile]] = {}
        self._earlier: tuple[InputDigest, ...] = ()
        self.bytes_a_row: int | None = None
        self._account = Account(command, common)
        self.page_path: Path | None = None
        self._digesting: Callable[[], list[tuple[InputDigest, Path]]] | None = None

    def take(
        self, role: str, specs: str | Sequence[str] | None, meanwhile: Sequence[str] = ()
    ) -> list[InputFile]:
        """Find the files of an input; no file when `specs` is None.

        Args:
            role: what the input is to the command; the name it is read by.
            specs: file, glob, folder or `-`, or several of them.
            meanwhile: modules to import while standard input comes in.

        Raises:
            NoInput: nothing is there.
        """
        from prodassoc_cli.artifacts.inputs import locate

        found = locate([] if specs is None else [specs] if isinstance(specs, str) else specs, meanwhile)
        self.taken[role] = found
        return found

    @cached_property
    def _digested(self) -> list[tuple[InputDigest, Path]]:
        """Digests of what was taken, files and first parts of folders; a table for people goes without."""
        return self._digest() if self._digesting is None else self._digesting()

    def _digest(self) -> list[tuple[InputDigest, Path]]:
        from prodassoc_cli.artifacts.lineage import digest_file

        digests = []
        for role, files in self.taken.items():
            # The manifest of a folder holds the digests of its parts: its own stands for all of them.
            whole = {each.manifest: each for each in reversed(files) if each.manifest is not None}
            for each in files:
                if each.manifest is None:
                    digests.append((digest_file(each.path, role, each.name), each.path))
                elif whole[each.manifest] is each:
                    name = f"{each.manifest.resolve().parent.name}/"
                    digests.append((digest_file(each.manifest, role, name), each.path))
        return digests

    @property
    def _taken(self) -> list[InputDigest]:
        return [digest for digest, _ in self._digested]

    @property
    def _digests(self) -> list[InputDigest]:
        return [*self._earlier, *self._taken]

    def continue_run(self, lineage: Lineage) -> None:
        """Let this run add to what another made: its inputs come first, and its file may be replaced.

        Raises:
            NothingToDo: all inputs of this run are among them already.
            UsageProblem: it had other options.
        """
        for name, value in self._parameters.items():
            theirs = lineage.parameters.get(name)
            if theirs != value:
                flag = "--" + name.replace("_", "-")
                ours = as_given(flag, value)
                raise UsageProblem(
                    f"what is added to was made {as_given(flag, theirs)}, this run is {ours}",
                    f"give the same {flag}, or clean all of the inputs again",
                )
        if all(each in lineage.inputs for each in self._taken):
            self.messages.info("these inputs are in it already")
            self._nothing_to_do()
        self._earlier = lineage.inputs

    @property
    def memory_left(self) -> int:
        """Bytes that the run may still take."""
        return max(0, self.memory_limit - held_memory())

    def files(self, role: str) -> list[InputFile]:
        """Return the files of an input taken before; none where it was not given."""
        return self.taken.get(role, [])

    def digested(self) -> list[tuple[InputDigest, Path]]:
        """Return every input taken, with its digest: files, and the first parts of folders."""
        return self._digested

    def read(self, role: str, kind: Kind) -> pl.DataFrame:
        """Read an input taken before, as an artifact of that kind."""
        return self.read_with_lineage(role, kind)[0]

    def read_with_lineage(self, role: str, kind: Kind) -> tuple[pl.DataFrame, Lineage | None]:
        """Read an input taken before, with what made it."""
        from prodassoc_cli.artifacts.store import read_artifact

        frame, lineage = read_artifact([each.path for each in self.taken[role]], kind)
        self.messages.step(f"read {role}", frame.height)
        return frame, lineage

    def read_pieces(self, role: str, kind: Kind, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read some columns of an input taken before, piece by piece, texts as dictionaries."""
        from prodassoc_cli.artifacts.store import read_coded_pieces

        rows = 0
        for piece in read_coded_pieces([each.path for each in self.taken[role]], kind, columns):
            rows += piece.num_rows
            yield piece
        self.messages.step(f"read {role}", rows)

    def opened(self, role: str, kind: Kind) -> OpenArtifact:
        """Open an input of one file taken before, of which a part may be enough.

        Raises:
            UsageProblem: it is of several files.
        """
        from prodassoc_cli.artifacts.partial_read import OpenArtifact

        first, *more = self.taken[role]
        if more:
            raise UsageProblem(f"{role} takes one file, not {1 + len(more)}", f"give one: {first.name}")
        return OpenArtifact(first.path, kind)

    def read_optional(self, role: str, kind: Kind) -> pl.DataFrame | None:
        """Read an input taken before, or None where none was given."""
        return self.read(role, kind) if self.files(role) else None

    def page(self, where: str | None) -> None:
        """Say where a page for people goes, before the outputs are opened; it appears together with them."""
        self.page_path = None if where is None else Path(where)

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
        from prodassoc_cli.artifacts.datasets import open_folder, sweep, tidy
        from prodassoc_cli.artifacts.journal import recover
        from prodassoc_cli.artifacts.outputs import Outputs

        targets = {"output": self._main_target(main)}
        targets |= {
            name: Target.at(kind, where) for name, (kind, where) in others.items() if where is not None
        }
        self._refuse_overwriting_inputs(
            [*(target.folder or target.path for target in targets.values()), *self.reports()]
        )
        if self.common.dry_run:
            from prodassoc_cli.commands.execution.dry_run import plan_of

            done = not self.common.force and self._is_up_to_date(targets)
            for line in plan_of(self, targets, done):
                self.messages.info(line)
            raise NothingToDo
        paths = [target.path for target in targets.values() if target.path] + self.reports()
        for path in paths:
            recover(Path(os.path.realpath(path)))
        if self.common.summary or any(each.path or each.form == "parquet" for each in targets.values()):
            self._digesting = run_in_background(
                self._digest
            )  # while the inputs are read: they may change after
        if not self.common.force and self._up_to_date(targets):
            self._nothing_to_do()
        if self.is_here:
            bound_memory(self)
        folders = {each.folder: open_folder(each.folder) for each in targets.values() if each.folder}
        try:
            with Outputs(paths, wait=self.common.wait) as files:
                if files.waited and not self.common.force and self._up_to_date(targets):
                    raise NothingToDo
                for folder in folders:
                    sweep(folder)
                yield Writer(self, targets, files)
                self._write_reports(targets, files)
        finally:
            for folder, made in folders.items():
                tidy(folder, made)

    def room(self) -> Path | None:
        """Return the folder for what does not fit in memory: that of the output, which needs room anyway."""
        if self.common.output in (None, STDOUT):
            return None
        folder = Path(os.path.realpath(str(self.common.output))).parent
        return folder if os.access(folder, os.W_OK) and folder != Path("/dev") else None

    def lineage(self, kind: Kind, details: dict[str, Any]) -> Lineage:
        """Return what made an artifact of this run."""
        from prodassoc_cli.artifacts.lineage import Lineage

        inputs = tuple(self._digests)
        return Lineage(kind.name, self.command, self._parameters, self.common.seed, inputs, details)

    def decide(self, **facts: Any) -> None:  # noqa: ANN401 — anything JSON can hold
        """Note what else decides the result beside the options and inputs, before the outputs are opened."""
        self._parameters |= facts

    def note(self, **facts: Any) -> None:  # noqa: ANN401 — anything JSON can hold
        """Put facts into the run's summary."""
        self._account.note(facts)

    def wrote(self, name: str, kind: Kind, rows: int) -> None:
        """Note that an output is written, for the summary, the log and the metrics."""
        self._account.wrote(name, kind.name, rows)
        self.messages.step(f"write {name}", rows)

    @contextmanager
    def kernels(self) -> Iterator[None]:
        """Import kernels inside this block: it says why the first run waits."""
        with self.messages.if_slow("compiling kernels for this processor; only the first run waits for it"):
            yield

    def next_step(self, role: str, *, more: str = "", **files: str | None) -> None:
        """Say which command comes next, with the real file names; nothing when no file was written.

        Args:
            role: what was made, and is in -o; see `artifacts.surroundings`.
            more: words that the next command needs beside the files.
            files: other files of this run, by their roles; the rest is looked for beside the output.
        """
        if self.common.output not in (None, STDOUT):
            self.hint_after(role, Path(str(self.common.output)), more=more, **files)

    def hint_after(self, role: str, path: Path, *, more: str = "", **files: str | None) -> None:
        """Say which command takes that file next."""
        if self.common.quiet or not self.common.from_shell or not (path.is_file() or path.is_dir()):
            return
        from prodassoc_cli.commands.execution.next_step import command_after

        known = {name: Path(where) for name, where in files.items() if where not in (None, STDOUT)}
        command = command_after(role, path, known)
        if command is not None:
            self.messages.hint(f"prodassoc {command} {more}".rstrip())

    def _main_target(self, kind: Kind) -> Target:
        where, form = self.common.output, self.common.format
        if where is None:
            return Target(kind, None, form or "table")
        if where == STDOUT:
            return Target(kind, None, form or "parquet")
        return Target.at(kind, where, form)

    def _refuse_overwriting_inputs(self, paths: Sequence[Path | None]) -> None:
        files = [each for files in self.taken.values() for each in files]
        read = {os.path.realpath(each.path) for each in files}
        read |= {os.path.realpath(each.manifest.parent) for each in files if each.manifest is not None}
        for path in paths:
            if path and os.path.realpath(path) in read:
                raise UsageProblem(f"{path} is an input and an output", "name another file with `output`")

    def _up_to_date(self, targets: dict[str, Target]) -> bool:
        """Tell whether every output is there and came from this very run; touch them if so."""
        if not self._is_up_to_date(targets):
            return False
        for target in targets.values():
            assert target.path is not None
            target.path.touch()
        names = ", ".join(target.place for target in targets.values())
        self.messages.info(f"{names} is up to date (`force` makes it again)")
        return True

    def _is_up_to_date(self, targets: dict[str, Target]) -> bool:
        from prodassoc_cli.artifacts.datasets import listed
        from prodassoc_cli.artifacts.store import read_lineage

        if self.page_path is not None and not self.page_path.is_file():
            return False
        for target in targets.values():
            if target.path is None or target.form != "parquet" or not target.path.is_file():
                return False
            try:
                found = read_lineage(target.path if target.folder is None else listed(target.folder).parts[0])
            except (BadData, NoInput):
                return False
            if found is None or not found.same_run(self.lineage(target.kind, {})):
                return False
        return True

    def _nothing_to_do(self) -> NoReturn:
        """End the run well; who watches the metrics sees that it ran."""
        from prodassoc_cli.artifacts.outputs import Outputs

        if self.common.metrics_file is not None:
            with Outputs([Path(self.common.metrics_file)], wait=self.common.wait) as files:
                self._account.write_metrics(files)
        raise NothingToDo

    def reports(self) -> list[Path]:
        """Return where facts about the run itself go, and the page for people."""
        return self._account.paths() if self.page_path is None else [*self._account.paths(), self.page_path]

    def _write_reports(self, targets: dict[str, Target], files: Outputs) -> None:
        outputs = {name: str(target.folder or target.path or STDOUT) for name, target in targets.items()}
        inputs = [vars(each) for each in self._digests] if self.common.summary is not None else []
        self._account.write(files, parameters=self._parameters, inputs=inputs, outputs=outputs)
