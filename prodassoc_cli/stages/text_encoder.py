"""Which encoder made the embeddings that a run is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prodassoc_cli.execution.run import Run

UNNAMED = "an unnamed encoder"


def embedding_facts(run: Run) -> dict[str, Any]:
    """Return what is known of how the embeddings were made; empty where nothing is, or none were given."""
    from prodassoc_cli.artifacts.store import read_lineage

    if given := run.in_memory.get("embeddings"):
        return given[0].facts
    files = run.files("embeddings")
    lineage = read_lineage(files[0].path) if files else None
    return {} if lineage is None else lineage.details


def encoder_of_embeddings(run: Run) -> str | None:
    """Return the name of the encoder of the embeddings; None where none were given."""
    from prodassoc_cli.similarity_scale import encoder_named

    return (encoder_named(embedding_facts(run)) or UNNAMED) if run.is_given("embeddings") else None
