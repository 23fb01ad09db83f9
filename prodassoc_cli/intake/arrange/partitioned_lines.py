"""The lines of all inputs in parts: in memory where all of them fit, else on disk.

Small inputs are one part. Larger ones are several in memory too: one is judged and put in order while another
is written, in room that is used again and again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.arrange.buckets import Buckets
from prodassoc_cli.intake.arrange.line_frames import alone, pack, unpack, with_ids, with_numbers, with_times
from prodassoc_cli.intake.arrange.partition_bounds import MOST_PARTS, Cuts, sort_key
from prodassoc_cli.intake.arrange.spill import Spill
from prodassoc_cli.intake.columns import PRESETS
from prodassoc_cli.intake.formats.inputs import Orders, Piece
from prodassoc_cli.intake.layouts.layouts import FEEDBACK, FEEDBACK_NUMBERS, NUMBERS, Lines
from prodassoc_cli.intake.rules.rejects import Rejected
from prodassoc_cli.intake.tables import Say, StartAgain
from prodassoc_cli.intake.values.categories import Coding
from prodassoc_cli.intake.values.conventions import Conventions, Survey
from prodassoc_cli.intake.values.numbers_ids import Parsed, parse_ids
from prodassoc_cli.intake.values.privacy import pseudonymize
from prodassoc_cli.resources import prefetch
from prodassoc_cli.settings import CleanConfig

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


class Parts:
    """The lines in parts, each to be gone through on its own, and the conventions they are parsed by.

    Args:
        orders: the inputs.
        config: the options of `clean`.
        say: told what was decided.
        rejected: makes what takes the rows left out, told whether they may all be in memory.
        key: pseudonymizes users; None where they stay.
        budget: bytes that may be used; None for no limit.
        folder: where rows are kept that do not fit in memory.
        before: the facts of lines cleaned before, to which these are added.

    Attributes:
        parts: how many there are, some of which may be empty.
        in_memory: whether they are all there.
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
        self._held: Spill | Buckets | None = None
        self._whole: Lines | None = None
        self._products = Coding(parse_ids)
        self.parts = 1 if budget is None else _parts_needed(orders, budget)
        self.in_memory = self.parts == 1
        if self.in_memory and before is None and not several_passes(config):
            self.parts = _parts_in_memory(orders)
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
        yield from self._gone_through(leaving=False)

    def leaving(self) -> Iterator[Lines]:
        """Go through the parts for the last time, and give the room of each back as it is taken."""
        yield from self._gone_through(leaving=True)

    def _gone_through(self, *, leaving: bool) -> Iterator[Lines]:
        if self._whole is not None:
            whole = self._whole
            if leaving:
                self._whole = None
            yield whole
            return
        yield from map(self._unpack, prefetch(self._packed_parts(leaving)))

    def _packed_parts(self, leaving: bool) -> Iterator[pl.DataFrame]:
        held = self._held
        if held is None:
            return
        for part in range(held.buckets):
            if held.rows[part]:
                packed = held.read(part)
                if leaving:
                    held.drop(part)
                yield packed

    def forget(self) -> None:
        """Give the room back."""
        self._whole = None
        if self._held is not None:
            self._held.close()

    def _sink(self, rejected: Callable[[bool], Rejected]) -> Rejected:
        return rejected(self.in_memory)

    def _set_aside(self, uncut: pl.DataFrame) -> None:
        """Take the rows that could not be cut into fields."""
        hidden = self._key is not None or self._config.drop_users
        self.rejected.add(without_text(uncut) if hidden else uncut)

    def _take_whole(self, say: Say) -> Conventions:
        piece = self.orders.whole()
        survey = Survey(self._numbers, before=self._before)
        lines, times = self._surveyed(piece, survey)
        first, note = survey.order_of_days(day_first_told(self._config), self._where)
        if not first:
            times = Survey((), day_first=False).add(lines.fields)
        self._whole = self._unpack(self._pack(lines, times, self._in_place(piece)))
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
        held = self._held = Buckets(cuts.parts) if self.in_memory else Spill(cuts.parts, self._folder)
        for packed, part in prefetch(self._packed(cuts, survey)):
            held.add(packed, part)

    def _packed(self, cuts: Cuts, survey: Survey) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """Read all lines in pieces, and take them into the survey; yield them and the part of each row."""
        for piece in prefetch(self.orders.pieces(LARGE_PIECE_ROWS if self.in_memory else PIECE_ROWS)):
            lines, times = self._surveyed(piece, survey)
            part = cuts.part_of(self._keys(lines.fields, times))
            yield self._pack(lines, times, self._in_place(piece)), part

    def _surveyed(self, piece: Piece, survey: Survey) -> tuple[Lines, Parsed | None]:
        """Take a piece into the survey; return its lines with numbers and ids in place, and its times."""
        self._set_aside(piece.rejects)
        in_place = self._in_place(piece)
        lines = with_ids(with_numbers(piece.lines, self._products), in_place)
        return lines, survey.add(lines.fields, parsed=in_place)

    def _pack(self, lines: Lines, times: Parsed | None, in_place: list[str]) -> pl.DataFrame:
        lines = with_times(lines, times, in_place)
        return pack(lines, shared=self.orders.shares_columns, products=self._products)

    def _in_place(self, piece: Piece) -> list[str]:
        """Return the fields whose texts need not be held: rejects show what is read again."""
        return alone(piece.lines) if piece.reads_again and self.orders.shares_columns else []

    def _keys(self, fields: pl.DataFrame, times: Parsed | None) -> pl.DataFrame:
        if self.in_memory and times is not None:  # where parts may be of any size, times are enough
            return sort_key([times.values])
        return first_keys(fields, times, self._key, drop_users=self._config.drop_users)

    def _unpack(self, frame: pl.DataFrame) -> Lines:
        return unpack(frame, self.orders.empty, shared=self.orders.shares_columns, products=self._products)


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


def several_passes(config: CleanConfig) -> bool:
    """Tell whether all lines must be judged before any is known to be kept."""
    return config.drop_outliers or config.min_item_count > 1 or config.min_user_count > 1


def _parts_in_memory(orders: Orders) -> int:
    """Return into how many parts lines are cut that fit in memory: one unless they have times to cut by."""
    if "timestamp" not in orders.fields or not all(each.in_pieces for each in orders.inputs):
        return 1
    return max(1, min(MOST_PARTS, orders.bytes_held // PART_BYTES))


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
