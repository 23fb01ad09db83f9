"""Inputs → one table of lines: each input is looked at, laid out and read, and what was found is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake import layouts, tables, typed
from prodassoc_cli.intake.columns import PRESETS, header_names, is_header, parse_map
from prodassoc_cli.intake.layouts import Lines
from prodassoc_cli.intake.sources import Source
from prodassoc_cli.intake.tables import ROW, SOURCE, Head, RawTable, Say
from prodassoc_cli.intake.text import Dialect
from prodassoc_cli.settings import CleanConfig, Layout

SAMPLE = 200


@dataclass
class Orders:
    """All inputs of one run.

    Attributes:
        sources: names of the inputs; SOURCE of `lines.fields` counts into them.
        lines: every row that could be cut into fields.
        rejects: the others.
        found: per input, what was detected (for the summary).
    """

    sources: list[str]
    lines: Lines
    rejects: pl.DataFrame
    found: list[dict[str, object]] = field(default_factory=list)


def read_orders(sources: Sequence[Source], config: CleanConfig, say: Say) -> Orders:
    """Read every input into one table of lines.

    Raises:
        NoInput: an input is missing.
        BadData: an input is no table, or the inputs do not fit together.
        UsageProblem: an option does not fit the input.
    """
    mapping = parse_map((each for each in config.map if not each.startswith("products.")), layouts.FIELDS)
    parts: list[Lines] = []
    rejects: list[pl.DataFrame] = []
    found: list[dict[str, object]] = []
    for source in sources:
        lines, table = _read_one(source, config, mapping, say if not parts else _quiet)
        if parts and (lines.layout != parts[0].layout or lines.columns.keys() != parts[0].columns.keys()):
            lost = [name for name in parts[0].columns if name not in lines.columns]
            what = (
                f"has no column for {lost[0]}" if lost else f"is laid out as {lines.layout}, unlike the first"
            )
            raise BadData(f"{source.name} {what}", "clean it apart, or name its columns with --map")
        parts.append(lines)
        rejects.append(table.rejects)
        found.append(_what(source, lines, table))
    if len(sources) > 1:
        say(f"{len(sources)} inputs, read like {sources[0].name}")
    return Orders([source.name for source in sources], _join(parts), pl.concat(rejects), found)


def _quiet(_: str) -> None:
    """Say nothing: the parts of a folder are alike, and the first was spoken of."""


def _what(source: Source, lines: Lines, table: RawTable) -> dict[str, object]:
    return {
        "source": source.name, "layout": lines.layout, "encoding": table.encoding or None,
        "delimiter": table.delimiter or None, "columns": lines.columns,
    }  # fmt: skip


def _join(parts: list[Lines]) -> Lines:
    first = parts[0]
    many = len(parts) > 1
    fields = []
    for place, part in enumerate(parts):
        frame = part.fields.with_columns(pl.lit(place, dtype=pl.UInt32).alias(SOURCE))
        if "order_id" not in frame.columns and not part.whole_rows:
            # The basket's row is its order; rows of several files must not meet.
            order = pl.col(ROW).cast(pl.String)
            order = pl.concat_str(pl.lit(f"{place + 1}:"), order) if many else order
            frame = frame.with_columns(order.alias("order_id"))
        fields.append(frame)
    if not many:
        return Lines(fields[0], first.raw, first.layout, first.columns, first.whole_rows)
    raw = pl.concat([part.raw for part in parts], how="diagonal_relaxed")
    joined = pl.concat(fields, how="diagonal_relaxed")
    return Lines(joined, raw, first.layout, first.columns, first.whole_rows)


def _read_one(
    source: Source, config: CleanConfig, mapping: dict[str, str], say: Say
) -> tuple[Lines, RawTable]:
    head = tables.look(source, encoding=config.encoding, delimiter=config.delimiter)
    if head.dialect is not None:
        return _read_text(source, head.dialect, config, mapping, say)
    table = _read_table(source, head, say)
    names = [name for name in table.frame.columns if name != ROW]
    lists = [name for name, dtype in table.frame.schema.items() if isinstance(dtype, pl.List)]
    plain = table.frame.head(SAMPLE).select(pl.exclude(ROW, *lists)).cast(pl.String, strict=False)
    cells = plain.fill_null("").rows()
    columns = layouts.field_columns(names, mapping, config.preset, source.name)
    names = [name for name in names if name not in lists]
    layout = _choose(names, columns, cells, config, say, source=source.name, lists=lists)
    return _lay_out(table, columns, layout, config, say), table


def _read_table(source: Source, head: Head, say: Say) -> RawTable:
    if head.format == "jsonl":
        return typed.read_json_lines(source, say)
    table, artifact = typed.read_typed(source, head.format)
    if artifact not in ("", "interactions"):
        raise BadData(
            f"{source.name} holds {artifact}, not order lines",
            "a catalogue goes to --products" if artifact == "products" else "give the raw order lines",
        )
    return table


def _read_text(
    source: Source, dialect: Dialect, config: CleanConfig, mapping: dict[str, str], say: Say
) -> tuple[Lines, RawTable]:
    rows = dialect.sample
    fimi = config.layout == "fimi" or (
        config.layout == "auto" and layouts.is_fimi(rows, dialect.delimiter, source.name)
    )
    if fimi:
        if config.layout == "auto":
            say(f"{source.name}: layout fimi (integers between spaces, one basket a line)")
        table = tables.read_lines(source, dialect, say=say)
        return layouts.from_fimi(table), table
    names, header = column_names(dialect, config)
    times = Counter(name.strip() for name in rows[0] if header)
    twice = sorted(name for name, count in times.items() if name and count > 1)
    if twice:
        say(f"{source.name}: the column {twice[0]} is there more than once; the first one counts")
    columns: dict[str, str] = {}
    layout: Layout = "baskets"
    if config.layout != "baskets":
        columns = layouts.field_columns(names, mapping, config.preset, source.name)
        cells = rows[1:] if header else rows
        layout = _choose(names, columns, cells, config, say, ragged=dialect.ragged, source=source.name)
    if layout == "baskets":
        table = tables.read_lines(source, dialect, say=say)
        table.delimiter = dialect.delimiter
        return layouts.from_baskets(table, dialect.delimiter), table
    table = tables.read_delimited(source, dialect, names, header=header, say=say)
    say(f"{source.name}: {table.encoding} text, fields between {_spoken(dialect.delimiter)}")
    return _lay_out(table, columns, layout, config, say), table


def column_names(dialect: Dialect, config: CleanConfig) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether they stand in the first row.

    Columns without a header are called 1, 2, …; a preset may know better.
    """
    first = dialect.sample[0]
    if config.layout == "onehot" or is_header(dialect.sample):
        return header_names(first), True
    mapped = {entry.partition("=")[2].strip() for entry in config.map}
    if mapped and mapped <= set(header_names(first)):
        return header_names(first), True
    known = PRESETS[config.preset].headerless if config.preset else ()
    if dialect.delimiter == "::" and len(first) == len(PRESETS["movielens"].headerless):
        known = PRESETS["movielens"].headerless
    return [*known[: len(first)], *(str(place) for place in range(len(known) + 1, len(first) + 1))], False


def _spoken(delimiter: str) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
    return names.get(delimiter, f"'{delimiter}'")


def _choose(
    names: Sequence[str], columns: dict[str, str], cells: Sequence[Sequence[str]], config: CleanConfig,
    say: Say, *, ragged: bool = False, lists: Sequence[str] = (), source: str,
) -> Layout:  # fmt: skip
    if config.layout == "auto":
        layout, why = layouts.decide(names, columns, cells, ragged=ragged, lists=lists, source=source)
        say(f"{source}: layout {layout} ({why})")
        return layout
    if config.layout in ("lines", "ratings") and "product_id" not in columns:
        layouts.decide(names, {}, [], source=source)
    return config.layout


def _lay_out(
    table: RawTable, columns: dict[str, str], layout: Layout, config: CleanConfig, say: Say
) -> Lines:
    if layout == "list":
        lines = layouts.from_list_column(table, columns)
    elif layout == "onehot":
        lines = layouts.from_onehot(table, columns)
    elif layout in ("lines", "ratings"):
        lines = layouts.from_lines(table, columns, layout)
    else:
        raise BadData(f"{table.source}: --layout {layout} is for text, this is a table", "leave --layout out")
    said = ", ".join(f"{name}={column}" for name, column in lines.columns.items())
    say(f"{table.source}: {said}")
    return lines


def read_catalogue(sources: Sequence[Source], config: CleanConfig, say: Say) -> list[RawTable]:
    """Read the parts of a catalogue as tables.

    Raises:
        NoInput: it is missing.
        BadData: it is no table with a header.
    """
    parts = []
    for source in sources:
        head = tables.look(source, encoding=config.encoding, delimiter=None)
        if head.dialect is not None:
            names = header_names(head.dialect.sample[0])
            parts.append(tables.read_delimited(source, head.dialect, names, header=True, say=say))
        elif head.format == "jsonl":
            parts.append(typed.read_json_lines(source, say))
        else:
            table, artifact = typed.read_typed(source, head.format)
            if artifact not in ("", "products"):
                raise BadData(
                    f"{source.name} holds {artifact}, not a catalogue", "give a catalogue to --products"
                )
            parts.append(table)
    return parts
