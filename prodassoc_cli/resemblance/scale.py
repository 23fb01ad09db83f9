"""How the cosines of each encoder are to be read: from where on texts are alike, and nearly the same.

Encoders differ in scale: the cosine of two unrelated titles is about .18 by all-MiniLM-L6-v2, .81 by
multilingual-e5-small and .10 by character n-grams. How the bounds were chosen stands in
docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prodassoc_cli.stage import Say


@dataclass(frozen=True)
class SimilarityScale:
    """Bounds of the cosines of one encoder.

    Attributes:
        encoder: its name in the lineage of embeddings.
        variant: minimum similarity of variants.
        substitute: minimum similarity of substitutes.
        alike: minimum similarity of products that a reason calls similar.
    """

    encoder: str
    variant: float
    substitute: float
    alike: float


DEFAULT_SCALE = SimilarityScale("all-MiniLM-L6-v2", variant=0.85, substitute=0.5, alike=0.3)
"""Of the model that comes with the package, and for want of better of every encoder that is not listed."""

_SCALES = {
    each.encoder: each
    for each in (
        DEFAULT_SCALE,
        SimilarityScale("multilingual-e5-small", variant=0.96, substitute=0.89, alike=0.83),
        SimilarityScale("tfidf", variant=0.75, substitute=0.3, alike=0.13),
    )
}


def encoder_named(facts: Mapping[str, Any]) -> str | None:
    """Return the encoder that facts of embeddings name; None where they name none.

    Vectors joined with others have a scale of their own, so they are none of the encoder's.
    """
    name = facts.get("encoder")
    return f"{name} joined with other vectors" if name is not None and facts.get("joined") else name


def scale_of(encoder: str | None) -> SimilarityScale:
    """Return the scale of an encoder, that of the default model where it has none."""
    return _SCALES.get(encoder or "", DEFAULT_SCALE)


def relation_scale(
    encoder: str | None, variant: float | None, substitute: float | None, say: Say, warn: Say
) -> SimilarityScale:
    """Return the bounds that relations between products are judged by, and say which they are.

    Args:
        encoder: what made the vectors; None where that is not known.
        variant: minimum similarity of variants; None for that of the encoder.
        substitute: minimum similarity of substitutes; None for that of the encoder.
        say: receives the bounds.
        warn: receives that the encoder has none of its own.
    """
    scale = scale_of(encoder)
    overruled = replace(
        scale,
        variant=scale.variant if variant is None else variant,
        substitute=scale.substitute if substitute is None else substitute,
    )
    if variant is not None and substitute is not None:
        return overruled
    bounds = f"variants ≥ {overruled.variant:g}, substitutes ≥ {overruled.substitute:g}"
    if encoder is None or encoder in _SCALES:
        say(f"similarity by the scale of {scale.encoder}: {bounds}")
    else:
        warn(
            f"the scale of {encoder} is not known, so relations are judged by that of {scale.encoder} "
            f"({bounds}): `variant_similarity` and `substitute_similarity` overrule it"
        )
    return overruled
