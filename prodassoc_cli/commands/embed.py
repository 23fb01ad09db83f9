"""`prodassoc embed`: products → embeddings, and what follows from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

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
from prodassoc_cli.commands.execution.engine import engine
from prodassoc_cli.commands.execution.run import Run
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.errors import NoInput, UsageProblem
from prodassoc_cli.settings import CommonConfig, EmbedConfig
from prodassoc_cli.terminal.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from prodassoc_cli.commands.execution.targets import Writer
    from prodassoc_cli.embedding.cache import VectorCache
    from prodassoc_cli.embedding.catalogue import EncodedCatalogue
    from prodassoc_cli.embedding.encoders.base import Encoder

_STORED_AS = {"f32": EMBEDDINGS, "f16": EMBEDDINGS_F16, "int8": CODES, "binary": CODES}
_KEYWORDS, _NEIGHBOURS = 5, 10
# Share of the memory a run may use that vectors may take before they go to a temporary file.
_VECTORS_SHARE = 0.25
_TOPICS_SHOWN = 12


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "embed",
        EmbedConfig,
        InputArgument("products", "Products, made by prodassoc clean --products-output"),
        (
            "prodassoc embed products.parquet -o embeddings.parquet --cache ~/.cache/prodassoc",
            'prodassoc embed products.parquet -o titles.parquet --text "{title}" --encoder tfidf',
            "prodassoc embed products.parquet -o embeddings.parquet --topics-output topics.parquet "
            "--neighbours-output similar.parquet",
            "prodassoc embed products.parquet -o embeddings.parquet --interactions interactions.parquet "
            "--profiles-output users.parquet",
        ),
        run,
    )


def run(inputs: list[str], config: EmbedConfig, common: CommonConfig) -> None:
    """Encode the text of each product into a vector of length 1."""
    _check(config)
    this = Run("embed", config, common)
    this.take("products", inputs)
    this.take("model", config.model)
    this.take("vectors", config.vectors)
    this.take("interactions", config.interactions)
    others: dict[str, Any] = {
        "neighbours": (NEIGHBOURS, config.neighbours_output),
        "topics": (TOPICS, config.topics_output),
        "profiles": (PROFILES, config.profiles_output),
    }
    with this.outputs(_STORED_AS[config.output_precision], **others) as outputs, engine(config) as spark:
        Embedding(this, config, outputs, spark).run()
    if config.output_precision in ("f32", "f16"):
        this.next_step(EMBEDDINGS.name, products=inputs[0], interactions=config.interactions)


def _check(config: EmbedConfig) -> None:
    """Refuse options that say nothing without another."""
    needs = (
        ("--neighbours", config.neighbours is not None, "--neighbours-output", config.neighbours_output),
        ("--topics", config.topics is not None, "--topics-output", config.topics_output),
        ("--keywords", config.keywords is not None, "--topics-output", config.topics_output),
        ("--interactions", config.interactions is not None, "--profiles-output", config.profiles_output),
        ("--profiles-output", config.profiles_output is not None, "--interactions", config.interactions),
    )
    for flag, given, other, value in needs:
        if given and value is None:
            raise UsageProblem(f"{flag} needs {other}", f"add {other} FILE")
    if config.model is not None and not Path(config.model).is_dir():
        raise NoInput(
            f"no folder {config.model} to be the --model",
            f"make it: prodassoc export CHECKPOINT -o {config.model}; without --model, the default is taken",
        )
    if config.provider is not None and config.device != "cpu":
        raise UsageProblem("--device and --provider say the same thing", "give one of them")


class Embedding:
    """The work of one run, step by step."""

    def __init__(self, run: Run, config: EmbedConfig, outputs: Writer, spark: Any = None) -> None:  # noqa: ANN401
        self._run, self._config, self._outputs, self._spark = run, config, outputs, spark
        from prodassoc_cli.artifacts.frames import schema_of, with_absent

        self._budget = int(run.memory_limit * _VECTORS_SHARE)
        products = run.read("products", PRODUCTS).sort("product_id")
        self._products = with_absent(products, schema_of(PRODUCTS))

    def run(self) -> None:
        """Encode, store, and derive what was asked for."""
        from prodassoc_cli.embedding.text import product_texts

        texts = product_texts(self._products, self._config.text)
        encoder, cache = self._choose(texts)
        encoded = self._encode(encoder, cache, texts)
        vectors = self._finish(encoded)
        self._store(vectors, encoder)
        self._say(encoded, texts, vectors.shape[1], encoder)
        if self._outputs.wants("neighbours"):
            self._put_neighbours(vectors)
        if self._outputs.wants("topics"):
            self._put_topics(vectors, encoded, encoder, cache)
        if self._outputs.wants("profiles"):
            self._put_profiles(vectors)

    def _choose(self, texts: pl.Series) -> tuple[Encoder, VectorCache | None]:
        from prodassoc_cli.embedding.cache import VectorCache
        from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL
        from prodassoc_cli.embedding.encoders.choose import choose_encoder
        from prodassoc_cli.embedding.encoders.providers import choose_provider

        config = self._config
        choice = choose_encoder(
            config.encoder,
            texts,
            model=DEFAULT_MODEL if config.model is None else Path(config.model),
            threads=self._run.threads,
            max_tokens=config.max_tokens,
            dims=config.dims or 256,
            seed=self._run.common.seed,
            provider=choose_provider(config.device, config.provider),
        )
        if choice.reason:
            self._run.messages.warning(choice.reason)
        encoder = self._placed(choice.encoder)
        if config.cache is None:
            return encoder, None
        if encoder.fitted:
            self._run.messages.warning(
                f"--cache is not used: vectors by {encoder.name} hold for this one catalogue only"
            )
            return encoder, None
        return encoder, VectorCache(Path(config.cache).expanduser(), encoder.fingerprint, encoder.dimension)

    def _placed(self, encoder: Encoder) -> Encoder:
        """Return the encoder that works where --engine says."""
        if self._spark is None:
            return encoder
        from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL
        from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
        from prodassoc_cli.embedding.encoders.providers import choose_provider
        from prodassoc_cli.engines.embedding import SparkEncoder

        config = self._config
        if not isinstance(encoder, OnnxEncoder):
            self._run.messages.warning(f"{encoder.name} learns from all texts together: it runs here")
            return encoder
        folder = DEFAULT_MODEL if config.model is None else Path(config.model)
        provider = choose_provider(config.device, config.provider)
        return SparkEncoder(self._spark, encoder, folder, config.max_tokens, provider)

    def _encode(self, encoder: Encoder, cache: VectorCache | None, texts: pl.Series) -> EncodedCatalogue:
        from prodassoc_cli.embedding.catalogue import encode_catalogue

        with progress_bar("embedding texts", quiet=self._run.common.quiet) as progress:
            return encode_catalogue(encoder, texts, cache=cache, budget=self._budget, progress=progress)

    def _finish(self, encoded: EncodedCatalogue) -> NDArray[np.float32]:
        """Return the vectors of the products: shortened, and joined with those of the user."""
        from prodassoc_cli.embedding.scratch import release, room, slices
        from prodassoc_cli.embedding.vectors import align, combine, shorten

        config, count = self._config, self._products.height
        own = None
        if config.vectors is not None:
            own, without = align(self._run.read("vectors", EMBEDDINGS), self._products["product_id"])
            self._run.note(without_own_vector=without)
            if without:
                self._run.messages.warning(f"{without:,} products have no vector in --vectors: text only")
        made = encoded.distinct.vectors
        if own is None and encoded.one_each and (config.dims is None or config.dims >= made.shape[1]):
            return made
        vectors = None
        for part in slices(count):
            piece = shorten(encoded.vectors(part), config.dims)
            if own is not None:
                piece = combine(piece, own[part], config.vectors_mode, config.vectors_weight)
            if vectors is None:
                vectors = room(count, piece.shape[1], self._budget)
            vectors[part] = piece
            release(vectors)
            release(made)
        assert vectors is not None
        return vectors

    def _store(self, vectors: NDArray[np.float32], encoder: Encoder) -> None:
        self._outputs.put(
            "output",
            self._packed(vectors),
            encoder=encoder.name,
            fingerprint=encoder.fingerprint,
            dims=vectors.shape[1],
        )

    def _packed(self, vectors: NDArray[np.float32]) -> Iterator[pl.DataFrame]:
        import polars as pl

        from prodassoc_cli.embedding.scratch import release, slices
        from prodassoc_cli.embedding.vectors import pack

        for part in slices(len(vectors)):
            packed = pack(vectors[part], self._config.output_precision)
            yield pl.DataFrame({"product_id": self._products["product_id"][part], "embedding": packed})
            release(vectors)

    def _say(self, encoded: EncodedCatalogue, texts: pl.Series, width: int, encoder: Encoder) -> None:
        messages, distinct = self._run.messages, len(encoded.distinct.vectors)
        from_cache = (
            f" ({encoded.cached:,} from the cache)" if self._config.cache and not encoder.fitted else ""
        )
        messages.info(
            f"{len(texts):,} products, {distinct:,} distinct texts{from_cache} → "
            f"vectors of {width} numbers by {encoder.name}"
        )
        if encoded.truncated:
            messages.warning(
                f"{encoded.truncated:,} texts are longer than the encoder reads and were cut (--max-tokens)"
            )
        if encoded.unknown_texts:
            messages.warning(
                f"{encoded.unknown_texts:,} texts are in a script the encoder does not know (--encoder tfidf)"
            )
        empty = int((texts.str.len_chars() == 0).sum())
        if empty:
            messages.warning(f"{empty:,} products have an empty text: all of them get the vector of no words")
        self._run.note(
            distinct_texts=distinct, from_cache=encoded.cached, empty_texts=empty,
            truncated=encoded.truncated, unknown_texts=encoded.unknown_texts,
        )  # fmt: skip

    def _put_neighbours(self, vectors: NDArray[np.float32]) -> None:
        from prodassoc_cli.embedding.analysis.neighbours import nearest_to_each, neighbour_table
        from prodassoc_cli.embedding.scratch import slices

        k = self._config.neighbours or _NEIGHBOURS
        with progress_bar("comparing products", quiet=self._run.common.quiet) as progress:
            found = nearest_to_each(vectors, k, threads=self._run.threads, progress=progress)
        ids = self._products["product_id"]
        self._outputs.put(
            "neighbours",
            (neighbour_table(ids, replace(
                found, indices=found.indices[part], scores=found.scores[part]
            ), part.start) for part in slices(len(vectors))),
            k=k,
        )  # fmt: skip

    def _put_topics(
        self,
        vectors: NDArray[np.float32],
        encoded: EncodedCatalogue,
        encoder: Encoder,
        cache: VectorCache | None,
    ) -> None:
        import polars as pl

        from prodassoc_cli.embedding.analysis.topics import find_topics
        from prodassoc_cli.embedding.text import product_texts

        texts = product_texts(self._products, self._config.text, boundary=" | ")
        # A brand sells many things: its name tells a reader little of a topic.
        unbranded = self._products.with_columns(pl.lit("").alias("brand"))
        named = product_texts(unbranded, self._config.text, boundary=" | ")
        topics = find_topics(vectors, named, self._config.topics, self._run.common.seed)
        table = pl.DataFrame(
            {
                "topic": topics.topic,
                "label": pl.Series(topics.labels, dtype=pl.String).gather(topics.topic),
                "product_id": self._products["product_id"],
                "title": self._products["title"],
                "similarity": topics.similarity,
                "keywords": self._keywords(texts, encoded, encoder, cache),
            }
        ).sort(["topic", "similarity", "product_id"], descending=[False, True, False])
        overview = table.group_by("topic", "label", maintain_order=True).agg(
            pl.len().alias("products"), pl.coalesce("title", "product_id").head(3).alias("typical")
        )
        self._outputs.put("topics", table, view=overview, topics=len(topics.labels))
        self._run.messages.info(f"{len(topics.labels)} topics:")
        self._run.messages.table(overview.head(_TOPICS_SHOWN))

    def _keywords(
        self, texts: pl.Series, encoded: EncodedCatalogue, encoder: Encoder, cache: VectorCache | None
    ) -> pl.Series:
        """Return the keyphrases of each product, chosen by the vectors of its text alone."""
        import polars as pl

        from prodassoc_cli.embedding.analysis.keywords import keywords
        from prodassoc_cli.embedding.catalogue import encode_catalogue

        count = _KEYWORDS if self._config.keywords is None else self._config.keywords
        if not count:
            return pl.Series([[]] * len(texts), dtype=pl.List(pl.String))

        def encode(phrases: pl.Series) -> NDArray[np.float32]:
            if encoder.fitted:
                return encoder.encode_phrases(phrases)
            return encode_catalogue(encoder, phrases, cache=cache).vectors(slice(None))

        with progress_bar("choosing keywords", quiet=self._run.common.quiet) as progress:
            return keywords(texts, encoded.vectors, encode, count, progress)

    def _put_profiles(self, vectors: NDArray[np.float32]) -> None:
        from prodassoc_cli.embedding.analysis.profiles import user_profiles

        interactions = self._run.read("interactions", INTERACTIONS)
        half_life = self._config.half_life
        self._outputs.put("profiles", user_profiles(interactions, self._products, vectors, half_life))
