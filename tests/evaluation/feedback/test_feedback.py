from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.evaluation.feedback.impressions import NO_MODEL, evaluate_feedback, impressions_of
from prodassoc_cli.evaluation.metrics.registry import ALL_METRICS
from tests.conftest import SAMPLE
from tests.evaluation.feedback.test_offpolicy import log
from tests.evaluation.frames import bought


def row(
    user: str, of: str, product: str, position: int, model: str, *events: str, revenue: float | None = None
):
    return [
        {"user_id": user, "list_id": of, "product_id": product, "position": position, "model": model,
         "event": event, "revenue": revenue}
        for event in ("impression", *events)
    ]  # fmt: skip


ROWS = [
    *row("u", "1", "a", 1, "new", "click", "purchase", revenue=4.0),
    *row("u", "1", "b", 2, "new"),
    *row("v", "2", "a", 1, "new", "click"),
    *row("v", "2", "b", 2, "new", revenue=9.0),
    *row("u", "3", "a", 1, "old"),
    *row("w", "4", "a", 1, "old", "click"),
]


def test_rows_by_hand():
    found = evaluate_feedback(impressions_of(log(ROWS)), baseline="old")
    values = {(m, metric, s): (v, n) for m, metric, _, v, _, _, n, s in found.iter_rows()}
    assert values["new", "ctr", None] == (0.5, 4)
    assert values["new", "conversion", None] == (0.25, 4)
    assert values["new", "clicks_per_list", None] == (1.0, 2)
    assert values["new", "revenue_per_list", None] == (2.0, 2)  # what was not bought earned nothing
    assert values["new", "ctr", "position: 1"] == (1.0, 2)
    assert values["new", "ctr", "position: 2"] == (0.0, 2)
    assert values["old", "ctr", None] == (0.5, 2)
    assert values["new", "ctr_uplift", None][0] == pytest.approx(0.0)
    assert ("old", "ctr_uplift", None) not in values
    assert all(metric in ALL_METRICS for _, metric, _ in values)


def test_what_a_log_must_have():
    with pytest.raises(BadData, match="no impressions"):
        impressions_of(bought(u="a"))
    shown = impressions_of(log(ROWS))
    with pytest.raises(UsageProblem, match="no model 'odl'") as caught:
        evaluate_feedback(shown, baseline="odl")
    assert caught.value.hint == "did you mean 'old'?"
    unnamed = impressions_of(log([{**each, "model": None} for each in ROWS]))
    assert unnamed["model"].unique().to_list() == [NO_MODEL]


def test_the_order_of_rows_does_not_matter():
    rows = log(ROWS)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=1)
    one, other = (evaluate_feedback(impressions_of(each), "old") for each in (rows, shuffled))
    assert one.equals(other)


def test_intervals_hold_the_uplift_that_was_put_in():
    inside, runs = 0, 40
    for seed in range(runs):
        random = np.random.default_rng(seed)
        users = 1_200
        own = random.beta(2, 8, size=users)
        model = np.where(random.random(users) < 0.5, "new", "old")
        rows = pl.DataFrame({"cluster": np.repeat(np.arange(users), 5), "model": np.repeat(model, 5)})
        chance = np.repeat(own, 5) * np.where(rows["model"] == "new", 1.5, 1.0)
        shown = rows.with_columns(
            pl.Series("clicked", (random.random(users * 5) < chance).astype(float)),
            bought=pl.lit(0.0), revenue=pl.lit(0.0), list_id=pl.col("cluster").cast(pl.String),
            position=pl.lit(1, pl.Int32), propensity=pl.lit(None, pl.Float64),
        )  # fmt: skip
        low, high = evaluate_feedback(shown, "old").filter(metric="ctr_uplift").select("low", "high").row(0)
        inside += low <= 0.5 <= high
    assert inside >= 0.85 * runs


def test_the_sample_log_tells_what_was_planted(clean_feedback):
    shown = impressions_of(clean_feedback)
    assert shown.height == 5_000
    truth = json.loads((SAMPLE / "truth.json").read_text())["feedback.csv"]["models"]
    found = evaluate_feedback(shown, "popularity").filter(metric="clicks_per_list")
    for model, low, high, n in found.select("model", "low", "high", "n").iter_rows():
        assert low <= truth[model]["clicks_per_list_expected"] <= high
        assert n == truth[model]["lists"]
    uplift = evaluate_feedback(shown, "popularity").filter(metric="ctr_uplift")
    planted = (
        truth["hybrid"]["clicks_per_list_expected"] / truth["popularity"]["clicks_per_list_expected"] - 1
    )
    assert uplift["low"].item() <= planted <= uplift["high"].item()
    by_position = evaluate_feedback(shown).filter(
        pl.col("segment").is_not_null() & (pl.col("metric") == "ctr")
    )
    assert by_position["segment"].n_unique() == 10


@pytest.fixture(scope="module")
def clean_feedback():
    from prodassoc_cli.intake.formats.sources import Source
    from prodassoc_cli.settings import CleanConfig
    from tests.intake.cleaned_orders import clean_orders

    path = SAMPLE / "feedback.csv"
    return clean_orders([Source(path.name, path)], CleanConfig(), lambda _: None).interactions
