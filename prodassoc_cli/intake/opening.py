"""How an input is opened: its format, header, export, layout and columns, each found or as the user says."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prodassoc_cli.errors import BadData, UsageProblem, did_you_mean
from prodassoc_cli.intake.columns.derived import DerivedColumns
from prodassoc_cli.intake.columns.header import Header, find_header
from prodassoc_cli.intake.columns.likeness import ReadHeaders
from prodassoc_cli.intake.columns.match import FIELDS, ORDERS, entries_of, normal, parse_map
from prodassoc_cli.intake.columns.presets import PRESETS, Preset, preset_of, recognise_export
from prodassoc_cli.intake.columns.schema import Caution, Say
from prodassoc_cli.intake.fields import Matched, match_by_likeness, match_fields
from prodassoc_cli.intake.formats.hive_columns import Folders
from prodassoc_cli.intake.formats.raw_table import NoRows, check_width
from prodassoc_cli.intake.formats.reader import Head as FormatHead
from prodassoc_cli.intake.formats.reader import ReadOptions
from prodassoc_cli.intake.formats.registry import look
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.formats.text.dialect import is_ragged
from prodassoc_cli.intake.inputs import Input, Inputs
from prodassoc_cli.intake.layouts.layout import Head, Layout, check_alike
from prodassoc_cli.intake.layouts.registry import layout_of, no_products, recognise
from prodassoc_cli.intake.order_table import OrderTable
from prodassoc_cli.intake.values.ids import ROUNDED
from prodassoc_cli.intake.whole_tables import read_tables
from prodassoc_cli.settings import CleanConfig


def open_inputs(
    sources: Sequence[Source], config: CleanConfig, say: Say, stack: contextlib.ExitStack,
    *, order_table: Sequence[Source] = (), read_headers: ReadHeaders | None = None,
) -> Inputs:  # fmt: skip
    """Look at every input, so that its lines can be read.

    Args:
        sources: where the inputs are.
        config: the options of `clean`.
        say: receives what was found.
        stack: closes what is open when the lines are no longer needed.
        order_table: where the table of their orders is, if they have one of their own.
        read_headers: tells what headers mean that are not known; None to leave their columns unused.

    Raises:
        NoInput: an input is missing.
        BadData: an input is no table, or the inputs do not fit together.
        UsageProblem: an option does not fit the input.
    """
    mapping = parse_map(entries_of(config.map), FIELDS)
    inputs: list[Input] = []
    for source in sources:
        # The parts of a folder are alike; what is said of the first holds for all.
        try:
            quiet = (lambda _: None) if inputs else say
            found = _open_input(source, config, mapping, quiet, stack, read_headers)
        except NoRows as problem:
            if source is sources[-1] and not inputs:
                raise
            say(f"{problem.message}; it is passed over")
            continue
        if inputs:
            check_alike(source.name, found.layout, found.empty, inputs[0].empty, inputs[0].layout)
        inputs.append(found)
    if len(sources) > 1:
        say(f"{len(sources)} inputs, read like {sources[0].name}")
    if not order_table:
        return Inputs(inputs)
    tables = read_tables(order_table, config, say, "an order table")
    return Inputs(inputs, OrderTable.of(tables, entries_of(config.map, ORDERS), say))


def _open_input(
    source: Source, config: CleanConfig, mapping: dict[str, str], say: Say, stack: contextlib.ExitStack,
    read_headers: ReadHeaders | None,
) -> Input:  # fmt: skip
    format_head = look(source, read_options(config), say)
    _check_order_lines(source, format_head.artifact)
    check_width(source, len(format_head.names or format_head.rows[0]))
    header, skip = _header(format_head, config)
    head = _first_rows(source, format_head, header)
    preset = _preset(head, config, say)
    ignored = _ignored(head, config)
    folders = Folders.of(source, head.names)
    asked = _asked_layout(config, preset)
    if asked is not None and asked.uncut:
        matched = Matched(_numbered_fields(mapping, asked, head))
        _say_one_per_line(head, say)
        return Input(source, asked, matched, format_head.open_lines(say=say, stack=stack), folders, head)
    known_as = dict(zip(header.names, header.known_as, strict=True))
    mapping = {name: known_as.get(column, column) for name, column in mapping.items()}
    matched = _matched(head, folders, ignored, mapping, preset_of(preset))
    read = read_headers if not preset and config.preset is None else None
    matched, layout = _laid_out(head, matched, asked, mapping, ignored, read, say)
    if layout.uncut or (head.ragged and head.uncut and layout.items(head.names, matched.columns)):
        return _open_lines(source, layout, head, matched, format_head, folders, skip, say, stack)
    for note in (*_lines_before(header, skip, config), *header.notes, *format_head.settled):
        say(f"{source.name}: {note}")
    if head.uncut and header.rows:
        _say_repeated(source, header.rows[0], layout, say)
    reader = format_head.open(header.known_as, header=header.rows, skip=skip, say=say, stack=stack)
    if head.uncut:
        say(f"{source.name}: {reader.encoding} text, fields between {_in_words(head.delimiter)}")
    found = Input(source, layout, matched, reader, folders, head, preset, ignored, config.separator)
    _say_columns(found, say)
    return found


def _first_rows(source: Source, format_head: FormatHead, header: Header) -> Head:
    """Return what the first rows show, with and without the header.

    Raises:
        NoRows: there are none but the header.
    """
    rows = format_head.rows if format_head.names is not None else format_head.rows[header.first :]
    head = Head(
        source.name, header.known_as, rows, rows[len(header.rows) :], format_head.delimiter,
        format_head.uncut and is_ragged(rows), format_head.lists, format_head.uncut,
    )  # fmt: skip
    if not head.cells and header.rows and format_head.complete:
        raise NoRows(f"{source.name} has a header but no rows", "give a file with at least one row")
    return head


def _say_one_per_line(head: Head, say: Say) -> None:
    lines = [line for row in head.cells for line in row]
    one_per_row = all(len(row) == 1 for row in head.cells)
    if head.delimiter and one_per_row and not any(head.delimiter in line for line in lines):
        say(f"{head.source}: one product per line; `delimiter` says what stands between products")


def _laid_out(
    head: Head, matched: Matched, asked: Layout | None, mapping: dict[str, str], ignored: frozenset[str],
    read: ReadHeaders | None, say: Say,
) -> tuple[Matched, Layout]:  # fmt: skip
    """Return what the columns are, and the layout; say which it is if it was not asked for.

    Where each row is one product, or nothing tells where products are, headers are read that are not known.

    Raises:
        BadData: no column holds products, or it is a catalogue.
    """

    def recognised() -> tuple[Layout | None, str]:
        return (asked, "") if asked is not None else recognise(head, matched.columns) or (None, "")

    layout, why = recognised()
    named = any(name != str(place) for place, name in enumerate(head.names, 1))
    if read is not None and named and (layout is None or layout.whole_rows):
        names = [name for name in head.names if name not in ignored]
        matched = match_by_likeness(matched, names, head.values, mapping, read)
        layout, why = recognised()
    if layout is None:
        raise no_products(head, matched.columns, matched.likened)
    if why:
        say(f"{head.source}: layout {layout.name} ({why}); `layout` names another")
    columns = layout.complete(head, matched.columns)
    if layout.whole_rows and "product_id" not in columns:
        raise no_products(head, columns, matched.likened, layout.name)
    if asked is None and layout.name == "lines":
        _check_no_catalogue(head, columns)
    return replace(matched, columns=columns), layout


def _check_no_catalogue(head: Head, columns: dict[str, str]) -> None:
    """Refuse a table that describes products, of which nothing says that they were bought (BadData)."""
    bought = {"order_id", "user_id", "quantity", "timestamp", "event", "rating"} & columns.keys()
    if not bought and {"title", "description"} & columns.keys():
        raise BadData(
            f"{head.source} looks like a catalogue: no column holds orders, users, quantities or times",
            f"clean it as one, with order lines or without: `clean products={head.source} "
            "products_output=products.parquet`; or name a column, as in `map=order_id=COLUMN`; "
            "`layout=lines` takes each row for a purchase",
        )


def _open_lines(
    source: Source, layout: Layout, head: Head, matched: Matched, format_head: FormatHead, folders: Folders,
    skip: int, say: Say, stack: contextlib.ExitStack,
) -> Input:  # fmt: skip
    """Open text whose rows end after their last product: its lines are cut into products here."""
    columns: dict[str, str] = {}
    named = bool(layout.items(head.names, matched.columns))
    if named:
        keys = ("order_id", "user_id", "timestamp")
        columns = {
            name: str(1 + head.names.index(column)) for name, column in matched.columns.items()
            if name in keys and column in head.names
        }  # fmt: skip
    reader = format_head.open_lines(skip=skip if named else None, say=say, stack=stack)
    return Input(source, layout_of("baskets") if named else layout, Matched(columns), reader, folders, head)


def _numbered_fields(mapping: dict[str, str], layout: Layout, head: Head) -> dict[str, str]:
    """Return field → number of the field of a line, from 1, for basket lines that begin with keys.

    Raises:
        UsageProblem: the layout has no fields, or they are not named by number.
    """
    if not mapping:
        return {}
    odd = next(
        (
            name for name, column in mapping.items()
            if name not in ("order_id", "user_id", "timestamp") or not column.isdecimal() or int(column) < 1
        ),
        None,
    )  # fmt: skip
    if odd is not None or layout.products_are_numbers:
        name = odd or next(iter(mapping))
        raise UsageProblem(
            f"`map={name}={mapping[name]}` does not go with `layout={layout.name}`: no header",
            "name the place of order_id, user_id or timestamp in a line, as in `map=order_id=1`",
        )
    return mapping


def _preset(head: Head, config: CleanConfig, say: Say) -> str:
    """Return the known export that an input is: as the user says, or by its header."""
    if config.preset is not None:
        return "" if config.preset == "none" else config.preset
    found = recognise_export([normal(name) for name in head.names])
    if found:
        say(f"{head.source}: read as `preset={found}`, by its columns; `preset=none` reads it as any other")
    return found


def _ignored(head: Head, config: CleanConfig) -> frozenset[str]:
    for column in config.ignore:
        if column not in head.names:
            raise UsageProblem(
                f"`ignore={column}`: {head.source} has no such column", did_you_mean(column, head.names)
            )
    return frozenset(config.ignore)


def _matched(
    head: Head, folders: Folders, ignored: frozenset[str], mapping: dict[str, str], preset: Preset
) -> Matched:
    """Match columns with fields; where the input's own tell, those of folders do not, unless mapped."""
    names = [name for name in head.names if name not in ignored]
    if not folders.values:
        return match_fields(names, head.values, mapping, preset, head.source)
    mapped = {name: column for name, column in mapping.items() if column in names}
    own = match_fields(names, head.values, mapped, preset, head.source)
    names += folders.values
    both = match_fields(names, lambda name: _values(head, folders, name), mapping, preset, head.source)
    columns = both.columns | {name: each for name, each in own.columns.items() if name not in mapping}
    return Matched(columns, DerivedColumns.of(columns, names), own.notes)


def _values(head: Head, folders: Folders, name: str) -> Iterable[str]:
    value = folders.values.get(name)
    return head.values(name) if value is None else [value]


def _say_columns(found: Input, say: Say) -> None:
    """Say what each column is read as, and which are not used."""
    name = found.source.name
    say(f"{name}: " + ", ".join(f"{field}={column}" for field, column in found.read_from().items()))
    for note in found.matched.notes:
        say(f"{name}: {note}")
    if unused := found.unused():
        say(f"{name}: not used: {', '.join(unused)}")
    for field in ("order_id", "product_id"):
        rounded = [each for each in found.values(field) if re.match(ROUNDED, each)]
        if rounded:
            say(
                Caution(
                    f"{name}: {found.columns[field]} has {rounded[0]}; a spreadsheet rounded these ids, and "
                    "their last digits are lost; export the column as text"
                )
            )


def read_options(config: CleanConfig) -> ReadOptions:
    """Return what the options of `clean` say of how its inputs are written."""
    return ReadOptions(
        encoding=config.encoding, delimiter=config.delimiter, quote=config.quote, escape=config.escape,
        comment=config.comment, skip_rows=config.skip_rows, header=config.header, sheet=config.sheet,
        keep_totals=config.keep_totals, mapped=_mapped(config),
    )  # fmt: skip


def _mapped(config: CleanConfig) -> tuple[str, ...]:
    """Return the columns of order lines that the user names."""
    return tuple(entry.partition("=")[2].strip() for entry in entries_of(config.map))


def _lines_before(header: Header, skip: int, config: CleanConfig) -> list[str]:
    """Return what to say of lines that stand before a header that was found further down."""
    if not header.first or config.skip_rows is not None:
        return []
    line = skip - len(header.rows) + 1
    return [f"the header is in line {line}, and what stands before it is passed over; `skip_rows=0` reads it"]


def _check_order_lines(source: Source, artifact: str) -> None:
    if artifact not in ("", "interactions"):
        raise BadData(
            f"{source.name} holds {artifact}, not order lines",
            "a catalogue goes to `products`" if artifact == "products" else "give the raw order lines",
        )


def _asked_layout(config: CleanConfig, preset: str) -> Layout | None:
    """Return the layout that the user names, or that an export has; None where it is to be found out."""
    name = config.layout if config.layout != "auto" else preset_of(preset).layout
    return layout_of(name) if name else None


def _header(head: FormatHead, config: CleanConfig) -> tuple[Header, int]:
    """Return the header of an input, and how many lines of text stand before its first row of data.

    Columns without a header are called 1, 2, …; a preset may know better.
    """
    if head.names is not None:
        return Header(head.names, head.names), 0
    layout = _asked_layout(config, "")
    # Lines that are not cut into fields have no columns that a header could name.
    named = None if layout is None else True if layout.first_row_names else False if layout.uncut else None
    searched = config.skip_rows is None and not (layout is not None and layout.uncut)
    found = find_header(
        head.rows, asked=config.header if config.header is not None else named, searched=searched,
        mapped=_mapped(config),
    )  # fmt: skip
    if found is not None:
        return found, head.lines_before(found.data)
    width = len(head.rows[0])
    presets = [preset_of(config.preset)] if config.preset else PRESETS.values()
    known = next(
        (
            preset.names_without_header(width) for preset in presets
            if config.preset or (preset.delimiter and preset.delimiter == head.delimiter)
        ),
        (),
    )  # fmt: skip
    names = [*known[:width], *(str(place) for place in range(len(known) + 1, width + 1))]
    return Header(names, names), head.lines_before(0)


def _say_repeated(source: Source, names: Sequence[str], layout: Layout, say: Say) -> None:
    times = Counter(name.strip() for name in names)
    repeated = sorted(name for name, count in times.items() if name and count > 1)
    if repeated and layout.name != "wide":
        say(f"{source.name}: the column {repeated[0]} is there more than once; the first one counts")


def _in_words(delimiter: str) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
    return names.get(delimiter, f"'{delimiter}'")
