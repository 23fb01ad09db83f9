"""`python -m benchmarks.language`: what the language model adds, and what each encoder adds, as Markdown.

Means over users or sources with half a 95 % interval; differences by paired t-tests, their p-values by Holm's
method within each kind of product. In the tables of complements +t and −t is a difference (p < .05) to lists
made without text, +c and −c one to the cosine of the same texts.
"""

from __future__ import annotations

import argparse
from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from benchmarks.language import planted
from benchmarks.language.complements import (
    Partners,
    auc,
    graded_ndcg,
    only_listed,
    partners,
    scores_of_lists,
)
from benchmarks.language.lists import ndcg_of_users
from benchmarks.language.shops import Shop, lineage_name, online_retail, sample_shop, texts
from prodassoc_cli import mine
from prodassoc_cli.evaluation.intervals import LEVEL, holm, mean_interval, paired_p_value, share_interval
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.model import TrainedModel, train
from prodassoc_cli.models.serving.lister import Relation
from prodassoc_cli.numerics.indexing import aligned_vectors
from prodassoc_cli.resemblance.scale import scale_of

Key = TypeVar("Key", bound=Hashable)

NO_TEXT, COSINE = "no text", "text cosine"
_RARE = (5, 20)
_MOST_SOURCES = 300


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1, help="of the products made new, and of draws")
    options = parser.parse_args()
    sample = sample_shop(options.seed)
    retail = online_retail(options.seed)
    if retail is None:
        print("Online Retail: left out, its file is not below $PRODASSOC_DATA")
    for shop in (retail, sample):
        if shop is not None:
            of_shop(shop, options.threads, options.seed)
    of_relations(sample)
    of_languages(sample.products)


def of_shop(shop: Shop, threads: int, seed: int) -> None:
    """Print the tables of lists for users and of complements."""
    embeddings = texts(shop.products)
    models = {
        name: _trained("hybrid", shop, found, threads)
        for name, found in {NO_TEXT: None, **embeddings}.items()
    }
    for name in embeddings:
        models[name].facts["text_encoder"] = {"encoder": lineage_name(name)}
    popular = _trained("popularity", shop, None, threads)
    print(f"\n{shop.name}: NDCG@10 of lists for users, of products they had not bought\n")
    print("| products | users | popularity |", " | ".join(models), "|")
    print("| --- " * (3 + len(models)) + "|")
    for kind, listed in shop.kinds().items():
        values = {name: ndcg_of_users(model, shop, listed, threads) for name, model in models.items()}
        first = ndcg_of_users(popular, shop, listed, threads)
        tests = zip(values.values(), _beside_first(values), strict=True)
        cells = [_mean(first), *(f"{_mean(each)}{p}" for each, p in tests)]
        print(f"| {kind} | {len(first):,} |", " | ".join(cells), "|", flush=True)
    of_complements(shop, models, embeddings, threads, seed)


def of_complements(
    shop: Shop,
    models: Mapping[str, TrainedModel],
    embeddings: Mapping[str, pl.DataFrame],
    threads: int,
    seed: int,
) -> None:
    """Print AUC and graded NDCG of what is said to go with a product."""
    kinds = dict(_sources(shop, seed))
    scores = {kind: _scores(truth, shop, models, embeddings, threads) for kind, truth in kinds.items()}
    for measure, judge in (("AUC", auc), ("NDCG@10", graded_ndcg)):
        values = {
            kind: {by: judge(each, kinds[kind]) for by, each in found.items()}
            for kind, found in scores.items()
        }
        marks = {kind: _marks(each) for kind, each in values.items()}
        print(f"\n{shop.name}: complements, {measure} by source\n")
        heads = (f"{kind} ({len(truth.sources)})" for kind, truth in kinds.items())
        print("| listed by | text |", " | ".join(heads), "|")
        print("| --- " * (2 + len(kinds)) + "|")
        for by in next(iter(values.values())):
            cells = (f"{_mean(values[kind][by])}{marks[kind][by]}" for kind in kinds)
            print("|", " | ".join([*by, *cells]), "|", flush=True)


def _scores(
    truth: Partners,
    shop: Shop,
    models: Mapping[str, TrainedModel],
    embeddings: Mapping[str, pl.DataFrame],
    threads: int,
) -> dict[tuple[str, str], np.ndarray]:
    """Return sources × products of scores of what lists them, and the text it does so by."""
    counts = np.asarray(shop.orders(shop.train).sum(axis=0)).ravel()
    scores = {("popularity", "–"): np.tile(counts, (len(truth.sources), 1))}
    for name, found in embeddings.items():
        vectors = aligned_vectors(found, shop.ids)
        scores[COSINE, name] = vectors[truth.sources] @ vectors.T
    relations: dict[str, Relation | None] = {"--for products": None, "--relation complement": "complement"}
    for by, relation in relations.items():
        for name, model in models.items():
            scores[by, name] = scores_of_lists(model, shop.ids, truth, threads, relation)
    return {by: only_listed(each, truth) for by, each in scores.items()}


def _marks(values: Mapping[tuple[str, str], np.ndarray]) -> dict[tuple[str, str], str]:
    """Return which values differ (p < .05) from those without text (t) and of the text's cosine (c)."""
    marks = dict.fromkeys(values, "")
    for sign, reference in (("t", lambda by: (by[0], NO_TEXT)), ("c", lambda by: (COSINE, by[1]))):
        for by, (rise, p) in _differences(values, {by: reference(by) for by in values}).items():
            if p < 1 - LEVEL:
                marks[by] += f" {'+' if rise > 0 else '−'}{sign}"
    return marks


def _sources(shop: Shop, seed: int) -> Iterator[tuple[str, Partners]]:
    """Yield kinds of products, by how many orders to learn from hold them, and their true partners."""
    bought = np.asarray(shop.orders(shop.train).sum(axis=0)).ravel()
    held_out = shop.orders(shop.held_out)
    low, high = _RARE
    kinds = {
        "new": bought == 0,
        f"{low} to {high} orders": (bought >= low) & (bought <= high),
        f"more than {high} orders": bought > high,
    }
    for kind, mask in kinds.items():
        rng = np.random.default_rng(seed)
        sources = np.sort(rng.permutation(np.flatnonzero(mask))[:_MOST_SOURCES])
        truth = partners(held_out, sources, bought > 0, rng)
        sources = sources[(truth.gains > 0).any(axis=1)]
        if len(sources):
            yield kind, partners(held_out, sources, bought > 0, rng)


def of_relations(shop: Shop) -> None:
    """Print which planted relations `mine --relations-output` finds by the texts of each encoder."""
    pairs = planted.planted_pairs()
    embeddings = texts(shop.products)
    print(f"\n{shop.name}: relations of `mine --relations-output` and those planted\n")
    print("| relation |", " | ".join(f"{name}: found, precision, recall" for name in embeddings), "|")
    print("| --- " * (1 + len(embeddings)) + "|")
    related = {name: _related(shop.every, name, found) for name, found in embeddings.items()}
    for relation, true in pairs.items():
        found = {name: planted.found_pairs(each, relation) for name, each in related.items()}
        recalled = {name: planted.hits(true, each) for name, each in found.items()}
        cells = [
            f"{len(found[name])}, {_share(planted.hits(found[name], true))}, {_share(recalled[name])}{p}"
            for name, p in zip(found, _beside_first(recalled), strict=True)
        ]
        print(f"| {relation}, {len(true)} planted |", " | ".join(cells), "|")
    new = shop.kinds()["new"]
    cells = []
    for name, found in embeddings.items():
        expected = planted.found_pairs(
            _related(shop.train, name, found).filter(pl.col("product_id").is_in(new.implode())), "expected"
        )
        cells.append(f"{len(expected)}, {_share(planted.hits(expected, pairs['complement']))}")
    true = pairs["complement"].filter(pl.any_horizontal(pl.col("a", "b").is_in(new.implode())))
    by_chance = len(true) / (len(new) * len(shop.ids))
    print(f"| expected complement of new products (by chance {by_chance:.4f}) |", " | ".join(cells), "|")


def of_languages(products: pl.DataFrame) -> None:
    """Print what English product is nearest to each Chinese one of the sample shop."""
    print("\nsample shop: the English product nearest to each one with a Chinese title\n")
    print("| texts | encoder | of the same category | ranks of the same goods |")
    print("| --- " * 4 + "|")
    for template in ("{title}", "{title} {brand} {category} {description}"):
        embeddings = texts(products, text=template)
        same = {name: planted.of_one_category(products, found) for name, found in embeddings.items()}
        for (name, values), p in zip(same.items(), _beside_first(same), strict=True):
            ranks = ", ".join(map(str, planted.rank_of_same_goods(products, embeddings[name])))
            print(f"| `{template}` | {name} | {int(values.sum())} of {len(values)}{p} | {ranks} |")


def _related(purchases: pl.DataFrame, encoder: str, embeddings: pl.DataFrame) -> pl.DataFrame:
    scale = scale_of(lineage_name(encoder))
    related = mine(
        purchases, embeddings=embeddings, relations_output=True, quiet=True,
        variant_similarity=scale.variant, substitute_similarity=scale.substitute,
    ).relations  # fmt: skip
    assert related is not None
    return related


def _trained(name: str, shop: Shop, embeddings: pl.DataFrame | None, threads: int) -> TrainedModel:
    with threadpool_limits(1, "blas"):
        data = TrainingData.from_frames(shop.train, shop.products, embeddings)
        return train(name, data, threads=threads)


def _mean(values: np.ndarray) -> str:
    found = mean_interval(values[~np.isnan(values)])
    half = "" if found.high is None or found.value is None else f" ± {found.high - found.value:.3f}"
    return "–" if found.value is None else f"{found.value:.3f}{half}"


def _share(values: np.ndarray) -> str:
    found = share_interval(values)
    return "–" if found.value is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _differences(
    values: Mapping[Key, np.ndarray], references: Mapping[Key, Key]
) -> dict[Key, tuple[float, float]]:
    """Return the mean difference to the reference and its adjusted p-value, where there are both."""
    differences = {
        key: values[key] - values[reference]
        for key, reference in references.items()
        if reference in values and reference != key
    }
    defined = {key: each[~np.isnan(each)] for key, each in differences.items()}
    tested = {key: paired_p_value(each) for key, each in defined.items()}
    p_values = holm(np.array([1.0 if p is None else p for p in tested.values()]))
    return {key: (float(defined[key].mean()), float(p)) for key, p in zip(tested, p_values, strict=True)}


def _beside_first(values: Mapping[str, np.ndarray]) -> list[str]:
    """Return for each but the first the sign of its difference to the first and its p-value."""
    found = _differences(values, dict.fromkeys(values, next(iter(values))))
    tests = ((rise, f"p = {p:.2g}" if p >= 0.001 else "p < 0.001") for rise, p in found.values())
    return ["", *(f" ({'+' if rise > 0 else '−'}, {p})" for rise, p in tests)]


if __name__ == "__main__":
    main()
