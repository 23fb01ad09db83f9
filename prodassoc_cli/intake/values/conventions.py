"""How numbers and dates are written: decided once, from all rows, before any value is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import FEEDBACK_NUMBERS, NUMBERS
from prodassoc_cli.intake.values.dates import DayMarks, parse_times_as
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.intake.values.missing import MISSING_WORDS, NOBODY_WORDS
from prodassoc_cli.intake.values.numbers import (
    NumberMarks,
    NumberStyle,
    has_grouping_dots,
    has_odd_numbers,
    number_marks,
)


@dataclass(frozen=True)
class Stated:
    """What is known of how values are written before any is looked at: by the user, or of an export.

    Attributes:
        day_first: whether the day comes first; None where nobody says.
        decimal_marks: field → whether it is written with decimal comma or dot.
        missing: field of ids → words for a missing one, in lower case, in place of the usual ones.
        events: word → event, beside the words that are known.
        as_written: whether ids are read exactly as they are written.
        price_of_line: whether the price is that of all pieces of a line.
    """

    day_first: bool | None = None
    decimal_marks: dict[str, NumberStyle] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    as_written: bool = False
    price_of_line: bool = False


@dataclass(frozen=True)
class Conventions:
    """How the inputs are written.

    Attributes:
        styles: how the numbers of each field are written, where not plainly.
        day_first: whether the day stands before the month where both are numbers.
        dated: whether there were dates that this was decided by.
        floats: fields of ids in which 17850.0 is 17850.
        stated: what was known before.
    """

    styles: dict[str, NumberStyle] = field(default_factory=dict)
    day_first: bool = True
    dated: bool = False
    floats: frozenset[str] = frozenset()
    stated: Stated = field(default_factory=Stated)

    def parse_ids(self, name: str, column: pl.Series) -> pl.Series:
        """Return the ids of a field, null where missing; see `ids.parse_ids`."""
        usual = NOBODY_WORDS if name == "user_id" else MISSING_WORDS
        words = self.stated.missing.get(name, usual)
        return parse_ids(column, words, floats=name in self.floats, as_written=self.stated.as_written)


@dataclass
class Marks:
    """What rows show of how their numbers and dates are written; the sum over all pieces decides.

    Attributes:
        numbers: marks of each field of numbers that holds one not written plainly.
        days: marks of the dates.
        floats: fields of ids that are written as 17850.0 is.
        grouped: fields of numbers whose first values with a point have three digits after it.
    """

    numbers: dict[str, NumberMarks] = field(default_factory=dict)
    days: DayMarks = field(default_factory=DayMarks)
    floats: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, read: Callable[[], Iterable[pl.DataFrame]], names: Sequence[str]) -> Self:
        """Go through fields of text: twice where numbers are not written plainly, which is known only then.

        Args:
            read: goes through the fields of lines, in pieces.
            names: the fields of numbers, and `timestamp`, that are text in them.
        """
        found, odd = cls(), set[str]()
        for fields in read() if names else ():
            odd |= found.look(fields, [name for name in names if name not in odd])
        for fields in read() if odd else ():
            found.count(fields, [name for name in names if name in odd])
        return found

    def look(self, fields: pl.DataFrame, names: Sequence[str]) -> set[str]:
        """Take the dates of rows; return which of the fields hold a number that is not written plainly."""
        if "timestamp" in names:
            self.days += parse_times_as(fields["timestamp"], day_first=True)[1]
        numbers = [name for name in names if name != "timestamp"]
        return {name for name in numbers if has_grouping_dots(fields[name]) or has_odd_numbers(fields[name])}

    def count(self, fields: pl.DataFrame, names: Sequence[str]) -> None:
        """Take the numbers of rows, of these fields."""
        for name in names:
            self.numbers[name] = self.numbers.get(name, NumberMarks()) + number_marks(fields[name])

    def merge(self, other: Self) -> None:
        """Take what other rows show."""
        self.days += other.days
        self.floats |= other.floats
        for name, marks in other.numbers.items():
            self.numbers[name] = self.numbers.get(name, NumberMarks()) + marks

    def to_json(self) -> dict[str, Any]:
        """Return the marks, for `from_json`."""
        numbers = {name: marks.to_json() for name, marks in self.numbers.items()}
        return {"numbers": numbers, "days": asdict(self.days), "floats": sorted(self.floats)}

    @classmethod
    def from_json(cls, marks: dict[str, Any]) -> Self:
        """Return the marks that these are."""
        numbers = {name: NumberMarks.from_json(each) for name, each in marks["numbers"].items()}
        return cls(numbers, DayMarks(**marks["days"]), set(marks["floats"]))

    def decide(
        self, stated: Stated, where: str, say: Callable[[str], None], *, decimal_comma: bool,
        before: dict[str, Any],
    ) -> Conventions:  # fmt: skip
        """Decide, and say what was a choice.

        Args:
            stated: what the user or a preset says.
            where: input and column of the times, for messages.
            say: receives notices of one line.
            decimal_comma: how to read `1,234` where nothing in its column decides.
            before: the facts of lines cleaned before, to which these are added; empty where there are none.

        Raises:
            BadData: the dates can be read two ways, or these lines would change how those before were read.
        """
        known = before.get("day_first")
        day_first, note = self.days.first(stated.day_first if known is None else known, where)
        if known is not None and self.days.dates and day_first != known:
            raise cannot_append("day and month stand in another order")
        earlier = dict(before.get("styles", {})) if before else None
        styles = self._styles(stated, say, earlier, decimal_comma=decimal_comma)
        if note:
            say(f"timestamp: {note}")
        floats = frozenset() if stated.as_written else frozenset(self.floats) | set(before.get("floats", ()))
        for name in sorted(floats & self.floats):
            say(f"{name}: ids such as 17850.0 are read as 17850; `ids_as_written` keeps them")
        return Conventions(styles, day_first, self.days.dates > 0, floats, stated)

    def _styles(
        self, stated: Stated, say: Callable[[str], None], before: dict[str, NumberStyle] | None, *,
        decimal_comma: bool,
    ) -> dict[str, NumberStyle]:  # fmt: skip
        """Decide how the numbers of each field are written: by itself, or by one with decimal commas."""
        marks = {name: each for name, each in self.numbers.items() if name in (*NUMBERS, *FEEDBACK_NUMBERS)}
        commas = any(each.decided and each.style(decimal_comma=False) == "comma" for each in marks.values())
        styles = dict(before or {})
        for name in (*NUMBERS, *FEEDBACK_NUMBERS):
            if name in stated.decimal_marks:
                styles[name] = stated.decimal_marks[name]
                continue
            if name not in marks:
                continue
            earlier = (before or {}).get(name, "plain")
            comma = commas or (decimal_comma and marks[name].odd)
            style = marks[name].style(decimal_comma=comma if earlier == "plain" else earlier == "comma")
            undecided = marks[name].dots > 0 and not marks[name].decided
            if style == "plain":
                style = earlier
            elif before is not None and style != earlier and "comma" in (style, earlier):
                raise cannot_append(f"numbers of the field {name} are written in another way")
            if style != "plain":
                styles[name] = style
            if how := marks[name].note(style):
                say(f"{name}: {how}; `decimal_mark={name}={'point' if style == 'comma' else 'comma'}` if not")
            elif undecided and style != "comma" and name in self.grouped:
                say(
                    f"{name}: values such as 1.000 are read as 1; if the point parts thousands: "
                    f"`decimal_mark={name}=comma`"
                )
        return styles


def cannot_append(what: str) -> BadData:
    """Return the error for new lines that would change what is known of earlier ones."""
    return BadData(
        f"the new lines cannot be added: {what}, which would change how those before were read",
        "clean all of the inputs again, without `append_to`",
    )
