"""What `clean` makes of small inputs, all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from prodassoc_cli.intake.columns.likeness import ReadHeaders
from prodassoc_cli.intake.columns.schema import Say
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.pipeline import Cleaning
from prodassoc_cli.intake.values.categories import as_texts
from prodassoc_cli.settings import CleanConfig


@dataclass
class CleanedOrders:
    """What `clean` makes of its inputs, where all of it fits in memory.

    Attributes:
        interactions: kept rows, without those set aside.
        rejects: rows left out (the schema of rejects), of the lines.
        products: the catalogue, completed from the lines; None where no one asked.
        product_rejects: rows of the catalogue left out.
        holdout: rows set aside; None where no one asked.
        summary: counts for people and for `--summary`, ready for JSON.
    """

    interactions: pl.DataFrame
    rejects: pl.DataFrame
    products: pl.DataFrame | None = None
    product_rejects: pl.DataFrame | None = None
    holdout: pl.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)


def clean_orders(
    orders: Sequence[Source], config: CleanConfig, say: Say, *, catalogue: Sequence[Source] = (),
    order_table: Sequence[Source] = (), seed: int = 42, budget: int | None = None,
    read_headers: ReadHeaders | None = None,
) -> CleanedOrders:  # fmt: skip
    """Clean order lines and, if asked, a catalogue, and return all of it; see `Cleaning`."""
    with Cleaning(
        orders, config, say, catalogue=catalogue, order_table=order_table, seed=seed, budget=budget,
        read_headers=read_headers,
    ) as run:  # fmt: skip
        interactions = pl.concat(map(as_texts, run.interactions()))
        holdout = pl.concat(list(run.holdout())) if config.holdout else None
        rejects = pl.concat(list(run.line_rejects()))
        return CleanedOrders(interactions, rejects, run.products, run.product_rejects, holdout, run.summary)
