"""`--where` compares dates: columns of texts such as 2025-12-31, and of dates."""

from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.serving.filters import allowed_items

DAYS = ["2025-01-31", None, "2025-12-31", "2024-12-31"]


def items(listed: pl.Series):
    ids = ["a", "b", "c", "d"]
    products = pl.DataFrame({"product_id": ids, "listed_on": listed, "price": [1.0, 2.0, None, 3.0]})
    missing = dict.fromkeys(("order_id", "quantity", "rating", "timestamp"))
    bought = pl.DataFrame({"user_id": ["u"] * 4, "product_id": ids, "event": ["purchase"] * 4, **missing})
    return TrainingData.from_frames(bought, products=products).items


@pytest.mark.parametrize("as_dates", [False, True])
@pytest.mark.parametrize(
    ("condition", "allowed"),
    [("listed_on>=2025-01-31", "ac"), ("listed_on>2025-01-31", "c"), ("listed_on<2025-01", "d")],
)
def test_dates_are_compared_as_days(condition, allowed, as_dates):
    listed = pl.Series("listed_on", DAYS, pl.String)
    mask, _ = allowed_items(items(listed.str.to_date() if as_dates else listed), [condition])
    assert "".join(name for name, holds in zip("abcd", mask, strict=True) if holds) == allowed


def test_other_texts_are_not_ordered():
    listed = pl.Series("listed_on", DAYS, pl.String)
    with pytest.raises(BadData):
        allowed_items(items(listed), ["listed_on>=spring"])
    with pytest.raises(UsageProblem):
        allowed_items(items(listed), ["price>=2025-01-31"])
