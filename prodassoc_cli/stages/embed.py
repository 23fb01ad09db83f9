"""Products → embeddings, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prodassoc_cli.artifacts.schemas import (
    CODES,
    EMBEDDINGS,
    EMBEDDINGS_F16,
    INTERACTIONS,
    NEIGHBOURS,
    PRODUCTS,
    PROFILES,
    TOPICS,
)
from prodassoc_cli.errors import NoInput
from prodassoc_cli.execution.engine import engine
from prodassoc_cli.execution.run import Run
from prodassoc_cli.settings import EmbedConfig

STORED_AS = {"f32": EMBEDDINGS, "f16": EMBEDDINGS_F16, "int8": CODES, "binary": CODES}
"""Precision → the kind of artifact."""


def embed(run: Run, inputs: Sequence[str], config: EmbedConfig) -> None:
    """Encode the text of each product into a vector of length 1."""
    from prodassoc_cli.embedding.multilingual import MULTILINGUAL, packed_file

    model = None if config.model == MULTILINGUAL else config.model
    if model is not None and not Path(model).is_dir():
        raise NoInput(
            f"no folder {model} for `model=`",
            f"make it: `export CHECKPOINT output={model}`; without `model`, the default is used, "
            f"`model={MULTILINGUAL}` reads all languages",
        )
    run.take("products", inputs)
    run.take("model", model)
    run.take("vectors", config.vectors)
    if config.model == MULTILINGUAL:
        run.decide(multilingual="asked for")
    elif config.model is None and config.encoder == "auto" and packed_file() is not None:
        run.decide(multilingual="at hand")
    run.take("interactions", config.interactions)
    with (
        run.outputs(
            STORED_AS[config.output_precision],
            neighbours=(NEIGHBOURS, config.neighbours_output),
            topics=(TOPICS, config.topics_output),
            profiles=(PROFILES, config.profiles_output),
        ) as outputs,
        engine(config) as spark,
    ):
        from prodassoc_cli.embedding.stage import EmbeddingStage

        stage = EmbeddingStage(
            config,
            run.read("products", PRODUCTS),
            own_vectors=run.read_optional("vectors", EMBEDDINGS),
            read_interactions=partial(run.read, "interactions", INTERACTIONS)
            if config.interactions
            else None,
            spark=spark,
            context=run.context,
        )
        outputs.put_all(stage.results())
