"""Which of the rules found to believe: pruning, correction for all that was tried, test on other baskets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.kernels.tree import sizes_of
from prodassoc_cli.mining.products.constraints import Sides
from prodassoc_cli.mining.products.taxonomy import Taxonomy, interesting
from prodassoc_cli.mining.selection.lattice import Lattice, lattice_of
from prodassoc_cli.mining.selection.pruning import Pruning
from prodassoc_cli.mining.selection.redundancy import best_general_confidence, log_productive
from prodassoc_cli.mining.selection.significance import SearchSpace, corrected, flat_correction, log_fisher
from prodassoc_cli.wording import number_of

UNPRODUCTIVE_LEVEL = 0.05
"""Level of the test of being productive where no --fdr gives one."""


@dataclass
class RuleSelection:
    """Leaves out rules that are not to be believed, and says by how much those left are.

    In this order: pruning, correction (or the test on held-out baskets), the level.

    Attributes:
        itemsets: all frequent sets the rules are made of.
        space: what was searched.
        pruning: what to leave out as superfluous.
        correction: see `significance.corrected`; None for none, or for holm with a holdout.
        level: maximum q-value; None keeps all.
        holdout: baskets the rules were not found in.
        taxonomy: what belongs to what, for `interest`.
        interest: see `taxonomy.interesting`; rules below it count as pruned.
        facts: numbers for the user, filled by the call: rules_tested, rules_pruned, hypotheses,
            rules_significant.
    """

    itemsets: Itemsets
    space: SearchSpace
    pruning: Pruning | None = None
    correction: str | None = None
    level: float | None = None
    holdout: Baskets | None = None
    taxonomy: Taxonomy | None = None
    interest: float | None = None
    facts: dict[str, int] = field(default_factory=dict)

    def __call__(self, rules: pl.DataFrame) -> pl.DataFrame:
        """Return the rules that stay, with p_value, and q_value where there is a correction.

        Args:
            rules: as `rules.mine_rules` gives them to its `select`.
        """
        before = rules.height
        rules = self._pruned(self._tested(rules))
        self.facts |= {"rules_tested": before, "rules_pruned": before - rules.height}
        self.facts["hypotheses"] = rules.height if self.holdout is not None else self.space.total()
        if self.holdout is not None:
            rules = self._held_out(rules, self.holdout)
        elif self.correction is not None:
            sizes = self._sizes(rules)
            q = corrected(rules["log_p"].to_numpy(), sizes, self.space, self.correction)
            rules = rules.with_columns(pl.Series("q_value", q))
        if self.level is not None:
            rules = rules.filter(pl.col("q_value") <= self.level)
            self.facts["rules_significant"] = rules.height
        return rules.with_columns(p_value=pl.col("log_p").exp()).drop("log_p")

    def account(self) -> str:
        """Return in one line what was tested and what was left out, after a call."""
        parts = [f"{number_of(self.facts['rules_tested'], 'rule')} judged"]
        if self.pruning is not None or self.interest is not None:
            parts.append(f"{self.facts['rules_pruned']:,} superfluous")
        if self.holdout is not None:
            parts.append(
                f"tested on {len(self.holdout):,} other baskets, {self.correction or 'holm'} correction for "
                f"{self.facts['hypotheses']:,}"
            )
        elif self.correction is not None:
            parts.append(f"{self.correction} correction for {self.facts['hypotheses']:,} possible rules")
        if self.level is not None:
            parts.append(f"{self.facts['rules_significant']:,} with q ≤ {self.level:g}")
        return ", ".join(parts)

    @cached_property
    def _lattice(self) -> Lattice:
        return lattice_of(self.itemsets)

    def _tested(self, rules: pl.DataFrame) -> pl.DataFrame:
        """Add log_p: of Fisher's test, and of being productive where that is asked for."""
        log_p = log_fisher(*(rules[name].to_numpy() for name in ("n", "n_a", "n_b", "n_ab")))
        if self.pruning is not None and self.pruning.mode == "non-productive":
            sides = rules["antecedent_node"].to_numpy(), rules["set_node"].to_numpy()
            log_p = np.maximum(log_p, log_productive(self._lattice, *sides))
        return rules.with_columns(pl.Series("log_p", log_p))

    def _pruned(self, rules: pl.DataFrame) -> pl.DataFrame:
        if self.taxonomy is not None and self.interest is not None and rules.height:
            enough = interesting(rules, self._lattice, self.taxonomy, self.interest)
            rules = rules.filter(pl.Series(enough))
        if self.pruning is None or rules.is_empty():
            return rules
        nodes = (rules[f"{name}_node"].to_numpy() for name in ("antecedent", "consequent", "set"))
        best = best_general_confidence(self._lattice, *nodes)
        keep = self.pruning.keeps(rules["confidence"].to_numpy(), best)
        if self.pruning.mode == "non-productive" and self.level is None:
            keep &= rules["log_p"].to_numpy() <= np.log(UNPRODUCTIVE_LEVEL)
        return rules.filter(pl.Series(keep))

    def _held_out(self, rules: pl.DataFrame, baskets: Baskets) -> pl.DataFrame:
        """Test the rules on other baskets: only they are hypotheses there, not the whole search space."""
        if self.correction == "webb":
            raise UsageProblem(
                "`correction=webb` is for rules tested on the baskets they were found in",
                "with `validate` use holm, bonferroni, bh or by",
            )
        from prodassoc_cli.mining.selection.set_coverage import (  # compiled only where it is needed
            cover,
            recoded,
        )

        counts = cover(self.itemsets, recoded(baskets, self.itemsets)).baskets
        both, left, right = (
            counts[rules[f"{name}_node"].to_numpy()] for name in ("set", "antecedent", "consequent")
        )
        n = np.full(len(both), len(baskets))
        log_p = log_fisher(n, left, right, both)
        q = flat_correction(log_p, max(1, rules.height), self.correction or "holm")
        with np.errstate(divide="ignore", invalid="ignore"):
            confidence = np.where(left > 0, both / left, np.nan)
        return rules.with_columns(
            pl.Series("q_value", q),
            pl.Series("holdout_count", both),
            pl.Series("holdout_support", both / max(1, len(baskets))),
            pl.Series("holdout_confidence", confidence).fill_nan(None),
            pl.Series("holdout_p_value", np.exp(log_p)),
        )

    def _sizes(self, rules: pl.DataFrame) -> np.ndarray:
        sizes = sizes_of(self.itemsets.tree)
        return np.asarray(sizes[rules["set_node"].to_numpy()].astype(np.int64))


def space_of(
    itemsets: Itemsets, frequent: np.ndarray, max_consequent: int, max_size: int | None, sides: Sides | None
) -> SearchSpace:
    """Return the space that a search for rules covers.

    Args:
        itemsets: the sets found.
        frequent: bool, one per item: whether it is frequent by itself.
        max_consequent: maximum number of products on the right.
        max_size: maximum number of products in a set, if bounded.
        sides: what the sides must hold.
    """
    ids = set(itemsets.item_ids.filter(pl.Series(frequent)).to_list())
    left, right = (None, None) if sides is None else (sides.antecedent, sides.consequent)
    return SearchSpace(
        len(ids),
        max_consequent,
        max_size,
        int(sizes_of(itemsets.tree).max(initial=2)),
        None if left is None else len(left & ids),
        None if right is None else len(right & ids),
        None if left is None or right is None else len((left | right) & ids),
    )
