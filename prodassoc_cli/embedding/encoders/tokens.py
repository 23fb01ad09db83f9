"""Texts → token ids, by the tokenizer of a model folder."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pyarrow.parquet import ParquetFile
from tokenizers import Tokenizer, models

from prodassoc_cli.embedding.encoders.vocabulary_coverage import Coverage
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.numerics.arrays import Bools, Longs

TOKENIZER_FILE, VOCABULARY_FILE = "tokenizer.json", "vocabulary.parquet"

# No tokenizer needs more of a text: the rest of a 1 MB text is cut before tokenizing.
_CHARACTERS_PER_TOKEN = 64
# Characters of distinct words from which on looking for their pieces takes longer than taking all pieces.
_MANY_CHARACTERS = 200_000

# Texts and words that are looked at to tell the language of a catalogue, and words that are too few to tell.
_SAMPLE, _FEW_WORDS = 20_000, 20


class TextTokenizer:
    """Turns texts into token ids, special tokens and the model's prefix included.

    Args:
        folder: the model folder.
        config: what its encoder.json says.
        content: its tokenizer.json.
        vocabulary: a vocabulary that is kept apart, see `Pieces`; None where the tokenizer has it.
        max_tokens: where texts are cut, special tokens included; the model's own limit when None.

    Raises:
        BadData: the tokenizer is none.
        UsageProblem: max_tokens is out of range.
    """

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any],
        content: bytes,
        vocabulary: bytes | None,
        max_tokens: int | None,
    ) -> None:
        self._tokenizer = open_tokenizer(folder / TOKENIZER_FILE, content)
        # The file may ask for padding to a fixed length and for a truncation of its own.
        self._tokenizer.no_padding()
        self._prefix = config.get("prefix", "")
        self._pieces = None if vocabulary is None else Pieces(self._tokenizer, vocabulary)
        self.max_tokens = max_tokens if max_tokens is not None else config["max_tokens"]
        self.specials = len(self._encode([self._prefix.rstrip()])[0].ids)
        if not self.specials < self.max_tokens <= config["positions"]:
            raise UsageProblem(
                f"`max_tokens={self.max_tokens}` is not possible with {config['name']}",
                f"give {self.specials + 1} to {config['positions']}",
            )
        self._tokenizer.enable_truncation(self.max_tokens)
        self.unknown_id = _unknown_id(self._tokenizer, content)
        """Id of the unknown token; None if the tokenizer needs none (byte-level BPE)."""
        self.coverage = (
            Coverage.of_scripts(config["scripts"])
            if "scripts" in config
            else Coverage(self._tokenizer.get_vocab(with_added_tokens=False))
        )

    def __call__(self, texts: pl.Series) -> tuple[list[list[int]], Bools]:
        """Return each text's token ids, and whether it was cut."""
        limit = self.max_tokens * _CHARACTERS_PER_TOKEN
        too_long = (texts.str.len_chars() > limit).to_numpy()
        encodings = self._encode([self._prefix + text for text in texts.str.head(limit)])
        cut = np.fromiter((bool(encoding.overflowing) for encoding in encodings), np.bool_, len(encodings))
        ids = [encoding.ids for encoding in encodings]
        if self._pieces is not None:
            ids = [self._pieces.ids[places].tolist() for places in ids]
        return ids, cut | too_long

    def known_words(self, texts: pl.Series) -> float:
        """Return the share of the words of four letters or more that are one token; 1 of a few words."""
        found = texts.head(_SAMPLE).str.extract_all(r"\p{L}{4,}").explode(empty_as_null=False)
        words = found.value_counts(sort=True, name="count").head(_SAMPLE)
        encodings = self._tokenizer.encode_batch_fast(words[found.name].to_list(), add_special_tokens=False)
        known = np.array([len(encoding.ids) == 1 for encoding in encodings], dtype=np.bool_)
        counts = words["count"].to_numpy()
        return float(counts[known].sum() / counts.sum()) if len(counts) >= _FEW_WORDS else 1.0

    def _encode(self, texts: list[str]) -> Any:  # noqa: ANN401 — encodings of tokenizers
        if self._pieces is not None:
            self._pieces.take(texts)
        return self._tokenizer.encode_batch_fast(texts)


class Pieces:
    """A vocabulary of unigrams that lies apart from its tokenizer, which gets what its texts need of it.

    To build a search tree of 250,000 pieces takes a second and 200 MB. No piece that does not occur in a text
    can be part of it, so a tokenizer of those that occur gives the same segmentation.

    Args:
        tokenizer: its model holds the special tokens alone, which are first in the vocabulary too; it must
            split texts into words at blanks, and no piece may go on past a blank.
        content: a Parquet file: piece, score; a token's id is its row.

    Attributes:
        ids: for each token of the tokenizer, the token's id.
    """

    def __init__(self, tokenizer: Tokenizer, content: bytes) -> None:
        table = pl.DataFrame(ParquetFile(io.BytesIO(content)).read())
        self._tokenizer = tokenizer
        self._table = table.with_row_index("id")
        self._longest = table.select(pl.col("piece").str.len_chars().max()).item()
        # An unknown character costs by the lowest score of all.
        self._always = (pl.col("id") < tokenizer.get_vocab_size()) | (pl.col("score") == table["score"].min())
        self._unknown = json.loads(tokenizer.to_str())["model"]["unk_id"]
        self._is_whole = False
        self.ids: Longs = np.empty(0, np.int64)

    def take(self, texts: list[str]) -> None:
        """Give the tokenizer the pieces that occur in the texts."""
        if self._is_whole:
            return
        text = self._tokenizer.normalizer.normalize_str("\n".join(texts))
        words = {f"▁{word}" for word in text.split(" ")}
        self._is_whole = sum(map(len, words)) > _MANY_CHARACTERS
        found = self._table
        if not self._is_whole:
            parts = pl.Series(list(_parts(words, self._longest)), dtype=pl.String)
            found = found.filter(self._always | pl.col("piece").is_in(parts.implode()))
        pieces = list(zip(found["piece"].to_list(), found["score"].to_list(), strict=True))
        self._tokenizer.model = models.Unigram(pieces, self._unknown)
        self.ids = found["id"].to_numpy().astype(np.int64)


def _parts(words: set[str], longest: int) -> set[str]:
    """Return all that lies within a word, up to a length."""
    return {
        word[start:end]
        for word in words
        for start in range(len(word))
        for end in range(start + 1, min(start + longest, len(word)) + 1)
    }


def open_tokenizer(path: Path, content: bytes) -> Tokenizer:
    """Return the tokenizer that a tokenizer.json holds.

    Raises:
        BadData: it holds none; `path` is named.
    """
    try:
        return Tokenizer.from_buffer(content)
    except Exception as error:  # tokenizers raises bare Exception
        line = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadData(f"{path} is not a tokenizer: {line}", "fetch or export the model again") from error


def _unknown_id(tokenizer: Tokenizer, content: bytes) -> int | None:
    model = json.loads(content)["model"]
    if isinstance(model.get("unk_id"), int):
        return int(model["unk_id"])
    token = model.get("unk_token")
    return tokenizer.token_to_id(token) if token else None
