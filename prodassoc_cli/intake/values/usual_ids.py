"""What ids usually look like, counted over all rows: it tells what an unusual one means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from prodassoc_cli.intake.values.conventions import cannot_append
from prodassoc_cli.intake.values.ids import digits_only


@dataclass(frozen=True)
class UsualIds:
    """What is usual among all rows.

    Attributes:
        some_users: whether any row names a user.
        numbered_orders: whether most order ids are digits only, but not all.
        coded_products: whether most product ids hold digits.
    """

    some_users: bool = True
    numbered_orders: bool = False
    coded_products: bool = False


COUNTS = ("users", "orders", "numbered_orders", "products", "coded_products")


class IdCounts:
    """Counts ids, and those that look like codes.

    Args:
        before: counts of lines cleaned before, to which these are added.
    """

    def __init__(self, before: dict[str, Any] | None = None) -> None:
        self._before = before or {}
        self._counts = {name: int(self._before.get(name, 0)) for name in COUNTS}

    def add(self, orders: pl.Series | None, users: pl.Series | None) -> None:
        """Count ids of orders and users; None where there is no such field."""
        if orders is not None:
            self._counts["orders"] += len(orders) - orders.null_count()
            self._counts["numbered_orders"] += digits_only(orders)
        if users is not None:
            self._counts["users"] += len(users) - users.null_count()

    def add_products(self, ids: pl.Series, times: np.ndarray) -> None:
        """Count distinct products, each as often as it occurs; null is none."""
        named = ids.is_not_null().to_numpy()
        coded = ids.str.contains(r"\d").fill_null(value=False).to_numpy()
        self._counts["products"] += int(times[named].sum())
        self._counts["coded_products"] += int(times[coded].sum())

    def take(self, counts: dict[str, int]) -> None:
        """Take what was counted elsewhere, as `facts` returns it."""
        for name, count in counts.items():
            self._counts[name] += count

    def facts(self) -> dict[str, int]:
        """Return the counts, those of earlier lines included; of users only whether there are any."""
        return self._counts | {"users": int(self._counts["users"] > 0)}

    def usual(self) -> UsualIds:
        """Decide what is usual.

        Raises:
            BadData: the lines before looked otherwise.
        """
        found = _usual(self._counts)
        if self._before and _usual(self._before) != found:
            raise cannot_append("users, order ids or product ids look otherwise")
        return found


def _usual(counts: dict[str, Any]) -> UsualIds:
    users, orders, digits, products, coded = (counts[name] for name in COUNTS)
    return UsualIds(users > 0, 0 < orders <= 2 * digits < 2 * orders, coded * 2 > products > 0)
