"""Small frames for the tests of this folder, and strategies that draw them."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from hypothesis import strategies as st

INTERACTIONS = {
    "user_id": pl.String,
    "order_id": pl.String,
    "product_id": pl.String,
    "event": pl.String,
    "quantity": pl.Float64,
    "price": pl.Float64,
    "rating": pl.Float64,
    "timestamp": pl.Datetime("us"),
}


def interactions(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows as dicts; what is left out is null, the event a purchase."""
    filled = [dict.fromkeys(INTERACTIONS) | {"event": "purchase"} | row for row in rows]
    return pl.DataFrame(filled, schema=INTERACTIONS)


def bought(**baskets: str) -> pl.DataFrame:
    """`bought(u="a b")`: user u bought a and b."""
    return interactions(
        *[
            {"user_id": user, "product_id": product}
            for user, products in baskets.items()
            for product in products.split()
        ]
    )


def lists(**rows: str) -> pl.DataFrame:
    """`lists(u="a b")`: user u is recommended a, then b."""
    found = [
        (user, rank, product, 1.0 / rank, "because")
        for user, products in rows.items()
        for rank, product in enumerate(products.split(), 1)
    ]
    return pl.DataFrame(
        found,
        schema={
            "user_id": pl.String,
            "rank": pl.Int32,
            "product_id": pl.String,
            "score": pl.Float64,
            "reason": pl.String,
        },
        orient="row",
    )


def day(number: int) -> datetime:
    return datetime(2024, 1, number)


USERS = st.sampled_from([f"{number:02}" for number in range(8)])
PRODUCTS = st.sampled_from([f"p{number}" for number in range(12)])
TRUTHS = st.dictionaries(USERS, st.sets(PRODUCTS, min_size=1, max_size=7), min_size=1)
LISTS = st.dictionaries(USERS, st.lists(PRODUCTS, unique=True, max_size=9))
