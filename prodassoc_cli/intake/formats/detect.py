"""Inputs are looked at: what each holds, how it is laid out, which column is which; and it is said."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake import tables
from prodassoc_cli.intake.columns import PRESETS, header_names, is_header, parse_map
from prodassoc_cli.intake.formats import delimited
from prodassoc_cli.intake.formats import parquet_json as typed
from prodassoc_cli.intake.formats.encoding import Dialect
from prodassoc_cli.intake.formats.hive_columns import Folders
from prodassoc_cli.intake.formats.inputs import SAMPLE, Input, Orders
from prodassoc_cli.intake.formats.parquet_json import ParquetRows
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.layouts import layouts
from prodassoc_cli.intake.layouts.layouts import Lines, check_alike
from prodassoc_cli.intake.tables import ROW, RawTable, Say
from prodassoc_cli.settings import CleanConfig, Layout


def open_orders(
    sources: Sequence[Source], config: CleanConfig, say: Say, stack: contextlib.ExitStack
) -> Orders:
    """Look at every input, so that the lines can be read.

    Args:
        sources: the inputs.
        config: the options of `clean`.
        say: told what was found.
        stack: closes what is open when the lines are no longer needed.

    Raises:
        NoInput: an input is missing.
        BadData: an input is no table, or the inputs do not fit together.
        UsageProblem: an option does not fit the input.
    """
    mapping = parse_map((each for each in config.map if not each.startswith("products.")), layouts.FIELDS)
    inputs: list[Input] = []
    for source in sources:
        found = _look_at(source, config, mapping, say if not inputs else _quiet, stack)
        if inputs:
            check_alike(source.name, found.empty, inputs[0].empty)
        inputs.append(found)
    if len(sources) > 1:
        say(f"{len(sources)} inputs, read like {sources[0].name}")
    return Orders(inputs)


def _quiet(_: str) -> None:
    """Say nothing: the parts of a folder are alike, and the first was spoken of."""


def _look_at(
    source: Source, config: CleanConfig, mapping: dict[str, str], say: Say, stack: contextlib.ExitStack
) -> Input:
    head = tables.look(source, encoding=config.encoding, delimiter=config.delimiter)
    if head.dialect is not None:
        return _look_at_text(source, head.dialect, config, mapping, say, stack)
    table, parquet, artifact = None, None, ""
    if head.format == "jsonl":
        table = typed.read_json_lines(source, say)
    elif head.format == "parquet" and source.plain_path() is not None:
        parquet = ParquetRows(source)
        artifact = parquet.artifact
    else:
        table, artifact = typed.read_typed(source, head.format)
    if artifact not in ("", "interactions"):
        raise BadData(
            f"{source.name} holds {artifact}, not order lines",
            "a catalogue goes to --products" if artifact == "products" else "give the raw order lines",
        )
    frame = (table or cast("ParquetRows", parquet).sample(1, SAMPLE)).frame
    names = [name for name in frame.columns if name != ROW]
    folders = Folders.of(source, names)
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    plain = frame.head(SAMPLE).select(pl.exclude(ROW, *lists)).cast(pl.String, strict=False)
    columns = folders.field_columns(names, mapping, config.preset, source.name)
    flat, cells = [name for name in names if name not in lists], plain.fill_null("").rows()
    layout = _choose(flat, columns, cells, config, say, source=source.name, lists=lists)
    lay_out = folders.added(_layout_of(source, columns, layout))
    return _spoken_of(Input(source, layout, lay_out, parquet=parquet, table=table), say)


def _look_at_text(
    source: Source, dialect: Dialect, config: CleanConfig, mapping: dict[str, str], say: Say,
    stack: contextlib.ExitStack,
) -> Input:  # fmt: skip
    rows = dialect.sample
    fimi = config.layout == "fimi" or (
        config.layout == "auto" and layouts.is_fimi(rows, dialect.delimiter, source.name)
    )
    if fimi:
        if config.layout == "auto":
            say(f"{source.name}: layout fimi (integers between spaces, one basket a line)")
        text = delimited.open_lines(source, dialect, say=say, stack=stack)
        return Input(source, "fimi", layouts.from_fimi, text)
    names, header = column_names(dialect, config)
    times = Counter(name.strip() for name in rows[0] if header)
    twice = sorted(name for name, count in times.items() if name and count > 1)
    if twice:
        say(f"{source.name}: the column {twice[0]} is there more than once; the first one counts")
    folders = Folders.of(source, names)
    columns: dict[str, str] = {}
    layout: Layout = "baskets"
    if config.layout != "baskets":
        columns = folders.field_columns(names, mapping, config.preset, source.name)
        cells = rows[1:] if header else rows
        layout = _choose(names, columns, cells, config, say, ragged=dialect.ragged, source=source.name)
    if layout == "baskets":
        text = delimited.open_lines(source, dialect, say=say, stack=stack)
        found = Input(source, layout, lambda table: layouts.from_baskets(table, dialect.delimiter), text)
        found.delimiter = dialect.delimiter
        return found
    text = delimited.open_delimited(source, dialect, names, header=header, say=say, stack=stack)
    say(f"{source.name}: {text.dialect.encoding} text, fields between {_spoken(dialect.delimiter)}")
    return _spoken_of(Input(source, layout, folders.added(_layout_of(source, columns, layout)), text), say)


def _spoken_of(found: Input, say: Say) -> Input:
    """Say which column is which."""
    said = ", ".join(f"{name}={column}" for name, column in found.empty.columns.items())
    say(f"{found.source.name}: {said}")
    return found


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


def _layout_of(source: Source, columns: dict[str, str], layout: Layout) -> Callable[[RawTable], Lines]:
    """Return what brings a table of that layout to lines."""
    if layout == "list":
        return lambda table: layouts.from_list_column(table, columns)
    if layout == "onehot":
        return lambda table: layouts.from_onehot(table, columns)
    if layout in ("lines", "ratings"):
        return lambda table: layouts.from_lines(table, columns, layout)
    raise BadData(f"{source.name}: --layout {layout} is for text, this is a table", "leave --layout out")


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
            parts.append(delimited.read_delimited(source, head.dialect, names, header=True, say=say))
        elif head.format == "jsonl":
            parts.append(typed.read_json_lines(source, say))
        else:
            table, artifact = typed.read_typed(source, head.format)
            if artifact not in ("", "products"):
                raise BadData(
                    f"{source.name} holds {artifact}, not a catalogue", "give a catalogue to --products"
                )
            parts.append(table)
        parts[-1] = Folders.of(source, parts[-1].frame.columns).beside(parts[-1])
    return parts
