"""Who recommends: each contender prepares its own form of the data (not timed), then learns and lists.

`python -m benchmarks.recommend.contenders NAME FOLDER K REPEATS THREADS` runs one once in this process. Into
the folder go lists.npy (users × K of item numbers, -1: none) and spent.json: CPU and wall seconds of learning
and of listing, and the peak of memory. Peers run with the python that has them; then nothing of ours is
imported.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import held

_BLOCK = 1024

Model = Any
Learn = Callable[[], Model]
Lists = Callable[[Model], np.ndarray]


@dataclass(frozen=True)
class Task:
    """A case, as a contender gets it.

    Attributes:
        folder: where its files are.
        train: users × items, a scipy CSR matrix of ones.
        allowed: which items may be listed.
        k: length of the lists.
        repeats: whether what a user has may be listed.
        threads: threads to use.
    """

    folder: Path
    train: Any
    allowed: np.ndarray
    k: int
    repeats: bool
    threads: int


def prodassoc(name: str, *parameters: str) -> Callable[[Task], tuple[Learn, Lists]]:
    """One of our models with its default parameters, unless they are given."""

    def prepare(task: Task) -> tuple[Learn, Lists]:
        import polars as pl
        from threadpoolctl import threadpool_limits

        from prodassoc_cli.models.data import TrainingData
        from prodassoc_cli.models.registry import make
        from prodassoc_cli.models.serving.recommend import blocks_of
        from prodassoc_cli.models.split import user_queries

        def frame(name: str) -> pl.DataFrame | None:
            path = task.folder / f"{name}.parquet"
            return pl.read_parquet(path) if path.exists() else None

        interactions = frame("interactions")
        assert interactions is not None
        # Compiled code is loaded before the clock starts, as that of the peers is.
        small = TrainingData.from_frames(interactions.head(300), frame("products"), frame("embeddings"))
        if name != "hybrid":
            make(name, parameters).fit(small, 0, 1)
        data = TrainingData.from_frames(interactions, frame("products"), frame("embeddings"))
        assert data.rows.nnz
        assert len(data.last_seen) == data.seen.nnz

        def learn() -> Model:
            model = make(name, parameters)
            with threadpool_limits(1, "blas"):
                model.fit(data, 42, task.threads)
            return model

        def lists(model: Model) -> np.ndarray:
            found = np.full((data.n_users, task.k), -1, np.int32)
            for rows in blocks_of(data.n_users, 0 if model.fused else data.n_items):
                users = np.arange(rows.start, rows.stop, dtype=np.int32)
                queries = user_queries(
                    data, users, new_only=not task.repeats, depth=task.k, allowed=task.allowed
                )
                found[users], _ = model.top_k(queries, task.k, task.threads)
            return found

        return learn, lists

    return prepare


def implicit(name: str) -> Callable[[Task], tuple[Learn, Lists]]:
    """ALS, cosine and BM25 kNN of implicit with its own defaults, ALS with 128 factors."""

    def prepare(task: Task) -> tuple[Learn, Lists]:
        from implicit.als import AlternatingLeastSquares
        from implicit.bpr import BayesianPersonalizedRanking
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

        made = {
            "als": lambda: AlternatingLeastSquares(factors=128, num_threads=task.threads, random_state=1),
            "bpr": lambda: BayesianPersonalizedRanking(num_threads=task.threads, random_state=1),
            "cosine": lambda: CosineRecommender(K=100, num_threads=task.threads),
            "bm25": lambda: BM25Recommender(K=100, num_threads=task.threads),
        }

        def learn() -> Model:
            model = made[name]()
            model.fit(task.train, show_progress=False)
            return model

        def lists(model: Model) -> np.ndarray:
            users = np.arange(task.train.shape[0])
            found, _ = model.recommend(
                users, task.train, N=task.k, filter_already_liked_items=not task.repeats
            )
            return np.asarray(found, np.int32)

        return learn, lists

    return prepare


def irspack(name: str) -> Callable[[Task], tuple[Learn, Lists]]:
    """EASE, RP3beta, iALS and asymmetric cosine kNN of irspack; EASE with 500 as its authors have it."""

    def prepare(task: Task) -> tuple[Learn, Lists]:
        import irspack as peer

        x, threads = task.train.astype(np.float64), task.threads
        made = {
            "ease": lambda: peer.DenseSLIMRecommender(x, reg=500),
            "rp3beta": lambda: peer.RP3betaRecommender(x, top_k=400, n_threads=threads),
            "ials": lambda: peer.IALSRecommender(x, n_components=128, alpha0=0.1, n_threads=threads),
            "cosine": lambda: peer.AsymmetricCosineKNNRecommender(x, n_threads=threads),
        }

        def lists(model: Model) -> np.ndarray:
            found = np.full((x.shape[0], task.k), -1, np.int32)
            score = model.get_score_block if task.repeats else model.get_score_remove_seen_block
            for start in range(0, x.shape[0], _BLOCK):
                scores = np.asarray(score(start, min(start + _BLOCK, x.shape[0])))
                top = np.argpartition(-scores, task.k - 1, axis=1)[:, : task.k]
                order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
                found[start : start + _BLOCK] = np.take_along_axis(top, order, axis=1)
            return found

        return lambda: made[name]().learn(), lists

    return prepare


def rusket(name: str) -> Callable[[Task], tuple[Learn, Lists]]:
    """BM25 and cosine kNN, ALS and EASE of rusket with its own defaults, kNN with 100 neighbours."""

    def prepare(task: Task) -> tuple[Learn, Lists]:
        os.environ["RAYON_NUM_THREADS"] = str(task.threads)
        import rusket as peer

        made = {
            "bm25": lambda: peer.ItemKNN(method="bm25", k=100),
            "cosine": lambda: peer.ItemKNN(method="cosine", k=100),
            "als": lambda: peer.ALS(factors=128),
            "ease": peer.EASE,
        }

        def learn() -> Model:
            model = made[name]()
            model.fit(task.train)
            return model

        def lists(model: Model) -> np.ndarray:
            found = np.full((task.train.shape[0], task.k), -1, np.int32)
            if hasattr(model, "batch_recommend"):
                frame = model.batch_recommend(n=task.k, exclude_seen=not task.repeats)
                frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
                users, items = (frame[column].to_numpy() for column in frame.columns[:2])
                place = np.arange(len(users)) - np.searchsorted(users, users)
                found[users.astype(int), place] = items
                return found
            for user in range(len(found)):
                ids, _ = model.recommend_items(user, n=task.k, exclude_seen=not task.repeats)
                found[user, : len(ids)] = ids
            return found

        return learn, lists

    return prepare


CONTENDERS: dict[str, Callable[[Task], tuple[Learn, Lists]]] = {
    **{
        f"prodassoc {name}": prodassoc(name)
        for name in (
            "popularity", "item-knn", "user-knn", "rp3beta", "spectral", "ease", "als", "content", "hybrid"
        )
    },
    "prodassoc hybrid, cold=ridge": prodassoc("hybrid", "cold=ridge"),
    **{f"implicit {name}": implicit(name) for name in ("als", "bpr", "cosine", "bm25")},
    **{f"irspack {name}": irspack(name) for name in ("ease", "rp3beta", "ials", "cosine")},
    **{f"rusket {name}": rusket(name) for name in ("bm25", "cosine", "als", "ease")},
}  # fmt: skip


def main() -> None:
    """Run one contender once."""
    name, folder, k, repeats, threads = sys.argv[1:]
    from scipy import sparse

    with np.load(Path(folder) / "case.npz") as case:
        indptr, indices = case["train_indptr"], case["train_indices"]
        shape = (len(indptr) - 1, len(case["items"]))
        train = sparse.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=shape)
        task = Task(Path(folder), train, case["allowed"], int(k), repeats == "repeats", int(threads))
    learn, lists = CONTENDERS[name](task)
    marks = [_clock()]
    model = learn()
    marks.append(_clock())
    found = lists(model)
    marks.append(_clock())
    np.save(task.folder / "lists.npy", found)
    spent = np.diff(np.array(marks), axis=0)
    result = {"learn": spent[0, 0], "list": spent[1, 0], "seconds": spent[:, 1].sum()}
    result["peak_mb"] = held("VmHWM") / 2**20
    (task.folder / "spent.json").write_text(json.dumps(result))


def _clock() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter()


if __name__ == "__main__":
    main()
