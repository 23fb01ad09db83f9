"""Products and what they belong to: rules between categories or brands, and rules that mix the levels.

A category is a path, `Food > Dairy`; its ancestors are the paths that begin it. Generalized rules (Srikant
& Agrawal 1995, "Mining generalized association rules") come from baskets that hold, with each product, all
its categories. A set with a product and its own category says nothing new and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.kernels.bitsets import COUNT, ITEM, PARENT
from prodassoc_cli.mining.kernels.tree import sizes_of
from prodassoc_cli.mining.products.constraints import PATH
from prodassoc_cli.mining.selection.lattice import NOWHERE, Lattice, only_nodes
from prodassoc_cli.numerics.indexing import index_of

LEVELS = ("product", "category", "brand", "topic", "1", "2", "3")
NO_PARENT = -1


def at_level(interactions: pl.DataFrame, products: pl.DataFrame, level: str) -> tuple[pl.DataFrame, int]:
    """Return the interactions of what each product belongs to, and how many rows belong to nothing.

    Args:
        interactions: what happened.
        products: the catalogue.
        level: category (the whole path), brand, topic, or a number: so many steps of the category's path.

    Raises:
        UsageProblem: the level is unknown, or the catalogue has no such column.
    """
    column = "category" if level.isdigit() and int(level) > 0 else level
    if column not in ("category", "brand", "topic"):
        raise UsageProblem(f"unknown `level` '{level}'", did_you_mean(level, LEVELS))
    if column not in products.columns:
        remedy = "clean a catalogue that has it"
        if column == "topic":
            remedy = "give `topics=FILE`, made by `embed`"
        raise UsageProblem(f"`level={level}`: products have no column '{column}'", remedy)
    group = pl.col(column)
    if level.isdigit():
        group = group.str.split(PATH).list.head(int(level)).list.join(PATH)
    groups = products.filter(pl.col(column).is_not_null()).select("product_id", group.alias("group"))
    named = interactions.join(groups, on="product_id", how="left", maintain_order="left")
    named = named.with_columns(pl.col("group").alias("product_id")).drop("group")
    kept = named.filter(pl.col("product_id").is_not_null())
    return kept, named.height - kept.height


def with_topics(products: pl.DataFrame | None, topics: pl.DataFrame) -> pl.DataFrame:
    """Return products with the column topic, which is their category where none has one.

    Args:
        products: the catalogue; None to know of the products what the topics tell.
        topics: topic, label, product_id and title, see `schemas.TOPICS`.
    """
    labels = topics.select("topic", "label").unique("topic").sort("topic")
    twice = pl.format("{} ({})", "label", "topic")
    name = pl.when(pl.col("label").is_duplicated()).then(twice).otherwise("label")
    labels = labels.with_columns(name.alias("name"))
    named = topics.join(labels.select("topic", "name"), on="topic").select(
        pl.col("product_id").cast(pl.String), "title", topic=pl.col("name")
    )
    if products is None:
        return named.with_columns(category=pl.col("topic"), brand=pl.lit(None, pl.String))
    about = products.drop("topic", strict=False).with_columns(pl.col("product_id").cast(pl.String))
    joined = about.join(named.drop("title"), on="product_id", how="left", maintain_order="left")
    if "category" in joined.columns and joined["category"].is_not_null().any():
        return joined
    return joined.with_columns(category=pl.col("topic"))


def with_ancestors(interactions: pl.DataFrame, products: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the interactions with a row more for each category of each product, and the parent of each item.

    Args:
        interactions: what happened.
        products: product_id and category.

    Raises:
        UsageProblem: there are no categories, or one has the name of a product.
    """
    if "category" not in products.columns or products["category"].null_count() == products.height:
        raise UsageProblem("`generalized` needs categories", "clean a catalogue that has them")
    paths = products.filter(pl.col("category").is_not_null()).select("product_id", "category")
    parent = dict(zip(paths["product_id"].to_list(), paths["category"].to_list(), strict=True))
    ancestors: dict[str, list[str]] = {}
    for path in paths["category"].unique().to_list():
        steps = path.split(PATH)
        ancestors[path] = [PATH.join(steps[: length + 1]) for length in range(len(steps))]
        if any(name in parent for name in ancestors[path]):
            raise UsageProblem(f"the category {path} has the name of a product", "rename it in the catalogue")
    for line in ancestors.values():
        parent |= {below: above for above, below in pairwise(line)}
    lists = pl.DataFrame({"category": list(ancestors), "ancestor": list(ancestors.values())})
    above = paths.join(lists, on="category").select("product_id", "ancestor").explode("ancestor")
    rows = interactions.join(above, on="product_id", maintain_order="left")
    rows = rows.with_columns(pl.col("ancestor").alias("product_id")).drop("ancestor")
    return pl.concat([interactions, rows]), parent


@dataclass(frozen=True)
class Taxonomy:
    """Which item belongs to which.

    Attributes:
        parent: int64, the item each item belongs to; `NO_PARENT` for none.
    """

    parent: np.ndarray

    def above(self, items: np.ndarray) -> np.ndarray:
        """Return the parents of items; of `NO_PARENT` there is none."""
        return np.where(items >= 0, self.parent[items], NO_PARENT)

    def is_above(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Return whether the one item is an ancestor of the other."""
        found = np.zeros(len(lower), bool)
        at = self.above(lower)
        while (at >= 0).any():
            found |= at == upper
            at = self.above(at)
        return found


def taxonomy_of(item_ids: pl.Series, parent: dict[str, str]) -> Taxonomy:
    """Return the taxonomy of these items, from the names of their parents."""
    parents = pl.Series([parent.get(name) for name in item_ids.to_list()], dtype=pl.String)
    return Taxonomy(index_of(parents, item_ids).cast(pl.Int64).fill_null(NO_PARENT).to_numpy())


def without_own_ancestors(itemsets: Itemsets, taxonomy: Taxonomy) -> Itemsets:
    """Return the sets in which no item is an ancestor of another."""
    tree, sizes = itemsets.tree, sizes_of(itemsets.tree)
    keep = np.ones(tree.shape[1], bool)
    for size in range(2, int(sizes.max(initial=0)) + 1):
        here = np.flatnonzero(sizes == size)
        item, at = tree[ITEM, here], tree[PARENT, here]
        keep[here] = keep[at]
        for _ in range(size - 1):
            other = tree[ITEM, at]
            keep[here] &= ~(taxonomy.is_above(other, item) | taxonomy.is_above(item, other))
            at = tree[PARENT, at]
    return only_nodes(itemsets, keep)


def interesting(rules: pl.DataFrame, lattice: Lattice, taxonomy: Taxonomy, minimum: float) -> np.ndarray:
    """Return which rules say more than the rules one level up let expect, bool (R-interest).

    One level up: one product or category replaced by what it belongs to. If that rule held alike for all that
    belongs there, support and confidence would follow from it; a rule stays if, for every such rule, its
    support or its confidence is at least `minimum` times what follows.

    Args:
        rules: set_node, antecedent_node, consequent_node, n_ab and confidence.
        lattice: of all frequent sets.
        taxonomy: what belongs to what.
        minimum: R, at least 1.
    """
    count = lattice.itemsets.tree[COUNT].astype(np.float64)
    sets, left, right = (
        rules[f"{name}_node"].to_numpy().astype(np.int64) for name in ("set", "antecedent", "consequent")
    )
    n_ab, confidence = rules["n_ab"].to_numpy(), rules["confidence"].to_numpy()
    tree = lattice.itemsets.tree
    alone = np.flatnonzero(tree[PARENT] < 0)
    single = np.zeros(len(taxonomy.parent))
    single[tree[ITEM, alone]] = count[alone]
    keep = np.ones(rules.height, bool)
    for side, is_right in ((left, False), (right, True)):
        row, item = lattice.items_of(side)
        above = taxonomy.above(item)
        row, item, above = row[above >= 0], item[above >= 0], above[above >= 0]
        change = lattice.words[above] - lattice.words[item]
        general = lattice.find(lattice.hashes[sets[row]] + change)
        general_left = left[row] if is_right else lattice.find(lattice.hashes[left[row]] + change)
        known = (general != NOWHERE) & (general_left != NOWHERE)
        row, general, general_left = row[known], general[known], general_left[known]
        share = single[item[known]] / single[above[known]]
        expected_confidence = count[general] / count[general_left] * (share if is_right else 1.0)
        enough = (n_ab[row] >= minimum * count[general] * share) | (
            confidence[row] >= minimum * expected_confidence
        )
        np.logical_and.at(keep, row, enough)
    return keep
