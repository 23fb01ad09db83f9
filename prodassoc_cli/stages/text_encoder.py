"""Which encoder made the embeddings that a run is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    import polars as pl

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


def unread_products(run: Run, facts: Mapping[str, Any], products: pl.DataFrame | None) -> pl.Series | None:
    """Return the ids of products whose titles the encoder hardly reads, and say how many; None for none.

    Args:
        run: it is said in.
        facts: of the embeddings: their encoder and the scripts that it covers.
        products: product_id and title.
    """
    from prodassoc_cli.embedding.encoders.vocabulary_coverage import Coverage

    scripts = facts.get("scripts")
    if scripts is None or products is None or "title" not in products.columns:
        return None
    unread = products.filter(Coverage.of_scripts(scripts).uncovered(products["title"].fill_null("")))
    if unread.is_empty():
        return None
    run.messages.warning(
        f"titles of {number_of(unread.height, 'product')} are in scripts that {facts.get('encoder')} hardly "
        f"reads, such as {unread['title'][0]}: they are substitutes of nothing; "
        "`embed model=multilingual` reads them"
    )
    return unread["product_id"]


def encoder_of_embeddings(run: Run) -> str | None:
    """Return the name of the encoder of the embeddings; None where none were given."""
    from prodassoc_cli.resemblance.scale import encoder_named

    return (encoder_named(embedding_facts(run)) or UNNAMED) if run.is_given("embeddings") else None
