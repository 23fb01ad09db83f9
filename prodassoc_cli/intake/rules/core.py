"""The core: products and users with enough rows, found by dropping what is rare repeatedly."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from prodassoc_cli.intake.rules.rules import REASON


class Core:
    """The rows left when rare products, then rare users, are dropped until none is rare any more.

    Rows without a user have no user to be rare; they count for their product. What is held of a row are 9
    bytes, whatever part it came in.
    """

    def __init__(self) -> None:
        self._ids = {name: pl.Series(name, [], dtype=pl.String) for name in ("product_id", "user_id")}
        self._codes: list[tuple[NDArray[np.uint32], ...]] = []
        self._reasons: list[NDArray[np.int8]] = []

    def add(self, lines: pl.DataFrame) -> None:
        """Take the kept rows of the next part, with product_id and user_id."""
        self._codes.append(tuple(self._coded(lines[name]) for name in self._ids))
        self._reasons.append(np.zeros(lines.height, np.int8))

    def find(self, min_item_count: int, min_user_count: int) -> None:
        """Drop what is rare, repeatedly.

        Args:
            min_item_count: rows that a product needs.
            min_user_count: rows that a user needs.
        """
        sizes = [len(ids) + 1 for ids in self._ids.values()]
        left = -1
        while left != (left := sum(int((reason == 0).sum()) for reason in self._reasons)):
            for which, minimum in enumerate((min_item_count, min_user_count)):
                counts = np.zeros(sizes[which], np.int64)
                for codes, reason in zip(self._codes, self._reasons, strict=True):
                    counts += np.bincount(codes[which][reason == 0], minlength=sizes[which])
                counts[0] = minimum  # nobody
                for codes, reason in zip(self._codes, self._reasons, strict=True):
                    reason[(reason == 0) & (counts < minimum)[codes[which]]] = which + 1

    def reason(self, part: int) -> pl.Series:
        """Return `rare_product` or `rare_user` (REASON) for the rows of a part, null where the row stays."""
        names = pl.Series("reason", self._reasons[part]).replace_strict(
            {0: None, 1: "rare_product", 2: "rare_user"}, return_dtype=pl.String
        )
        return names.cast(REASON)

    def _coded(self, texts: pl.Series) -> NDArray[np.uint32]:
        """Return a number from 1 for each text, the same in all parts; 0 where there is none."""
        known = pl.concat([self._ids[texts.name], texts]).unique(maintain_order=True).drop_nulls()
        self._ids[texts.name] = known
        codes = texts.cast(pl.Enum(known)).to_physical().cast(pl.UInt32)
        return (codes + 1).fill_null(0).to_numpy()


def rare(lines: pl.DataFrame, min_item_count: int, min_user_count: int) -> pl.Series:
    """Find the rows outside the core; see `Core`."""
    core = Core()
    core.add(lines)
    core.find(min_item_count, min_user_count)
    return core.reason(0)
