"""Signs that the truth was not set aside cleanly: it then flatters the models, or cannot be hit at all."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.evaluation.judged_lists import RELEVANT_EVENTS, relevant_pairs

_SAME_ROW = ["user_id", "order_id", "product_id", "event", "timestamp"]


def leak_notices(truth: pl.DataFrame, train: pl.DataFrame) -> list[str]:
    """Return a sentence for each sign of leakage between training and truth, with its count.

    Three signs: rows that stand in both; truth rows older than the same user's last training row; truth
    (user, product) pairs that are in training too. The second is by design in a random holdout, and the third
    is ordinary where people buy again, so these are notices and not errors.

    Args:
        truth: interactions the lists are judged by.
        train: interactions the models learnt from.
    """
    truth, train = _relevant(truth), _relevant(train)
    return [notice for notice in (_same(truth, train), _older(truth, train), _known(truth, train)) if notice]


def model_leak_notices(
    name: str, truth: pl.DataFrame, history: pl.DataFrame, *, include_seen: bool
) -> list[str]:
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
    if not known:
        return _notices(_older(truth, history), name)
    same = truth.select(*pair, "timestamp").unique().join(history, on=[*pair, "timestamp"], how="semi")
    answers = same.select(pair).n_unique()
    unseen = "" if include_seen else "; its lists leave out what a user already has, so they cannot be hits"
    if answers:
        said = (
            f"{answers:,} of {pairs.height:,} truth pairs of user and product are in its history at the same "
        )
        return _notices(f"{said}time: it was trained on the answers{unseen}", name)
    said = f"{known:,} of {pairs.height:,} truth pairs of user and product are already in its history: "
    return [
        *_notices(_older(truth, history), name),
        *_notices(f"{said}bought again, or leaked{unseen}", name),
    ]


def _notices(notice: str, name: str) -> list[str]:
    return [f"'{name}': {notice}"] if notice else []


def _relevant(interactions: pl.DataFrame) -> pl.DataFrame:
    return interactions.filter(pl.col("user_id").is_not_null() & pl.col("event").is_in(RELEVANT_EVENTS))


def _same(truth: pl.DataFrame, train: pl.DataFrame) -> str:
    """Rows alike in user, order, product, event and time; only rows with an order or a time tell."""
    telling = truth.filter(pl.col("order_id").is_not_null() | pl.col("timestamp").is_not_null())
    same = telling.join(train, on=_SAME_ROW, how="semi", nulls_equal=True).height
    if not same:
        return ""
    return (
        f"{same:,} of {truth.height:,} truth rows stand in the training rows too: "
        "the models have seen the answers"
    )


def _older(truth: pl.DataFrame, train: pl.DataFrame) -> str:
    last = train.group_by("user_id").agg(pl.col("timestamp").max().alias("last"))
    older = truth.join(last, on="user_id").filter(pl.col("timestamp") < pl.col("last"))
    if older.is_empty():
        return ""
    return (
        f"{older.height:,} of {truth.height:,} truth rows are older than their user's last training row "
        f"(users: {older['user_id'].n_unique():,}): the models have seen the users' future"
    )


def _known(truth: pl.DataFrame, train: pl.DataFrame) -> str:
    pairs = relevant_pairs(truth)
    known = pairs.join(relevant_pairs(train), on=["user_id", "product_id"], how="semi").height
    if not known:
        return ""
    return (
        f"{known:,} of {pairs.height:,} truth pairs of user and product are in training too: "
        "bought again, or leaked; lists without products already seen cannot hit them"
    )
