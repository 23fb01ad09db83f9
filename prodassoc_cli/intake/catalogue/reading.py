"""The files of a catalogue → products, with what is to be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from prodassoc_cli.intake.catalogue.catalogue import Catalogue, clean_catalogue
from prodassoc_cli.intake.catalogue.category_paths import paths_of_names
from prodassoc_cli.intake.catalogue.product_tally import complete
from prodassoc_cli.intake.columns.aliases import CATALOGUE_ALIASES
from prodassoc_cli.intake.columns.likeness import ReadHeaders
from prodassoc_cli.intake.columns.match import PRODUCTS, entries_of, parse_map
from prodassoc_cli.intake.columns.presets import preset_of
from prodassoc_cli.intake.columns.schema import Caution, Say
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.whole_tables import read_tables
from prodassoc_cli.numerics.id_overlap import id_overlap
from prodassoc_cli.settings import CleanConfig
from prodassoc_cli.wording import number_of

_LEFT_OUT = {
    "duplicate_product": "duplicate rows of a product, whose first row counts",
    "missing_product": "without an id",
}


def cleaned_catalogue(
    sources: Sequence[Source], config: CleanConfig, say: Say, category_names: Sequence[Source] = (),
    read_headers: ReadHeaders | None = None,
) -> Catalogue:  # fmt: skip
    """Read and clean a catalogue, and say what was read of it and what was not.

    Args:
        sources: where its parts are.
        config: the options of `clean`.
        say: receives notices of one line.
        category_names: where the table of the categories' names is, if their ids stand in the catalogue.
        read_headers: tells what headers mean that are not known; None to leave their columns as they are.

    Raises:
        NoInput: a file is missing.
        BadData: one is no table, or none that can be understood.
        UsageProblem: an option does not fit.
    """
    names = None
    if category_names:
        names = paths_of_names(read_tables(category_names, config, say, "a table of categories")[0])
    tables = read_tables(sources, config, say, "a catalogue", kind="products")
    mapping = parse_map(entries_of(config.map, PRODUCTS), CATALOGUE_ALIASES)
    catalogue = clean_catalogue(tables, mapping, preset_of(config.preset), names, read_headers)
    say(f"catalogue: {', '.join(f'{name}={column}' for name, column in catalogue.columns.items())}")
    for note in catalogue.notes:
        say(f"catalogue: {note}")
    counts = catalogue.counts()
    left = "".join(f"; {n:,} {_LEFT_OUT.get(reason, reason)}" for reason, n in counts["rejects"].items())
    say(f"catalogue: {number_of(counts['rows_in'], 'row')} read, {counts['rows_kept']:,} kept{left}")
    return catalogue


def completed_products(
    derived: pl.DataFrame, sources: Sequence[Source], config: CleanConfig, say: Say,
    category_names: Sequence[Source] = (), read_headers: ReadHeaders | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame | None, dict[str, Any]]:  # fmt: skip
    """Complete a catalogue by the products of the lines, or make do with those.

    `derived` are the products of the lines; the others are the arguments of `cleaned_catalogue`, no sources
    where there is no catalogue.

    Returns:
        The products, the rows of the catalogue left out, and how many there are of each, ready for JSON.
    """
    if not sources:
        return derived, None, {"products": derived.height, "derived": derived.height}
    catalogue = cleaned_catalogue(sources, config, say, category_names, read_headers)
    products = complete(catalogue.products, derived)
    overlap = id_overlap(derived["product_id"], catalogue.products["product_id"])
    meeting = (
        f"{overlap.both:,} of {overlap.left:,} products of the lines are in the catalogue, "
        f"{overlap.right - overlap.both:,} of the catalogue were never bought{overlap.clause}"
    )
    say(Caution(meeting) if overlap.few else meeting)
    facts = {
        **catalogue.counts(),
        "derived": products.height - catalogue.products.height,
        "never_bought": products.height - derived.height,
        "products": products.height,
    }
    return products, catalogue.rejects, facts
