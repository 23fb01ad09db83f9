"""Small shops whose right answers are plain to see."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from prodassoc_cli.models.data import TrainingData

N_USERS, N_ITEMS = 40, 20
COLD = ("i18", "i19")
"""Products that nobody has bought yet, in tests of new ones."""


def checkerboard() -> tuple[TrainingData, dict[str, str]]:
    """Users buy the products of their own parity, all but one: that one is the answer."""
    rows, answers = [], {}
    start = datetime(2025, 1, 1)
    for user in range(N_USERS):
        own = [item for item in range(N_ITEMS) if item % 2 == user % 2]
        left_out = own[(user // 2) % len(own)]
        answers[f"u{user:02}"] = f"i{left_out:02}"
        for n, item in enumerate(each for each in own if each != left_out):
            order = n % 3
            rows.append((f"u{user:02}", f"o{user}-{order}", f"i{item:02}", start + timedelta(days=order)))
    interactions = lines(rows)
    return TrainingData.from_frames(interactions, catalogue(), vectors()), answers


def lines(rows: list[tuple[str | None, str | None, str, datetime | None]]) -> pl.DataFrame:
    """Return purchases as interactions."""
    frame = pl.DataFrame(
        rows,
        schema={
            "user_id": pl.String,
            "order_id": pl.String,
            "product_id": pl.String,
            "timestamp": pl.Datetime("us"),
        },
        orient="row",
    )
    return frame.with_columns(
        event=pl.lit("purchase"),
        quantity=pl.lit(1.0),
        price=pl.lit(None, pl.Float64),
        rating=pl.lit(None, pl.Float64),
    )


def catalogue() -> pl.DataFrame:
    """Return products in two departments, with a column of the shop's own."""
    return pl.DataFrame(
        {
            "product_id": [f"i{item:02}" for item in range(N_ITEMS)],
            "title": [f"Thing {item}" for item in range(N_ITEMS)],
            "description": [None] * N_ITEMS,
            "brand": [("Odd Ltd" if item % 2 else "Even & Co") for item in range(N_ITEMS)],
            "category": [("Goods > Odd > Deep" if item % 2 else "Goods > Even") for item in range(N_ITEMS)],
            "price": [float(item) for item in range(N_ITEMS)],
            "colour": ["red" if item < 4 else "blue" for item in range(N_ITEMS)],
        },
        schema_overrides={"description": pl.String},
    )


def vectors() -> pl.DataFrame:
    """Return an embedding a product: one direction a parity, and a little of its own."""
    rng = np.random.default_rng(0)
    array = 0.1 * rng.standard_normal((N_ITEMS, 8)).astype(np.float32)
    array[np.arange(N_ITEMS), np.arange(N_ITEMS) % 2] += 1
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    ids = [f"i{item:02}" for item in range(N_ITEMS)]
    return pl.DataFrame({"product_id": ids, "embedding": pl.Series(array, dtype=pl.Array(pl.Float32, 8))})


def random_shop(
    seed: int, *, users: int = 60, items: int = 25, anonymous: int = 30, loyalty: float = 0.0
) -> pl.DataFrame:
    """Return purchases with tastes and anonymous orders; with loyalty, users have favourites of their own."""
    rng = np.random.default_rng(seed)
    start = datetime(2025, 1, 1)
    taste = rng.dirichlet(np.full(items, 0.3), size=4)
    rows = []
    for user in range(users):
        for order in range(int(rng.integers(1, 5))):
            chosen = rng.choice(items, size=int(rng.integers(1, 5)), p=taste[user % 4])
            favourites = (7 * user + np.arange(3)) % items
            loyal = rng.random(len(chosen)) < loyalty
            chosen = np.where(loyal, rng.choice(favourites, len(chosen)), chosen)
            when = start + timedelta(days=int(rng.integers(0, 300)))
            rows += [(f"u{user}", f"o{user}-{order}", f"i{item:02}", when) for item in chosen]
    for order in range(anonymous):
        chosen = rng.choice(items, size=3, p=taste[order % 4])
        rows += [(None, f"a{order}", f"i{item:02}", start) for item in chosen]
    return lines(rows)


def shop_without(products: tuple[str, ...]) -> TrainingData:
    """Return a random shop with a catalogue of products of which nobody bought these."""
    shop = random_shop(3, users=200, items=N_ITEMS).filter(~pl.col("product_id").is_in(products))
    return TrainingData.from_frames(shop, catalogue(), vectors())
