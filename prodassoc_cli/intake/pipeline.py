"""Raw order lines → interactions, rejects, products and a holdout: what `clean` does, from end to end.

The road of a row: read → fields → (conventions are decided, once) → values → arranged → reasons → written.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import polars as pl

from prodassoc_cli.intake.arrange.append import Earlier, merged
from prodassoc_cli.intake.arrange.partition_bounds import MAX_PARTITIONS
from prodassoc_cli.intake.arrange.partitions import Partitions
from prodassoc_cli.intake.arrange.sorting import Codes, in_order
from prodassoc_cli.intake.columns.schema import EVENT, FURTHER, INTERACTIONS, RESPONSES, Say
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.gather import Gathered, gather
from prodassoc_cli.intake.holdout import check_parts, holdout_masks, parse_split
from prodassoc_cli.intake.opening import open_inputs
from prodassoc_cli.intake.rules.apply_rules import AmongAll, Part, PartRules
from prodassoc_cli.intake.rules.outliers import Amounts, outliers
from prodassoc_cli.intake.rules.rejects import RejectFormat, left_out
from prodassoc_cli.intake.rules.reread_rejects import with_texts
from prodassoc_cli.intake.rules.suspicions import Suspicions
from prodassoc_cli.intake.values.categories import as_texts
from prodassoc_cli.intake.values.counters import Description
from prodassoc_cli.intake.values.privacy import read_key
from prodassoc_cli.intake.values.rating_scale import RatingScale
from prodassoc_cli.resources import prefetch, run_in_background
from prodassoc_cli.settings import CleanConfig

if TYPE_CHECKING:
    from prodassoc_cli.intake.catalogue.product_tally import ProductTally
    from prodassoc_cli.intake.columns.likeness import ReadHeaders

T = TypeVar("T")


@dataclass
class _Known:
    """What is known once all lines have been cleaned; see `Cleaning`."""

    summary: dict[str, Any] = field(default_factory=dict)
    products: pl.DataFrame | None = None
    product_rejects: pl.DataFrame | None = None


class Cleaning:
    """Order lines (ratings, baskets, a feedback log) and, if asked, a catalogue, on their way to be clean.

    A row of the input is either kept or in the rejects: rows_in = rows_kept + rejected. Where one row holds a
    whole basket, a row is one product of it. A row of a feedback log is kept once and gives up to four
    interactions (impression, click, purchase, dismiss).

    What does not fit in memory is cut into parts by time and order and cleaned part by part, with the same
    results. Take `interactions` to their end first; then the rest and the `summary` are there.

    Args:
        orders: where the lines are, one or more.
        config: the options of `clean`.
        say: receives notices of one line: what was detected and decided.
        catalogue: where the catalogue is; may be empty.
        seed: of `--holdout random`.
        budget: bytes that may be used; None for no limit.
        folder: where rows are kept that do not fit in memory; None for the folder of temporary files.
        keep_rejects: whether the text of the rows left out is wanted.
        earlier: what was cleaned before, to which these lines are added; None to begin anew.
        order_table: where the table of the orders is, if the lines have one.
        category_names: where the names of the catalogue's categories are, if it holds their ids.
        read_headers: tells what headers mean that are not known; None to leave their columns unused.

    Raises:
        NoInput: a file is missing.
        BadData: an input is no table, too broken to clean, or does not fit in memory in parts either.
        UsageProblem: an option does not fit.
    """

    def __init__(
        self, orders: Sequence[Source], config: CleanConfig, say: Say, *, catalogue: Sequence[Source] = (),
        seed: int = 42, budget: int | None = None, folder: Path | None = None, keep_rejects: bool = True,
        earlier: Earlier | None = None, order_table: Sequence[Source] = (),
        category_names: Sequence[Source] = (), read_headers: ReadHeaders | None = None,
    ) -> None:  # fmt: skip
        self._config, self._say, self._seed, self._folder = config, say, seed, folder
        self._split = parse_split(config.holdout) if config.holdout else None
        if config.rating_scale:
            RatingScale.parse(config.rating_scale)  # what is wrong is said before anything is read
        self._key = read_key(config.pseudonymize_key_file) if config.pseudonymize_key_file else None
        self._catalogue, self._earlier, self._order_table = catalogue, earlier, order_table
        self._category_names = category_names
        self._read_headers = read_headers if config.preset is None else None
        self._keep_rejects = keep_rejects
        self._held: Partitions | None = None
        self._known: Callable[[], _Known] = _Known
        """Waits for what is found out while the last rows are written."""
        with contextlib.ExitStack() as stack:
            self._gather(orders, stack, budget)
            self._stack = stack.pop_all()

    def _gather(self, orders: Sequence[Source], stack: contextlib.ExitStack, budget: int | None) -> None:
        """Decide how values are written, and read all lines into partitions."""
        earlier = {} if self._earlier is None else self._earlier.facts
        self._inputs = open_inputs(
            orders, self._config, self._say, stack, order_table=self._order_table,
            read_headers=self._read_headers,
        )  # fmt: skip
        self._config = replace(self._config, preset=self._inputs.preset)
        gathered = gather(
            self._inputs, self._config, self._say, key=self._key, budget=budget, folder=self._folder,
            keep_rejects=self._keep_rejects, before=earlier,
        )  # fmt: skip
        stack.callback(gathered.partitions.close)
        self._gathered, self._rejected = gathered, gathered.rejected
        self._on_disk = gathered.partitions.on_disk
        self._facts = gathered.facts
        self._input_facts = [each.facts() for each in self._inputs.inputs]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give all room back."""
        self._stack.close()

    def interactions(self) -> Iterator[pl.DataFrame]:
        """Clean the lines; yield the kept rows in their order, without those set aside.

        Products and events are texts, or codes as `categories.coded` has them.

        Raises:
            BadData: no row is kept, or the holdout cannot be split.
        """
        if self._split is None:
            new = (self._without_users(rows) for rows in prefetch(self._kept()))
            yield from new if self._earlier is None else merged(self._earlier.frames(), map(as_texts, new))
            return
        held = self._held = self._kept_in_order()
        self._stack.callback(held.close)
        set_aside = 0
        for rows, chosen in zip(held, holdout_masks(held, self._split, self._seed), strict=True):
            set_aside += int(chosen.sum())
            yield self._without_users(rows.filter(~chosen))
        kept = sum(held.rows)
        check_parts(set_aside, kept, str(self._config.holdout))
        self.summary["holdout"] = {"train": kept - set_aside, "holdout": set_aside}

    def _kept_in_order(self) -> Partitions:
        """Return the sorted interactions, to be gone through more than once."""
        held = Partitions(MAX_PARTITIONS, on_disk=self._on_disk, folder=self._folder)
        for place, rows in enumerate(self._kept()):
            held.add(as_texts(rows), place)
        return held

    @property
    def facts(self) -> dict[str, Any]:
        """What to know of the lines when others are added to them, ready for JSON."""
        return self._facts

    @property
    def products(self) -> pl.DataFrame | None:
        """The catalogue, completed from the lines; None where no one asked.

        Raises:
            BadData: the catalogue is no table, or none that can be understood.
        """
        return self._known().products

    @property
    def product_rejects(self) -> pl.DataFrame | None:
        """Rows of the catalogue left out; raises what `products` does."""
        return self._known().product_rejects

    @property
    def summary(self) -> dict[str, Any]:
        """Counts for people and for `--summary`, ready for JSON; raises what `products` does."""
        return self._known().summary

    def holdout(self) -> Iterator[pl.DataFrame]:
        """Yield the rows set aside in their order."""
        if self._held is not None and self._split is not None:
            masks = holdout_masks(self._held, self._split, self._seed)
            for rows, chosen in zip(self._held, masks, strict=True):
                yield self._without_users(rows.filter(chosen))

    def line_rejects(self) -> Iterator[pl.DataFrame]:
        """Yield the rows left out of the lines, by source and number."""
        frames = self._rejected.frames()
        inputs = self._inputs
        if not (self._keep_rejects and inputs.layout.whole_rows):
            return frames
        shown = RejectFormat(inputs.user_columns, self._key, drop_users=self._config.drop_users)
        return with_texts(frames, inputs.readers(), shown)

    def all_rejects(self) -> Iterator[pl.DataFrame]:
        """Yield the rows left out of the lines, then those of the catalogue."""
        yield from self.line_rejects()
        if self.product_rejects is not None:
            yield self.product_rejects

    def _kept(self) -> Iterator[pl.DataFrame]:
        """Judge part by part: yield the kept rows as sorted interactions, and count everything."""
        gathered = self._gathered
        rules = PartRules(
            self._config, self._inputs.layout, gathered.usual, gathered.feedback,
            dated=self._split is not None and self._split.method == "time", earlier=self._earlier,
        )  # fmt: skip
        parts = _Parts(gathered, rules)
        among_all = AmongAll.of(parts, self._config)
        tally = None
        if self._catalogue or self._config.products_output:
            from prodassoc_cli.intake.catalogue.product_tally import ProductTally

            tally = ProductTally()
        description, suspicions = Description(), Suspicions()
        counted = () if self._config.drop_outliers else ("price", "quantity")
        amounts = {name: Amounts(name) for name in counted}
        seen = Counter(rows=self._rejected.rows)
        judged = (among_all.apply(part, number) for number, part in enumerate(parts.taking()))
        for kept, codes in self._along(self._kept_rows(judged, seen)):
            # What is counted does not depend on the order, nor what is described on its being written.
            with ThreadPoolExecutor(1) as aside:
                counting = aside.submit(_count, kept, amounts, tally)
                interactions = in_order(*interactions_of(kept, codes))
                del kept
                described = aside.submit(description.add, interactions)
                suspicions.add(interactions)
                counting.result()
                yield interactions
                described.result()
        if seen["rows"] == self._rejected.rows and self._earlier is None:
            raise self._rejected.nothing_left()

        for caution in suspicions.cautions(description.products):
            self._say(caution)

        def flagged() -> dict[str, int]:
            found = {name: int(outliers(each.table(), name)["n"].sum()) for name, each in amounts.items()}
            return found or among_all.flagged

        self._known = run_in_background(lambda: self._summed_up(seen, flagged(), tally, description))

    def _kept_rows(
        self, parts: Iterable[Part], seen: Counter[str]
    ) -> Iterator[tuple[pl.DataFrame, Codes | None]]:
        """Yield what is kept of each part, and count all rows, and those without a user or a time."""
        for part in parts:
            texts = None
            if self._keep_rejects and not self._inputs.layout.whole_rows:
                texts = RejectFormat().texts(self._gathered.shown(part.rows))
            self._rejected.add(left_out(part, self._inputs.sources, texts))
            missing = {name: part.rows[name].null_count() for name in ("user_id", "timestamp")}
            seen.update(rows=part.rows.height, **missing)
            yield part.kept()

    def _along(self, items: Iterator[T]) -> Iterator[T]:
        """Yield items, the next of which is made in a thread while one is used, where all fits in memory."""
        return items if self._on_disk else prefetch(items)

    def _summed_up(
        self, seen: Counter[str], flagged: dict[str, int], tally: ProductTally | None,
        description: Description,
    ) -> _Known:  # fmt: skip
        rejected = self._rejected
        counts = rejected.counts()
        summary = {
            "rows_in": seen["rows"],
            "rows_kept": seen["rows"] - rejected.rows,
            "rows_rejected": rejected.rows,
            "rejects": counts,
            "flagged_outliers": flagged,
            "missing_user": seen["user_id"],
            "missing_timestamp": seen["timestamp"] - counts.get("unparsable_timestamp", 0),
            "inputs": self._input_facts,
        }
        known = _Known(summary)
        if tally is not None:
            from prodassoc_cli.intake.catalogue.reading import completed_products

            known.products, known.product_rejects, summary["products"] = completed_products(
                tally.products(), self._catalogue, self._config, self._say, self._category_names,
                self._read_headers,
            )  # fmt: skip
        summary["interactions"] = description.facts()
        return known

    def _without_users(self, interactions: pl.DataFrame) -> pl.DataFrame:
        """Return the rows without user ids, if so asked, in an order that does not show them either."""
        return without_users(interactions) if self._config.drop_users else interactions


class _Parts:
    """The gathered rows, held against the rules part by part, as often as is needed."""

    def __init__(self, gathered: Gathered, rules: PartRules) -> None:
        self._gathered, self._rules = gathered, rules
        self._only: Part | None = None
        """Where there is one part alone: it, so that the rules are applied once."""

    def __iter__(self) -> Iterator[Part]:
        if len(self._gathered.partitions) > 1:
            yield from map(self._apply, self._gathered.partitions)
            return
        self._only = self._only or next(map(self._apply, self._gathered.partitions), None)
        if self._only is not None:
            yield self._only

    def taking(self) -> Iterator[Part]:
        """Go through the parts for the last time."""
        if self._only is not None:
            part, self._only = self._only, None
            self._gathered.partitions.close()
            yield part
            return
        yield from map(self._apply, prefetch(self._gathered.partitions.taking()))

    def _apply(self, rows: pl.DataFrame) -> Part:
        return self._rules.apply(self._gathered.with_products(rows))


def _count(kept: pl.DataFrame, amounts: dict[str, Amounts], tally: ProductTally | None) -> None:
    for name, counts in amounts.items():
        counts.add(kept["product_id"], kept[name])
    if tally is not None:
        tally.add(as_texts(kept))


def without_users(interactions: pl.DataFrame) -> pl.DataFrame:
    """Return interactions without user ids, in an order that does not show them either."""
    return in_order(interactions.with_columns(pl.lit(None, dtype=pl.String).alias("user_id")))


def interactions_of(kept: pl.DataFrame, codes: Codes | None) -> tuple[pl.DataFrame, Codes | None]:
    """Take the columns of the schema; a row of a feedback log gives one row per event.

    Products and events stay codes.

    Args:
        kept: rows that are kept.
        codes: those of their order; None where they stand in none.

    Returns:
        The interactions, and the codes where these are the same rows.
    """
    feedback = "click" in kept.columns
    extra = {name: dtype for name, dtype in FURTHER.items() if name in kept.columns}
    rows = kept.select(
        pl.col(name) if name in ("product_id", "event") else pl.col(name).cast(dtype)
        for name, dtype in (INTERACTIONS | extra).items()
    )
    if not feedback:
        return rows, codes
    happened = [
        rows.filter(kept[name] == 1).with_columns(pl.lit(name, EVENT).alias("event"))
        for name in RESPONSES if name in kept.columns
    ]  # fmt: skip
    return pl.concat([rows, *happened]), None
