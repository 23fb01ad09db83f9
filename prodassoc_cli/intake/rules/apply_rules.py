"""Typed rows of a part → the reason to leave each of them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from prodassoc_cli.artifacts.frames import with_absent
from prodassoc_cli.intake.arrange.append import Earlier, known_before
from prodassoc_cli.intake.arrange.sorting import Codes, RowOrder
from prodassoc_cli.intake.columns.presets import preset_of
from prodassoc_cli.intake.columns.schema import EVENT, INTERACTIONS, OTHER, ROW, SOURCE
from prodassoc_cli.intake.layouts.layout import Layout
from prodassoc_cli.intake.rules.core import Core
from prodassoc_cli.intake.rules.duplicates import duplicate_rows
from prodassoc_cli.intake.rules.outliers import Amounts, outliers
from prodassoc_cli.intake.rules.row_rules import row_rules
from prodassoc_cli.intake.rules.rules import REASON, also
from prodassoc_cli.intake.values.categories import as_texts
from prodassoc_cli.intake.values.rating_scale import RatingScale
from prodassoc_cli.intake.values.usual_ids import UsualIds
from prodassoc_cli.settings import CleanConfig


@dataclass(frozen=True)
class PartRules:
    """What rows of a part are held against, before rules on a row among all others.

    Attributes:
        config: the options of `clean`.
        layout: of the inputs.
        usual: what is usual among all rows.
        feedback: whether they are a log of shown lists.
        dated: whether every row needs a time.
        earlier: rows cleaned before, which these may not repeat.
    """

    config: CleanConfig
    layout: Layout
    usual: UsualIds
    feedback: bool = False
    dated: bool = False
    earlier: Earlier | None = None

    def apply(self, rows: pl.DataFrame) -> Part:
        """Apply the rules to a part: typed rows with `reason`, products as `categories.coded` has them."""
        rows = self._completed(rows)
        reason = row_rules(
            rows, self.usual, self.layout, self.config.service_codes,
            cancelled_prefix=preset_of(self.config.preset).cancelled_prefix,
        )  # fmt: skip
        if self.rating_scale is not None:
            reason = also(reason, self.rating_scale.off(rows["rating"]), "rating_off_scale")
        order = None
        if rows["timestamp"].count():
            order = RowOrder.of(rows["timestamp"], rows["user_id"], rows["product_id"])
        if self.layout.whole_rows:
            reason = self._without_repeats(rows, reason, order)
        if self.dated:
            reason = also(reason, rows["timestamp"].is_null(), "missing_timestamp")
        return Part(rows.drop("reason"), reason, order)

    def _completed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the columns of interactions that the inputs lack, and the event of rows that have none."""
        rows = with_absent(rows, INTERACTIONS)
        usual = self.config.event or ("impression" if self.feedback else self.layout.usual_event)
        some = rows["event"].null_count() < rows.height
        event = pl.col("event").cast(EVENT).fill_null(usual) if some else pl.lit(usual, EVENT)
        rows = rows.with_columns(event.alias("event"))
        return rows if self.rating_scale is None else self.rating_scale.without_unrated(rows)

    @property
    def rating_scale(self) -> RatingScale | None:
        """The scale of the ratings, where the user says so."""
        return RatingScale.parse(self.config.rating_scale) if self.config.rating_scale else None

    def _without_repeats(self, rows: pl.DataFrame, reason: pl.Series, order: RowOrder | None) -> pl.Series:
        # Without an order or a time, equal rows may be two purchases as well as one written twice.
        anchored = rows["order_id"].is_not_null() | rows["timestamp"].is_not_null()
        candidates = reason.is_null() & anchored
        # Without users, rows are equal that only these told apart: then, too, where lines are added later.
        nobody = self.config.drop_users
        alike = candidates.arg_true() if order is None or nobody else order.alike()
        places = alike.filter(candidates.gather(alike))
        compared = rows.drop(SOURCE, ROW, "reason", *(["user_id"] if nobody else []))
        reason = also(reason, duplicate_rows(compared, places), "duplicate_line")
        if self.earlier is not None:
            seen = known_before(self._as_written(rows), self.earlier)
            reason = also(reason, anchored & seen, "duplicate_line")
        return reason

    def _as_written(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self.config.drop_users:
            rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias("user_id"))
        return as_texts(rows.select(list(INTERACTIONS)))


@dataclass(frozen=True)
class Part:
    """Rows that have been held against the rules.

    Attributes:
        rows: typed rows, in the order they came.
        reason: why each is left out (REASON); null where it is kept.
        order: how they stand in the order of time and product; None where they have no times.
    """

    rows: pl.DataFrame
    reason: pl.Series
    order: RowOrder | None

    def kept(self) -> tuple[pl.DataFrame, Codes | None]:
        """Return the rows that are kept, in the order of time and product, and their codes in it.

        Where they have no times, they stand as they came and have no codes.
        """
        rows = self.rows.select(name for name in self.rows.columns if not name.startswith(OTHER))
        rows, kept = rows.drop(SOURCE, ROW), self.reason.is_null()
        if self.order is None:
            return rows.filter(kept), None
        places, codes = self.order.among(kept)
        return rows[places], codes


@dataclass
class AmongAll:
    """Rules on a row among all others: far prices and quantities, then rare products and users.

    Attributes:
        far: outliers of price and of quantity to leave out, by field; see `outliers.outliers`.
        core: products and users with enough rows; None to keep all.
    """

    far: dict[str, pl.DataFrame] = field(default_factory=dict)
    core: Core | None = None

    @classmethod
    def of(cls, parts: Iterable[Part], config: CleanConfig) -> AmongAll:
        """Find what is far and what is rare; goes through all parts once for each.

        Args:
            parts: all rows, gone through more than once.
            config: the options of `clean`.
        """
        found = cls()
        for name in ("price", "quantity") if config.drop_outliers else ():
            amounts = Amounts(name)
            for number, part in enumerate(parts):
                kept, _ = found.apply(part, number).kept()
                amounts.add(kept["product_id"], kept[name])
            found.far[name] = outliers(amounts.table(), name)
        if config.min_item_count > 1 or config.min_user_count > 1:
            core = Core()
            for number, part in enumerate(parts):
                left = found.apply(part, number)
                ids = left.rows.select("product_id", "user_id").filter(left.reason.is_null())
                core.add(as_texts(ids))
            core.find(config.min_item_count, config.min_user_count)
            found.core = core
        return found

    def apply(self, part: Part, number: int) -> Part:
        """Apply the rules to the part of that number."""
        reason = part.reason
        for name, far in self.far.items():
            reason = also(reason, _is_among(part.rows, far, name), f"outlier_{name}")
        if self.core is not None:
            reason = reason.scatter(reason.is_null().arg_true(), self.core.reason(number))
        return Part(part.rows, reason.cast(REASON), part.order)

    @property
    def flagged(self) -> dict[str, int]:
        """How many rows are outliers of price and of quantity."""
        return {name: int(far["n"].sum()) for name, far in self.far.items()}


def _is_among(rows: pl.DataFrame, far: pl.DataFrame, name: str) -> pl.Series:
    """Return which rows have a product and value that are flagged."""
    marked = far.select("product_id", name, pl.lit(value=True).alias("far"))
    joined = as_texts(rows.select("product_id", name)).join(
        marked, on=["product_id", name], how="left", maintain_order="left"
    )
    return joined["far"].fill_null(value=False)
