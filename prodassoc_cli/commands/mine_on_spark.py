"""`mine --engine spark`: the baskets in a cluster, the rules here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import INTERACTIONS, PRODUCTS
from prodassoc_cli.commands.execution.engine import refuse_unknown, session, shared_files
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.mined import Mined
from prodassoc_cli.settings import MineConfig

if TYPE_CHECKING:
    from prodassoc_cli.mining.baskets import Baskets
    from prodassoc_cli.mining.itemsets import Itemsets

_KNOWN = {
    "target", "min_support", "min_count", "max_size", "max_basket_size", "min_confidence", "min_lift",
    "max_consequent", "sort_by", "top", "measures", "min", "prune", "antecedent", "consequent", "fdr",
    "correction", "products", "itemsets_output",
}  # fmt: skip
"""Options that need only the itemsets and the catalogue."""


class MinedOnSpark(Mined):
    """What `mine` works out with the baskets in a cluster; rules are made here, from the sets found there.

    Args:
        this: the run.
        config: its options.
    """

    def __init__(self, this: Run, config: MineConfig) -> None:
        refuse_unknown(config, _KNOWN)
        self._this, self._config = this, config
        self._paths = shared_files(this, "interactions", INTERACTIONS)
        self.products = this.read_optional("products", PRODUCTS)
        self._embeddings = self._holdout = None
        self._parents = {}

    def find_sets(self) -> None:
        """Find the itemsets, and say what was looked for and found."""
        with session(self._config) as self._spark:
            from prodassoc_cli.engines.mining import baskets_on_spark

            self.baskets = baskets_on_spark(
                self._spark, self._paths, self._config.max_basket_size, self._this.messages.warning
            )
            super().find_sets()

    def _search(self, baskets: Baskets) -> Itemsets:
        from prodassoc_cli.engines.mining import SparkBaskets, mine_on_spark

        assert isinstance(baskets, SparkBaskets)
        return mine_on_spark(
            self._spark,
            baskets,
            min_count=self.min_count,
            target=self._config.target,
            max_size=self._config.max_size,
            memory_limit=self._this.memory_limit,
        )

    def _searched(self) -> Baskets:
        return self.baskets
