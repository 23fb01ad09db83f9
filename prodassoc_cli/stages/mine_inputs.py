"""What `mine` is given: interactions, or text of one basket per line, which need not be cleaned first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from prodassoc_cli.artifacts.schemas import INTERACTIONS
from prodassoc_cli.execution.run import Run
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.stages.clean import rows_read, say_notice, sources_of

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.intake.basket_lines import BasketLines
    from prodassoc_cli.mining.baskets import Baskets


def are_basket_lines(run: Run) -> bool:
    """Return whether what is mined is no Parquet file, so that it must be text of one basket per line."""
    from prodassoc_cli.artifacts.parquet.files import is_parquet

    files = run.files("interactions")
    return bool(files) and not any(is_parquet(each.path) for each in files)


def baskets_or_interactions(run: Run, config: MineConfig) -> pl.DataFrame | Iterator[pa.Table] | Baskets:
    """Read what was given: interactions in pieces, or baskets, where those are all that is wanted."""
    from prodassoc_cli.mining.basket_builder import BASKET_COLUMNS
    from prodassoc_cli.mining.stage import needs_only_baskets

    if are_basket_lines(run):
        return _of_lines(run, config, only_baskets=needs_only_baskets(config))
    if needs_only_baskets(config):
        return run.read_pieces("interactions", INTERACTIONS, BASKET_COLUMNS)
    return run.read("interactions", INTERACTIONS)


def _of_lines(run: Run, config: MineConfig, *, only_baskets: bool) -> pl.DataFrame | Baskets:
    """Read text of one basket per line as `clean` would, and say what `clean` says of it."""
    from prodassoc_cli.intake.basket_lines import BasketLines

    with ExitStack() as stack:
        sources = sources_of(run.files("interactions"), [])
        lines = BasketLines(sources, lambda notice: say_notice(run, notice), stack)
        found = _baskets(run, config, lines) if only_baskets else _whole_rows(run, lines)
    for line in rows_read(lines.summary):
        run.messages.info(line)
    run.messages.info("options named above are those of `clean`, which reads a file in the same way")
    return found


def _baskets(run: Run, config: MineConfig, lines: BasketLines) -> Baskets:
    from prodassoc_cli.mining.basket_builder import BASKET_COLUMNS, baskets_from_pieces
    from prodassoc_cli.mining.baskets import CodedRows, baskets_of_codes

    most, warn = config.max_basket_size, run.messages.warning
    with run.kernels():
        numbered = lines.numbered()
    if numbered is not None:
        basket, item, ids = numbered
        return baskets_of_codes(CodedRows(basket, item), ids, most, warn)
    interactions = lines.interactions(run.memory_limit, run.scratch_folder())
    return baskets_from_pieces((each.select(BASKET_COLUMNS).to_arrow() for each in interactions), most, warn)


def _whole_rows(run: Run, lines: BasketLines) -> pl.DataFrame:
    import polars as pl

    from prodassoc_cli.artifacts.store import checked_rows
    from prodassoc_cli.intake.values.categories import as_texts

    interactions = lines.interactions(run.memory_limit, run.scratch_folder())
    return checked_rows(pl.concat(map(as_texts, interactions)), INTERACTIONS, "the baskets")
