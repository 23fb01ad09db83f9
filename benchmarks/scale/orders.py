"""`python -m benchmarks.scale.orders LINES FILE`: order lines of a shop that never was, as many as wanted.

50,000 products whose demand follows Zipf's law, about ten lines per basket, a user to ten baskets, two years.
A few lines are dirty in the ways real ones are: written twice, cancelled, returned, without a product. Chunks
of a million lines are made one after another, so that memory does not grow with the lines. The suffix of FILE
decides: .csv or .parquet.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

PRODUCTS = 50_000
LINES_A_BASKET = 10
BASKETS_A_USER = 10
CHUNK = 1_000_000
SEED = 20_260_101
FIRST_SECOND = 1_672_531_200
"""1 January 2023."""

SECONDS = 2 * 365 * 86_400
PRICE_LEVELS = np.array([1.0, 1.0, 1.0, 0.9, 0.8])
"""What a product costs in a line, as a share of its usual price."""


def chunks(lines: int, seed: int = SEED) -> Iterator[pl.DataFrame]:
    """Yield the lines, all columns as text but the numbers.

    Args:
        lines: how many in all, to the last basket.
        seed: of everything.
    """
    shop = np.random.default_rng(seed)
    demand = np.cumsum(1 / np.arange(1, PRODUCTS + 1))
    codes = shop.permutation(PRODUCTS)
    usual = np.round(np.exp(shop.normal(1.5, 0.8, PRODUCTS)), 2)
    for number, start in enumerate(range(0, lines, CHUNK)):
        rng = np.random.default_rng([seed, number])
        size = min(CHUNK, lines - start)
        yield _chunk(rng, size, start, lines, demand / demand[-1], codes, usual)


def _chunk(
    rng: np.random.Generator, size: int, start: int, lines: int, demand: np.ndarray, codes: np.ndarray,
    usual: np.ndarray,
) -> pl.DataFrame:  # fmt: skip
    sizes = 1 + rng.geometric(1 / (LINES_A_BASKET - 1), size // 2)
    ends = np.cumsum(sizes)
    baskets = int(np.searchsorted(ends, size)) + 1
    basket = np.repeat(np.arange(baskets), sizes[:baskets])[:size]
    item = np.searchsorted(demand, rng.random(size))
    users = max(1, lines // (LINES_A_BASKET * BASKETS_A_USER))
    user = rng.integers(0, users, baskets)
    # Time goes on from chunk to chunk, and within one no order follows another.
    first = FIRST_SECOND + int(SECONDS * start / lines)
    second = first + rng.integers(0, max(1, SECONDS * size // lines), baskets)
    frame = pl.DataFrame(
        {
            "order": basket + 10_000_000 + start // 2,
            "item": codes[item],
            "quantity": rng.geometric(0.6, size),
            "price": np.round(usual[item] * rng.choice(PRICE_LEVELS, size), 2),
            "time": second[basket],
            "user": user[basket],
        }
    )  # fmt: skip
    return _dirty(frame.sample(fraction=1.0, shuffle=True, seed=int(rng.integers(1 << 31))), rng)


def _dirty(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Write the lines as a shop's export has them, with a few mistakes."""
    luck = pl.Series(rng.random(frame.height))
    again = frame.with_columns(luck=luck).with_row_index()
    # Half a per cent of the lines repeat the one before.
    source = np.arange(frame.height) - (luck < 0.005).to_numpy()
    frame = again[np.maximum(source, 0)].with_columns(luck=luck)
    return frame.select(
        order_id=pl.when(pl.col("luck").is_between(0.01, 0.015)).then(pl.lit("C")).otherwise(pl.lit(""))
        + pl.col("order").cast(pl.String),
        user_id=pl.when(pl.col("luck") < 0.95).then(
            pl.lit("U") + pl.col("user").cast(pl.String).str.zfill(7)
        ),
        product_id=pl.when(pl.col("luck") < 0.9985).then(
            pl.lit("P") + pl.col("item").cast(pl.String).str.zfill(5)
        ),
        quantity=pl.when(pl.col("luck").is_between(0.02, 0.025)).then(-1).otherwise(1) * pl.col("quantity"),
        price="price",
        timestamp=pl.from_epoch("time", time_unit="s"),
    )


def write(path: Path, lines: int, seed: int = SEED) -> None:
    """Write the lines to a file, a chunk at a time."""
    if path.suffix == ".csv":
        with path.open("wb") as file:
            for number, chunk in enumerate(chunks(lines, seed)):
                chunk.write_csv(file, include_header=not number, datetime_format="%Y-%m-%d %H:%M:%S")
        return
    writer = None
    for chunk in chunks(lines, seed):
        table = chunk.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=CHUNK)
    assert isinstance(writer, pq.ParquetWriter)
    writer.close()


def main() -> None:
    """Write one file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", type=lambda text: int(float(text)), help="such as 1e6")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    write(options.file, options.lines, options.seed)


if __name__ == "__main__":
    main()
