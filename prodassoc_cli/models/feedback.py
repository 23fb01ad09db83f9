"""What a log of lists shown teaches: clicks and purchases speak for a product, dismissals against it.

That a product was shown says nothing of what anyone wants; that it was shown and not clicked says little, as
few look at the lower places. So impressions are left out.
"""

from __future__ import annotations

import polars as pl

from prodassoc_cli.errors import BadData

TEACHING = ("click", "purchase", "cart", "dismiss")
"""Events of a log that a model learns from."""


def with_feedback(interactions: pl.DataFrame, log: pl.DataFrame) -> pl.DataFrame:
    """Return the interactions and what the log adds to them.

    A purchase of the log that the orders hold too (same user, product and day) is left out: it would count
    twice. So is any row without a user.

    Args:
        interactions: orders, made by `clean`.
        log: interactions of a feedback log, made by `clean`.

    Raises:
        BadData: the log has no event to learn from.
    """
    rows = log.filter(pl.col("event").is_in(TEACHING) & pl.col("user_id").is_not_null())
    if rows.is_empty():
        raise BadData(
            "the feedback has no click, purchase or dismissal of a user to learn from",
            "clean a log with the columns user_id, product_id, position, click",
        )
    key = ["user_id", "product_id", "event", "day"]
    day = pl.col("timestamp").dt.date().alias("day")
    known = interactions.filter(pl.col("event") == "purchase").select("user_id", "product_id", "event", day)
    new = rows.with_columns(day).join(known, on=key, how="anti", maintain_order="left")
    known_columns = [name for name in interactions.columns if name in new.columns]
    return pl.concat([interactions, new.select(known_columns)], how="diagonal")
