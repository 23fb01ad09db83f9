"""Which recommenders there are: the one list of them.

Light to import, so that the options of `train` can be made of it; a family's module is imported when it is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from prodassoc_cli.errors import UsageProblem, did_you_mean

if TYPE_CHECKING:
    from prodassoc_cli.models.base import Recommender

MODELS = {
    "hybrid": "hybrid.fusion:Hybrid",
    "popularity": "families.popularity:Popularity",
    "content": "families.content:Content",
    "user-knn": "families.user_knn:UserKnn",
    "item-knn": "families.item_knn:ItemKnn",
    "rules": "families.rules:Rules",
    "association": "families.association:Association",
    "mf": "families.mf:Mf",
    "spectral": "families.spectral:Spectral",
    "ease": "families.ease:Ease",
    "als": "families.als:Als",
    "rp3beta": "families.rp3beta:Rp3Beta",
    "repeat": "families.repeat:Repeat",
    "trending": "families.popularity:Trending",
    "random": "families.random:Random",
}
"""Name at the command line → module:class in this package."""


def family(name: str) -> type[Recommender]:
    """Return the class of a model.

    Raises:
        UsageProblem: there is no model of that name.
    """
    if name not in MODELS:
        raise UsageProblem(f"there is no model '{name}'", did_you_mean(name, MODELS))
    module, _, attribute = MODELS[name].partition(":")
    found: type[Recommender] = getattr(import_module(f"prodassoc_cli.models.{module}"), attribute)
    return found


def make(name: str, assignments: Iterable[str] = ()) -> Recommender:
    """Return a recommender ready to fit, its parameters set as `name=value`.

    Raises:
        UsageProblem: no such model or parameter, or a value that it cannot have.
    """
    return family(name).from_assignments(assignments)
