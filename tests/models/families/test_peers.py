"""Other libraries as oracles, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from prodassoc_cli.models.data import TrainingData, binary
from prodassoc_cli.models.families.item_knn import ItemKnnParameters, item_similarities
from prodassoc_cli.models.model import train
from prodassoc_cli.models.split import user_queries
from tests.models.shops import random_shop


def test_bm25_neighbours_are_those_of_implicit():
    nearest = pytest.importorskip(
        "implicit.nearest_neighbours", reason="implicit is not installed: pip install implicit"
    )
    data = TrainingData.from_frames(random_shop(4, users=150, items=60, anonymous=0))
    theirs = nearest.BM25Recommender(K=data.n_items, num_threads=1)
    theirs.fit(sparse.csr_matrix(binary(data.weights)), show_progress=False)
    expected = theirs.similarity.toarray()
    np.fill_diagonal(expected, 0)
    ours = item_similarities(binary(data.weights), ItemKnnParameters(10_000, "bm25"), 2)
    np.testing.assert_allclose(ours.toarray(), expected, rtol=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cosine_neighbours_and_lists_are_those_of_implicit(seed):
    nearest = pytest.importorskip(
        "implicit.nearest_neighbours", reason="implicit is not installed: pip install implicit"
    )
    data = TrainingData.from_frames(random_shop(seed, users=150, items=60, anonymous=0))
    x = sparse.csr_matrix(binary(data.weights))  # implicit knows no sparse arrays
    theirs = nearest.CosineRecommender(K=data.n_items, num_threads=1)
    theirs.fit(x, show_progress=False)
    expected = theirs.similarity.toarray()
    np.fill_diagonal(expected, 0)  # each is its own nearest there
    ours = item_similarities(binary(data.weights), ItemKnnParameters(10_000, "cosine"), 2)
    np.testing.assert_allclose(ours.toarray(), expected, atol=1e-6)
    model = train("item-knn", data, parameters=["similarity=cosine", "neighbours=10000"])
    users = np.arange(data.n_users, dtype=np.int32)
    items, scores = model.recommender.top_k(user_queries(model, users), 5, 2)
    their_items, their_scores = theirs.recommend(users, x, N=5, filter_already_liked_items=True)
    for user in users:
        listed = items[user] >= 0
        np.testing.assert_allclose(scores[user][listed], their_scores[user][listed], atol=1e-5)
        # Of equal scores the order is ours to choose.
        clear = listed & ~np.isclose(scores[user], np.roll(scores[user], 1), atol=1e-5)
        clear &= ~np.isclose(scores[user], np.roll(scores[user], -1), atol=1e-5)
        clear[-1] = False
        np.testing.assert_array_equal(items[user][clear], their_items[user][clear])
