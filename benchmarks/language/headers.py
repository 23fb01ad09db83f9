"""`python -m benchmarks.language.headers`: headers of exports in ten languages, and what each is taken for.

The headers are those of tests/intake/headers.tsv: 40 to choose by and 60 to measure with, and ten of
descriptions, none of which the aliases know. With --write, what each encoder learns of the names of columns
is written anew, from the aliases and `column_names`, without the headers of the table.
"""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.language.column_names import FIELD_NAMES, KIND_NAMES
from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL, silent
from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.header_names import KNOWN, EncodedHeaders, closeness, reduced, words_of
from prodassoc_cli.embedding.multilingual import multilingual_model
from prodassoc_cli.intake.columns.aliases import ALIASES
from prodassoc_cli.intake.columns.likeness import NO_FIELD, ReadHeaders, liken
from prodassoc_cli.intake.columns.match import normal
from prodassoc_cli.intake.columns.other_names import OTHER_NAMES
from prodassoc_cli.intake.fields import WANTED, fields_of

HEADERS = Path(__file__).parents[2] / "tests" / "intake" / "headers.tsv"
FIELDS = [*WANTED, "title", "category", "brand", NO_FIELD]
_AXES, _RIDGE = 128, 0.1


def main() -> None:
    """Learn, if asked to, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="learn the names anew")
    options = parser.parse_args()
    for folder in (DEFAULT_MODEL, multilingual_model(print, lambda _: contextlib.nullcontext(silent))):
        encoder = OnnxEncoder(folder)
        if options.write:
            learn(encoder)
        read = EncodedHeaders(print, lambda _: contextlib.nullcontext(silent), folder)
        for part in ("validation", "test", "descriptions"):
            print(f"{encoder.name}, {part}: {dict(measured(read, part))}")


def measured(read: ReadHeaders, part: str) -> Counter[str]:
    """Return how many columns of one part of the table are taken right, taken wrong, and proposed."""
    counts: Counter[str] = Counter()
    for columns in tables(part):
        values = {header: shown for _, header, shown in columns}
        fitting = {header: fields_of(values.__getitem__, header) for header in values}
        found = liken(fitting, [*WANTED, "title", "description"], read)
        is_field = {header: name for name, header, _ in columns}
        right = sum(is_field[header] == name for name, header in found.taken.items())
        counts += Counter(right=right, wrong=len(found.taken) - right, proposed=len(found.proposed))
    return counts


def tables(part: str) -> Iterator[list[tuple[str, str, list[str]]]]:
    """Yield the columns of each language: field, header and values."""
    rows = pl.read_csv(HEADERS, separator="\t", quote_char=None).fill_null("")
    for _, table in rows.filter(pl.col("part") == part).group_by("language", maintain_order=True):
        yield [
            (name, header, values.split(";"))
            for name, header, values in table.select("field", "header", "values").rows()
        ]


def known_names() -> dict[str, str]:
    """Return name → field; those of the table of headers are left out."""
    names = {words_of(name): NO_FIELD for name in OTHER_NAMES.split(",")}
    for field in FIELDS[:-1]:
        names |= {words_of(name): field for name in ALIASES[field].split()}
        names |= {words_of(name): field for name in KIND_NAMES.get(field, "").split(",")}
        for of_language in FIELD_NAMES.values():
            names |= {words_of(name): field for name in of_language.get(field, ())}
    headers = {
        normal(header) for part in ("validation", "test") for table in tables(part) for _, header, _ in table
    }
    return {name: field for name, field in names.items() if name and normal(name) not in headers}


def learn(encoder: OnnxEncoder) -> None:
    """Write what an encoder makes of the names: kernel ridge regression from their vectors to the fields."""
    names = known_names()
    texts = pl.Series(list(names))
    read = ~encoder.coverage.uncovered(texts).to_numpy()
    vectors = encoder.encode(texts).vectors[read]
    targets = np.array([[name == field for field in FIELDS] for name in names.values()], np.float64)[read]
    mean = vectors.mean(axis=0)
    around = vectors - mean
    axes = np.linalg.svd(around / np.linalg.norm(around, axis=1, keepdims=True), full_matrices=False)[2][
        :_AXES
    ].T
    known = {"mean": mean.astype(np.float16), "axes": axes.astype(np.float16)}
    points = reduced(vectors, known).astype(np.float16)
    kernel = closeness(points.astype(np.float32), points).astype(np.float64)
    weights = np.linalg.solve(kernel + _RIDGE * np.eye(len(kernel)), targets)
    np.savez_compressed(
        KNOWN / f"{encoder.name}.npz",
        fields=np.array(FIELDS),
        points=points,
        weights=weights.astype(np.float16),
        **known,
    )
    print(f"{encoder.name}: {len(points):,} names")


if __name__ == "__main__":
    main()
