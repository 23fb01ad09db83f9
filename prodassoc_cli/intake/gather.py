"""All lines → typed rows in partitions: the conventions are decided, then every value is parsed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.arrange.partition_bounds import (
    MAX_PARTITIONS,
    Bounds,
    first_keys,
    sort_key,
    too_large,
)
from prodassoc_cli.intake.arrange.partitions import Partitions
from prodassoc_cli.intake.columns.schema import (
    OTHER,
    Say,
    is_feedback,
    number_fields,
)
from prodassoc_cli.intake.formats.raw_table import StartAgain
from prodassoc_cli.intake.inputs import Inputs, Piece, until_settled
from prodassoc_cli.intake.layouts.layout import Layout, Lines
from prodassoc_cli.intake.rules.rejects import Rejected
from prodassoc_cli.intake.rules.row_rules import odd_values, unparsable
from prodassoc_cli.intake.stated import stated
from prodassoc_cli.intake.typed_rows import typed_rows
from prodassoc_cli.intake.values.categories import Coding
from prodassoc_cli.intake.values.conventions import Conventions, Marks
from prodassoc_cli.intake.values.privacy import pseudonymize
from prodassoc_cli.intake.values.usual_ids import IdCounts, UsualIds
from prodassoc_cli.resources import prefetch
from prodassoc_cli.settings import CleanConfig
from prodassoc_cli.wording import number_of

PIECE_ROWS = 1 << 18
"""Rows that are read and dealt out at a time, where memory is short."""

LARGE_PIECE_ROWS = 1 << 19
"""The same where all rows fit in memory."""

PART_BYTES = 300 * 10**6
"""About what it takes to clean a part of lines that fit in memory; smaller ones cost more than they save."""

BASE_BYTES = 900 * 10**6
"""What is held beside a part: libraries, a piece that is read, counts of products and ids."""

PARTS_HELD = 5
"""Room that is kept for a part, in parts: they differ in size, and freed memory is kept for the next one."""

LIBRARIES_BYTES = 150 * 10**6

SAMPLE_PLACES, SAMPLE_BYTES = 256, 1 << 14


NUMBER = OTHER + "number"
"""Name of the column of numbers of products."""


@dataclass
class Gathered:
    """All lines as typed rows.

    Attributes:
        partitions: the rows, by ranges of the order of interactions; `reason` is the code of a rule (REASON)
            that a value breaks.
        layout: of the inputs.
        products: has numbered the products.
        usual: what is usual among all rows.
        feedback: whether they are a log of shown lists.
        rejected: the rows left out; now those that could not be cut into fields.
        facts: what to know of the lines when others are added to them, ready for JSON.
    """

    partitions: Partitions
    layout: Layout
    products: Coding
    usual: UsualIds
    feedback: bool
    rejected: Rejected
    facts: dict[str, Any]

    def with_products(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with products as `categories.coded` has them; what `shown` needs stays beside them."""
        numbers = rows["product_id"]
        coded = rows.with_columns(self.products.coded(numbers))
        return coded if self.layout.whole_rows else coded.with_columns(numbers.alias(NUMBER))

    def shown(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return what rejects show of parts of a basket."""
        return shown_of_baskets(self.products.text_of(rows[NUMBER]), rows.drop(NUMBER))


def shown_of_baskets(products: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what rejects show of parts of a basket: the product as it came, then the other columns."""
    others = (name for name in rows.columns if name.startswith(OTHER))
    return pl.DataFrame(
        [products.alias("product_id"), *(rows[name].alias(name.removeprefix(OTHER)) for name in others)]
    )


def gather(
    inputs: Inputs, config: CleanConfig, say: Say, *, key: bytes | None, budget: int | None,
    folder: Path | None, keep_rejects: bool = True, before: dict[str, Any],
) -> Gathered:  # fmt: skip
    """Read all lines.

    Args:
        inputs: where they are.
        config: the options of `clean`.
        say: receives what was decided.
        key: pseudonymizes users; None where they stay.
        budget: bytes that may be used; None for no limit.
        folder: where rows are kept that do not fit in memory.
        keep_rejects: whether the rows left out are wanted.
        before: facts of lines cleaned before, to which these are added; empty where there are none.

    Raises:
        BadData: an input cannot be read or understood, or does not fit into the memory in parts either.
    """
    fields = inputs.fields
    numbered = any("order_id" not in each.columns for each in inputs.inputs)
    if before and numbered and not inputs.layout.whole_rows:
        raise BadData(
            "baskets without order ids cannot be added to earlier ones: each input numbers them anew",
            "clean all of the inputs again, without `append_to`",
        )
    # Numbers of earlier lines that were not written plainly decide how to read the new ones.
    otherwise = {*before.get("styles", {}), *stated(config).decimal_marks, *inputs.grouped_by_dots()}
    inputs.parse_plain_fields(
        [name for name in ("timestamp", *number_fields(fields)) if name not in otherwise]
    )
    wanted = 1 if budget is None else parts_needed(inputs, budget)
    on_disk = wanted > 1
    if not on_disk and not before and not several_passes(config):
        wanted = parts_in_memory(inputs)
    if is_feedback(fields):
        say("a log of what was shown: rows become impressions, clicks, purchases and dismissals")

    def read() -> tuple[Gathered, list[str]]:
        notices: list[str] = []
        conventions = value_conventions(inputs, config, notices.append, before, wanted > 1)
        rejected = Rejected(keep=keep_rejects, in_memory=not on_disk, folder=folder)
        gathering = _Gathering(inputs, config, conventions, rejected, key, before)
        partitions = gathering.read(wanted, on_disk=on_disk, folder=folder)
        usual = gathering.ids.usual()
        facts = {
            **gathering.ids.facts(),
            "styles": conventions.styles,
            "done": inputs.done or before.get("done", ""),
            "floats": sorted(conventions.floats),
            "day_first": conventions.day_first if conventions.dated else before.get("day_first"),
        }
        products = gathering.products
        found = Gathered(partitions, inputs.layout, products, usual, is_feedback(fields), rejected, facts)
        return found, notices

    found, notices = until_settled(read)
    if inputs.orders is not None and inputs.orders.lines_without:
        notices.append(
            f"{number_of(inputs.orders.lines_without, 'line')} without an order in {inputs.orders.source}"
        )
    words = found.products.without_id().str.strip_chars().drop_nulls().unique().sort()
    if named := [word for word in words if word]:
        notices.append(
            f"product_id: {', '.join(named)} is read as missing; `missing=product_id=` takes it for a name"
        )
    for notice in notices:
        say(notice)
    return found


def value_conventions(
    inputs: Inputs, config: CleanConfig, say: Say, before: dict[str, Any], pieces: bool
) -> Conventions:
    """Decide how numbers and dates are written, by all rows of the fields that are text.

    Raises:
        BadData: the dates can be read two ways.
        StartAgain: the inputs must be read again.
    """
    empty = inputs.empty().fields
    names = text_values(empty)

    def read() -> Iterator[pl.DataFrame]:
        for piece in prefetch(inputs.pieces(PIECE_ROWS if pieces else None)):
            yield piece.lines.fields.select(names)

    times = f"{inputs.sources[0]}, column {inputs.columns.get('timestamp', 'timestamp')}"
    marks = Marks.of(read, names)
    marks.floats = set().union(*(each.float_ids() for each in inputs.inputs))
    marks.grouped = inputs.grouped_by_dots()
    decided = marks.decide(stated(config), times, say, decimal_comma=inputs.delimiter == ";", before=before)
    # Beside numbers with a decimal comma, what looks like a plain 2.500 is 2500.
    if "comma" in decided.styles.values() and inputs.read_as_text(number_fields(inputs.fields)):
        raise StartAgain
    return decided


def text_values(fields: pl.DataFrame) -> list[str]:
    """Return the fields of numbers and times that are text, so that it must be found how they are written."""
    return [
        name for name in ("timestamp", *number_fields(fields.columns))
        if fields.schema.get(name) == pl.String
    ]  # fmt: skip


class _Gathering:
    """One reading of all inputs."""

    def __init__(
        self, inputs: Inputs, config: CleanConfig, conventions: Conventions, rejected: Rejected,
        key: bytes | None, before: dict[str, Any],
    ) -> None:  # fmt: skip
        self._inputs, self._config, self._conventions = inputs, config, conventions
        self._rejected, self._key = rejected, key
        self.products = Coding(partial(conventions.parse_ids, "product_id"))
        self.ids = IdCounts(before)
        self._times = np.zeros(0, np.int64)
        """How often each product, by its number, occurs."""

    def read(self, wanted: int, *, on_disk: bool, folder: Path | None) -> Partitions:
        """Deal all rows out to about so many partitions."""
        bounds = None if wanted == 1 else self._bounds(wanted, on_disk=on_disk)
        partitions = Partitions(1 if bounds is None else bounds.partitions, on_disk=on_disk, folder=folder)
        size = None if bounds is None else PIECE_ROWS if on_disk else LARGE_PIECE_ROWS
        for rows in prefetch(self._typed_pieces(size)):
            at = 0 if bounds is None else bounds.partition_of(self._keys(rows, on_disk=on_disk))
            partitions.add(rows, at)
        self.ids.add_products(self.products.ids(), self._times)
        return partitions

    def _typed_pieces(self, size: int | None) -> Iterator[pl.DataFrame]:
        for piece in prefetch(self._inputs.pieces(size)):
            self._set_aside(piece)
            rows = self._typed(piece.lines)
            self._count(rows)
            yield rows

    def _typed(self, lines: Lines) -> pl.DataFrame:
        rows, bad = typed_rows(lines, self._inputs.layout, self._conventions, products=self.products)
        # A damaged row may hold a user anywhere.
        shown = {} if self._key or self._config.drop_users else odd_values(rows, bad)
        for name, odd in shown.items():
            column = lines.columns.get(name, name)
            value = lines.fields[name].filter(odd)[0]
            self._rejected.example(name, column, f"{value:g}" if isinstance(value, float) else str(value))
        return with_reasons(rows, bad, self._key)

    def _set_aside(self, piece: Piece) -> None:
        """Take the rows that could not be cut into fields."""
        hidden = self._key is not None or self._config.drop_users
        self._rejected.add(without_text(piece.rejects) if hidden else piece.rejects)

    def _count(self, rows: pl.DataFrame) -> None:
        self.ids.add(*(rows[name] if name in rows.columns else None for name in ("order_id", "user_id")))
        times = np.bincount(rows["product_id"].drop_nulls().to_numpy())
        size = max(len(times), len(self._times))
        self._times = np.pad(self._times, (0, size - len(self._times)))
        self._times[: len(times)] += times

    def _bounds(self, wanted: int, *, on_disk: bool) -> Bounds:
        sample = self._typed(self._inputs.sample(SAMPLE_PLACES, SAMPLE_BYTES))
        return Bounds.of_sample(self._keys(sample, on_disk=on_disk), wanted)

    def _keys(self, rows: pl.DataFrame, *, on_disk: bool) -> pl.DataFrame:
        if not on_disk and "timestamp" in rows.columns:  # where parts may be of any size, times are enough
            return sort_key([rows["timestamp"]])
        return first_keys(rows, drop_users=self._config.drop_users, products=self.products)


def with_reasons(rows: pl.DataFrame, bad: dict[str, pl.Series], key: bytes | None) -> pl.DataFrame:
    """Return typed rows with `reason`, the code of the rule that a value breaks, and users as pseudonyms."""
    reason = unparsable(rows, bad, feedback=is_feedback(rows.columns))
    rows = rows.with_columns(reason.to_physical().alias("reason"))
    if key is not None and "user_id" in rows.columns:
        rows = rows.with_columns(pseudonymize(rows["user_id"], key))
    return rows


def without_text(uncut: pl.DataFrame) -> pl.DataFrame:
    """Return rows that could not be cut into fields as rejects that name no user: any field may be one."""
    return uncut.with_columns(pl.lit("").alias("raw"))


def several_passes(config: CleanConfig) -> bool:
    """Return whether all lines must be judged before any is known to be kept."""
    return config.drop_outliers or config.min_item_count > 1 or config.min_user_count > 1


def parts_in_memory(inputs: Inputs) -> int:
    """Return into how many parts lines are cut that fit in memory: one unless they have times to cut by."""
    if "timestamp" not in inputs.fields or not inputs.in_pieces:
        return 1
    return max(1, min(MAX_PARTITIONS, inputs.bytes_held // PART_BYTES))


def parts_needed(inputs: Inputs, budget: int) -> int:
    """Return how many parts it takes to stay within the bytes.

    Raises:
        BadData: no number of parts does.
    """
    needed = inputs.bytes_held
    if needed + LIBRARIES_BYTES <= budget:
        return 1
    whole = next((each.source.name for each in inputs.inputs if not each.in_pieces), None)
    if whole is not None:
        raise too_large(f"{whole}, which can only be read whole,")
    room = (budget - BASE_BYTES) // PARTS_HELD
    if room <= 0 or needed > room * MAX_PARTITIONS:
        minimum = BASE_BYTES + max(PARTS_HELD * needed // MAX_PARTITIONS, 200 * 10**6)
        raise BadData(
            f"clean of these inputs needs at least {minimum / 1e6:,.0f} MB, more than the "
            f"{budget / 1e6:,.0f} MB it may use",
            "raise `memory_limit` if the machine has it, or clean the inputs separately",
        )
    return max(2, -(-needed // room))
