"""Tables that are read whole, and have a header: catalogues, orders, names of categories."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.header import Header, find_header
from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.hive_columns import Folders
from prodassoc_cli.intake.formats.raw_table import RawTable
from prodassoc_cli.intake.formats.reader import Head, ReadOptions
from prodassoc_cli.intake.formats.registry import look
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.settings import CleanConfig


def read_tables(
    sources: Sequence[Source], config: CleanConfig, say: Say, what: str, *, kind: str = ""
) -> list[RawTable]:
    """Read the parts of a table whole.

    Args:
        sources: where they are.
        config: the options of `clean`.
        say: receives what was found.
        what: what it should be, for messages.
        kind: the kind of artifact that it may be.

    Raises:
        NoInput: it is missing.
        BadData: it is no table with a header.
    """
    parts = []
    for source in sources:
        head = look(source, ReadOptions(encoding=config.encoding, catalogue=kind == "products"), say)
        if head.artifact not in ("", kind):
            raise BadData(f"{source.name} holds {head.artifact}, not {what}", f"give {what} as a table")
        header, skip = _header(head)
        with contextlib.ExitStack() as stack:
            reader = head.open(header.known_as, header=header.rows, skip=skip, say=say, stack=stack)
            (table,) = reader.pieces()
        parts.append(Folders.of(source, table.frame.columns).beside(table))
    return parts


def _header(head: Head) -> tuple[Header, int]:
    """Return the header of a table that has one, and the number of lines before its data."""
    if head.names is not None:
        return Header(head.names, head.names), 0
    found = find_header(head.rows) or find_header(head.rows, asked=True)
    assert found is not None
    return found, head.lines_before(found.data)
