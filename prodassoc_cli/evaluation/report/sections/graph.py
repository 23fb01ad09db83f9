"""Rules as a graph of products: who goes with whom, the lift as the width of the line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from prodassoc_cli.evaluation.report.charts import svg
from prodassoc_cli.evaluation.report.markup import colour, cut_middle, safe, width
from prodassoc_cli.evaluation.report.words import Words
from prodassoc_cli.numerics.arrays import Doubles, Longs

_WIDTH, _HEIGHT, _MARGIN = 1040, 720, 80
_STEPS = 400

Box = tuple[float, float, float, float]
Edge = tuple[str, str, float]
"""Two products and the largest lift of the rules between them."""


def graph(
    words: Words, edges: Sequence[Edge], titles: Mapping[str, str], shades: Mapping[str, int], label: str
) -> Markup:
    """Return the drawing; the same edges give the same drawing.

    Args:
        words: the language.
        edges: distinct pairs of products, at most about a hundred.
        titles: product_id → title.
        shades: product_id → the number of its colour.
        label: what it shows.
    """
    nodes = sorted({node for one, other, _ in edges for node in (one, other)})
    at = {node: place for place, node in enumerate(nodes)}
    pairs = np.array([(at[one], at[other]) for one, other, _ in edges])
    lift = np.array([value for _, _, value in edges])
    places = _fitted(_layout(len(nodes), pairs))
    degree = np.bincount(pairs.ravel(), minlength=len(nodes))
    widths = _widths(lift)
    lines = [
        f'<line class="edge" data-a="{a}" data-b="{b}" x1="{places[a, 0]:.1f}" y1="{places[a, 1]:.1f}" '
        f'x2="{places[b, 0]:.1f}" y2="{places[b, 1]:.1f}" stroke-width="{thick:.1f}">'
        f"<title>{_edge(words, _title(titles, nodes[a]), _title(titles, nodes[b]), value)}</title></line>"
        for (a, b), thick, value in zip(pairs.tolist(), widths, lift.tolist(), strict=True)
    ]
    radii = 4 + 1.5 * np.sqrt(degree)
    names = [_title(titles, node) for node in nodes]
    labels = _place_labels(places, radii, [cut_middle(name, 28) for name in names])
    dots = [
        f'<g class="node {colour(shades.get(nodes[place], 0))}" tabindex="0" role="img" '
        f'aria-label="{safe(name)}" data-node="{place}">'
        f'<circle class="fill" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:.1f}">'
        f"<title>{safe(name)}</title></circle>{label}</g>"
        for place, (name, at, radius, label) in enumerate(zip(names, places, radii, labels, strict=True))
    ]
    return svg((_WIDTH, _HEIGHT), label, *lines, *dots, css="graph", role="group")


def _edge(words: Words, one: str, other: str, lift: float) -> Markup:
    return safe(words.text("rules.edge", one=one, other=other, lift=words.number(lift)))


def _title(titles: Mapping[str, str], product: str) -> str:
    return titles.get(product, product)


def _place_labels(places: Doubles, radii: Doubles, names: Sequence[str]) -> list[str]:
    """Put each label right, left, below or above its node, where it covers least of what stands there."""
    boxes = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(places.tolist(), radii.tolist(), strict=True)]
    found = []
    for (x, y), radius, name in zip(places.tolist(), radii.tolist(), names, strict=True):
        wide, gap = 6.4 * width(name), radius + 3
        choices = [
            ("start", x + gap, y + 4, (x + gap, y - 7, x + gap + wide, y + 7)),
            ("end", x - gap, y + 4, (x - gap - wide, y - 7, x - gap, y + 7)),
            ("middle", x, y + gap + 10, (x - wide / 2, y + gap, x + wide / 2, y + gap + 13)),
            ("middle", x, y - gap, (x - wide / 2, y - gap - 12, x + wide / 2, y - gap + 2)),
        ]
        anchor, at, base, box = min(choices, key=lambda choice: _covered(choice[3], boxes))
        boxes.append(box)
        found.append(
            f'<text class="halo" x="{at:.1f}" y="{base:.1f}" text-anchor="{anchor}">{safe(name)}</text>'
        )
    return found


def _covered(box: Box, others: Sequence[Box]) -> float:
    """Return the area of the box that others take, or that lies outside of the drawing."""
    taken = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in others
    )
    return taken + 14 * (
        max(0.0, -box[0]) + max(0.0, box[2] - _WIDTH) + max(0.0, -box[1]) + max(0.0, box[3] - _HEIGHT)
    )


def _widths(lift: Doubles) -> list[float]:
    """Return 1 to 8 pixels by the logarithm of the lift."""
    logs = np.log(np.maximum(lift, 1e-9))
    span = float(np.ptp(logs))
    return (1 + 7 * (logs - logs.min()) / span if span else np.full(len(lift), 3.0)).tolist()


def _layout(count: int, pairs: Longs) -> Doubles:
    """Place nodes by springs (Fruchterman & Reingold 1991) from a circle, with a pull to the middle."""
    angle = 2 * np.pi * np.arange(count) * 0.381966
    places = np.sqrt((np.arange(count) + 0.5) / count)[:, None] * np.column_stack(
        [np.cos(angle), np.sin(angle)]
    )
    ideal = 1.6 / math.sqrt(max(1, count))
    for step in range(_STEPS):
        apart = places[:, None] - places[None]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-3)
        force = (apart * (ideal**2 / distance**2)[..., None]).sum(axis=1)
        along = places[pairs[:, 0]] - places[pairs[:, 1]]
        pull = along * (np.sqrt((along**2).sum(axis=1)) / ideal)[:, None]
        np.add.at(force, pairs[:, 0], -pull)
        np.add.at(force, pairs[:, 1], pull)
        force -= 0.9 * places
        size = np.maximum(np.sqrt((force**2).sum(axis=1)), 1e-9)
        heat = 0.12 * (1 - step / _STEPS) ** 1.5 + 0.001
        places = places + force * (np.minimum(size, heat) / size)[:, None]
    return np.asarray(places, dtype=np.float64)


def _fitted(places: Doubles) -> Doubles:
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    room = np.array([_WIDTH - 4 * _MARGIN, _HEIGHT - _MARGIN])
    return np.asarray(np.array([2 * _MARGIN, _MARGIN / 2]) + (places - low) / span * room, dtype=np.float64)
