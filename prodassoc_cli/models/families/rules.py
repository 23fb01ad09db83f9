"""Rules: a product follows from what is in the history, by mined rules or by pairs counted in the baskets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prodassoc_cli.declare import SearchRange, setting
from prodassoc_cli.models import similarity
from prodassoc_cli.models.base import Explanation, Queries, Recommender, Why
from prodassoc_cli.models.data import Csr, RuleTable, TrainingData, binary, csr_of
from prodassoc_cli.models.storage.packing import Arrays, pack, unpack
from prodassoc_cli.numerics.arrays import Floats, Ints

_BASKET_BLOCK = 8_192


@dataclass(frozen=True)
class RulesParameters:
    """Parameters of rules."""

    combine: Literal["sum", "best"] = setting("sum", "How the rules that lead to one product add up")
    lift_power: float = setting(
        0.5, "Score of a rule is confidence · lift^this: 0 favours popular products", low=0.0, high=2.0,
        tuned=SearchRange(0, 1.5),
    )  # fmt: skip
    min_count: int = setting(
        3, "Baskets a pair must be in; only where no rules are given", metavar="N", low=1,
        tuned=SearchRange(2, 10, log=True),
    )  # fmt: skip
    pairs: int = setting(
        200, "Pairs kept for each product; only where no rules are given", metavar="N", low=1, high=10_000
    )


class Rules(Recommender):
    """Scores what stands on the right of each rule whose whole left side is in the history.

    Without mined rules, all pairs i → j in at least `min_count` baskets are rules with a lift above 1.
    """

    name = "rules"
    fused = True
    names_pairs = True
    by_product = ("pairs",)
    Parameters = RulesParameters
    table: RuleTable | None
    pairs: Csr | None

    def fit(self, data: TrainingData, seed: int, threads: int) -> None:
        """Take the rules given, or count the pairs."""
        self.table, self.pairs = data.rules, None
        if data.rules is None:
            self.pairs = self._count_pairs(binary(data.transactions), threads)
        self.prepare()

    def _count_pairs(self, baskets: Csr, threads: int) -> Csr:
        """Return items × items of confidence · lift^p = c^(1+p)·n^p / (n_i^(1+p)·n_j^p), best of each row.

        The factors of the row and the power 1+p do not change which entries of a row are best, so
        c · n_j^(-p / (1+p)) picks them.
        """
        p = self.parameters.lift_power
        by_item = baskets.T.tocsr()
        n_item = similarity.degrees(by_item)
        common = similarity.top_k_product(
            by_item,
            baskets,
            self.parameters.pairs,
            threads,
            column_scale=similarity.inverse_power(n_item, p / (1 + p)),
            excluded=np.arange(baskets.shape[1]),
            minimum=float(self.parameters.min_count),
        )
        left = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr))
        count = np.rint(common.data * n_item[common.indices].astype(np.float64) ** (p / (1 + p)))
        confidence = count / n_item[left]
        lift = confidence * baskets.shape[0] / n_item[common.indices]
        common.data = np.where(lift > 1, confidence * lift**p, 0).astype(np.float32)
        common.eliminate_zeros()
        return common

    def prepare(self) -> None:
        """Weigh the rules."""
        # Of pairs a score is a sum over the history, of mined rules one over rules.
        self.adds_up = self.table is None and self.parameters.combine == "sum"
        if self.table is None:
            return
        value = self.table.confidence * self.table.lift**self.parameters.lift_power
        self._values = similarity.scaled(self.table.consequents, rows=value)
        self._sizes = similarity.degrees(self.table.antecedents)
        self._by_item = csr_of(self.table.antecedents.T)

    def _history(self, queries: Queries) -> tuple[Csr, Csr]:
        """Return what fires in each row, and the scores it gives: rules, or products of the history."""
        history = binary(queries.history)
        if self.table is None:
            assert self.pairs is not None
            return history, self.pairs
        found = _containing(history, self._by_item, self._sizes)
        found.sort_indices()
        return found, self._values

    def score(self, queries: Queries, threads: int) -> Floats:
        """Return the sum (or the best) of the scores of the rules that fire."""
        fired, values = self._history(queries)
        return similarity.scores_from(fired, values, threads, best=self.parameters.combine == "best")

    def top_k(self, queries: Queries, k: int, threads: int) -> tuple[Ints, Floats]:
        """Return the best, of which only those that a rule leads to are held."""
        fired, values = self._history(queries)
        best = self.parameters.combine == "best"
        return similarity.best_from(fired, values, queries, k, threads, best=best)

    def explain(self, queries: Queries, items: Ints, threads: int) -> Explanation:
        """Name the left side of the rule that gave most of the score."""
        fired, values = self._history(queries)
        best, terms = similarity.main_terms(fired, values, items, threads)
        if self.table is None:
            return Explanation.of(Why.BOUGHT_TOGETHER, items, others=best, weight=terms)
        rule = np.maximum(best, 0)
        start, size = self.table.antecedents.indptr[:-1][rule], self._sizes[rule].astype(np.int64)
        explanation = Explanation.of(
            Why.BOUGHT_TOGETHER,
            items,
            others=best,
            count=self.table.count[rule],
            value=self.table.lift[rule],
        )
        for slot in range(3):
            has = (best >= 0) & (slot < size)
            member = self.table.antecedents.indices[np.where(has, start + slot, 0)]
            explanation.others[:, :, slot] = np.where(has, member, -1)
        explanation.more[:] = np.where(best >= 0, np.maximum(size - 3, 0), 0)
        return explanation

    def arrays(self) -> Arrays:
        """Return the pairs, or the rules."""
        if self.pairs is not None:
            return pack("pairs", self.pairs)
        assert self.table is not None
        return {
            **pack("antecedents", self.table.antecedents),
            **pack("consequents", self.table.consequents),
            "count": self.table.count,
            "confidence": self.table.confidence,
            "lift": self.table.lift,
        }

    def restore(self, arrays: Arrays, n_items: int) -> None:
        """Take back the pairs, or the rules."""
        self.table = self.pairs = None
        if "pairs.indptr" in arrays:
            self.pairs = unpack("pairs", arrays, n_items)
        else:
            self.table = RuleTable(
                unpack("antecedents", arrays, n_items),
                unpack("consequents", arrays, n_items),
                arrays["count"],
                arrays["confidence"],
                arrays["lift"],
            )
        self.prepare()

    def facts(self) -> dict[str, Any]:
        """Return where the rules came from and how many there are."""
        if self.table is None:
            return {"pairs": 0 if self.pairs is None else int(self.pairs.nnz)}
        return {"rules": len(self.table.count)}


def recounted(rules: RuleTable, baskets: Csr) -> RuleTable:
    """Return the same rules with count, confidence and lift as these baskets have them.

    A validation needs this: rules mined from all baskets know those that were set aside.
    """
    n = baskets.shape[0]
    sizes_left, sizes_right = similarity.degrees(rules.antecedents), similarity.degrees(rules.consequents)
    left_by_item, right_by_item = csr_of(rules.antecedents.T), csr_of(rules.consequents.T)
    left, right, both = (np.zeros(len(rules.count)) for _ in range(3))
    for start in range(0, n, _BASKET_BLOCK):
        block = binary(baskets[start : start + _BASKET_BLOCK])
        with_left = _containing(block, left_by_item, sizes_left)
        with_right = _containing(block, right_by_item, sizes_right)
        left += np.asarray(with_left.sum(axis=0)).ravel()
        right += np.asarray(with_right.sum(axis=0)).ravel()
        both += np.asarray(with_left.multiply(with_right).sum(axis=0)).ravel()
    confidence = np.divide(both, left, out=np.zeros_like(both), where=left > 0)
    lift = np.divide(confidence * n, right, out=np.zeros_like(both), where=right > 0)
    return RuleTable(rules.antecedents, rules.consequents, both, confidence, lift)


def _containing(baskets: Csr, by_item: Csr, sizes: Floats) -> Csr:
    """Return baskets × sets, 1 where the basket contains the whole set; `by_item` is items × sets."""
    found = (baskets @ by_item).tocsr()
    found.data = (found.data == sizes[found.indices]).astype(np.float32)
    found.eliminate_zeros()
    return found
