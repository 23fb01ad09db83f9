"""Off-policy estimates on logs whose answer is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.evaluation.feedback.impressions import impressions_of
from prodassoc_cli.evaluation.feedback.offpolicy import estimate_offpolicy, notices
from tests.evaluation.frames import interactions, lists

PRODUCTS = 8
ESTIMATES = ("ips_ctr", "clipped_ips_ctr", "snips_ctr", "dr_ctr")


def independent_log(seed: int, rows: int, users: int = 200) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """One product per row, drawn by known chances that differ by user; return log, lists and true CTR."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(PRODUCTS, 2.0), size=users) * 0.8 + 0.2 / PRODUCTS
    liking = random.beta(2, 5, size=(users, PRODUCTS))
    user = random.integers(users, size=rows)
    product = (chances[user].cumsum(axis=1) > random.random(rows)[:, None]).argmax(axis=1)
    click = random.random(rows) < liking[user, product]
    best = liking.argmax(axis=1)
    shown = pl.DataFrame(
        {
            "user_id": [f"u{each:03}" for each in user],
            "list_id": [f"l{each}" for each in range(rows)],
            "product_id": [f"p{each}" for each in product],
            "position": np.ones(rows, np.int32),
            "model": ["logging"] * rows,
            "propensity": chances[user, product],
            "clicked": click.astype(float),
            "bought": np.zeros(rows),
            "revenue": np.zeros(rows),
            "cluster": user.astype(np.int64),
        }
    )
    target = lists(**{f"u{each:03}": f"p{best[each]}" for each in range(users)})
    return shown, target, float(liking[user, best[user]].mean())


def found_in(result) -> dict[str, tuple]:
    return {
        m: (v, low, high)
        for m, v, low, high in result.metrics.select("metric", "value", "low", "high").iter_rows()
    }


def test_the_true_rate_lies_in_the_interval_about_as_often_as_it_says():
    inside = dict.fromkeys(ESTIMATES, 0)
    errors = {name: [] for name in ESTIMATES}
    runs = 60
    for seed in range(runs):
        shown, target, truth = independent_log(seed, 3_000)
        found = found_in(estimate_offpolicy("best", target, shown))
        for name in ESTIMATES:
            value, low, high = found[name]
            inside[name] += low <= truth <= high
            errors[name].append(value - truth)
    for name in ("ips_ctr", "snips_ctr", "dr_ctr"):
        assert inside[name] >= 0.85 * runs, name
        # Unbiased: the mean error is within three of its standard errors.
        assert abs(np.mean(errors[name])) < 3 * np.std(errors[name]) / np.sqrt(runs) + 0.003, name
    assert np.std(errors["snips_ctr"]) < np.std(errors["ips_ctr"])
    assert np.mean(errors["clipped_ips_ctr"]) <= np.mean(errors["ips_ctr"]) + 1e-12


def test_what_users_saw_on_average_would_mislead():
    shown, target, truth = independent_log(0, 20_000)
    found = found_in(estimate_offpolicy("best", target, shown))
    assert abs(shown["clicked"].mean() - truth) > 0.1
    assert abs(found["dr_ctr"][0] - truth) < 0.03


def test_judging_the_very_log_gives_its_rate():
    rows = [
        {
            "user_id": f"u{n}",
            "list_id": f"l{n}",
            "product_id": "a",
            "position": 1,
            "propensity": 1.0,
            "event": e,
        }
        for n in range(40)
        for e in (["impression", "click"] if n % 4 == 0 else ["impression"])
    ]
    frame = log(rows)
    found = found_in(
        estimate_offpolicy("same", lists(**{f"u{n}": "a" for n in range(40)}), impressions_of(frame))
    )
    for name in ESTIMATES:
        assert found[name][0] == pytest.approx(0.25)
    assert found["overlap"][0] == 1
    assert found["effective_n"][0] == pytest.approx(40)


def log(rows: list[dict]) -> pl.DataFrame:
    own = ("list_id", "position", "model", "propensity", "revenue")
    frame = interactions(*[{name: value for name, value in row.items() if name not in own} for row in rows])
    schema = {"list_id": pl.String, "position": pl.Int32, "model": pl.String,
              "propensity": pl.Float64, "revenue": pl.Float64}  # fmt: skip
    more = pl.DataFrame([{name: row.get(name) for name in own} for row in rows], schema=schema)
    return frame.hstack(more)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pl.lit(None, pl.Float64).alias("propensity"), "no propensity"),
        (pl.lit(0.0).alias("propensity"), "not above 0"),
        (pl.lit(2.0).alias("propensity"), "at most 1"),
        (pl.lit("elsewhere").alias("product_id"), "too little overlap"),
        (pl.lit("nobody").alias("user_id"), "no user of the log"),
        (pl.lit(None, pl.Int32).alias("position"), "no position"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(change, reason):
    shown, target, _ = independent_log(1, 500)
    result = estimate_offpolicy("m", target, shown.with_columns(change))
    assert reason in result.refusal
    assert result.metrics.is_empty()


def test_lists_the_log_could_not_show_are_noticed():
    shown, target, _ = independent_log(2, 4_000)
    half = target.with_columns(
        pl.when(pl.col("user_id").str.ends_with("0") | pl.col("user_id").str.ends_with("1"))
        .then(pl.lit("never")).otherwise("product_id").alias("product_id")
    )  # fmt: skip
    result = estimate_offpolicy("m", half, shown)
    assert result.odd_weight < 1
    assert "could not show part" in notices({"m": result})[0]
    assert notices({"m": estimate_offpolicy("m", target, shown)}) == []
