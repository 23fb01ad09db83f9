"""What is likely a mistake is said alike, whether rows are looked at here or in parts elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from prodassoc_cli.intake.rules.suspicions import Suspicions


def interactions(n=120, **columns):
    """Return rows of which nothing is suspicious, but for the columns given."""
    start = datetime(2024, 1, 1)
    plain = {
        "user_id": [f"u{row % 30}" for row in range(n)],
        "order_id": [f"o{row // 2}" for row in range(n)],
        "product_id": [f"p{row % 7}" for row in range(n)],
        "rating": pl.Series([None] * n, dtype=pl.Float64),
        "timestamp": [start + timedelta(days=row // 2) for row in range(n)],
    }
    return pl.DataFrame(plain | columns)


SUSPECT = {
    "nothing": ({}, None),
    "letters": ({"product_id": ["Tin", "TIN", "jug"] * 40}, "products such as TIN and Tin differ"),
    "numbers anew": ({"order_id": [f"{row % 10}" for row in range(120)]}, "order 0 and others stand on"),
    "one user": (
        {"user_id": ["guest"] * 80 + [f"u{row}" for row in range(40)]},
        "one user has 80 of 120 rows",
    ),
    "one user after others": (
        {"user_id": [f"u{row % 4}" for row in range(40)] + ["guest"] * 80},
        "one user has 80 of 120 rows",
    ),
    "zeros": ({"rating": [0.0, 0.0, 3.0, 4.0, 5.0, 1.0] * 20}, "40 ratings of 0"),
}


@pytest.mark.parametrize("name", SUSPECT)
@pytest.mark.parametrize("rows_a_part", [7, 50, 1000])
def test_parts_say_the_same_here_and_elsewhere(name, rows_a_part):
    columns, wanted = SUSPECT[name]
    rows = interactions(**columns)
    here, in_parts, there = Suspicions(), Suspicions(), Suspicions()
    here.add(rows)
    for part in rows.iter_slices(rows_a_part):
        in_parts.add(part)
        there.take(Suspicions().tables(part))
    said = list(here.cautions(rows["product_id"].unique()))
    assert list(in_parts.cautions(rows["product_id"].unique())) == said
    assert list(there.cautions()) == said
    assert len(said) == (wanted is not None)
    assert wanted is None or said[0].startswith(wanted)


def test_parts_without_users_or_orders_say_nothing():
    nobody = pl.Series([None] * 120, dtype=pl.String)
    there = Suspicions()
    there.take(Suspicions().tables(interactions(user_id=nobody, order_id=nobody)))
    assert list(there.cautions()) == []
