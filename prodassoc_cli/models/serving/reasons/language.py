"""The words of a language: messages with placeholders, read from a file and filled in, column by column."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.errors import BadConfig, did_you_mean
from prodassoc_cli.languages.form import Form, Message, forms, tables_of
from prodassoc_cli.numerics.arrays import Doubles, Ints, Longs

_FOLDER = Path(__file__).with_name("messages")
_UNKNOWN = "unknown"
"""The message that goes before another one, which stands in it as {reason}."""

_FEW = 100
"""Up to so many rows, texts are joined one by one sooner than a query is made of them."""

Columns = Mapping[str, Callable[[Longs], pl.Series]]
"""By placeholder: returns its texts in some rows."""


@dataclass(frozen=True)
class Language:
    """The messages of one language, and how it writes lists, numbers and days.

    Attributes:
        messages: by name: the form for a count of one, and that for all others.
        words: by what was done with products, then by placeholder.
        more: what a list ends with that does not name all, where one is missing, and where others are.
        form: how lists, numbers and days are written.
    """

    messages: Mapping[str, tuple[str, str]]
    words: Mapping[str, Mapping[str, str]]
    more: tuple[str, str]
    form: Form

    @classmethod
    def of(cls, name: str, own: Path | None = None) -> Language:
        """Return the messages of a language, with a shop's own in the place of some.

        Args:
            name: of the language.
            own: a file of the same format, which holds what is to be replaced.

        Raises:
            BadConfig: the file has a message that there is not, or one lacks a placeholder.
        """
        known = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        shared = tables_of(name)
        known |= shared | {"list": shared["list"] | known["list"]}
        if own is not None:
            _replace(known, _read(own), str(own))
        messages = {each: forms(text) for each, text in known["messages"].items()}
        return cls(messages, known["words"], forms(known["list"]["more"]), Form.of(known))

    def sentences(
        self, names: Sequence[str], which: Ints, counts: Doubles, columns: Columns, did: str
    ) -> pl.Series:
        """Return a sentence for each row.

        Args:
            names: of messages; `unknown+NAME` stands in that of `unknown`.
            which: for each row, the place of its message among them.
            counts: for each row, the count that its form goes by.
            columns: by placeholder.
            did: what was done with products, as `words` has it.
        """
        return _by_kind(
            which * 2 + (counts != 1),
            lambda kind, rows: _filled(self._template(names[kind // 2], kind % 2, did), rows, columns),
        )

    def _template(self, name: str, form: int, did: str) -> str:
        prefix, _, name = name.rpartition("+")
        text = self.messages[name][form]
        if prefix:
            text = self.messages[_UNKNOWN][form].replace("{reason}", text)
        for word, meaning in self.words[did].items():
            text = text.replace(f"{{{word}}}", meaning)
        return text

    def joined(self, names: Sequence[pl.Series], named: Ints, more: Ints) -> pl.Series:
        """Return lists of products in words: `A, B and 2 more`.

        Args:
            names: the first products of each row, the second ones, ….
            named: how many of them each row has; where none, the first stands there unused.
            more: how many further products are counted.
        """
        if not more.any() and named.max(initial=0) <= 1:
            return names[0]
        columns: dict[str, Callable[[Longs], pl.Series]] = {
            str(n): column.__getitem__ for n, column in enumerate(names)
        }
        columns["count"] = self.numbers(more)

        def fill(kind: int, rows: Longs) -> pl.Series:
            count, form = divmod(kind, 3)
            places = [f"{{{n}}}" for n in range(count)]
            if form:
                text = self.more[form - 1].replace("{products}", self.form.comma.join(places))
            else:
                text = self.form.joined(places)
            return _filled(text, rows, columns)

        return _by_kind(np.maximum(named, 1) * 3 + np.minimum(more, 2), fill)

    def numbers(self, values: NDArray[Any]) -> Callable[[Longs], pl.Series]:
        """Return what writes the numbers of some rows, with one decimal where that is not 0."""

        def write(value: float) -> str:
            value = round(value, 1)
            return self.form.number(value, 0 if value == int(value) else 1)

        def texts(rows: Longs) -> pl.Series:
            asked = np.nan_to_num(values[rows]).tolist()
            written = {each: write(each) for each in set(asked)}
            return pl.Series([written[each] for each in asked], dtype=pl.String)

        return texts

    def days(self, times: Longs) -> Callable[[Longs], pl.Series]:
        """Return what writes the days of some rows, of times in µs since 1970."""
        return lambda rows: pl.Series(times[rows]).cast(pl.Datetime("us")).dt.strftime(self.form.date)


@lru_cache(maxsize=1)
def english() -> Language:
    """Return the messages in English."""
    return Language.of("en")


def _by_kind(kinds: Ints, fill: Callable[[int, Longs], pl.Series]) -> pl.Series:
    """Return the texts of rows of several kinds, in the order of the rows; `fill` makes those of one kind."""
    if not len(kinds):
        return pl.Series([], dtype=pl.String)
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
    parts = [fill(int(kinds[rows[0]]), rows) for rows in np.split(order, starts[1:])]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return pl.concat(parts)[place]


def _filled(template: str, rows: Longs, columns: Columns) -> pl.Series:
    """Return a template with its placeholders filled in, for each of the rows."""
    parts: list[str | pl.Series] = []
    for text, name, *_ in string.Formatter().parse(template):
        parts += [text] if text else []
        parts += [] if name is None else [columns[name](rows)]
    if len(rows) <= _FEW:
        texts = ([part] * len(rows) if isinstance(part, str) else part.to_list() for part in parts or [""])
        return pl.Series(["".join(each) for each in zip(*texts, strict=True)], dtype=pl.String)
    joined = pl.select(pl.concat_str(pl.lit(part) for part in parts or [""]).alias("text")).to_series()
    return joined if len(joined) == len(rows) else joined.new_from_index(0, len(rows))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{path} is not TOML: {error}", 'a message looks like: new = "just in"') from error


def _replace(known: dict[str, Any], own: Mapping[str, Any], file: str) -> None:
    """Put what a file has into the place of what is known.

    Raises:
        BadConfig: there is no such message, or it lacks a placeholder.
    """
    for section, entries in own.items():
        if section not in known or not isinstance(entries, Mapping):
            raise BadConfig(f"{file}: no table '{section}'", did_you_mean(section, known))
        for name, text in entries.items():
            where = f"{file}: {name}"
            if name not in known[section]:
                raise BadConfig(
                    f"{file}: no message '{name}' in {section}", did_you_mean(name, known[section])
                )
            if section == "words":
                _replace({name: known[section][name]}, {name: text}, file)
                continue
            former = known[section][name]
            if section == "messages" or name == "more":
                words = {} if section == "list" else next(iter(known["words"].values()))
                _check(text, former, set(words), where)
            elif type(text) is not type(former):
                raise BadConfig(f"{where} = {text!r}", f"it takes the place of {former!r}")
            known[section][name] = text


def _check(text: object, former: Message, words: set[str], where: str) -> None:
    """Raise an error unless a message says what the one in whose place it stands says."""
    given = {"other": text} if isinstance(text, str) else text
    if not isinstance(given, Mapping) or set(given) not in ({"one", "other"}, {"other"}):
        raise BadConfig(f"{where} = {text!r}", 'it takes a text, or one = "…" and other = "…"')
    needed = _placeholders(forms(former)[1], where) - words
    for form, each in given.items():
        found = _placeholders(each, where)
        missing = needed - found - ({"count"} if form == "one" else set())
        for name in sorted(missing):
            raise BadConfig(f"{where} lacks {{{name}}}", f"it has {_shown(needed)}")
        for name in sorted(found - needed - words):
            raise BadConfig(f"{where}: nothing fills {{{name}}} in", f"it can have {_shown(needed | words)}")


def _placeholders(text: str, where: str) -> set[str]:
    try:
        return {name for _, name, *_ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise BadConfig(f"{where} = {text!r}: {error}", "braces stand around placeholders only") from error


def _shown(names: set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "no placeholder"
