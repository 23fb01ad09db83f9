"""What executors do with the parts that `engines.reading` dealt out: they apply the rules of `clean`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa

from prodassoc_cli.artifacts.schemas import INTERACTIONS
from prodassoc_cli.engines.frames import bundle, frame_bytes, frame_of, one_row
from prodassoc_cli.engines.parts import PartsOf
from prodassoc_cli.intake.arrange.sorting import in_order
from prodassoc_cli.intake.catalogue.product_tally import ProductTally
from prodassoc_cli.intake.columns.schema import REJECTS
from prodassoc_cli.intake.gather import shown_of_baskets
from prodassoc_cli.intake.layouts.layout import Layout
from prodassoc_cli.intake.pipeline import interactions_of, without_users
from prodassoc_cli.intake.rules.apply_rules import AmongAll, Part, PartRules
from prodassoc_cli.intake.rules.outliers import Amounts
from prodassoc_cli.intake.rules.rejects import RejectFormat, counted, left_out
from prodassoc_cli.intake.rules.suspicions import Suspicions
from prodassoc_cli.intake.values.categories import Coding, as_texts
from prodassoc_cli.intake.values.conventions import Conventions
from prodassoc_cli.intake.values.counters import Description
from prodassoc_cli.intake.values.usual_ids import UsualIds
from prodassoc_cli.settings import CleanConfig

JUDGED = "part int, number int, kind string, data binary"
"""Rows of `JudgePart`: interactions and rejects as frames, and one bundle of facts per part."""

_BATCH_BYTES = 1 << 26
"""Bytes of a row that Spark's buffers hold easily."""


@dataclass(frozen=True)
class JudgePart:
    """Cleans the parts of a partition; for `mapInArrow` over rows of DEALT, all of a part in one partition.

    Attributes:
        config: the options of `clean`.
        layout: how rows hold baskets.
        conventions: how values are written.
        usual: what is usual among all rows.
        feedback: whether the rows are a log of shown lists.
        sources: names of the inputs.
        dated: whether every row needs a time.
        tallied: whether products are wanted.
        keep_rejects: whether the rows left out are wanted.
        far: outliers of price and of quantity that are left out.
        counts_values: whether prices and quantities are to be counted, which tells what an outlier is.
        into: where the parts are written; None to send the rows back.
        send_rows, send_rejects: whether interactions and rejects are wanted, rather than facts alone.
    """

    config: CleanConfig
    layout: Layout
    conventions: Conventions
    usual: UsualIds
    feedback: bool
    sources: Sequence[str]
    dated: bool
    tallied: bool
    keep_rejects: bool
    far: dict[str, pl.DataFrame] = field(default_factory=dict)
    counts_values: bool = True
    into: PartsOf | None = None
    send_rows: bool = True
    send_rejects: bool = True

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Turn the rows of DEALT into those of JUDGED."""
        lines: dict[int, dict[tuple[int, int], pl.DataFrame]] = {}
        uncut: dict[int, list[pl.DataFrame]] = {}
        for batch in batches:
            for row in batch.to_pylist():
                frame = frame_of(row["data"])
                if row["kind"] == "uncut":
                    uncut.setdefault(row["part"], []).append(frame)
                else:
                    # By number: what came twice, of a task that was done again, is there once.
                    lines.setdefault(row["part"], {})[row["file"], row["number"]] = frame
        for part in sorted(lines.keys() | uncut.keys()):
            pieces = lines.pop(part, {})
            yield from self._judged(part, [pieces[at] for at in sorted(pieces)], uncut.pop(part, []))

    def _judged(
        self, part: int, pieces: list[pl.DataFrame], uncut: list[pl.DataFrame]
    ) -> Iterator[pa.RecordBatch]:
        facts: dict[str, Any] = {"rows_in": sum(piece.height for piece in uncut), "missing": {}, "part": None}
        tables: dict[str, pl.DataFrame] = {}
        rejects = list(uncut)
        if pieces:
            rows = pl.concat(pieces)
            pieces.clear()
            interactions, left = self._cleaned(rows, facts, tables)
            del rows
            rejects.append(left)
            if self.config.drop_users:
                interactions = without_users(interactions)
            if self.into is not None and interactions.height:
                facts["part"] = asdict(self.into.write(part, interactions, INTERACTIONS))
            elif self.send_rows:
                for number, piece in enumerate(_slices(interactions)):
                    yield one_row(JUDGED, (part, number, "kept", frame_bytes(piece)))
        if self.keep_rejects and self.send_rejects:
            for number, piece in enumerate(rejects):
                yield one_row(JUDGED, (part, number, "rejects", frame_bytes(piece)))
        tables["rejected"] = counted(pl.concat([pl.DataFrame(schema=REJECTS), *rejects]))
        yield one_row(JUDGED, (part, 0, "facts", bundle(facts, tables)))

    def _cleaned(
        self, rows: pl.DataFrame, facts: dict[str, Any], tables: dict[str, pl.DataFrame]
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the interactions and the rows left out, and note what was counted."""
        products = Coding(partial(self.conventions.parse_ids, "product_id"))
        coded = products.coded(products.number(rows["product_id"])).alias("product_id")
        rules = PartRules(self.config, self.layout, self.usual, self.feedback, dated=self.dated)
        # Outliers are found among all parts, beforehand.
        part = AmongAll(self.far).apply(rules.apply(rows.with_columns(coded)), 0)
        left = left_out(part, self.sources, self._texts(rows["product_id"], part))
        facts["rows_in"] += rows.height
        facts["missing"] = {name: part.rows[name].null_count() for name in ("user_id", "timestamp")}
        kept, codes = part.kept()
        if self.counts_values:
            for name in ("price", "quantity"):
                amounts = Amounts(name)
                amounts.add(kept["product_id"], kept[name])
                tables[f"values/{name}"] = amounts.table()
        if self.tallied:
            tally = ProductTally()
            tally.add(as_texts(kept))
            tables |= {f"tally/{name}": table for name, table in tally.tables().items()}
        interactions = in_order(*interactions_of(kept, codes))
        description = Description()
        description.add(interactions)
        tables |= {f"description/{name}": table for name, table in description.tables().items()}
        interactions = as_texts(interactions)
        shown = Suspicions().tables(interactions)
        tables |= {f"suspicions/{name}": table for name, table in shown.items()}
        return interactions, left

    def _texts(self, products: pl.Series, part: Part) -> pl.Series | None:
        """Return what rejects show of parts of a basket; other rows are read again for it."""
        if self.layout.whole_rows or not (self.keep_rejects and self.send_rejects):
            return None
        return RejectFormat().texts(shown_of_baskets(products, part.rows))


def _slices(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut a frame into pieces that Spark's buffers hold."""
    pieces = max(1, int(frame.estimated_size()) // _BATCH_BYTES)
    yield from frame.iter_slices(max(1, -(-frame.height // pieces)))
