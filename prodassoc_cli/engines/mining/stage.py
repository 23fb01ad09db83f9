"""`mine` with its baskets in a cluster: the itemsets are found there, the rules are made here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prodassoc_cli.engines.session import configured_session
from prodassoc_cli.mining.stage import MiningStage
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.stage import StageContext

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.mining.baskets import Baskets
    from prodassoc_cli.mining.itemsets import Itemsets


class SparkMiningStage(MiningStage):
    """The work of `mine` with the baskets in a cluster.

    Args:
        config: its options.
        paths: files of the interactions, where executors can open them.
        products: the catalogue.
        context: what it works with and whom it tells.
    """

    def __init__(
        self, config: MineConfig, paths: list[Path], *, products: pl.DataFrame | None, context: StageContext
    ) -> None:
        self._config, self._context, self._paths = config, context, paths
        self.products = products
        self._embeddings = self._holdout = None
        self._parents = {}

    def find_sets(self) -> None:
        """Find the itemsets, and say what was looked for and found."""
        with configured_session(self._config) as self._spark:
            from prodassoc_cli.engines.mining.search import baskets_on_spark

            self.baskets = baskets_on_spark(
                self._spark, self._paths, self._config.max_basket_size, self._context.warn
            )
            super().find_sets()

    def _search(self, baskets: Baskets, min_count: int, target: str, max_size: int | None) -> Itemsets:
        from prodassoc_cli.engines.mining.search import SparkBaskets, mine_on_spark

        assert isinstance(baskets, SparkBaskets)
        return mine_on_spark(
            self._spark,
            baskets,
            min_count=min_count,
            target=target,
            max_size=max_size,
            memory_limit=self._context.memory_limit,
        )

    def _searched(self) -> Baskets:
        return self.baskets
