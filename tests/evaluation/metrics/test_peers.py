"""Beside RecTools (metrics) and obp (off-policy estimates), where they are installed: no dependencies.

Where RecTools 0.19 says something else, and why it is not compared:

- IntraListDiversity divides the diversity of a list shorter than k by the pairs of k rows; here by its own.
- AvgRecPopularity counts interactions, and normalised divides by their number; `popularity` divides by users.
- Serendipity weighs a hit by how far it lies from the best-seller in rank; here it counts or does not.
- PAP and PartialAUC compare with the first misses only; `auc` ties everything that is not listed.
- MAP divides by min(k, |relevant|) on request only; by default by |relevant|, as here.
- NDCG is cut at k in the ideal with divide_by_achievable=True only.
- obp 0.4.1 takes the weights of whole policies; a list judged here is a policy of one product.
"""

from __future__ import annotations

import importlib.util
import sys
from unittest import mock

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.evaluation.feedback.offpolicy import estimate_offpolicy, expected_clicks
from tests.evaluation.frames import bought, lists
from tests.evaluation.lists import evaluate_lists

PRODUCTS = [f"p{number:02}" for number in range(30)]
K = 5


@pytest.fixture(scope="module")
def shop():
    random = np.random.default_rng(5)
    users = [f"u{number:03}" for number in range(80)]

    def draw(most: int) -> dict:
        return {u: list(random.choice(PRODUCTS, random.integers(1, most), replace=False)) for u in users}

    return draw(9), draw(6), {u: list(random.permutation(PRODUCTS)[:8]) for u in users}


def test_metrics_are_those_of_rectools(shop):
    metrics = pytest.importorskip("rectools.metrics", reason="RecTools is not installed")
    import pandas as pd
    from rectools import Columns

    train, truth, rows = shop

    def table(pairs: dict) -> pd.DataFrame:
        return pd.DataFrame(
            [(u, p) for u, products in pairs.items() for p in products], columns=[Columns.User, Columns.Item]
        )

    recommended = table(rows)
    recommended[Columns.Rank] = recommended.groupby(Columns.User).cumcount() + 1
    category = {p: f"C{number % 4}" for number, p in enumerate(PRODUCTS)}
    features = pd.get_dummies(pd.Series(category), dtype=float)
    hamming = metrics.PairwiseHammingDistanceCalculator(features)
    theirs = metrics.calc_metrics(
        {
            "precision": metrics.Precision(k=K), "recall": metrics.Recall(k=K), "f1": metrics.F1Beta(k=K),
            "hit_rate": metrics.HitRate(k=K), "map": metrics.MAP(k=K), "mrr": metrics.MRR(k=K),
            "ndcg": metrics.NDCG(k=K, divide_by_achievable=True), "accuracy": metrics.Accuracy(k=K),
            "coverage": metrics.CatalogCoverage(k=K, normalize=True), "novelty": metrics.MeanInvUserFreq(k=K),
            "diversity": metrics.IntraListDiversity(k=K, distance_calculator=hamming),
        },
        reco=recommended, interactions=table(truth), prev_interactions=table(train), catalog=PRODUCTS,
    )  # fmt: skip

    def as_text(pairs: dict) -> dict:
        return {u: " ".join(products) for u, products in pairs.items()}

    products = pl.DataFrame({"product_id": PRODUCTS, "category": [category[p] for p in PRODUCTS]})
    ours = dict(
        evaluate_lists(
            {"m": lists(**as_text(rows))}, bought(**as_text(truth)), [K], bought(**as_text(train)), products
        )
        .select("metric", "value")
        .iter_rows()
    )
    # In RecTools half of the products in common is half a distance of one-hot rows: two of four differ.
    theirs["diversity"] /= 2
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-9), name


def test_estimates_are_those_of_obp():
    # obp's learners of policies want torch; the estimators compared here do not.
    with mock.patch.dict(sys.modules, {} if importlib.util.find_spec("torch") else _no_torch()):
        obp = pytest.importorskip("obp.ope.estimators", reason="obp is not installed")
    from tests.evaluation.feedback.test_offpolicy import independent_log

    shown, target, _ = independent_log(seed=4, rows=4_000)
    found = dict(estimate_offpolicy("m", target, shown).metrics.select("metric", "value").iter_rows())
    joined = shown.join(target, on="user_id", suffix="_own", maintain_order="left")
    actions = joined["product_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    own = pl.concat([joined["product_id"], joined["product_id_own"]]).rank("dense").cast(pl.Int64).to_numpy()
    policy = np.zeros((joined.height, int(own.max()), 1))
    policy[np.arange(joined.height), own[joined.height :] - 1, 0] = 1
    given = {
        "reward": joined["clicked"].to_numpy(),
        "action": actions,
        "pscore": joined["propensity"].to_numpy(),
        "action_dist": policy,
        "position": np.zeros(joined.height, dtype=int),
    }
    assert found["ips_ctr"] == pytest.approx(obp.InverseProbabilityWeighting().estimate_policy_value(**given))
    # Its weights cannot be clipped; a propensity raised to 1/λ clips that of a certain choice at λ.
    raised = {**given, "pscore": np.maximum(given["pscore"], 1 / np.sqrt(joined.height))}
    assert found["clipped_ips_ctr"] == pytest.approx(
        obp.InverseProbabilityWeighting().estimate_policy_value(**raised)
    )
    of_own, of_logged = expected_clicks(joined.rename({"product_id_own": "own"}))
    model = np.zeros_like(policy)
    model[np.arange(joined.height), actions, 0] = of_logged
    model[np.arange(joined.height), own[joined.height :] - 1, 0] = of_own
    assert found["dr_ctr"] == pytest.approx(
        obp.DoublyRobust().estimate_policy_value(**given, estimated_rewards_by_reg_model=model)
    )
    assert found["snips_ctr"] == pytest.approx(
        obp.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given)
    )


def _no_torch() -> dict:
    torch = mock.MagicMock()
    torch.nn.Module = torch.utils.data.Dataset = type("Absent", (), {})
    torch.Tensor = torch.nn.Module
    return {
        "torch": torch, "torch.nn": torch.nn, "torch.nn.functional": torch.nn.functional,
        "torch.optim": torch.optim, "torch.utils": torch.utils, "torch.utils.data": torch.utils.data,
    }  # fmt: skip
