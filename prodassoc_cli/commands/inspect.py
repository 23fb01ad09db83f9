"""`prodassoc inspect`: what an artifact is, what made it, and what is in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from prodassoc_cli.artifacts.schemas import KINDS, SCHEMA_VERSION, Column
from prodassoc_cli.commands.options import InputArgument, command
from prodassoc_cli.commands.run import Run
from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.settings import CommonConfig, InspectConfig

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.artifacts.lineage import Lineage


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "inspect",
        InspectConfig,
        InputArgument("artifact", "Any Parquet file, artifact or not", needed=False),
        (
            "prodassoc inspect rules.parquet",
            "prodassoc inspect rules.parquet --format jsonl",
            "prodassoc inspect --schema rules",
        ),
        run,
    )


def run(inputs: list[str], config: InspectConfig, common: CommonConfig) -> None:
    """Show one artifact on standard output: tables, or one JSON object with --format jsonl."""
    from prodassoc_cli.artifacts.store import read_table
    from prodassoc_cli.artifacts.surroundings import role_of
    from prodassoc_cli.terminal import output

    this = Run("inspect", config, common)
    if common.output is not None:
        raise UsageProblem("inspect only shows", "send standard output to a file with >")
    if (config.schema is None) == (not inputs):
        raise UsageProblem("inspect shows a file, or a --schema", "name one of them")
    if config.schema is not None:
        _show_schema(config.schema, as_json=common.format == "jsonl")
        return
    file, *more = this.take("artifact", inputs)
    if more:
        raise UsageProblem(f"inspect shows one file; {inputs[0]} names {len(more) + 1}", f"try {file.path}")
    table, lineage = read_table(file.path)
    frame = output.to_frame(table)
    if common.format == "jsonl":
        output.write_line(
            json.dumps(_as_object(frame, lineage, config.rows), ensure_ascii=False, default=str)
        )
        return
    output.write_line(_headline(file.name, frame, lineage))
    for part in (_provenance(lineage), _columns(frame, lineage)):
        if part is not None:
            output.write_line(output.table_text(part, rows=1000))
    if config.rows:
        output.write_line(output.table_text(frame, config.rows))
    role = role_of(file.path)
    if role is not None:
        this.hint_after(role, file.path)


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


def _may_be_missing(column: Column) -> str:
    return "the column" if column.optional else "values" if column.nullable else ""


def _meaning(column: Column) -> str:
    return column.meaning + (f": {', '.join(column.values)}" if column.values else "")


def _headline(name: str, frame: pl.DataFrame, lineage: Lineage | None) -> str:
    if lineage is None:
        return f"{name}: no artifact of prodassoc, {frame.height:,} rows\n"
    kind = KINDS.get(lineage.kind)
    meaning = f"\n{kind.meaning}" if kind else ""
    return f"{name}: {lineage.kind}, {frame.height:,} rows (schema {lineage.schema_version}){meaning}\n"


def _provenance(lineage: Lineage | None) -> pl.DataFrame | None:
    """Return what made the artifact, one fact a row."""
    if lineage is None:
        return None
    import polars as pl

    facts = [("made by", f"prodassoc {lineage.command} {lineage.tool_version}, seed {lineage.seed}")]
    facts += [(f"input: {each.role}", f"{each.name}  sha256 {each.sha256[:12]}…") for each in lineage.inputs]
    facts += [
        (name, _short(value)) for name, value in lineage.parameters.items() if value not in (None, [], False)
    ]
    facts += [(name, _short(value)) for name, value in lineage.details.items()]
    return pl.DataFrame(facts, schema=["lineage", "value"], orient="row")


def _short(value: object) -> str:
    """Return a value in few characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:199] + "…"


def _columns(frame: pl.DataFrame, lineage: Lineage | None) -> pl.DataFrame:
    """Return a row a column: type, missing and distinct values, range, meaning."""
    import polars as pl

    kind = KINDS.get(lineage.kind) if lineage else None
    rows = []
    for name, dtype in frame.schema.items():
        values = frame[name]
        plain = not dtype.is_nested()
        declared = kind.column(name) if kind else None
        rows.append(
            {
                "column": name,
                "type": declared.dtype if declared else str(dtype).lower(),
                "missing": values.null_count(),
                "distinct": values.n_unique() if plain else None,
                "least": _short(values.min()) if plain and values.count() else None,
                "greatest": _short(values.max()) if plain and values.count() else None,
                "meaning": declared.meaning if declared else None,
            }
        )
    schema = dict.fromkeys(("column", "type"), pl.String) | dict.fromkeys(("missing", "distinct"), pl.Int64)
    schema |= dict.fromkeys(("least", "greatest", "meaning"), pl.String)
    return pl.DataFrame(rows, schema=schema)


def _as_object(frame: pl.DataFrame, lineage: Lineage | None, rows: int) -> dict[str, Any]:
    return {
        "kind": lineage.kind if lineage else None,
        "rows": frame.height,
        "lineage": asdict(lineage) if lineage else None,
        "columns": _columns(frame, lineage).to_dicts(),
        "head": frame.head(rows).to_dicts(),
    }
