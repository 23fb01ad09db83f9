"""Signs that the truth was not set aside cleanly: it then flatters the models, or cannot be hit at all."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.evaluation.judged_lists import RELEVANT_EVENTS, relevant_pairs
from prodassoc_cli.evaluation.notices import Notice

_SAME_ROW = ["user_id", "order_id", "product_id", "event", "timestamp"]


def leak_notices(truth: pl.DataFrame, train: pl.DataFrame) -> list[Notice]:
    """Return a sentence for each sign of leakage between training and truth, with its count.

    Three signs: rows that stand in both; truth rows older than the same user's last training row; truth
    (user, product) pairs that are in training too. The second is by design in a random holdout, and the third
    is ordinary where people buy again, so these are notices and not errors.

    Args:
        truth: interactions the lists are judged by.
        train: interactions the models learnt from.
    """
    truth, train = _relevant(truth), _relevant(train)
    found = (_same(truth, train), _older(truth, train), _known(truth, train))
    return [notice for notice in found if notice is not None]


def model_leak_notices(
    name: str, truth: pl.DataFrame, history: pl.DataFrame, *, include_seen: bool
) -> list[Notice]:
    """Return a sentence for each sign that a model was trained on the truth, or on what came after it.

    Args:
        name: of the model.
        truth: interactions its lists are judged by.
        history: user_id, product_id and timestamp of what the model knows users to have bought.
        include_seen: whether its lists may hold what is in the history.
    """
    truth = _relevant(truth)
    pairs = relevant_pairs(truth)
    pair = ["user_id", "product_id"]
    known = pairs.join(history, on=pair, how="semi").height
    older = _older(truth, history)
    if not known:
        return _of_model(name, older)
    same = truth.select(*pair, "timestamp").unique().join(history, on=[*pair, "timestamp"], how="semi")
    answers = same.select(pair).n_unique()
    if answers:
        seen = Notice("answers", answers=answers, pairs=pairs.height)
    else:
        seen = Notice("known_to_model", known=known, pairs=pairs.height)
    said = seen if include_seen else Notice("unseen", notice=seen)
    return _of_model(name, said) if answers else _of_model(name, older, said)


def _of_model(name: str, *found: Notice | None) -> list[Notice]:
    return [Notice("of_model", model=name, notice=notice) for notice in found if notice is not None]


def _relevant(interactions: pl.DataFrame) -> pl.DataFrame:
    return interactions.filter(pl.col("user_id").is_not_null() & pl.col("event").is_in(RELEVANT_EVENTS))


def _same(truth: pl.DataFrame, train: pl.DataFrame) -> Notice | None:
    """Rows alike in user, order, product, event and time; only rows with an order or a time tell."""
    telling = truth.filter(pl.col("order_id").is_not_null() | pl.col("timestamp").is_not_null())
    same = telling.join(train, on=_SAME_ROW, how="semi", nulls_equal=True).height
    return Notice("same_rows", same=same, rows=truth.height) if same else None


def _older(truth: pl.DataFrame, train: pl.DataFrame) -> Notice | None:
    last = train.group_by("user_id").agg(pl.col("timestamp").max().alias("last"))
    older = truth.join(last, on="user_id").filter(pl.col("timestamp") < pl.col("last"))
    if older.is_empty():
        return None
    return Notice("older_rows", older=older.height, rows=truth.height, users=older["user_id"].n_unique())


def _known(truth: pl.DataFrame, train: pl.DataFrame) -> Notice | None:
    pairs = relevant_pairs(truth)
    known = pairs.join(relevant_pairs(train), on=["user_id", "product_id"], how="semi").height
    return Notice("known_pairs", known=known, pairs=pairs.height) if known else None
