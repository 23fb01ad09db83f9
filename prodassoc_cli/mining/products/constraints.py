"""Which products may stand on which side of a rule.

A product is named by its id, or by a column of the catalogue: `category=Food > Dairy` means all products of
that category and those below it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from prodassoc_cli.errors import UsageProblem, did_you_mean
from prodassoc_cli.mining.baskets import Baskets, only_items
from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.kernels.bitsets import ITEM, PARENT
from prodassoc_cli.mining.kernels.tree import sizes_of

PATH = " > "
"""Between the levels of a category path."""


def named_products(
    words: Sequence[str], option: str, known: pl.Series, products: pl.DataFrame | None, strict: bool = True
) -> set[str]:
    """Return the ids that an option names.

    Args:
        words: the option's values: ids, comma-separated, or COLUMN=VALUE.
        option: its name, for error texts.
        known: ids that occur.
        products: the catalogue, if there is one.
        strict: whether every id must occur.

    Raises:
        UsageProblem: an id or a value does not occur, or there is no such column or no catalogue.
    """
    ids = set(known.to_list())
    found: set[str] = set()
    for word in words:
        if word in ids:
            found.add(word)
        elif "=" in word:
            found |= _with_value(word, option, products)
        else:
            names = {part.strip() for part in word.split(",") if part.strip()}
            found |= {_checked(name, option, ids) for name in names} if strict else names
    return found


def _checked(name: str, option: str, ids: set[str]) -> str:
    if name not in ids:
        raise UsageProblem(f"`{option}={name}`: no such product in the baskets", did_you_mean(name, ids))
    return name


def _with_value(word: str, option: str, products: pl.DataFrame | None) -> set[str]:
    """Return the ids of the products with that value; of a category, also those below it."""
    column, _, value = (part.strip() for part in word.partition("="))
    if products is None:
        raise UsageProblem(f"`{option}={word}` needs the catalogue", "give it with `products`")
    if column not in products.columns:
        raise UsageProblem(
            f"`{option}={word}`: products have no column '{column}'", did_you_mean(column, products.columns)
        )
    text = pl.col(column).cast(pl.String)
    matches = text == value
    if column == "category":
        levels = text.str.split(PATH)
        matches = matches | text.str.starts_with(value + PATH) | levels.list.contains(value)
    ids = products.filter(matches)["product_id"].to_list()
    if not ids:
        values = products[column].cast(pl.String).drop_nulls().unique()
        values = values.str.split(PATH).explode().unique() if column == "category" else values
        hint = did_you_mean(value, values.to_list())
        raise UsageProblem(f"`{option}={word}`: no product has that {column}", hint)
    return set(ids)


def without_strangers(baskets: Baskets, min_count: int, sides: Sequence[set[str] | None]) -> Baskets:
    """Leave out the products that can be in no rule with such sides, before anything is searched.

    A rule with a wanted product lies in baskets that hold it, so each of its products meets a wanted one in
    at least `min_count` baskets. The others are strangers. Every set without them keeps its count.

    Args:
        baskets: all baskets.
        min_count: minimum number of baskets of a set.
        sides: products of which a side must hold one; None where any will do.
    """
    keep = np.ones(len(baskets.item_ids), bool)
    owner = np.repeat(np.arange(len(baskets)), np.diff(baskets.indptr))
    for ids in sides:
        if ids is not None:
            wanted = baskets.item_ids.is_in(sorted(ids)).to_numpy()
            holds = np.zeros(len(baskets), bool)
            holds[owner[wanted[baskets.items]]] = True
            met = np.bincount(baskets.items[holds[owner]], minlength=len(keep))
            keep &= met >= min_count
    return only_items(baskets, keep)


class Sides:
    """What the sides of a rule must hold; called with rules as nodes, it returns which do.

    Args:
        itemsets: all frequent sets, or all that may be in such a rule.
        antecedent: products of which the left side must hold one; None where any will do.
        consequent: the same of the right side.
    """

    def __init__(self, itemsets: Itemsets, antecedent: set[str] | None, consequent: set[str] | None) -> None:
        self.antecedent, self.consequent = antecedent, consequent
        self._left, self._right = (
            None if ids is None else sets_with(itemsets, ids) for ids in (antecedent, consequent)
        )

    def __call__(self, rules: np.ndarray) -> np.ndarray:
        """Return which rules stay, bool; see `rules.mine_rules`."""
        keep = np.ones(rules.shape[1], bool)
        if self._left is not None:
            keep &= self._left[rules[1]]
        if self._right is not None:
            keep &= self._right[rules[2]]
        return keep


def sets_with(itemsets: Itemsets, ids: set[str]) -> np.ndarray:
    """Return which nodes hold at least one of these products, bool."""
    wanted = itemsets.item_ids.is_in(sorted(ids)).to_numpy()
    tree, sizes = itemsets.tree, sizes_of(itemsets.tree)
    holds: np.ndarray = wanted[tree[ITEM]]
    for size in range(2, int(sizes.max(initial=0)) + 1):
        here = np.flatnonzero(sizes == size)
        holds[here] |= holds[tree[PARENT, here]]
    return holds
