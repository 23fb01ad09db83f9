"""`prodassoc inspect`: what an artifact is, what made it, and what is in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from prodassoc_cli.artifacts.schemas import KINDS, MODEL, SCHEMA_VERSION, Column
from prodassoc_cli.commands.next_step import say_command_after
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.settings import CommonConfig, InspectConfig

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.artifacts.inputs import InputFile
    from prodassoc_cli.artifacts.lineage import Lineage


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "inspect",
        InspectConfig,
        InputArgument("artifact", "Any Parquet file or folder of parts, artifact or not", needed=False),
        (
            "prodassoc inspect rules.parquet",
            "prodassoc inspect rules.parquet --format jsonl",
            "prodassoc inspect --schema rules",
            "prodassoc inspect --parameters item-knn",
        ),
        perform,
    )


def perform(inputs: list[str], config: InspectConfig, common: CommonConfig) -> None:
    """Show one artifact on standard output: tables, or one JSON object with --format jsonl."""
    from prodassoc_cli.artifacts.discover import role_of
    from prodassoc_cli.artifacts.store import read_table
    from prodassoc_cli.execution.run import Run
    from prodassoc_cli.terminal import output

    run = Run("inspect", config, common)
    if common.output is not None:
        raise UsageProblem("inspect only shows", "send standard output to a file with >")
    if sum((bool(inputs), config.schema is not None, config.parameters is not None)) != 1:
        raise UsageProblem("inspect shows a file, a --schema or --parameters", "name one of them")
    as_json = common.format == "jsonl"
    if not inputs:
        _show_declared(config, as_json=as_json)
        return
    files = run.take("artifact", inputs)
    if len(files) > 1 and not Path(inputs[0]).is_dir():
        raise UsageProblem(
            f"inspect shows one artifact; {inputs[0]} names {len(files)} files", f"try {files[0].path}"
        )
    seen, lineage = Seen(config.rows), None
    for file in files:
        table, found = read_table(file.path)
        lineage = found if seen.parts == 0 else lineage
        if (lineage and lineage.kind) != (found and found.kind):
            raise BadData(f"{inputs[0]} holds parts of different kinds", f"try {file.path}")
        seen.add(output.to_frame(table))
    if as_json:
        output.write_line(json.dumps(_as_object(seen, lineage), ensure_ascii=False, default=str))
        return
    output.write_line(_headline(_name_of(inputs[0], files), seen, lineage))
    model = lineage.details.get(MODEL.name) if lineage and lineage.kind == MODEL.name else None
    for part in (_provenance(lineage), *(_described(model) if model else [_columns(seen, lineage)])):
        if part is not None:
            output.write_line(output.table_text(part, rows=1000))
    if config.rows and not model:
        output.write_line(output.table_text(seen.head, config.rows))
    role = role_of(files[0].path)
    if role is not None:
        say_command_after(run, role, Path(inputs[0]))


def _show_declared(config: InspectConfig, *, as_json: bool) -> None:
    """Show what needs no file."""
    if config.schema is not None:
        _show_schema(config.schema, as_json=as_json)
    if config.parameters is not None:
        _show_parameters(config.parameters, as_json=as_json)


def _show_schema(name: str, *, as_json: bool) -> None:
    """Show how a kind of artifact is declared.

    Raises:
        UsageProblem: there is no such kind.
    """
    import polars as pl

    from prodassoc_cli.terminal import output

    kind = KINDS.get(name)
    if kind is None:
        raise UsageProblem(f"--schema {name}: no such kind", did_you_mean(name, KINDS))
    if as_json:
        output.write_line(json.dumps(asdict(kind), ensure_ascii=False))
        return
    headline = f"{kind.name} (schema {SCHEMA_VERSION}), made by prodassoc {kind.made_by}"
    output.write_line(f"{headline}\n{kind.meaning}\n")
    rows = [(each.name, each.dtype, _may_be_missing(each), _meaning(each)) for each in kind.columns]
    columns = ["column", "type", "may be missing", "meaning"]
    if rows:
        output.write_line(output.table_text(pl.DataFrame(rows, columns, orient="row"), rows=len(rows)))
    if kind.open:
        output.write_line("Further columns are kept as they come.")


def _show_parameters(model: str, *, as_json: bool) -> None:
    """Show what `train --param` can set of a model.

    Raises:
        UsageProblem: there is no such model.
    """
    from prodassoc_cli.models.storage.describe import parameter_table
    from prodassoc_cli.terminal import output

    table = parameter_table(model)
    if as_json:
        output.write_line(json.dumps(table.to_dicts(), ensure_ascii=False))
        return
    output.write_line(f"{model}: set by prodassoc train --model {model} --param NAME=VALUE\n")
    for name, default, possible, meaning in table.iter_rows():
        output.write_line(f"  {name}={default}" + (f"  ({possible})" if possible else ""))
        output.write_line(f"      {meaning}")
    if model == "hybrid":
        output.write_line("Those of a part are set as PART.NAME=VALUE, such as item-knn.neighbours=200.")


def _may_be_missing(column: Column) -> str:
    return "the column" if column.optional else "values" if column.nullable else ""


def _meaning(column: Column) -> str:
    return column.meaning + (f": {', '.join(column.values)}" if column.values else "")


def _name_of(spec: str, files: list[InputFile]) -> str:
    if not Path(spec).is_dir():
        return files[0].name
    return f"{Path(spec).resolve().name}/ ({_counted(len(files), 'part')})"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


class Seen:
    """What has been seen of an artifact, part by part: nothing is kept but counts and the first rows.

    Args:
        rows: how many rows to keep.

    Attributes:
        parts, rows: how many there were.
        head: the first rows.
        columns: by name, what is known of each.
    """

    def __init__(self, rows: int) -> None:
        self._kept = rows
        self.parts = self.rows = 0
        self.head: pl.DataFrame
        self.columns: dict[str, ColumnFacts] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Look at a part."""
        import polars as pl

        head = frame.head(self._kept)
        self.head = pl.concat([self.head, head], how="diagonal_relaxed") if self.parts else head
        self.head = self.head.head(self._kept)
        for name in frame.columns:
            if name not in self.columns:
                self.columns[name] = ColumnFacts(frame.schema[name], self.rows)
        for name, facts in self.columns.items():
            if name in frame.columns:
                facts.add(frame[name])
            else:
                facts.missing += frame.height
        self.parts, self.rows = self.parts + 1, self.rows + frame.height


class ColumnFacts:
    """What is known of a column: missing values, distinct ones (by 64-bit hashes), the range."""

    def __init__(self, dtype: pl.DataType, missing: int) -> None:
        import numpy as np

        self.dtype, self.missing = dtype, missing
        self._hashes = np.empty(0, np.uint64)
        self.minimum: Any = None
        self.maximum: Any = None

    def add(self, values: pl.Series) -> None:
        """Look at the values of a part."""
        import numpy as np

        self.missing += values.null_count()
        if self.dtype.is_nested():
            return
        hashes = values.unique().hash().to_numpy()
        self._hashes = np.union1d(self._hashes, hashes) if len(self._hashes) else np.unique(hashes)
        ends = [each for each in (self.minimum, values.min()) if each is not None]
        self.minimum = min(ends, default=None)
        ends = [each for each in (self.maximum, values.max()) if each is not None]
        self.maximum = max(ends, default=None)

    @property
    def distinct(self) -> int | None:
        """How many distinct values there are, a missing one included; None of nested ones."""
        return None if self.dtype.is_nested() else len(self._hashes)


def _headline(name: str, seen: Seen, lineage: Lineage | None) -> str:
    rows = _counted(seen.rows, "row")
    if lineage is None:
        return f"{name}: no artifact of prodassoc, {rows}\n"
    kind = KINDS.get(lineage.kind)
    meaning = f"\n{kind.meaning}" if kind else ""
    return f"{name}: {lineage.kind}, {rows} (schema {lineage.schema_version}){meaning}\n"


def _provenance(lineage: Lineage | None) -> pl.DataFrame | None:
    """Return what made the artifact, one fact per row."""
    if lineage is None:
        return None
    import polars as pl

    facts = [("made by", f"prodassoc {lineage.command} {lineage.tool_version}, seed {lineage.seed}")]
    facts += [(f"input: {each.role}", f"{each.name}  sha256 {each.sha256[:12]}…") for each in lineage.inputs]
    facts += [
        (name, _short(value)) for name, value in lineage.parameters.items() if value not in (None, [], False)
    ]
    facts += [(name, _short(value)) for name, value in lineage.details.items() if name != MODEL.name]
    return pl.DataFrame(facts, schema=["lineage", "value"], orient="row")


def _described(model: dict[str, Any]) -> list[pl.DataFrame]:
    """Return what a model's header tells: its columns are arrays, which say nothing to a reader."""
    from prodassoc_cli.models.storage.describe import describe

    return describe(model)


def _short(value: object) -> str:
    """Return a value in few characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:199] + "…"


def _columns(seen: Seen, lineage: Lineage | None) -> pl.DataFrame:
    """Return a row per column: type, missing and distinct values, range, meaning."""
    import polars as pl

    kind = KINDS.get(lineage.kind) if lineage else None
    rows = []
    for name, facts in seen.columns.items():
        declared = kind.column(name) if kind else None
        rows.append(
            {
                "column": name,
                "type": declared.dtype if declared else str(facts.dtype).lower(),
                "missing": facts.missing,
                "distinct": facts.distinct,
                "minimum": None if facts.minimum is None else _short(facts.minimum),
                "maximum": None if facts.maximum is None else _short(facts.maximum),
                "meaning": declared.meaning if declared else None,
            }
        )
    schema = dict.fromkeys(("column", "type"), pl.String) | dict.fromkeys(("missing", "distinct"), pl.Int64)
    schema |= dict.fromkeys(("minimum", "maximum", "meaning"), pl.String)
    return pl.DataFrame(rows, schema=schema)


def _as_object(seen: Seen, lineage: Lineage | None) -> dict[str, Any]:
    return {
        "kind": lineage.kind if lineage else None,
        "rows": seen.rows,
        "lineage": asdict(lineage) if lineage else None,
        "columns": _columns(seen, lineage).to_dicts(),
        "head": seen.head.to_dicts(),
    }
