"""Words and short phrases of product texts: what keywords and topic labels are chosen from."""

from __future__ import annotations

import polars as pl
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

# A word, with inner hyphens and apostrophes; or a run of anything else, which ends a phrase unless it is &.
_PIECE = r"[\p{L}\p{M}\p{N}]+(?:['’&\-][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]+"
_WORD = r"^(?:&|[\p{L}\p{M}][\p{L}\p{M}'’&\-]*)$"
_UNITS = ("ml", "cl", "dl", "kg", "mg", "oz", "lb", "lbs", "mm", "cm", "pcs", "pc", "pk", "ft", "xl", "xxl")
_STOP_WORDS = sorted({*ENGLISH_STOP_WORDS, *_UNITS, "assorted", "pack", "size"})
# What is longer is a code, or text without blanks, and nothing to read in a list.
_LONGEST_WORD = 40
# In languages whose stop words are not listed, a word of so many texts says as little.
_COMMON_SHARE, _COMMON_TEXTS = 0.5, 50


def phrases(texts: pl.Series, longest: int = 3) -> pl.DataFrame:
    """Find the phrases of each text: words that follow each other with no number, sign or break between.

    A phrase neither begins nor ends with a stop word, a unit or a single letter. All is in lower case.

    Args:
        texts: any; a null has none.
        longest: most words in a phrase.

    Returns:
        A row for each phrase of a text: `text` its number, `phrase`, `words` how many they are, `place` where
        in the text it first stands; sorted by text, place and words.
    """
    tokens = (
        pl.DataFrame({"text": pl.int_range(len(texts), dtype=pl.UInt32, eager=True), "token": texts})
        .with_columns(pl.col("token").str.to_lowercase().str.extract_all(_PIECE))
        .explode("token")
        .drop_nulls("token")
        .with_columns(place=pl.int_range(pl.len(), dtype=pl.UInt32).over("text"))
    )
    word, text = pl.col("token"), pl.col("text")
    is_word = word.str.contains(_WORD) & (word.str.len_chars() <= _LONGEST_WORD)
    # Han and kana have no blanks between words: two characters say something there, one letter does not.
    is_end = is_word & (word.str.len_chars() > 1) & ~word.is_in(_STOP_WORDS)
    marked = tokens.with_columns(is_word=is_word, is_end=is_end & ~word.is_in(_common(tokens, len(texts))))
    found = []
    for size in range(1, longest + 1):
        inner = [(text.shift(-ahead) == text) & pl.col("is_word").shift(-ahead) for ahead in range(1, size)]
        whole = pl.all_horizontal(pl.col("is_end"), pl.col("is_end").shift(-(size - 1)), *inner)
        words = [word.shift(-ahead) for ahead in range(size)]
        found.append(
            marked.select(
                "text",
                phrase=pl.concat_str(words, separator=" "),
                words=pl.lit(size, pl.UInt8),
                place="place",
                whole=whole.fill_null(False),
            ).filter("whole")
        )
    return (
        pl.concat(found)
        .drop("whole")
        .unique(["text", "phrase"], keep="first", maintain_order=True)
        .sort("text", "place", "words")
    )


def _common(tokens: pl.DataFrame, texts: int) -> list[str]:
    """Return the words that stand in most texts."""
    if texts < _COMMON_TEXTS:
        return []
    counts = tokens.unique(["text", "token"]).group_by("token").len()
    return counts.filter(pl.col("len") > _COMMON_SHARE * texts)["token"].sort().to_list()
