"""One run of a stage: what it takes in, what it puts out, what it says.

A stage's run reads: take the inputs, open the outputs, call the domain, put the results. Everything that is
the same for all stages happens here: digests, lineage, the check whether there is anything to do, locks,
formats, the summary.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from prodassoc_cli.artifacts.schemas import Kind
from prodassoc_cli.declare import as_given, result_parameters
from prodassoc_cli.errors import BadData, NoInput, NothingToDo, UsageProblem
from prodassoc_cli.execution.frames import InMemory, digest_rows
from prodassoc_cli.execution.memory import bound_memory, minimum_memory
from prodassoc_cli.execution.run_summary import RunSummary
from prodassoc_cli.execution.targets import IN_MEMORY, STDOUT, Target
from prodassoc_cli.execution.writer import Writer
from prodassoc_cli.resources import (
    held_memory,
    memory_budget,
    place_kernel_cache,
    run_in_background,
    use_freed_memory_again,
    use_threads,
)
from prodassoc_cli.settings import CommonConfig
from prodassoc_cli.settings.check import check_options
from prodassoc_cli.settings.common import DEFAULT_LANGUAGE
from prodassoc_cli.settings.naming import as_flags
from prodassoc_cli.stage import Progress, StageContext
from prodassoc_cli.terminal.messages import Messages

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.artifacts.lineage import InputDigest, Lineage
    from prodassoc_cli.artifacts.outputs import Outputs
    from prodassoc_cli.artifacts.parquet.partial_read import OpenArtifact
    from prodassoc_cli.stage import Rows


class Run:
    """One run of a stage.

    Args:
        command: name of the stage.
        config: its options, an instance of a class of `settings`.
        common: the options every stage has.
        name_options: how messages name options; see `settings.naming`.

    Attributes:
        messages: what it says goes through here.
        threads: number of threads it may use.
        memory_limit: bytes it may use.
        taken: the files of every input taken, by its role.
        page_path: where a page for people goes; see `page`.
        bytes_per_row: memory a row of its inputs takes at the least; None for what is usual of the stage.

    Raises:
        UsageProblem: options do not go together.
    """

    def __init__(
        self,
        command: str,
        config: Any,  # noqa: ANN401
        common: CommonConfig,
        name_options: Callable[[str], str] = as_flags,
    ) -> None:
        check_options(config)
        self.command = command
        self.common = common
        self.name_options = name_options
        self.messages = Messages(
            command, quiet=common.quiet, log_format=common.log_format, name_options=name_options
        )
        self.threads = use_threads(common.threads)
        use_freed_memory_again()
        place_kernel_cache()
        self.memory_limit = memory_budget(common.memory_limit)
        self.config = config
        self._parameters = result_parameters(config)
        self.is_here = getattr(config, "engine", "local") == "local"
        self.taken: dict[str, list[InputFile]] = {}
        self.in_memory: dict[str, list[InMemory]] = {}
        self._earlier: tuple[InputDigest, ...] = ()
        self.bytes_per_row: int | None = None
        self._summary = RunSummary(command, common)
        self.page_path: Path | None = None
        self._digesting: Callable[[], list[tuple[InputDigest, Path | None]]] | None = None

    def take(
        self, role: str, specs: str | Sequence[str] | None, meanwhile: Sequence[str] = ()
    ) -> list[InputFile]:
        """Find the files of an input; no file when `specs` is None.

        Args:
            role: what the input is to the command; the name it is read by.
            specs: file, glob, folder, `-` or rows in memory, or several of them.
            meanwhile: modules to import while standard input comes in.

        Raises:
            NoInput: nothing is there.
        """
        from prodassoc_cli.artifacts.inputs import locate

        named = [] if specs is None else [specs] if isinstance(specs, str) else specs
        self.in_memory[role] = [each for each in named if isinstance(each, InMemory)]
        self.taken[role] = locate([each for each in named if not isinstance(each, InMemory)], meanwhile)
        return self.taken[role]

    @cached_property
    def _digested(self) -> list[tuple[InputDigest, Path | None]]:
        """Digests of what was taken: files, first parts of folders, rows in memory."""
        return self._digest() if self._digesting is None else self._digesting()

    def _digest(self) -> list[tuple[InputDigest, Path | None]]:
        from prodassoc_cli.artifacts.lineage import InputDigest, digest_file

        digests: list[tuple[InputDigest, Path | None]] = []
        for role, files in self.taken.items():
            # The manifest of a folder holds the digests of its parts: its own stands for all of them.
            whole = {each.manifest: each for each in reversed(files) if each.manifest is not None}
            for each in files:
                if each.manifest is None:
                    digests.append((digest_file(each.path, role, each.name), each.path))
                elif whole[each.manifest] is each:
                    name = f"{each.manifest.resolve().parent.name}/"
                    digests.append((digest_file(each.manifest, role, name), each.path))
            digests += [
                (InputDigest(role, str(each), digest_rows(each.rows)), None) for each in self.in_memory[role]
            ]
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
            earlier = lineage.parameters.get(name)
            if earlier != value:
                before, now = as_given(name, earlier), as_given(name, value)
                raise UsageProblem(
                    f"what is added to was made {before}, this run is {now}",
                    f"give the same `{name}`, or clean all of the inputs again",
                )
        if all(each in lineage.inputs for each in self._taken):
            self.messages.info("these inputs are already in it")
            self._nothing_to_do()
        self._earlier = lineage.inputs

    @property
    def memory_left(self) -> int:
        """Bytes that the run may still take."""
        return max(0, self.memory_limit - held_memory())

    def files(self, role: str) -> list[InputFile]:
        """Return the files of an input taken before; none where it was not given."""
        return self.taken.get(role, [])

    @property
    def context(self) -> StageContext:
        """What the domain works with in this run, and whom it tells."""
        return StageContext(
            self.threads,
            self.common.seed,
            self.memory_limit,
            lambda: self.memory_left,
            self.messages.info,
            self.messages.warning,
            self.note,
            self.messages.table,
            self.progress,
            self.kernels,
        )

    def progress(self, label: str) -> AbstractContextManager[Progress]:
        """Open a progress bar."""
        from prodassoc_cli.terminal.progress import progress_bar

        return progress_bar(label, quiet=self.common.quiet)

    def is_given(self, role: str) -> bool:
        """Return whether an input was given."""
        return bool(self.files(role) or self.in_memory.get(role))

    def digested(self) -> list[tuple[InputDigest, Path | None]]:
        """Return every input taken, with its digest: files, first parts of folders, rows in memory."""
        return self._digested

    def read(self, role: str, kind: Kind, *, text: bool = False) -> pl.DataFrame:
        """Read an input taken before, as an artifact of that kind; see `read_artifact`."""
        return self.read_with_lineage(role, kind, text=text)[0]

    def read_with_lineage(
        self, role: str, kind: Kind, *, text: bool = False
    ) -> tuple[pl.DataFrame, Lineage | None]:
        """Read an input taken before, with what made it."""
        from prodassoc_cli.artifacts.store import checked_rows, read_artifact

        lineage = None
        if self.in_memory[role]:
            frame = checked_rows(self.in_memory[role][0].rows, kind, str(self.in_memory[role][0]))
        else:
            frame, lineage = read_artifact([each.path for each in self.taken[role]], kind, text=text)
        self.messages.step(f"read {role}", frame.height)
        return frame, lineage

    def read_pieces(self, role: str, kind: Kind, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read some columns of an input taken before, piece by piece, texts as dictionaries."""
        from prodassoc_cli.artifacts.store import read_coded_pieces

        if self.in_memory[role]:
            yield self.read(role, kind).to_arrow()
            return
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
        from prodassoc_cli.artifacts.parquet.partial_read import OpenArtifact

        first, *more = self.taken[role]
        if more:
            raise UsageProblem(f"{role} takes one file, not {1 + len(more)}", f"give one: {first.name}")
        return OpenArtifact(first.path, kind)

    def read_optional(self, role: str, kind: Kind, *, text: bool = False) -> pl.DataFrame | None:
        """Read an input taken before, or None where none was given."""
        return self.read(role, kind, text=text) if self.is_given(role) else None

    def page(self, where: str | None, language: str) -> None:
        """Say where a page for people goes and in what language, before the outputs are opened.

        It appears together with them, and with them is up to date: in another language it is made again.
        """
        if where is None:
            return
        self.page_path = Path(where)
        if language != DEFAULT_LANGUAGE:
            self.decide(language=language)

    @contextmanager
    def outputs(self, main: Kind | None, **others: tuple[Kind, str | None]) -> Iterator[Writer]:
        """Lock the outputs, and put them in place together when the block ends well.

        Args:
            main: the kind of the main output; None where there is none.
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

        targets = {} if main is None else {"output": self._main_target(main)}
        targets |= {
            name: Target.at(kind, where) for name, (kind, where) in others.items() if where is not None
        }
        self._refuse_overwriting_inputs(
            [*(target.folder or target.path for target in targets.values()), *self.reports()]
        )
        if self.common.dry_run:
            self._plan(targets)
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
            limit, given = self.memory_limit, self.common.memory_limit
            bound_memory(self.command, self._minimum_memory, limit, given, self.messages.error)
        folders = {each.folder: open_folder(each.folder) for each in targets.values() if each.folder}
        try:
            with Outputs(paths, wait=self.common.wait) as files:
                if files.waited and not self.common.force and self._up_to_date(targets):
                    raise NothingToDo
                for folder in folders:
                    sweep(folder)
                yield Writer(self, targets, files, raw_csv=self.common.raw_csv)
                self._write_reports(targets, files)
        finally:
            for folder, made in folders.items():
                tidy(folder, made)

    def _plan(self, targets: dict[str, Target]) -> NoReturn:
        """Say what would be read, done and written, and end the run."""
        from prodassoc_cli.execution.dry_run import Needs, Plan, plan_of

        place = f"{self.threads} threads" if self.is_here else self.config.master
        needs = Needs(place, self._minimum_memory, self.memory_limit, self.common.seed)
        done = not self.common.force and self._is_up_to_date(targets)
        plan = Plan(self.command, self.config, self.taken)
        for line in plan_of(plan, targets, self.reports(), needs, is_done=done):
            self.messages.info(line)
        raise NothingToDo

    @property
    def _minimum_memory(self) -> int:
        files = (each for files in self.taken.values() for each in files)
        return minimum_memory(self.command, files, self.bytes_per_row)

    def scratch_folder(self) -> Path | None:
        """Return the folder for what does not fit in memory: that of the output, which needs room anyway."""
        if self.common.output in (None, STDOUT, IN_MEMORY):
            return None
        folder = Path(os.path.realpath(str(self.common.output))).parent
        return folder if os.access(folder, os.W_OK) and folder != Path("/dev") else None

    def lineage(self, kind: Kind, details: dict[str, Any]) -> Lineage:
        """Return what made an artifact of this run."""
        from prodassoc_cli.artifacts.lineage import Lineage

        inputs = tuple(self._digests)
        return Lineage(kind.name, self.command, self._parameters, self.common.seed, inputs, details)

    def keep(self, name: str, kind: Kind, rows: Rows, facts: dict[str, Any]) -> Rows:
        """Return the rows of an output that is about to be written; who wants them back keeps them here."""
        return rows

    def decide(self, **facts: Any) -> None:  # noqa: ANN401 — anything JSON can hold
        """Note what else decides the result beside the options and inputs, before the outputs are opened."""
        self._parameters |= facts

    def note(self, facts: dict[str, Any]) -> None:
        """Put facts, ready for JSON, into the run's summary."""
        self._summary.note(facts)

    def wrote(self, name: str, kind: Kind, rows: int) -> None:
        """Note that an output is written, for the summary, the log and the metrics."""
        self._summary.wrote(name, kind.name, rows)
        self.messages.step(f"write {name}", rows)

    @contextmanager
    def kernels(self) -> Iterator[None]:
        """Import kernels inside this block: it says why the first run waits."""
        with self.messages.if_slow("compiling kernels for this processor; only the first run waits for it"):
            yield

    def _main_target(self, kind: Kind) -> Target:
        where, form = self.common.output, self.common.format
        if where == IN_MEMORY:
            return Target.at(kind, where)
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
        """Return whether every output is there and came from this very run; touch them if so."""
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
                self._summary.write_metrics(files)
        raise NothingToDo

    def reports(self) -> list[Path]:
        """Return where facts about the run itself go, and the page for people."""
        return self._summary.paths() if self.page_path is None else [*self._summary.paths(), self.page_path]

    def _write_reports(self, targets: dict[str, Target], files: Outputs) -> None:
        outputs = {name: str(target.folder or target.path or STDOUT) for name, target in targets.items()}
        inputs = [vars(each) for each in self._digests] if self.common.summary is not None else []
        self._summary.write(files, parameters=self._parameters, inputs=inputs, outputs=outputs)
