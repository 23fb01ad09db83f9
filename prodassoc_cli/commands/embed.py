"""`prodassoc embed`: products → embeddings."""

from __future__ import annotations

from pathlib import Path

import typer

from prodassoc_cli.artifacts.schemas import EMBEDDINGS, PRODUCTS
from prodassoc_cli.commands.options import InputArgument, command
from prodassoc_cli.commands.run import Run
from prodassoc_cli.settings import CommonConfig, EmbedConfig
from prodassoc_cli.terminal.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "embed",
        EmbedConfig,
        InputArgument("products", "Products, made by prodassoc clean --products-output"),
        (
            "prodassoc embed products.parquet -o embeddings.parquet",
            'prodassoc embed products.parquet -o titles.parquet --text "{title}" --encoder tfidf',
        ),
        run,
    )


def run(inputs: list[str], config: EmbedConfig, common: CommonConfig) -> None:
    """Encode the text of each product into a vector of length 1."""
    this = Run("embed", config, common)
    this.take("products", inputs)
    this.take("model", config.model)
    with this.outputs(EMBEDDINGS) as outputs:
        import polars as pl

        from prodassoc_cli.embedding.encoders import DEFAULT_MODEL, choose_encoder
        from prodassoc_cli.embedding.text import product_texts
        from prodassoc_cli.embedding.vectors import shorten

        products = this.read("products", PRODUCTS).sort("product_id")
        texts = product_texts(products, config.text)
        choice = choose_encoder(
            config.encoder,
            texts,
            model=DEFAULT_MODEL if config.model is None else Path(config.model),
            threads=this.threads,
            max_tokens=config.max_tokens,
            dims=config.dims or 256,
            seed=common.seed,
        )
        if choice.reason:
            this.messages.warning(choice.reason)
        with progress_bar("embedding texts", quiet=common.quiet) as progress:
            encoded = choice.encoder.encode(texts, progress)
        vectors = shorten(encoded.vectors, config.dims)
        width = vectors.shape[1]
        frame = pl.DataFrame({"product_id": products["product_id"], "embedding": vectors})
        outputs.put("output", frame, encoder=choice.encoder.name, fingerprint=choice.encoder.fingerprint)
        this.messages.info(
            f"{products.height:,} products, {texts.n_unique():,} distinct texts → "
            f"vectors of {width} numbers by {choice.encoder.name}"
        )
        if encoded.truncated:
            this.messages.warning(
                f"{encoded.truncated:,} texts are longer than the encoder reads and were cut (--max-tokens)"
            )
        if encoded.unknown_texts:
            this.messages.warning(
                f"{encoded.unknown_texts:,} texts are in a script the encoder does not know (--encoder tfidf)"
            )
        this.note(truncated=encoded.truncated, unknown_texts=encoded.unknown_texts)
    this.next_step("train", f"interactions.parquet --embeddings {common.output or 'embeddings.parquet'}")
