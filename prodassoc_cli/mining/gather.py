"""From interactions in pieces to baskets: what is kept of a row is two integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl
import pyarrow.compute as pc

from prodassoc_cli.mining.baskets import (
    BASKET_EVENTS,
    Baskets,
    baskets_of_pairs,
    say_events,
    say_unplaced,
    told_apart_by,
)


def baskets_from_pieces(
    pieces: Iterable[pl.DataFrame], max_basket_size: int | None, say: Callable[[str], None]
) -> Baskets:
    """Group interactions that come in pieces into baskets, as `baskets_from_interactions` would the whole.

    At its peak this takes about 20 bytes a row, and 60 a basket.

    Args:
        pieces: product_id and event, with order_id, user_id and timestamp where known.
        max_basket_size: leave out baskets with more distinct products; they do not count as baskets either.
        say: told, in one line each, what was left out and which events were used.
    """
    gathered = _Gathered()
    for piece in pieces:
        gathered.add(piece)
    if gathered.strongest < len(BASKET_EVENTS):
        say_events(BASKET_EVENTS[gathered.strongest], say)
    say_unplaced(gathered.unplaced, say)
    return baskets_of_pairs(gathered.pairs(), gathered.items.values(), max_basket_size, say)


class _Gathered:
    """The rows of the strongest event there was so far, as numbers of orders, visits and products."""

    def __init__(self) -> None:
        self.strongest = len(BASKET_EVENTS)
        self._begin()

    def _begin(self) -> None:
        self.unplaced = 0
        self.orders, self.visits, self.items = _Numbers(), _Numbers(), _Numbers()
        self._rows: list[tuple[_Numbers, np.ndarray, np.ndarray, int, int]] = []

    def add(self, piece: pl.DataFrame) -> None:
        """Take the rows of a piece that make baskets, as far as is known by now."""
        present = set(piece["event"].unique().to_list())
        level = next((at for at, names in enumerate(BASKET_EVENTS) if present & set(names)), self.strongest)
        if level < self.strongest:
            self.strongest = level
            self._begin()
        if self.strongest == len(BASKET_EVENTS):
            return
        rows = piece.filter(pl.col("event").is_in(BASKET_EVENTS[self.strongest]))
        order, user, time = (told_apart_by(piece)[name] for name in ("order", "user", "time"))
        # A visit is what one user did at one instant; times are digits, so that they end where a user begins.
        visit = pl.concat_str(time.cast(pl.String).fill_null(""), pl.lit(" "), user)
        rows = rows.select("product_id", order=order, visit=pl.when(order.is_null()).then(visit))
        ordered = rows.filter(pl.col("order").is_not_null())
        loose = rows.filter(pl.col("visit").is_not_null())
        self.unplaced += rows.height - ordered.height - loose.height
        self._keep(self.orders, ordered["order"], ordered["product_id"])
        self._keep(self.visits, loose["visit"], loose["product_id"])

    def _keep(self, baskets: _Numbers, keys: pl.Series, products: pl.Series) -> None:
        if len(keys):
            basket, basket_part = baskets.add(keys)
            item, item_part = self.items.add(products)
            self._rows.append((baskets, basket, item, basket_part, item_part))

    def pairs(self) -> np.ndarray:
        """Return the number of the basket · 2³² + that of the product, int64 a row; the rows are given up."""
        for numbers in (self.orders, self.visits, self.items):
            numbers.unite()
        pairs = np.empty(sum(len(basket) for _, basket, *_ in self._rows), np.int64)
        at = len(pairs)
        while self._rows:
            baskets, basket, item, basket_part, item_part = self._rows.pop()
            part = pairs[at - len(basket) : at]
            part[:] = baskets.of(basket_part)[basket]
            if baskets is self.visits:
                part += len(self.orders)
            part <<= 32
            part |= self.items.of(item_part)[item]
            at -= len(basket)
        return pairs


class _Numbers:
    """Numbers for texts that come in parts: one within each part at first, united in the end."""

    def __init__(self) -> None:
        self._parts: list[pl.Series] = []
        self._united: list[np.ndarray] = []
        self._values = pl.Series("id", [], dtype=pl.String)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, texts: pl.Series) -> tuple[np.ndarray, int]:
        """Return the number of each text within this part, int32, and that of the part."""
        encoded = pc.dictionary_encode(texts.rechunk().to_arrow())
        self._parts.append(pl.Series("id", pl.from_arrow(encoded.dictionary), dtype=pl.String))
        return np.from_dlpack(encoded.indices).astype(np.int32), len(self._parts) - 1

    def unite(self) -> None:
        """Number the texts of all parts alike."""
        if self._parts:
            encoded = pc.dictionary_encode(pl.concat(self._parts, rechunk=True).to_arrow())
            ends = np.cumsum([len(part) for part in self._parts])
            self._united = np.split(np.from_dlpack(encoded.indices), ends[:-1])
            self._values = pl.Series("id", pl.from_arrow(encoded.dictionary), dtype=pl.String)
            self._parts = []

    def of(self, part: int) -> np.ndarray:
        """Return the number of each text of a part."""
        return self._united[part]

    def values(self) -> pl.Series:
        """Return the text of each number."""
        return self._values
