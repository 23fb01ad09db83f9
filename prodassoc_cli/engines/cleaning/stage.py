"""`clean` on Spark: executors read raw files, deal their rows out to parts and judge these.

Parts are ranges of the order that interactions have in the end (`intake.arrange`), so that equal rows are in
one part and parts, one after another, are the sorted whole. Files are read twice, first to see how they are
written. What is counted over all rows comes here, and the rows too, unless they go to a folder. The text of
rows left out is read again here, where it is wanted.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from prodassoc_cli.artifacts.datasets import Part
from prodassoc_cli.engines.chunks import map_chunks
from prodassoc_cli.engines.cleaning.applying_rules import JUDGED, JudgePart
from prodassoc_cli.engines.cleaning.reading import (
    DEALT,
    CountNumbers,
    Deal,
    RawFile,
    Reading,
    Surveyed,
    SurveyFile,
    key_fields,
    keyed_rows,
)
from prodassoc_cli.engines.cleaning.slices import SLICE_BYTES, Slice, beginning, sliced
from prodassoc_cli.engines.frames import frame_of, unbundle
from prodassoc_cli.engines.parts import PartsOf
from prodassoc_cli.engines.session import parallelism
from prodassoc_cli.intake.arrange.partition_bounds import MAX_PARTITIONS, Bounds, first_keys
from prodassoc_cli.intake.catalogue.product_tally import ProductTally
from prodassoc_cli.intake.columns.likeness import Likened
from prodassoc_cli.intake.columns.match import done_with
from prodassoc_cli.intake.columns.schema import Say, is_feedback
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.gather import PIECE_ROWS
from prodassoc_cli.intake.layouts.layout import Layout, Lines, check_alike, join_lines
from prodassoc_cli.intake.opening import open_inputs
from prodassoc_cli.intake.pipeline import Cleaning
from prodassoc_cli.intake.rules.outliers import outliers
from prodassoc_cli.intake.rules.rejects import Rejected
from prodassoc_cli.intake.rules.suspicions import Suspicions
from prodassoc_cli.intake.stated import stated
from prodassoc_cli.intake.values.conventions import Conventions, Marks
from prodassoc_cli.intake.values.counters import Counts, Description
from prodassoc_cli.intake.values.usual_ids import IdCounts
from prodassoc_cli.resources import run_in_background
from prodassoc_cli.settings import CleanConfig

PART_BYTES = 1 << 29
"""Memory that cleaning a part takes at once, about."""
DEALT_BYTES = 1 << 28
"""Lines of a file that are dealt out to the parts together: the more, the larger the pieces sent."""


class SparkCleaning(Cleaning):
    """What `clean` does, with the files read and the rows judged by executors.

    Take `interactions` to their end first, or `write_parts`; then the rest and the `summary` are there.

    Args:
        spark: the session.
        orders: where the lines are, at paths that the executors can read.
        config: the options of `clean`; those of --append-to and of the minimum counts are not known here.
        say: receives notices of one line.
        options: the further arguments of `Cleaning`.
    """

    def __init__(
        self, spark: Any, orders: Sequence[Source], config: CleanConfig, say: Say, **options: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        self._spark = spark
        super().__init__(orders, config, say, **options)

    def _gather(self, orders: Sequence[Source], stack: contextlib.ExitStack, budget: int | None) -> None:
        likened = self._read_by_header(orders[0])
        read = [f"{name}={column}" for name, column in likened.taken.items()]
        self._config = replace(self._config, map=[*self._config.map, *read])
        self._files = files = _Files.surveyed(self._spark, orders, self._config, self._say)
        self._config = replace(self._config, preset=files.preset)
        self._conventions = files.decided(self._config, self._say)
        self._usual = files.ids.usual()
        self._facts = {
            **files.ids.facts(), "styles": self._conventions.styles,
            "done": files.done,
            "floats": sorted(self._conventions.floats),
            "day_first": self._conventions.day_first if self._conventions.dated else None,
        }  # fmt: skip
        self._input_facts = [files.facts[0] | likened.facts(), *files.facts[1:]]
        self._rejected = Rejected(keep=self._keep_rejects, in_memory=False, folder=self._folder)
        wanted = max(parallelism(self._spark), -(-files.bytes_held // PART_BYTES))
        # Rows that are set aside are gone through repeatedly, here, with a file per part.
        wanted = min(wanted, MAX_PARTITIONS) if self._split is not None else wanted
        self._bounds = files.bounds(wanted, self._conventions, self._key, self._config)
        self._on_disk = self._bounds.partitions > 1
        if self._keep_rejects and files.layout.whole_rows:
            self._inputs = open_inputs(orders, self._config, lambda _: None, stack)

    def _read_by_header(self, first: Source) -> Likened:
        """Return what columns are by headers that only an encoder reads; executors have none."""
        if self._read_headers is None:
            return Likened()
        with contextlib.ExitStack() as stack:
            (found,) = open_inputs(
                [beginning(first)], self._config, lambda _: None, stack, read_headers=self._read_headers
            ).inputs
        for note in found.matched.likened.notes():
            self._say(f"{first.name}: {note}")
        return found.matched.likened

    def line_rejects(self) -> Iterator[pl.DataFrame]:
        """Yield the rows left out of the lines, by source and number."""
        whole_rows = self._files.layout.whole_rows
        return super().line_rejects() if self._keep_rejects and whole_rows else self._rejected.frames()

    def write_parts(self, into: PartsOf) -> None:
        """Clean the lines and let executors write the interactions, part by part.

        Raises:
            BadData: no row is kept.
        """
        assert self._split is None
        judged = self._judged(into=into)
        into.parts.extend(part for part in self._count(judged) if part is not None)
        judged.unpersist()

    def _kept(self) -> Iterator[pl.DataFrame]:
        """Clean part by part: count everything, then yield the kept rows as sorted interactions."""
        judged = self._judged()
        self._count(judged)
        rows = judged.filter("kind = 'kept'").select("part", "data").toLocalIterator(prefetchPartitions=True)
        held: list[pl.DataFrame] = []
        at = None
        for part, data in rows:
            if part != at and held:
                yield pl.concat(held)
                held = []
            at = part
            held.append(frame_of(bytes(data)))
        if held:
            yield pl.concat(held)
        judged.unpersist()

    def _judged(self, **where: Any) -> Any:  # noqa: ANN401 — a data frame of Spark
        """Return the cleaned parts (JUDGED), each in a partition of its number."""
        files, config = self._files, self._config
        deal = Deal(files.reading, files.files, files.layout, self._conventions, self._bounds, self._key)
        judge = JudgePart(
            config, files.layout, self._conventions, self._usual,
            is_feedback(files.empty.fields.columns), files.names,
            self._split is not None and self._split.method == "time",
            bool(self._catalogue or config.products_output), self._keep_rejects,
        )  # fmt: skip
        parted = self._dealt(deal)
        if config.drop_outliers:
            self._far = self._outliers(parted, replace(judge, send_rows=False, send_rejects=False))
            judge = replace(judge, far=self._far, counts_values=False)
        return _mapped(parted, replace(judge, **where), JUDGED).persist()

    def _dealt(self, deal: Deal) -> Any:  # noqa: ANN401 — a data frame of Spark
        """Return the rows of all files (DEALT), each part in a partition of its number."""
        from pyspark.sql import functions as f

        files = len(self._files.files)
        numbers = self._spark.range(files, numPartitions=1).select(f.col("id").alias("file"))
        tasks = min(files, 4 * parallelism(self._spark))
        spread = numbers.repartitionById(tasks, (f.col("file") % tasks).cast("int"))
        # One partition per part: nothing is sorted into groups, and partitions are in the final order.
        return _mapped(spread, deal, DEALT).repartitionById(self._bounds.partitions, f.col("part"))

    def _outliers(self, parted: Any, judge: JudgePart) -> dict[str, pl.DataFrame]:  # noqa: ANN401
        """Find the outliers of price, then those of quantity among the rows that are left."""
        far: dict[str, pl.DataFrame] = {}
        for name in ("price", "quantity"):
            counts = Counts("product_id", name)
            counting = replace(judge, far=dict(far))
            for _, tables in _facts_of(_mapped(parted, counting, JUDGED)):
                if f"values/{name}" in tables:
                    counts.take(tables[f"values/{name}"])
            far[name] = outliers(counts.table(), name)
        return far

    def _count(self, judged: Any) -> list[Part | None]:  # noqa: ANN401 — a data frame of Spark
        """Take the counts of all parts and the rows left out; return the parts that were written."""
        tally = ProductTally() if self._catalogue or self._config.products_output else None
        description, suspicions, seen = Description(), Suspicions(), Counter[str]()
        values = {name: Counts("product_id", name) for name in ("price", "quantity")}
        written = []
        for facts, tables in _facts_of(judged):
            seen.update(rows=facts["rows_in"], **facts["missing"])
            self._rejected.count(tables["rejected"])
            if counted := _below("description", tables):
                description.take(counted)
                suspicions.take(_below("suspicions", tables))
            for name, table in _below("values", tables).items():
                values[name].take(table)
            if tally is not None:
                tally.take(_below("tally", tables))
            written.append(None if facts["part"] is None else Part(**facts["part"]))
        if self._keep_rejects:
            rows = judged.filter("kind = 'rejects'").select("data").toLocalIterator(prefetchPartitions=True)
            for (data,) in rows:
                self._rejected.hold(frame_of(bytes(data)))
        if seen["rows"] == self._rejected.rows:
            raise self._rejected.nothing_left()
        for caution in suspicions.cautions():
            self._say(caution)
        if self._config.drop_outliers:
            flagged = {name: int(far["n"].sum()) for name, far in self._far.items()}
        else:
            flagged = {
                name: int(outliers(counts.table(), name)["n"].sum()) for name, counts in values.items()
            }
        self._known = run_in_background(lambda: self._summed_up(seen, flagged, tally, description))
        return written


def _mapped(frame: Any, work: Deal | JudgePart, schema: str) -> Any:  # noqa: ANN401 — Spark's data frames
    # Spark looks at the arguments of what it is given, and takes `self` for one.
    return frame.mapInArrow(lambda batches: work(batches), schema)  # noqa: PLW0108


def _facts_of(judged: Any) -> Iterator[tuple[dict[str, Any], dict[str, pl.DataFrame]]]:  # noqa: ANN401
    """Yield the facts of the parts, in their order."""
    rows = judged.filter("kind = 'facts'").select("part", "data").collect()
    for row in sorted(rows, key=lambda row: row["part"]):
        yield unbundle(bytes(row["data"]))


def _below(group: str, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the tables of a group by their own names."""
    return {
        name.removeprefix(f"{group}/"): table
        for name, table in tables.items()
        if name.startswith(f"{group}/")
    }


@dataclass
class _Files:
    """All inputs, as the executors found them.

    Attributes:
        found: what was found, by number; there are more than inputs where these are sliced.
        reading: how they are read.
        marks: how their numbers and dates are written.
        empty: lines without rows that have the columns of all.
    """

    found: list[Surveyed]
    reading: Reading
    marks: Marks
    empty: Lines

    @classmethod
    def surveyed(cls, spark: Any, sources: Sequence[Source], config: CleanConfig, say: Say) -> _Files:  # noqa: ANN401
        """Read every file once, and again those whose numbers are not written plainly.

        Raises:
            ProdassocError: the first that a file gives.
        """
        reading = Reading(config, len(sources), rows=PIECE_ROWS, bytes_dealt=DEALT_BYTES)
        slices = {} if config.encoding else sliced(spark, sources, SLICE_BYTES)
        found = _read(spark, reading, _numbered(sources, slices))
        if any(each.layout.needs_whole for each in found if isinstance(each.file.source, Slice)):
            # How baskets are written in a column, all of it decides.
            slices = {}
            found = _read(spark, reading, _numbered(sources, slices))
        found = _with_first_rows(found)
        # The last slice of a text knows how it ends.
        for notice in [each for each in found if each.file.place == 0][-1].said:
            say(notice)
        first = found[0]
        for each in found:
            check_alike(each.file.source.name, each.layout, each.empty, first.empty, first.layout)
        if len(sources) > 1:
            say(f"{len(sources)} inputs, read like {sources[0].name}")
        empties = [each.empty for each in found]
        empty = join_lines(empties)
        files = [each.file for each in found]
        reading = replace(reading, empty=empty)
        if any(lines.fields.schema != empty.fields.schema for lines in empties):
            # A number here is a text there: all are texts.
            found = _read(spark, reading, files)
        marks = Marks()
        for each in found:
            marks.merge(each.marks)
        if odd := frozenset[str]().union(*(each.odd for each in found)):
            for counted in _each_file(spark, files, CountNumbers(reading, files, odd)):
                marks.merge(Marks.from_json(json.loads(counted)))
        return cls(found, reading, marks, empty)

    @property
    def files(self) -> list[RawFile]:
        """The files, with what must be known to read them again."""
        return [each.file for each in self.found]

    @property
    def layout(self) -> Layout:
        """How their rows hold baskets."""
        return self.found[0].layout

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [each.file.source.name for each in self._firsts]

    @property
    def facts(self) -> list[dict[str, object]]:
        """What was found out of each, for the summary."""
        return [each.facts for each in self._firsts]

    @property
    def done(self) -> str:
        """What users did with the products, as the columns of weights tell; empty where none does."""
        return done_with(each.empty.columns.get("weight", "") for each in self._firsts)

    @property
    def _firsts(self) -> list[Surveyed]:
        """What was found of each input: of its first slice, where it is sliced."""
        return list({each.file.place: each for each in reversed(self.found)}.values())[::-1]

    @property
    def preset(self) -> str:
        """The known export that they are; `none` where they are none."""
        return str(self.found[0].facts["preset"] or "none")

    @functools.cached_property
    def ids(self) -> IdCounts:
        """What their ids look like."""
        ids = IdCounts()
        for each in self.found:
            ids.take(each.ids)
        return ids

    @property
    def bytes_held(self) -> int:
        """About how many bytes it takes to clean all of it at once."""
        return sum(each.bytes_held for each in self.found)

    def decided(self, config: CleanConfig, say: Say) -> Conventions:
        """Decide how the lines are written, and say so.

        Raises:
            BadData: the dates can be read two ways.
        """
        if is_feedback(self.empty.fields.columns):
            say("a log of what was shown: rows become impressions, clicks, purchases and dismissals")
        times = f"{self.names[0]}, column {self.found[0].empty.columns.get('timestamp', 'timestamp')}"
        return self.marks.decide(
            stated(config), times, say, decimal_comma=self.found[0].delimiter == ";", before={}
        )

    def bounds(self, parts: int, conventions: Conventions, key: bytes | None, config: CleanConfig) -> Bounds:
        """Cut the lines into so many parts of about the same size, by a sample of each file's.

        Raises:
            BadData: there is no field to cut them by.
        """
        weights = [max(1, each.bytes_held) for each in self.found]
        most = max(weights)
        samples = [
            each.sample.gather_every(max(1, most // weight))
            for each, weight in zip(self.found, weights, strict=True)
        ]
        fields = pl.concat([key_fields(self.empty.fields), *samples], how="diagonal_relaxed")
        rows = keyed_rows(Lines(fields, pl.DataFrame()), self.layout, conventions, key)
        return Bounds.of_sample(first_keys(rows, drop_users=config.drop_users), parts)


def _numbered(sources: Sequence[Source], slices: dict[int, list[Slice]]) -> list[RawFile]:
    """Return the files and slices in the order of their rows."""
    found = [(each, place) for place, source in enumerate(sources) for each in slices.get(place, [source])]
    return [RawFile(source, place, number) for number, (source, place) in enumerate(found)]


def _with_first_rows(found: list[Surveyed]) -> list[Surveyed]:
    """Return what was found, with the number of rows before each slice of a text."""
    rows: dict[int, int] = {}
    numbered = []
    for each in found:
        before = rows.get(each.file.place, 0)
        rows[each.file.place] = before + each.rows
        numbered.append(replace(each, file=replace(each.file, first_row=before)))
    return numbered


def _read(spark: Any, reading: Reading, files: list[RawFile]) -> list[Surveyed]:  # noqa: ANN401
    """Let executors read every file; the first error there is, in the order of the files, is raised."""
    results = _each_file(spark, files, SurveyFile(reading, files))
    return [Surveyed.of(file, result) for file, result in zip(files, results, strict=True)]


def _each_file(spark: Any, files: list[RawFile], work: Callable[[list[str]], bytes]) -> list[bytes]:  # noqa: ANN401
    """Return what executors make of each file."""
    return map_chunks(spark, [[str(place)] for place in range(len(files))], work)
