"""How cosines are read by the scale of the encoder: relations, and what reasons call similar."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli import clean, embed, mine
from prodassoc_cli.models.data import TrainingData, csr_of
from prodassoc_cli.models.families.content import Content
from prodassoc_cli.models.model import train
from prodassoc_cli.models.serving.lister import Lister, ListOptions
from prodassoc_cli.models.serving.recommend import recommend
from prodassoc_cli.models.split import basket_queries
from prodassoc_cli.resemblance.scale import DEFAULT_SCALE, encoder_named, relation_scale
from tests.conftest import SAMPLE
from tests.models.serving.test_lists import torch_shop
from tests.planted import precision_and_recall

E5 = "multilingual-e5-small"


def bounds(encoder: str | None, *given: float | None) -> tuple[float, float, list[str], list[str]]:
    """The bounds of variants and of substitutes, what was said, and what was warned of."""
    said, warned = [], []
    scale = relation_scale(encoder, *(given or (None, None)), said.append, warned.append)
    return scale.variant, scale.substitute, said, warned


@pytest.mark.parametrize(
    ("encoder", "variant", "substitute"),
    [("all-MiniLM-L6-v2", 0.85, 0.5), (E5, 0.96, 0.89), ("tfidf", 0.75, 0.3)],
)
def test_bounds_are_those_of_the_encoder_and_are_said(encoder, variant, substitute):
    line = f"similarity by the scale of {encoder}: variants ≥ {variant}, substitutes ≥ {substitute}"
    assert bounds(encoder) == (variant, substitute, [line], [])


def test_an_encoder_without_a_scale_is_warned_of_once():
    joined = encoder_named({"encoder": E5, "joined": True})
    for encoder in ("my-encoder", joined):
        variant, substitute, said, (warning,) = bounds(encoder)
        assert (variant, substitute, said) == (DEFAULT_SCALE.variant, DEFAULT_SCALE.substitute, [])
        assert encoder in warning
        assert "`variant_similarity` and `substitute_similarity`" in warning
    assert bounds(None)[2:] == (bounds("all-MiniLM-L6-v2")[2], [])


def test_bounds_that_are_given_overrule():
    assert bounds(E5, None, 0.7)[:2] == (0.96, 0.7)
    assert bounds("my-encoder", 0.9, 0.7) == (0.9, 0.7, [], [])


def test_lists_of_relations_take_the_scale_of_the_models_encoder():
    interactions, products, embeddings = torch_shop()
    model = train("content", TrainingData.from_frames(interactions, products, embeddings))
    options = {"audience": "products", "relation": "substitute", "ids": ["torch0"]}
    assert "torch1" in recommend(model, **options).frame["product_id"]
    model.facts["text_encoder"] = {"encoder": E5}
    assert recommend(model, **options).frame.is_empty()  # torches have a cosine of .6


def test_what_a_reason_calls_similar_depends_on_the_encoder():
    interactions, products, embeddings = torch_shop()
    model = train("content", TrainingData.from_frames(interactions, products, embeddings))
    torch, other = (model.items.ids.index_of(name) for name in ("torch0", "torch1"))
    history = np.zeros((1, len(model.items)), np.float32)
    history[0, torch] = 1
    content = model.recommender
    assert isinstance(content, Content)
    for encoder, named in (("all-MiniLM-L6-v2", torch), (E5, -1), ("tfidf", torch)):
        model.facts["text_encoder"] = {"encoder": encoder}
        Lister.of(model, "users", ListOptions())
        why = content.explain(basket_queries(csr_of(history)), np.array([[other]], np.int32), 1)
        assert why.others[0, 0, 0] == named, encoder


def test_character_n_grams_find_what_is_planted(capsys):
    shop = clean(str(SAMPLE / "orders.csv"), products=str(SAMPLE / "catalog.csv"), quiet=True)
    embeddings = embed(shop.products, encoder="tfidf", quiet=True).embeddings
    found = precision_and_recall(shop.interactions, embeddings)
    assert found["complement"][0] > 0.9
    assert found["complement"][1] > 0.35
    assert found["substitute"][1] > 0.3
    mine(shop.interactions, embeddings=embeddings.select(pl.all()), relations_output=True, log_format="text")
    assert "the scale of an unnamed encoder is not known" in capsys.readouterr().err
