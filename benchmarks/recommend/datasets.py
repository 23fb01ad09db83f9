"""Purchases to learn from and to be judged by, as one .npz a case: no contender reads text.

Gowalla and MovieLens 1M come with fixed public splits. Online Retail is cleaned by our own `clean`, with each
user's last order set aside; of that there are three cases: lists of new products, lists that may repeat, and
lists where a fifth of the products has lost its whole past.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

DATA = Path(os.environ.get("PRODASSOC_DATA", Path(__file__).parents[3] / "shared" / "data"))
COLD_SHARE, COLD_SEED = 0.2, 11


@dataclass(frozen=True)
class Case:
    """One data set and what is asked of it.

    Attributes:
        name: what the table calls it.
        data: gowalla, ml1m or retail.
        k: length of the lists.
        repeats: whether what a user already has may be listed, and counts as right.
        cold: whether a fifth of the products is taken out of the training data.
        only_cold: whether only those are listed and count as right.
    """

    name: str
    data: str
    k: int
    repeats: bool = False
    cold: bool = False
    only_cold: bool = False


CASES = (
    Case("Gowalla", "gowalla", 20),
    Case("MovieLens 1M", "ml1m", 20),
    Case("Online Retail, new products", "retail", 10),
    Case("Online Retail, with repeats", "retail", 10, repeats=True),
    Case("Online Retail, 20 % of products cold", "retail", 10, cold=True),
    Case("Online Retail, lists of the cold products", "retail", 10, cold=True, only_cold=True),
)


def load(case: Case, folder: Path) -> Path | None:
    """Return the folder of a case, made on first use; None where its source is missing.

    It holds interactions.parquet (and for shops products and embeddings), and case.npz: train and test as
    indptr and indices, users and products as sorted ids.
    """
    place = folder / case.name.replace(" ", "-").replace(",", "").replace("%", "")
    if (place / "case.npz").exists():
        return place
    source = _shop(folder) if case.data == "retail" else _public_split(case.data)
    if source is None:
        return None
    place.mkdir(parents=True, exist_ok=True)
    train, test, products, embeddings = source
    cold = pl.Series([], dtype=pl.String)
    if case.cold:
        ids = train["product_id"].unique().sort()
        cold = ids.sample(fraction=COLD_SHARE, seed=COLD_SEED)
        train = train.filter(~pl.col("product_id").is_in(cold.implode()))
    train.write_parquet(place / "interactions.parquet")
    if products is not None and embeddings is not None:
        products.write_parquet(place / "products.parquet")
        embeddings.write_parquet(place / "embeddings.parquet")
    _write_case(place / "case.npz", case, train, test, products, cold)
    return place


def _write_case(
    path: Path,
    case: Case,
    train: pl.DataFrame,
    test: pl.DataFrame,
    products: pl.DataFrame | None,
    cold: pl.Series,
) -> None:
    users = train["user_id"].drop_nulls().unique().sort()
    known = [train["product_id"]] + ([] if products is None else [products["product_id"]])
    items = pl.concat(known).unique().sort()
    pairs = {}
    for name, frame in (("train", train), ("test", test)):
        both = frame.select(
            user=frame["user_id"].cast(pl.Enum(users), strict=False).to_physical().cast(pl.Int64),
            item=frame["product_id"].cast(pl.Enum(items), strict=False).to_physical().cast(pl.Int64),
        ).drop_nulls()
        pairs[name] = both.unique().sort("user", "item")
    if not case.repeats:
        pairs["test"] = (
            pairs["test"].join(pairs["train"], on=["user", "item"], how="anti").sort("user", "item")
        )
    allowed = np.ones(len(items), np.bool_)
    if case.only_cold:
        allowed = items.is_in(cold.implode()).to_numpy()
        pairs["test"] = pairs["test"].filter(pl.Series(allowed[pairs["test"]["item"].to_numpy()]))
    arrays = {
        "users": users.to_numpy().astype(str),
        "items": items.to_numpy().astype(str),
        "allowed": allowed,
    }
    for name, frame in pairs.items():
        counts = np.bincount(frame["user"].to_numpy(), minlength=len(users))
        arrays[f"{name}_indptr"] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        arrays[f"{name}_indices"] = frame["item"].to_numpy().astype(np.int32)
    np.savez(path, **arrays)


Source = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]


def _public_split(name: str) -> Source | None:
    paths = [DATA / "recsys" / f"{name}_{part}.parquet" for part in ("train", "test")]
    if not all(path.exists() for path in paths):
        return None
    frames = []
    for path in paths:
        frame = pl.read_parquet(path)
        user, item = frame.columns[:2]
        frames.append(frame.select(user_id=user, product_id=item, event=pl.lit("purchase")))
    return frames[0], frames[1], None, None


def _shop(folder: Path) -> Source | None:
    source = DATA / "retail" / "online_retail.csv.gz"
    if not source.exists():
        return None
    names = [folder / f"{name}.parquet" for name in ("interactions", "holdout", "products", "embeddings")]
    interactions, holdout, products, embeddings = names
    if not embeddings.exists():
        run = [sys.executable, "-m", "prodassoc_cli"]
        clean = ["clean", str(source), "--preset", "uci", "-o", str(interactions), "--holdout", "last-order"]
        clean += ["--products-output", str(products), "--holdout-output", str(holdout)]
        subprocess.run([*run, *clean, "--force", "-q"], check=True)
        subprocess.run([*run, "embed", str(products), "-o", str(embeddings), "--force", "-q"], check=True)
    frames = [pl.read_parquet(path) for path in names]
    return frames[0], frames[1].filter(pl.col("event") == "purchase"), frames[2], frames[3]
