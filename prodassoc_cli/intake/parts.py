"""The lines of all inputs in parts that fit in memory: one where all of them do, else several on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns import PRESETS
from prodassoc_cli.intake.conventions import Conventions, Survey
from prodassoc_cli.intake.cuts import MOST_PARTS, Cuts, sort_key
from prodassoc_cli.intake.inputs import Orders
from prodassoc_cli.intake.layouts import FEEDBACK, FEEDBACK_NUMBERS, NUMBERS, Lines
from prodassoc_cli.intake.parsing import Parsed, parse_ids
from prodassoc_cli.intake.privacy import pseudonymize
from prodassoc_cli.intake.rejects import Rejected
from prodassoc_cli.intake.spill import Spill
from prodassoc_cli.intake.tables import Say, StartAgain
from prodassoc_cli.resources import ahead
from prodassoc_cli.settings import CleanConfig

TIME_COLUMN = "\0time"
BAD_TIME = "\0bad_time"
"""Columns of lines whose times have been parsed on the way."""

_FIELD = "\0field "
"""Begins the names of fields kept beside the columns of the input."""

PIECE_ROWS = 1 << 17
BASE_BYTES = 900 * 10**6
"""What is held beside a part: libraries, a piece that is read, counts of products and ids."""

PARTS_HELD = 4
"""Room that is kept for a part, in parts: they differ in size, and freed memory is kept for the next one."""

LIBRARIES_BYTES = 150 * 10**6

SAMPLE_PLACES, SAMPLE_BYTES = 256, 1 << 14


class Parts:
    """The lines in parts, each to be gone through on its own, and the conventions they are parsed by.

    Args:
        orders: the inputs.
        config: the options of `clean`.
        say: told what was decided.
        rejected: makes what takes the rows left out, told whether they may all be in memory.
        key: pseudonymizes users; None where they stay.
        budget: bytes that may be used; None to take all at once.
        folder: where rows are kept that do not fit in memory.
        before: the facts of lines cleaned before, to which these are added.

    Attributes:
        facts: what to know of the lines when others are added to them.

    Raises:
        BadData: an input cannot be read or understood, or does not fit into the memory in parts either.
    """

    def __init__(
        self, orders: Orders, config: CleanConfig, say: Say, rejected: Callable[[bool], Rejected],
        *, key: bytes | None, budget: int | None, folder: Path | None,
        before: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.orders = orders
        self._config = config
        self._key = key
        self._folder = folder
        self._before = before
        self._spill: Spill | None = None
        self._whole: Lines | None = None
        self.parts = 1 if budget is None else _parts_needed(orders, budget)
        names = orders.fields
        feedback = is_feedback(names)
        self._numbers = numbers_of(feedback=feedback)
        self.feedback = feedback
        if feedback:
            say("a log of what was shown: rows become impressions, clicks, purchases and dismissals")
        times = "timestamp" if "timestamp" in names else None
        self._where = f"{orders.sources[0]}, column {orders.columns.get('timestamp', times)}"
        self.rejected = self._sink(rejected)
        if self.parts == 1:
            self._conventions = self._take_whole(say)
        else:
            self._conventions = self._take_in_parts(say, rejected)

    @property
    def conventions(self) -> Conventions:
        """How the inputs are written."""
        return self._conventions

    def __iter__(self) -> Iterator[Lines]:
        """Go through the parts, in the order of the sort key; can be done again and again."""
        if self._whole is not None:
            yield self._whole
        if self._spill is not None:
            for part in range(self._spill.buckets):
                if self._spill.rows[part]:
                    yield self._unpack(self._spill.read(part))

    def forget(self) -> None:
        """Give the room back."""
        self._whole = None
        if self._spill is not None:
            self._spill.close()

    def _sink(self, rejected: Callable[[bool], Rejected]) -> Rejected:
        return rejected(self.parts == 1)

    def _set_aside(self, uncut: pl.DataFrame) -> None:
        """Take the rows that could not be cut into fields."""
        hidden = self._key is not None or self._config.drop_users
        self.rejected.add(without_text(uncut) if hidden else uncut)

    def _take_whole(self, say: Say) -> Conventions:
        piece = self.orders.whole()
        self._set_aside(piece.rejects)
        survey = Survey(self._numbers, before=self._before)
        times = survey.add(piece.lines.fields)
        first, note = survey.order_of_days(day_first_told(self._config), self._where)
        if not first:
            times = Survey((), day_first=False).add(piece.lines.fields)
        self._whole = with_times(piece.lines, times)
        return self._decide(survey, first, note, say)

    def _decide(self, survey: Survey, day_first: bool, note: str, say: Say) -> Conventions:
        found = survey.conventions(day_first, say, decimal_comma=self.orders.delimiter == ";")
        self.facts = survey.facts(found)
        if note:
            say(f"timestamp: {note}")
        return found

    def _take_in_parts(self, say: Say, rejected: Callable[[bool], Rejected]) -> Conventions:
        sample = self._sample()
        guess = Survey((), before=self._before)
        times = guess.add(sample.fields)
        try:
            first, _ = guess.order_of_days(day_first_told(self._config), self._where)
        except BadData:  # the whole may decide
            first = True
        while True:
            if not first:
                times = Survey((), day_first=False).add(sample.fields)
            cuts = Cuts.of_sample(self._keys(sample.fields, times), self.parts)
            survey = Survey(self._numbers, day_first=first, before=self._before)
            try:
                self._distribute(cuts, survey)
                decided, note = survey.order_of_days(day_first_told(self._config), self._where)
            except StartAgain:
                decided = None
            if decided == first:
                break
            first = first if decided is None else decided
            self.forget()
            self.rejected = self._sink(rejected)
        if survey.missed:
            survey.forget_missed()
            for lines in self:
                survey.count_again(lines.fields)
        return self._decide(survey, first, note, say)

    def _sample(self) -> Lines:
        while True:
            with contextlib.suppress(StartAgain):
                return self.orders.sample(SAMPLE_PLACES, SAMPLE_BYTES)

    def _distribute(self, cuts: Cuts, survey: Survey) -> None:
        self._spill = Spill(cuts.parts, self._folder)
        for piece in ahead(self.orders.pieces(PIECE_ROWS)):
            self._set_aside(piece.rejects)
            times = survey.add(piece.lines.fields)
            part = cuts.part_of(self._keys(piece.lines.fields, times))
            packed = pack(with_times(piece.lines, times), shared=self.orders.shares_columns)
            self._spill.add(packed, part)

    def _keys(self, fields: pl.DataFrame, times: Parsed | None) -> pl.DataFrame:
        return first_keys(fields, times, self._key, drop_users=self._config.drop_users)

    def _unpack(self, frame: pl.DataFrame) -> Lines:
        return unpack(frame, self.orders.empty, shared=self.orders.shares_columns)


def is_feedback(names: Collection[str]) -> bool:
    """Tell whether fields are those of a log of what was shown."""
    return "click" in names and any(name in names for name in FEEDBACK[1:])


def numbers_of(*, feedback: bool) -> tuple[str, ...]:
    """Return the fields of numbers."""
    return (*NUMBERS, *(FEEDBACK_NUMBERS if feedback else ()))


def day_first_told(config: CleanConfig) -> bool | None:
    """Return what the options say of the order of day and month."""
    preset = PRESETS[config.preset].dayfirst if config.preset else None
    return preset if config.dayfirst is None else config.dayfirst


def without_text(uncut: pl.DataFrame) -> pl.DataFrame:
    """Return rows that could not be cut into fields as rejects that name no user: any part may be one."""
    return uncut.with_columns(pl.lit("").alias("raw"))


def first_keys(
    fields: pl.DataFrame, times: Parsed | None, key: bytes | None, *, drop_users: bool
) -> pl.DataFrame:
    """Return the first two sort keys that there are, as `cuts.sort_key` has them.

    Args:
        fields: those of lines.
        times: their times.
        key: pseudonymizes users.
        drop_users: whether what is written has no users.

    Raises:
        BadData: there is none to cut by.
    """
    found: list[pl.Series] = [] if times is None else [times.values]
    for name in ("order_id", "user_id", "product_id"):
        if name in fields.columns and len(found) < 2:
            ids = parse_ids(fields[name])
            if name == "user_id":
                if drop_users:  # sorted with users first, then without: no part may cut there
                    break
                ids = ids if key is None else pseudonymize(ids, key)
            found.append(ids)
    if not found:
        raise _too_large("--drop-users where no row has a time or an order")
    return sort_key(found)


def pack(lines: Lines, *, shared: bool) -> pl.DataFrame:
    """Return lines as one frame, in which a field that is a column of the input is not there twice.

    Args:
        lines: the lines.
        shared: whether a field is the same column in all inputs.
    """
    fields = lines.fields
    if lines.whole_rows and shared:
        return lines.raw.hstack(fields.select(_hidden(fields)))
    named = fields.rename(lambda name: name if name.startswith("\0") else _FIELD + name)
    return lines.raw.hstack(named) if lines.whole_rows else named


def unpack(frame: pl.DataFrame, empty: Lines, *, shared: bool) -> Lines:
    """Return the lines that `pack` packed; `empty` has the columns of all inputs."""
    if empty.whole_rows and shared:
        named = {name: column for name, column in empty.columns.items() if name in empty.fields.columns}
    else:
        named = {name.removeprefix(_FIELD): name for name in frame.columns if name.startswith(_FIELD)}
    fields = frame.select(*_hidden(frame), *(pl.col(column).alias(name) for name, column in named.items()))
    raw = frame.select(empty.raw.columns) if empty.whole_rows else fields.select(empty.raw.columns)
    return replace(empty, fields=fields, raw=raw)


def _hidden(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name.startswith("\0") and not name.startswith(_FIELD)]


def with_times(lines: Lines, times: Parsed | None) -> Lines:
    """Keep the parsed times beside the fields."""
    if times is None:
        return lines
    bad = times.bad if times.bad is not None else pl.lit(value=False)
    fields = lines.fields.with_columns(times.values.alias(TIME_COLUMN), bad.alias(BAD_TIME))
    return replace(lines, fields=fields)


def _parts_needed(orders: Orders, budget: int) -> int:
    """Return how many parts it takes to stay within the bytes."""
    needed = orders.bytes_held
    if needed + LIBRARIES_BYTES <= budget:
        return 1
    whole = next((each.source.name for each in orders.inputs if not each.in_pieces), None)
    if whole is not None:
        raise _too_large(f"{whole}, which can only be read whole,")
    room = (budget - BASE_BYTES) // PARTS_HELD
    if room <= 0 or needed > room * MOST_PARTS:
        least = BASE_BYTES + max(PARTS_HELD * needed // MOST_PARTS, 200 * 10**6)
        raise BadData(
            f"clean of these inputs needs at least {least / 1e6:,.0f} MB, more than the "
            f"{budget / 1e6:,.0f} MB it may use",
            "raise --memory-limit if the machine has it, or clean the inputs apart",
        )
    return max(2, -(-needed // room))


def _too_large(what: str) -> BadData:
    return BadData(f"{what} does not fit into the memory that may be used", "raise --memory-limit")
