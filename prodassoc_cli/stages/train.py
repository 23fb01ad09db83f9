"""Interactions → a recommendation model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, INTERACTIONS, MODEL, PRODUCTS, RULES
from prodassoc_cli.execution.engine import engine
from prodassoc_cli.execution.run import Run
from prodassoc_cli.settings import TrainConfig
from prodassoc_cli.stage import StageResult
from prodassoc_cli.stages.text_encoder import embedding_facts

if TYPE_CHECKING:
    import polars as pl

    from prodassoc_cli.models.data import TrainingData
    from prodassoc_cli.models.model import TrainedModel

GATHER_FROM = 1 << 22
"""Lines from which on those of a model that needs no single events become matrices piece by piece: fewer fit
in memory, and are done sooner there."""

BYTES_PER_GATHERED_LINE = 65
"""What such a run holds per line at its peak: with item-knn on 97 million interactions 70 were measured."""


def train(run: Run, inputs: Sequence[str], config: TrainConfig) -> None:
    """Fit one recommender."""
    run.take("interactions", inputs)
    run.take("products", config.products)
    run.take("embeddings", config.embeddings)
    run.take("rules", config.rules)
    run.take("feedback", config.feedback)
    if config.engine == "spark" and config.model == "als":
        from prodassoc_cli.engines.factorizing import SOLVER

        run.decide(solver=SOLVER)  # its vectors are others than those made here
    lines = _lines_to_gather(run, config)
    with run.outputs(MODEL) as outputs:
        with run.kernels():
            from prodassoc_cli.models.kernels.dispatch import load_kernels
            from prodassoc_cli.models.registry import make
            from prodassoc_cli.models.stage import train_model
            from prodassoc_cli.models.storage.artifact import to_arrow

            load_kernels(*make(config.model, config.param).fit_kernels)

        data = _gathered(run, lines, config) if lines else _whole(run, config)
        with engine(config) as spark:
            model = train_model(
                config.model,
                data,
                run.context,
                parameters=config.param,
                trials=config.tune,
                fit=None if spark is None else _on_spark(spark),
            )
        if encoder := _text_encoder(run):
            model.facts["text_encoder"] = encoder
        table, header = to_arrow(model)
        outputs.put(StageResult("output", table, {"model": header}))


def _text_encoder(run: Run) -> dict[str, Any]:
    """Return which encoder made the embeddings; empty where that is not known."""
    known = embedding_facts(run)
    names = ("encoder", "fingerprint", "dims", "joined", "scripts")
    return {name: known[name] for name in names if name in known} if "fingerprint" in known else {}


def _lines_to_gather(run: Run, config: TrainConfig) -> int:
    """Return how many lines there are if they are to be gathered piece by piece; 0 to take them whole."""
    others = (config.embeddings, config.rules, config.feedback, config.tune)
    if config.engine != "local" or any(each is not None for each in others):
        return 0
    from prodassoc_cli.artifacts.parquet.partial_read import count_rows

    lines = sum(count_rows(each.path) or 0 for each in run.files("interactions"))
    if lines < GATHER_FROM:
        return 0
    from prodassoc_cli.models.registry import family

    if family(config.model).needs_events:
        return 0
    run.bytes_per_row = BYTES_PER_GATHERED_LINE
    return lines


def _whole(run: Run, config: TrainConfig) -> TrainingData:
    from prodassoc_cli.models.data import TrainingData
    from prodassoc_cli.models.feedback import with_feedback

    interactions = run.read("interactions", INTERACTIONS)
    log = run.read_optional("feedback", INTERACTIONS)
    products = run.read_optional("products", PRODUCTS)
    embeddings = run.read_optional("embeddings", EMBEDDINGS)
    rules = run.read_optional("rules", RULES)
    bought = interactions["product_id"].unique()
    for role, frame in (("feedback", log), ("products", products), ("embeddings", embeddings)):
        if frame is not None:
            _say_overlap(run, role, bought, frame["product_id"])
    if rules is not None:
        _say_overlap(run, "rules", bought, rules["antecedent"].explode())
    return TrainingData.from_frames(
        interactions if log is None else with_feedback(interactions, log),
        products=products,
        embeddings=embeddings,
        rules=rules,
        relevant_from=config.relevant_from,
        done=_done(run),
    )


def _done(run: Run) -> str:
    """Return what users did with what they viewed, as `clean` wrote it down; empty where it did not."""
    from prodassoc_cli.artifacts.store import read_lineage

    given, files = run.in_memory["interactions"], run.files("interactions")
    lineage = read_lineage(files[0].path) if files else None
    facts = given[0].facts if given else lineage.details if lineage is not None else {}
    return str(facts.get("conventions", {}).get("done", ""))


def _say_overlap(run: Run, role: str, bought: pl.Series, ids: pl.Series) -> None:
    """Warn where few of the products of an input are those of the interactions."""
    from prodassoc_cli.numerics.id_overlap import id_overlap

    met = id_overlap(bought, ids)
    if met.few:
        run.messages.warning(
            f"`{role}`: {met.both:,} of its {met.right:,} products are among the {met.left:,} "
            f"of the interactions{met.clause}"
        )


def _gathered(run: Run, lines: int, config: TrainConfig) -> TrainingData:
    from prodassoc_cli.artifacts.store import read_pieces
    from prodassoc_cli.models.storage.streaming import COLUMNS, GatheredData

    paths = [each.path for each in run.files("interactions")]
    return GatheredData.from_pieces(
        lambda: read_pieces(paths, INTERACTIONS, COLUMNS),
        lines,
        products=run.read_optional("products", PRODUCTS),
        relevant_from=config.relevant_from,
        done=_done(run),
        folder=run.scratch_folder(),
    )


def _on_spark(spark: Any) -> Callable[..., TrainedModel]:  # noqa: ANN401 — a SparkSession
    """Return what trains in a cluster."""
    from prodassoc_cli.engines.training import train_on_spark

    return partial(train_on_spark, spark)
