"""Tells texts that a tokenizer's vocabulary cannot say much about.

An English vocabulary holds the bare letters of many scripts, so Chinese or Cyrillic text is not unknown to
it: it is spelt out letter by letter, and the vector means nothing. What tells is how much of the vocabulary
is in a script: all-MiniLM-L6-v2 has 27,827 tokens with Latin letters, 494 with Han and 86 with Cyrillic ones.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

SCRIPTS = (
    *("Latin", "Greek", "Cyrillic", "Armenian", "Georgian", "Hebrew", "Arabic", "Ethiopic", "Mongolian"),
    *("Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Sinhala"),
    *("Devanagari", "Bengali", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Tamil", "Telugu"),
)

# A script is covered by 1,000 tokens (half as many of a syllabary), or by a tenth of a small vocabulary.
_TOKENS, _SHARE = 1_000, 0.1
_SYLLABARIES = ("Hiragana", "Katakana")


class Coverage:
    """The scripts that a vocabulary covers.

    Args:
        vocabulary: the tokenizer's tokens.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        tokens = pl.Series("token", list(vocabulary), dtype=pl.String)
        enough = min(_TOKENS, max(1, _SHARE * len(tokens)))
        self.scripts = [
            script
            for script in SCRIPTS
            if tokens.str.contains(rf"\p{{{script}}}").sum() >= enough / (1 + (script in _SYLLABARIES))
        ]

    @classmethod
    def of_scripts(cls, scripts: Iterable[str]) -> Coverage:
        """Return the coverage of scripts that are known to be covered."""
        coverage = cls(())
        coverage.scripts = list(scripts)
        return coverage

    def uncovered(self, texts: pl.Series) -> pl.Series:
        """Return for each text whether most of its letters are in scripts that are not covered."""
        letters = texts.str.count_matches(r"\p{L}")
        if not self.scripts:
            return letters > 0
        known = texts.str.count_matches("[" + "".join(rf"\p{{{script}}}" for script in self.scripts) + "]")
        return known.cast(pl.Int64) * 2 < letters.cast(pl.Int64)

    def main_script(self, texts: pl.Series) -> str:
        """Name the script that is not covered and that most of `texts` hold; "other" if none is known."""
        counts = {
            script: int(texts.str.contains(rf"\p{{{script}}}").sum())
            for script in SCRIPTS
            if script not in self.scripts
        }
        script = max(counts, key=lambda name: counts[name], default="")
        return script if counts.get(script) else "other"
