"""What is told of all interactions does not depend on the parts they came in, here or elsewhere."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.intake.columns.schema import EVENT, INTERACTIONS
from prodassoc_cli.intake.values.categories import coded
from prodassoc_cli.intake.values.counters import Description

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from([None, "u", "v"]),
            "order_id": st.sampled_from([None, "1", "2", "3"]),
            "product_id": st.sampled_from(["a", "b", "c", "d"]),
            "event": st.sampled_from(["purchase", "view"]),
            "timestamp": st.sampled_from([None, datetime(2024, 1, 1), datetime(2024, 1, 2)]),
        }
    ),
    min_size=1,
    max_size=25,
)


@given(ROWS, st.integers(1, 10), st.integers(1, 25))
def test_counts_are_those_of_all_parts(rows, size, elsewhere):
    frame = pl.DataFrame(rows, schema=INTERACTIONS)
    codes = coded(pl.Series("product_id", [*frame["product_id"], "never bought"])).head(frame.height)
    frame = frame.with_columns(codes, pl.col("event").cast(EVENT))
    here, there = Description(), Description()
    for part in frame.head(elsewhere).iter_slices(size):
        there.add(part)
    for part in frame.slice(elsewhere).iter_slices(size):
        here.add(part)
    here.take(there.tables())
    told = here.facts()
    times = frame["timestamp"].drop_nulls()
    assert told == {
        "rows": frame.height,
        "users": frame["user_id"].drop_nulls().n_unique(),
        "orders": frame["order_id"].drop_nulls().n_unique(),
        "products": frame["product_id"].n_unique(),
        "events": dict(frame.group_by("event").len().sort(pl.col("event").cast(pl.String)).rows()),
        "first": str(times.min()) if len(times) else None,
        "last": str(times.max()) if len(times) else None,
    }
    assert here.facts() == told
