"""Interactions in pieces → the matrices of `TrainingData`, without ever holding all of the lines.

Lines are numbered piece by piece and dealt out to files by ranges of users. What belongs to a user is then
in one file, small enough to be worked on as `TrainingData` works on all; the rows are appended to those
before. The matrices are the same, entry for entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from scipy import sparse

from prodassoc_cli.intake.arrange.partitions import Partitions
from prodassoc_cli.models import data as whole
from prodassoc_cli.models.data import Csr, Items, TrainingData
from prodassoc_cli.models.relevance import Relevance
from prodassoc_cli.models.weight_scale import WeightScale
from prodassoc_cli.numerics.arrays import Longs

COLUMNS = ("user_id", "order_id", "product_id", "event", "rating", "weight", "timestamp")
"""The columns of interactions that pieces need, so far as they are there."""

LINES_A_BUCKET = 1 << 21
MAX_BUCKETS = 255


@dataclass(frozen=True)
class GatheredData(TrainingData):
    """Training data of which only the matrices are there; `events` is empty.

    It serves recommenders that do not look at single events, see `Recommender.needs_events`.
    """

    @classmethod
    def from_pieces(
        cls,
        pieces: Callable[[], Iterable[pl.DataFrame]],
        lines: int,
        *,
        products: pl.DataFrame | None = None,
        relevant_from: float | None = None,
        done: str = "",
        folder: Path | None = None,
        lines_a_bucket: int = LINES_A_BUCKET,
    ) -> Self:
        """Go through the interactions twice: number what they name, then take them to their users.

        Args:
            pieces: reads the interactions, `COLUMNS` of them, in frames one after another.
            lines: about how many there are.
            products: the catalogue.
            relevant_from: lowest rating that is a wish; None: what is above the middle of the scale seen.
            done: what users did with what they viewed, where that is known.
            folder: where lines are kept meanwhile; None for the folder of temporary files.
            lines_a_bucket: how many lines are worked on at once.

        Raises:
            BadData: no interaction shows what anyone wants.
        """
        users, named, scale, weights, events = _names(pieces(), Relevance(relevant_from))
        ids = named if products is None else _distinct([named, products["product_id"].cast(pl.String)])
        items = Items.of(ids.sort(), products)
        buckets = int(np.clip(lines // lines_a_bucket, 1, MAX_BUCKETS))
        by_user = Partitions(buckets, on_disk=True, folder=folder)
        try:
            for lines_ in pieces():
                coded = whole.numbered_lines(lines_, items.ids, users)
                bucket = (coded["user"].cast(pl.Int64) + 1) * buckets // (users.len() + 1)
                by_user.add(coded, bucket.cast(pl.UInt8))
            matrices = _Matrices(len(items), users.len())
            for rows in by_user.taking():
                weighed = whole.weighed_events(rows, scale, weights)
                matrices.add(TrainingData(items, users, weighed, relevance=scale))
        finally:
            by_user.close()
        whole.check_wish(matrices.wish)
        action = whole.action_of(events, done)
        gathered = cls(items, users, pl.DataFrame(), action=action, relevance=scale)
        gathered.__dict__.update(matrices.done())
        return gathered


def _distinct(parts: list[pl.Series]) -> pl.Series:
    return pl.concat(parts).unique().drop_nulls()


def _names(
    pieces: Iterable[pl.DataFrame], scale: Relevance
) -> tuple[pl.Series, pl.Series, Relevance, WeightScale, set[str]]:
    """Return the users (sorted), the products, the scales of ratings and weights, and the kinds of events."""
    events, weights = set[str](), WeightScale()
    users, products = pl.Series("user_id", [], dtype=pl.String), pl.Series("product_id", [], dtype=pl.String)
    for piece in pieces:
        users = _distinct([users, piece["user_id"].unique()])
        products = _distinct([products, piece["product_id"].unique()])
        scale, weights = scale.wider(piece), weights.wider(piece)
        events.update(piece["event"].cast(pl.String).unique())
    return users.sort(), products, scale, weights, events


class _Matrices:
    """Rows of sparse matrices that come a range of users at a time, in their order."""

    def __init__(self, n_items: int, n_users: int) -> None:
        self._n_items, self._n_users = n_items, n_users
        self._users = {name: _Rows(n_items) for name in ("weights", "seen", "ratings", "dismissed")}
        self._orders = {name: _Rows(n_items) for name in ("baskets", "anonymous")}
        self._last: list[Longs] = []
        self._filled = 0
        self.wish = False

    def add(self, part: TrainingData) -> None:
        """Take the rows of the users of a part, which are those after the users before."""
        self.wish = self.wish or bool((part.events["weight"] > 0).any())
        stop = max(self._filled, 1 + int(part.events["user"].to_numpy().max(initial=-1)))
        own = slice(self._filled, stop)
        self._users["weights"].add(part.weights[own])
        self._users["seen"].add(part.seen[own])
        self._last.append(part.last_seen)
        for name in ("ratings", "dismissed"):
            if (rows := getattr(part, name)) is not None:
                self._users[name].add(rows[own], after=self._filled)
        self._filled = stop
        if part.baskets is not None:
            self._orders["baskets"].add(part.baskets)
        if part.anonymous is not None:
            self._orders["anonymous"].add(part.anonymous)

    def done(self) -> dict[str, Any]:
        """Return the matrices by the names they have in `TrainingData`."""
        last = np.concatenate([*self._last, np.empty(0, np.int64)])
        self._last = []
        found: dict[str, Any] = {"last_seen": last}
        for name, rows in {**self._users, **self._orders}.items():
            optional = name not in ("weights", "seen")
            height = self._n_users if name in self._users else 0
            found[name] = None if optional and not rows.height else rows.matrix(height)
        return found


class _Rows:
    """A sparse matrix that grows by rows."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._parts: list[Csr] = []
        self.height = 0

    def add(self, rows: Csr, after: int = 0) -> None:
        """Append rows; before them empty ones, so that at least `after` come before."""
        if after > self.height:
            empty: Csr = sparse.csr_array((after - self.height, self._width), dtype=np.float32)  # type: ignore[assignment]
            self.add(empty)
        self._parts.append(rows)
        self.height += rows.shape[0]

    def matrix(self, height: int) -> Csr:
        """Return all rows, with empty ones up to `height`; what was added is given up array by array."""
        sizes = [np.diff(part.indptr) for part in self._parts]
        sizes.append(np.zeros(max(0, height - self.height), np.int64))
        bounds = np.concatenate([[0], np.cumsum(np.concatenate(sizes), dtype=np.int64)])
        bounds = bounds.astype(np.int32 if bounds[-1] < 2**31 else np.int64)
        indices, values = np.empty(bounds[-1], np.int32), np.empty(bounds[-1], np.float32)
        at = 0
        for part in _taken(self._parts):
            indices[at : at + part.nnz], values[at : at + part.nnz] = part.indices, part.data
            at += part.nnz
        return sparse.csr_array((values, indices, bounds), shape=(len(bounds) - 1, self._width))


def _taken(parts: list[Csr]) -> Iterator[Csr]:
    """Yield the parts, each given up when the next one is taken."""
    parts.reverse()
    while parts:
        yield parts.pop()
