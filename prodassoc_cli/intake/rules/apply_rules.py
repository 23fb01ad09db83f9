"""Lines → parsed rows, and the reason to leave each of them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import polars as pl

from prodassoc_cli.artifacts.frames import with_absent
from prodassoc_cli.intake.append import Earlier, known_before
from prodassoc_cli.intake.arrange.line_frames import BAD_TIME, TIME_COLUMN
from prodassoc_cli.intake.arrange.sorting import Codes, Neighbours
from prodassoc_cli.intake.layouts.layouts import Lines
from prodassoc_cli.intake.rules import rules as cleaning
from prodassoc_cli.intake.rules.outliers import Amounts, outliers
from prodassoc_cli.intake.tables import EVENT, INTERACTIONS, PRODUCT, ROW, SOURCE
from prodassoc_cli.intake.values.categories import as_texts, distinct_texts, of_each
from prodassoc_cli.intake.values.conventions import Conventions
from prodassoc_cli.intake.values.numbers_ids import Parsed, parse_events, parse_ids, parse_numbers_as
from prodassoc_cli.intake.values.parallel import run_parallel
from prodassoc_cli.intake.values.privacy import pseudonymize
from prodassoc_cli.settings import CleanConfig

RESPONSES = ("click", "purchase", "dismiss")
"""What can come of a product shown, 1 or 0."""

TEXTS = ("title", "brand", "category")
"""Fields that tell of a product, as they are."""

_NUMBERS_OF_FEEDBACK = {
    "click": pl.col("click").is_in([0.0, 1.0]),
    "purchase": pl.col("purchase").is_in([0.0, 1.0]),
    "dismiss": pl.col("dismiss").is_in([0.0, 1.0]),
    "position": pl.col("position").is_between(1, 2**31 - 1) & (pl.col("position") % 1 == 0),
    "propensity": pl.col("propensity").is_between(0, 1, closed="right"),
    "revenue": pl.col("revenue").is_finite(),
}
"""The numbers of a feedback log, and what each may be."""


class Divided(Protocol):
    """Lines in parts, as the judge sees them; `parts.Parts` are such."""

    parts: int
    feedback: bool

    @property
    def conventions(self) -> Conventions:
        """How the inputs are written."""

    def __iter__(self) -> Iterator[Lines]:
        """Go through the parts."""


@dataclass(frozen=True)
class Judged:
    """The rows of a part.

    Attributes:
        lines: as `parse_lines` has them, in the order they came.
        reason: why each is left out (`cleaning.REASON`); null where it is kept.
        order: how they stand in the order of time and product; None where they have no times.
    """

    lines: pl.DataFrame
    reason: pl.Series
    order: Neighbours | None

    def kept(self) -> tuple[pl.DataFrame, Codes | None]:
        """Return the rows that are kept, in the order of time and product, and their codes in it.

        Where they have no times, they stand as they came and have no codes.
        """
        lines, kept = self.lines.drop(SOURCE, ROW), self.reason.is_null()
        if self.order is None:
            return lines.filter(kept), None
        rows, codes = self.order.among(kept)
        return lines[rows], codes


class Judge:
    """Parses the lines of a part and applies the rules, in their order.

    Args:
        parts: the lines; gone through ahead where a rule is on a row among all others.
        config: the options of `clean`.
        dated: whether every row needs a time.
        earlier: rows cleaned before, which these may not repeat.
        key: users of the earlier rows are pseudonyms under this key.
        far: outliers of price and of quantity, where they are known; None to find them.

    Attributes:
        counts: prices and quantities of the kept rows, counted by product.
        flagged: how many otherwise kept rows are outliers of price and of quantity; complete once all parts
            have been counted.
    """

    def __init__(
        self, parts: Divided, config: CleanConfig, *, dated: bool, earlier: Earlier | None = None,
        key: bytes | None = None, far: dict[str, pl.DataFrame] | None = None,
    ) -> None:  # fmt: skip
        self._earlier, self._key = earlier, key
        self._parts, self._config, self._dated = parts, config, dated
        self._memo: Judged | None = None
        self._far: dict[str, pl.DataFrame] = far or {}
        self._core: cleaning.Core | None = None
        self._next = 0
        self.counts = {name: Amounts(name) for name in ("price", "quantity")}
        if config.drop_outliers and far is None:
            for name, counts in self.counts.items():
                for part in parts:
                    kept, _ = self.of(part).kept()
                    counts.add(kept["product_id"], kept[name])
                self._far[name] = outliers(counts.table(), name)
        if config.min_item_count > 1 or config.min_user_count > 1:
            core = cleaning.Core()
            for part in parts:
                judged = self.of(part)
                ids = as_texts(judged.lines.select("product_id", "user_id").filter(judged.reason.is_null()))
                core.add(ids)
            core.find(config.min_item_count, config.min_user_count)
            self._core = core

    def of(self, part: Lines) -> Judged:
        """Parse the rows of the next part, and judge them."""
        judged = self._memo or self._by_itself(part)
        if self._parts.parts == 1:
            self._memo = judged
        lines, reason = judged.lines, judged.reason
        for name, far in self._far.items():
            reason = _mark(reason, _is_among(lines, far, name), f"outlier_{name}")
        if self._core is not None:
            reason = reason.scatter(reason.is_null().arg_true(), self._core.reason(self._next))
            self._next += 1
        return Judged(lines, reason, judged.order)

    def count(self, kept: pl.DataFrame) -> None:
        """Count the kept rows of a part, which tell what an outlier is."""
        if not self._config.drop_outliers:
            for name, counts in self.counts.items():
                counts.add(kept["product_id"], kept[name])

    @property
    def flagged(self) -> dict[str, int]:
        """How many rows are outliers of price and of quantity."""
        found = self._far or {name: outliers(counts.table(), name) for name, counts in self.counts.items()}
        return {name: int(far["n"].sum()) for name, far in found.items()}

    def forget(self) -> None:
        """Give the room of the parsed rows back."""
        self._memo = None

    def _by_itself(self, part: Lines) -> Judged:
        """Apply the rules on single rows and on rows that are alike."""
        lines = parse_lines(part, self._parts.conventions, self._config, feedback=self._parts.feedback)
        reason = cleaning.row_rules(
            _feedback_checked(lines), self._parts.conventions, self._config.service_codes,
            cancelled_prefix=self._config.preset == "uci",
        )  # fmt: skip
        order = None
        if lines["timestamp"].count():
            order = Neighbours.of(lines["timestamp"], lines["user_id"], lines["product_id"])
        if part.whole_rows:
            # Without an order or a time, equal rows may be two purchases as well as one written twice.
            anchored = lines["order_id"].is_not_null() | lines["timestamp"].is_not_null()
            candidates = reason.is_null() & anchored
            alike = candidates.arg_true() if order is None else order.alike()
            places = alike.filter(candidates.gather(alike))
            again = cleaning.duplicate_rows(_told(part, lines), places)
            reason = _mark(reason, again, "duplicate_line")
            if self._earlier is not None:
                reason = _mark(reason, anchored & self._known(lines, self._earlier), "duplicate_line")
        if self._dated:
            reason = _mark(reason, lines["timestamp"].is_null(), "missing_timestamp")
        return Judged(lines, reason, order)

    def _known(self, lines: pl.DataFrame, earlier: Earlier) -> pl.Series:
        users = lines["user_id"]
        if self._config.drop_users:
            users = pl.Series("user_id", [None], dtype=pl.String).new_from_index(0, lines.height)
        elif self._key is not None:
            users = pseudonymize(users, self._key)
        told = lines.with_columns(users.alias("user_id")).select(list(INTERACTIONS))
        return known_before(as_texts(told), earlier)


def _told(part: Lines, lines: pl.DataFrame) -> pl.DataFrame:
    """Return what rows of the input tell: fields as parsed, so that 1 is 1.0, other columns as they are."""
    parsed = [name for name in part.columns if name in lines.columns and name not in TEXTS]
    others = part.raw.drop({part.columns[name] for name in parsed}, strict=False)
    return others.hstack(lines.select(pl.col(parsed).name.prefix("\0")))


def _is_among(lines: pl.DataFrame, far: pl.DataFrame, name: str) -> pl.Series:
    """Tell which rows have a product and value that are flagged."""
    marked = far.select("product_id", name, pl.lit(value=True).alias("far"))
    joined = as_texts(lines.select("product_id", name)).join(
        marked, on=["product_id", name], how="left", maintain_order="left"
    )
    return joined["far"].fill_null(value=False)


def parse_lines(
    part: Lines, conventions: Conventions, config: CleanConfig, *, feedback: bool
) -> pl.DataFrame:
    """Parse every field of the lines.

    Returns:
        The columns of interactions, products and events as `coding.coded` has them, SOURCE and ROW, texts of
        the product, the responses of a feedback log, and a Boolean `bad_FIELD` for each field with values
        that cannot be parsed.
    """
    fields = part.fields
    columns = {name: fields[name] for name in (SOURCE, ROW)}
    for name, parsed in _parsed(fields, conventions, feedback=feedback).items():
        columns[name] = parsed.values
        if parsed.bad is not None:
            columns[f"bad_{name}"] = parsed.bad
    if part.layout == "fimi":
        product = columns["product_id"]
        digits = distinct_texts(product).str.contains(r"^\d+$")
        columns["bad_product"] = ~of_each(product, digits).fill_null(value=True)
    columns |= {name: fields[name] for name in TEXTS if name in fields.columns}
    frame = pl.DataFrame([column.alias(name) for name, column in columns.items()])
    frame = with_absent(frame, INTERACTIONS)
    usual = config.event or (
        "impression" if feedback else "rating" if part.layout == "ratings" else "purchase"
    )
    told = frame["event"].null_count() < frame.height
    event = pl.col("event").cast(EVENT).fill_null(usual) if told else pl.lit(usual, EVENT)
    return frame.with_columns(event.alias("event"))


def _parsed(fields: pl.DataFrame, conventions: Conventions, *, feedback: bool) -> dict[str, Parsed]:
    ids = ("user_id", "order_id", *(("list_id", "model") if feedback else ()))
    ways: dict[str, Callable[[pl.Series], Parsed]]
    ways = dict.fromkeys(ids, lambda column: Parsed(parse_ids(column)))
    ways |= dict.fromkeys(conventions.plain_ids, Parsed)
    ways |= {name: partial(parse_numbers_as, style=style) for name, style in conventions.styles.items()}
    ways["event"] = parse_events
    ways["product_id"] = lambda _: Parsed(fields[PRODUCT])
    there = [name for name in ways if name in fields.columns]
    parsed = dict(
        zip(there, run_parallel(*(partial(ways[name], fields[name]) for name in there)), strict=True)
    )
    if "timestamp" in fields.columns:
        parsed["timestamp"] = Parsed(fields[TIME_COLUMN], fields[BAD_TIME])
    return parsed


def _feedback_checked(lines: pl.DataFrame) -> pl.DataFrame:
    """Mark rows of a feedback log with a number that it cannot be; only responses must be there."""
    names = [name for name in _NUMBERS_OF_FEEDBACK if name in lines.columns]
    if "click" not in names:
        return lines
    odd = pl.any_horizontal(
        *(~_NUMBERS_OF_FEEDBACK[name].fill_null(value=name not in RESPONSES) for name in names),
        *(pl.col(f"bad_{name}") for name in names if f"bad_{name}" in lines.columns),
    )
    return lines.with_columns(odd.alias("bad_feedback"))


def _mark(reason: pl.Series, mask: pl.Series, name: str) -> pl.Series:
    new = pl.when(reason.is_null() & mask).then(pl.lit(name, dtype=cleaning.REASON)).otherwise(reason)
    return pl.select(new.alias("reason")).to_series()
