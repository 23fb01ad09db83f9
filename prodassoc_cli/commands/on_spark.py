"""The commands with `--engine spark`: what differs from their bodies for this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import INTERACTIONS, PRODUCTS, Kind
from prodassoc_cli.commands.mined import Mined
from prodassoc_cli.commands.run import STDOUT, Run
from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import MineConfig

if TYPE_CHECKING:
    from pathlib import Path

    from prodassoc_cli.mining.baskets import Baskets
    from prodassoc_cli.mining.itemsets import Itemsets

_ENGINE = {"engine", "master", "spark_conf"}
_MINE = {
    "target", "min_support", "min_count", "max_size", "max_basket_size", "min_confidence", "min_lift",
    "max_consequent", "sort_by", "top", "measures", "min", "prune", "antecedent", "consequent", "fdr",
    "correction", "products", "itemsets_output",
}  # fmt: skip
"""Options that these bodies know."""


class MinedOnSpark(Mined):
    """What `mine` works out with the baskets in a cluster; rules are made here, from the sets found there.

    Args:
        this: the run.
        config: its options.
    """

    def __init__(self, this: Run, config: MineConfig) -> None:
        refuse_unknown(config, _MINE)
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


@contextmanager
def session(config: Any) -> Iterator[Any]:  # noqa: ANN401 — a config with the engine's options, a SparkSession
    """Open the session that the options ask for."""
    from prodassoc_cli.engines.session import spark_session

    pairs = [each.partition("=") for each in config.spark_conf]
    wrong = next((name for name, equals, _ in pairs if not (name and equals)), None)
    if wrong is not None:
        raise UsageProblem(f"--spark-conf: '{wrong}' is no setting", "write it like spark.executor.memory=2g")
    with spark_session(config.master, {name: value for name, _, value in pairs}) as spark:
        yield spark


def shared_files(this: Run, role: str, kind: Kind) -> list[Path]:
    """Return the files of an input, checked by their headers, as executors can open them.

    Raises:
        UsageProblem: the input is standard input or a pipe, which lives in this process.
        BadData: a file is of another kind, or lacks a column.
    """
    from prodassoc_cli.artifacts.store import check_header

    files = this.files(role)
    if any(each.name == STDOUT or str(each.path).startswith("/proc/") for each in files):
        raise UsageProblem("--engine spark cannot read standard input or a pipe", "name a file or a folder")
    for each in files:
        check_header(each.path, kind)
    return [each.path for each in files]


def refuse_unknown(config: Any, known: set[str]) -> None:  # noqa: ANN401 — a config
    """Refuse options that the engine does not have, where they are set.

    Raises:
        UsageProblem: one is.
    """
    standard = type(config)()
    for each in fields(config):
        if each.name not in known | _ENGINE and getattr(config, each.name) != getattr(standard, each.name):
            flag = each.metadata["setting"].flag or "--" + each.name.rstrip("_").replace("_", "-")
            raise UsageProblem(f"--engine spark does not do {flag}", "drop it, or run with --engine local")
