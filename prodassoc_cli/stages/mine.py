"""Interactions, or text of one basket per line → association rules, or itemsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import (
    EMBEDDINGS,
    INTERACTIONS,
    ITEMSETS,
    OUTLIERS,
    PRODUCTS,
    RELATED_PRODUCTS,
    RULES,
    TOPICS,
)
from prodassoc_cli.declare import result_parameters
from prodassoc_cli.execution.run import Run
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.stages.mine_inputs import baskets_or_interactions
from prodassoc_cli.stages.report_inputs import provenance_of
from prodassoc_cli.stages.text_encoder import embedding_facts, encoder_of_embeddings, unread_products

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.mining.stage import MiningStage

BYTES_PER_ROW, BYTES_PER_WHOLE_ROW = 20, 150
"""Memory it takes at the least to make baskets of a row, and to keep all of the row meanwhile."""


def mine(run: Run, inputs: Sequence[str], config: MineConfig) -> None:
    """Find frequent sets of products, and the rules between them."""
    from prodassoc_cli.mining.stage import check_values, needs_only_baskets

    check_values(config)
    run.take("interactions", inputs, meanwhile=["prodassoc_cli.mining.itemsets"])
    run.take("products", config.products)
    run.take("topics", config.topics)
    run.take("embeddings", config.embeddings)
    run.take("validate", config.validate)
    run.bytes_per_row = BYTES_PER_ROW if needs_only_baskets(config) else BYTES_PER_WHOLE_ROW
    run.page(config.report, config.language)
    with run.outputs(
        RULES if config.target == "rules" else ITEMSETS,
        itemsets=(ITEMSETS, config.itemsets_output),
        relations=(RELATED_PRODUCTS, config.relations_output),
        outliers=(OUTLIERS, config.outliers_output),
    ) as outputs:
        stage = _stage(run, config)
        shown: dict[str, pl.DataFrame] = {}
        for result in stage.results():
            outputs.put(result)
            if config.report is not None and result.output in ("output", "relations"):
                shown[result.output] = result.rows  # type: ignore[assignment]
        outputs.put_page(lambda: _report(run, config, stage, shown))


def _report(run: Run, config: MineConfig, stage: MiningStage, shown: Mapping[str, pl.DataFrame]) -> str:
    """Return a report of the rules."""
    from prodassoc_cli.evaluation.report.build import render_rules
    from prodassoc_cli.evaluation.report.data import ReportData

    return render_rules(
        ReportData(
            rules=shown["output"],
            relations=shown.get("relations"),
            products=stage.products,
            language=config.language,
            baskets=dict(zip(stage.baskets.item_ids, stage.baskets.counts.tolist(), strict=True)),
            provenance=provenance_of(run),
            parameters=result_parameters(config),
        )
    )


def _products(run: Run) -> pl.DataFrame | None:
    """Return what is known of the products, with their topics where these were given."""
    products, topics = run.read_optional("products", PRODUCTS), run.read_optional("topics", TOPICS)
    if topics is None:
        return products
    from prodassoc_cli.mining.products.taxonomy import with_topics

    return with_topics(products, topics)


def _stage(run: Run, config: MineConfig) -> MiningStage:
    """Read what was given, and make baskets of it."""
    if config.engine == "spark":
        from prodassoc_cli.engines.mining.stage import SparkMiningStage
        from prodassoc_cli.execution.engine import shared_files

        paths = shared_files(run, "interactions", INTERACTIONS)
        products = run.read_optional("products", PRODUCTS)
        return SparkMiningStage(config, paths, products=products, context=run.context)
    from prodassoc_cli.mining.stage import MiningStage

    products = _products(run)
    return MiningStage(
        config,
        baskets_or_interactions(run, config),
        products=products,
        embeddings=run.read_optional("embeddings", EMBEDDINGS),
        encoder=encoder_of_embeddings(run),
        unread=unread_products(run, embedding_facts(run), products),
        holdout=run.read_optional("validate", INTERACTIONS),
        context=run.context,
    )
