"""A model and the catalogue of today: what products are like now, and those that came after the training."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import polars as pl

from prodassoc_cli.models.base import Recommender
from prodassoc_cli.models.data import Items
from prodassoc_cli.models.families.association import Association
from prodassoc_cli.models.families.content import Content
from prodassoc_cli.models.model import TrainedModel
from prodassoc_cli.models.newcomers import Newcomers
from prodassoc_cli.numerics.arrays import Floats
from prodassoc_cli.numerics.id_overlap import id_overlap
from prodassoc_cli.numerics.indexing import aligned_vectors
from prodassoc_cli.wording import number_of

Part = TypeVar("Part", bound=Recommender)

_SAME_TEXT = 0.95
"""Median cosine of one product's two vectors from which on both are taken to be of one encoder."""


def of_today(
    model: TrainedModel, products: pl.DataFrame | None, embeddings: pl.DataFrame | None, threads: int
) -> tuple[TrainedModel, list[str]]:
    """Return the model with the catalogue of today, and what is to be said of products that came later.

    A product that came after the training is listed if the model knows texts and the product has a vector in
    the same space: then it is lent what products with like texts have learned.

    Args:
        model: a trained model.
        products: the catalogue of today; None: the model stays as it is.
        embeddings: vectors of the catalogue of today; None: nothing new can be listed.
        threads: threads to use.
    """
    if products is None:
        return model, []
    model = model.with_catalogue(products)
    wanted = products["product_id"].cast(pl.String).drop_nulls().unique(maintain_order=True)
    new = wanted.filter(model.items.index_of(wanted).is_null())
    if not len(new):
        return model, []
    if embeddings is None or not _knows_texts(model):
        fix = "give their `embeddings` too"
        if not _knows_texts(model):
            cause = id_overlap(wanted, model.items.ids).clause
            fix = f"train with them, best with embeddings{cause}"
        return model, [_not_listed(new, wanted, fix)]
    problem = _other_space(model, embeddings)
    if problem:
        return model, [_not_listed(new, wanted, problem)]
    has_vector = new.is_in(embeddings["product_id"].cast(pl.String).implode())
    listed, missing = new.filter(has_vector), new.filter(~has_vector)
    notices = []
    if len(listed):
        model = model.with_newcomers(_newcomers(model, products, embeddings, listed), threads)
        notices = [
            f"`products`: {number_of(len(listed), 'product')} came after the training, and borrow their "
            f"scores from products with like texts, such as '{listed[0]}'"
        ]
    if len(missing):
        notices.append(_not_listed(missing, wanted, "they have no embedding: embed them too"))
    return model, notices


def _not_listed(missing: pl.Series, wanted: pl.Series, fix: str) -> str:
    return (
        f"`products`: {len(missing):,} of {len(wanted):,} are not known to the model, so in no list, such as "
        f"'{missing[0]}'; {fix}"
    )


def _newcomers(
    model: TrainedModel, products: pl.DataFrame, embeddings: pl.DataFrame, listed: pl.Series
) -> Newcomers:
    """Return these products behind those that the model knows; of those its own vectors count."""
    items = Items(pl.concat([model.items.frame, Items.of(listed.rename("product_id"), products).frame]))
    vectors = aligned_vectors(embeddings, items.ids)
    own = vectors_of(model, None)
    if own is not None:
        kept = np.flatnonzero(own.any(axis=1))
        vectors[kept] = own[kept]
    return Newcomers(items, len(model.items), vectors)


def _other_space(model: TrainedModel, embeddings: pl.DataFrame) -> str:
    """Return how the vectors given differ from those of the model; empty where they are of one space."""
    own, given = vectors_of(model, None), aligned_vectors(embeddings, model.items.ids)
    if own is None:
        return ""
    fix = "embed the whole catalogue with the model's encoder"
    if given.shape[1] != own.shape[1]:
        return f"`embeddings` have {given.shape[1]} numbers, the model's have {own.shape[1]}: {fix}"
    both = np.flatnonzero(own.any(axis=1) & given.any(axis=1))
    if not len(both):
        return f"`embeddings` hold no product that the model has a vector of, to compare: {fix}"
    likeness = float(np.median(np.einsum("pd,pd->p", own[both], given[both])))
    if likeness < _SAME_TEXT:
        return (
            f"`embeddings` are not of the space of the model's (the median cosine of one product's vectors "
            f"is {likeness:.2f}): {fix}"
        )
    return ""


def _knows_texts(model: TrainedModel) -> bool:
    """Return whether the model can say something of products by their texts alone."""
    content, association = part_of(model, Content), part_of(model, Association)
    by_content = content is not None and bool(content.vectors.any())
    return by_content or (association is not None and bool(association.expecting.any()))


def vectors_of(model: TrainedModel, embeddings: pl.DataFrame | None) -> Floats | None:
    """Return the vectors of the products: those given, else those of the model, else None."""
    if embeddings is not None:
        return aligned_vectors(embeddings, model.items.ids)
    content = part_of(model, Content)
    return None if content is None else content.vectors


def part_of(model: TrainedModel, family: type[Part]) -> Part | None:
    """Return the recommender of a family: the model's own, or a part of it; None where there is none."""
    parts = getattr(model.recommender, "parts", {"": model.recommender})
    return next((part for part in parts.values() if isinstance(part, family)), None)
