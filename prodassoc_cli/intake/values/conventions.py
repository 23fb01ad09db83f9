"""How numbers and dates are written: decided once, from all rows, before any value is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import polars as pl

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import FEEDBACK_NUMBERS, NUMBERS
from prodassoc_cli.intake.values.dates import DayMarks, parse_times_as
from prodassoc_cli.intake.values.numbers_ids import (
    NumberMarks,
    NumberStyle,
    has_odd_numbers,
    number_marks,
)


@dataclass(frozen=True)
class Conventions:
    """How the inputs are written.

    Attributes:
        styles: how the numbers of each field are written, where not plainly.
        day_first: whether the day stands before the month where both are numbers.
        dated: whether there were dates that this was decided by.
    """

    styles: dict[str, NumberStyle] = field(default_factory=dict)
    day_first: bool = True
    dated: bool = False


@dataclass
class Marks:
    """What rows show of how their numbers and dates are written; the sum over all pieces decides.

    Attributes:
        numbers: marks of each field of numbers that holds one not written plainly.
        days: marks of the dates.
    """

    numbers: dict[str, NumberMarks] = field(default_factory=dict)
    days: DayMarks = field(default_factory=DayMarks)

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
        return {name for name in names if name != "timestamp" and has_odd_numbers(fields[name])}

    def count(self, fields: pl.DataFrame, names: Sequence[str]) -> None:
        """Take the numbers of rows, of these fields."""
        for name in names:
            self.numbers[name] = self.numbers.get(name, NumberMarks()) + number_marks(fields[name])

    def merge(self, other: Self) -> None:
        """Take what other rows show."""
        self.days += other.days
        for name, marks in other.numbers.items():
            self.numbers[name] = self.numbers.get(name, NumberMarks()) + marks

    def to_json(self) -> dict[str, Any]:
        """Return the marks, for `from_json`."""
        numbers = {name: asdict(marks) for name, marks in self.numbers.items()}
        return {"numbers": numbers, "days": asdict(self.days)}

    @classmethod
    def from_json(cls, marks: dict[str, Any]) -> Self:
        """Return the marks that these are."""
        numbers = {name: NumberMarks(**each) for name, each in marks["numbers"].items()}
        return cls(numbers, DayMarks(**marks["days"]))

    def decide(
        self, given: bool | None, where: str, say: Callable[[str], None], *, decimal_comma: bool,
        before: dict[str, Any],
    ) -> Conventions:  # fmt: skip
        """Decide, and say what was a choice.

        Args:
            given: whether the day comes first, as the user or a preset says; None where nobody does.
            where: input and column of the times, for messages.
            say: receives notices of one line.
            decimal_comma: how to read `1,234` where nothing in its column decides.
            before: the facts of lines cleaned before, to which these are added; empty where there are none.

        Raises:
            BadData: the dates can be read two ways, or these lines would change how those before were read.
        """
        known = before.get("day_first")
        day_first, note = self.days.first(known if given is None else given, where)
        if known is not None and self.days.dates and day_first != known:
            raise cannot_append("day and month stand in another order")
        styles = dict(before.get("styles", {}))
        for name in (*NUMBERS, *FEEDBACK_NUMBERS):
            if name not in styles and name not in self.numbers:
                continue
            marks, earlier = self.numbers.get(name, NumberMarks()), styles.get(name, "plain")
            style = marks.style(decimal_comma=decimal_comma if earlier == "plain" else earlier == "comma")
            if style == "plain":
                style = earlier
            elif before and style != earlier and "comma" in (style, earlier):
                raise cannot_append(f"numbers of the field {name} are written in another way")
            if style != "plain":
                styles[name] = style
            if how := marks.note(style):
                say(f"{name}: {how}")
        if note:
            say(f"timestamp: {note}")
        return Conventions(styles, day_first, dated=self.days.dates > 0)


def cannot_append(what: str) -> BadData:
    """Return the error for new lines that would change what is known of earlier ones."""
    return BadData(
        f"the new lines cannot be added: {what}, which would change how those before were read",
        "clean all of the inputs again, without --append-to",
    )
