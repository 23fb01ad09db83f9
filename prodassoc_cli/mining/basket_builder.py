"""From interactions to baskets: what is kept of a row is two integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from prodassoc_cli.mining.baskets import BASKET_EVENTS, Baskets, CodedRows, baskets_of_codes
from prodassoc_cli.wording import number_of

BASKET_COLUMNS = ("user_id", "order_id", "product_id", "event", "timestamp")
"""Columns of interactions that baskets are made of."""


def _silent(_: str) -> None:
    """Say nothing."""


def baskets_from_interactions(
    frame: pl.DataFrame,
    max_basket_size: int | None = None,
    say: Callable[[str], None] = _silent,
    locate: bool = False,
) -> Baskets:
    """Group interactions into baskets of distinct products.

    The order of the rows does not matter: the same interactions give the same counts and codes.

    Args:
        frame: product_id and event, with order_id, user_id and timestamp where known.
        max_basket_size: leave out baskets with more distinct products; they do not count as baskets either.
        say: called with one line each on what was left out and which events were used.
        locate: whether to note where in the frame each basket begins.
    """
    wanted = [name for name in BASKET_COLUMNS if name in frame.columns]
    table = frame.select(wanted).to_arrow(compat_level=pl.CompatLevel.oldest())
    return baskets_from_pieces([table], max_basket_size, say, locate)


def baskets_from_pieces(
    pieces: Iterable[pa.Table], max_basket_size: int | None, say: Callable[[str], None], locate: bool = False
) -> Baskets:
    """Group interactions that come in pieces into baskets, as `baskets_from_interactions` would the whole.

    At its peak this takes about 20 bytes per row, and 60 per basket; 16 more per row to locate the baskets.

    Args:
        pieces: product_id and event, with order_id, user_id and timestamp where known; best with texts as
            dictionaries.
        max_basket_size: leave out baskets with more distinct products; they do not count as baskets either.
        say: called with one line each on what was left out and which events were used.
        locate: whether to note in which row each basket begins.
    """
    gathered = _Gathered(locate)
    for piece in pieces:
        gathered.add(piece)
    if 0 < gathered.strongest < len(BASKET_EVENTS):
        say(f"no purchases: baskets are made of {' and '.join(BASKET_EVENTS[gathered.strongest])} rows")
    if gathered.unplaced:
        say(f"{number_of(gathered.unplaced, 'row')} without order_id and user_id: in no basket")
    return baskets_of_codes(gathered.rows(), gathered.items.values(), max_basket_size, say)


@dataclass(frozen=True)
class _Part:
    """Rows of a piece: the numbers of their baskets and products within it, and where they stood."""

    baskets: _Numbers
    basket_part: int
    basket: np.ndarray
    item_part: int
    item: np.ndarray
    rows: np.ndarray | None


class _Gathered:
    """The rows of the strongest event there was so far, as numbers of orders, visits and products."""

    def __init__(self, locate: bool) -> None:
        self.strongest = len(BASKET_EVENTS)
        self._locate = locate
        self._seen = 0
        self._begin()

    def _begin(self) -> None:
        self.unplaced = 0
        self.orders, self.visits, self.items = _Numbers(), _Numbers(), _Numbers()
        self._parts: list[_Part] = []

    def add(self, piece: pa.Table) -> None:
        """Take the rows of a piece that make baskets, as far as is known by now."""
        begin, self._seen = self._seen, self._seen + piece.num_rows
        event, events = coded(piece["event"])
        present = events.filter(pl.Series(np.bincount(event + 1, minlength=len(events) + 1)[1:] > 0))
        level = next((at for at, names in enumerate(BASKET_EVENTS) if present.is_in(names).any()), None)
        if level is not None and level < self.strongest:
            self.strongest = level
            self._begin()
        if level is None or level > self.strongest:
            return
        counts = np.append(events.is_in(BASKET_EVENTS[level]).to_numpy(), False)[event]
        loose = counts
        if "order_id" in piece.column_names:
            order, orders = coded(piece["order_id"])
            self._keep(self.orders, order, orders, piece, counts & (order >= 0), begin)
            loose = counts & (order < 0)
        if loose.any():
            visit, visits = coded(_visits(piece))
            self.unplaced += int((loose & (visit < 0)).sum())
            self._keep(self.visits, visit, visits, piece, loose & (visit >= 0), begin)

    def _keep(
        self, baskets: _Numbers, basket: np.ndarray, names: pl.Series, piece: pa.Table, chosen: np.ndarray,
        begin: int,
    ) -> None:  # fmt: skip
        """Keep the chosen rows of a piece."""
        item, items = coded(piece["product_id"])
        where = np.flatnonzero(chosen)
        if len(where) < len(item):
            basket, item = basket[where], item[where]
        rows = where + begin if self._locate else None
        self._parts.append(_Part(baskets, baskets.add(names), basket, self.items.add(items), item, rows))

    def rows(self) -> CodedRows:
        """Return the rows with their numbers in all pieces; what was held is given up."""
        for numbers in (self.orders, self.visits, self.items):
            numbers.unite()
        at = sum(len(part.basket) for part in self._parts)
        basket, item = np.empty(at, np.int32), np.empty(at, np.int32)
        rows = np.empty(at, np.int64) if self._locate else None
        while self._parts:
            part = self._parts.pop()
            here = slice(at - len(part.basket), at)
            basket[here] = part.baskets.of(part.basket_part)[part.basket]
            if part.baskets is self.visits:
                basket[here] += np.int32(len(self.orders))
            item[here] = self.items.of(part.item_part)[part.item]
            if rows is not None and part.rows is not None:
                rows[here] = part.rows
            at = here.start
        return CodedRows(basket, item, rows)


class _Numbers:
    """Numbers for texts that come in parts: one within each part at first, united in the end."""

    def __init__(self) -> None:
        self._parts: list[pl.Series] = []
        self._united: list[np.ndarray] = []
        self._values = pl.Series("id", [], dtype=pl.String)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, texts: pl.Series) -> int:
        """Take the distinct texts of a part; return the number of the part."""
        self._parts.append(texts)
        return len(self._parts) - 1

    def unite(self) -> None:
        """Number the texts of all parts alike."""
        if self._parts:
            ends = np.cumsum([len(part) for part in self._parts])
            texts = pl.concat(self._parts, rechunk=True).to_arrow(compat_level=pl.CompatLevel.oldest())
            numbers, self._values = coded(pa.chunked_array([texts]))
            self._united = np.split(numbers, ends[:-1])
            self._parts = []

    def of(self, part: int) -> np.ndarray:
        """Return the number of each text of a part."""
        return self._united[part]

    def values(self) -> pl.Series:
        """Return the text of each number."""
        return self._values


def coded(column: pa.ChunkedArray) -> tuple[np.ndarray, pl.Series]:
    """Return the number of each text, int32, -1 for null, and the text of each number.

    A number may stand for no text that is there: a dictionary can be wider than its column.
    """
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    whole = encoded.unify_dictionaries().combine_chunks()
    numbers = whole.indices.cast(pa.int32())
    numbers = numbers.fill_null(-1) if numbers.null_count else numbers
    texts = pl.Series("id", pl.from_arrow(whole.dictionary), dtype=pl.String)
    return np.from_dlpack(numbers), texts


def _visits(piece: pa.Table) -> pa.ChunkedArray:
    """Return what tells the visits of users apart: what one user did at one instant; null without a user."""
    frame = pl.from_arrow(piece.select([name for name in BASKET_COLUMNS if name in piece.column_names]))
    assert isinstance(frame, pl.DataFrame)
    if "user_id" not in frame.columns:
        return pa.nulls(frame.height, pa.string())
    time = pl.col("timestamp") if "timestamp" in frame.columns else pl.lit(None)
    # Times are digits, so that they end where a user begins.
    texts = frame.select(
        pl.concat_str(
            time.cast(pl.Int64).cast(pl.String).fill_null(""), pl.lit(" "), pl.col("user_id").cast(pl.String)
        )
    ).to_series()
    return pa.chunked_array([texts.to_arrow(compat_level=pl.CompatLevel.oldest())])
