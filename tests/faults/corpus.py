# ruff: noqa: E501 — lines of data
"""A small copy of everything the commands read, and the command lines that read it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from prodassoc_cli.app import run_command_line
from tests.conftest import SAMPLE
from tests.embedding.conftest import write_checkpoint

MADE = "made.parquet"
"""Where every command line of the corpus writes."""

COUNTED = ["--rejects-output", "rejects.parquet", "--summary", "summary.json"]


@dataclass(frozen=True)
class Scenario:
    """A command line, and which of its files a mutant replaces."""

    name: str
    words: tuple[str, ...]
    victims: tuple[str, ...]

    @property
    def command(self) -> str:
        return self.words[0]


def _scenario(name: str, words: str, *victims: str) -> Scenario:
    return Scenario(name, (*words.split(), "-o", MADE), victims)


CLEAN = " ".join(["--layout auto", *COUNTED])
SCENARIOS = (
    _scenario("csv", f"clean orders.csv {CLEAN}", "orders.csv"),
    _scenario("csv again", f"clean orders.csv {CLEAN}", "orders.csv"),
    _scenario(
        "catalogue",
        f"clean orders.csv --products catalog.csv --products-output products.out.parquet {CLEAN}",
        "catalog.csv",
    ),
    _scenario("feedback", f"clean feedback.csv {CLEAN}", "feedback.csv"),
    _scenario("latin-1", f"clean latin1.csv {CLEAN}", "latin1.csv"),
    _scenario("gzip", f"clean orders.csv.gz {CLEAN}", "orders.csv.gz"),
    _scenario("zstd", f"clean orders.csv.zst {CLEAN}", "orders.csv.zst"),
    _scenario("JSON lines", f"clean orders.jsonl {CLEAN}", "orders.jsonl"),
    _scenario("raw Parquet", f"clean raw.parquet {CLEAN}", "raw.parquet"),
    _scenario("Arrow", f"clean raw.arrow {CLEAN}", "raw.arrow"),
    _scenario("baskets", f"clean baskets.csv {CLEAN}", "baskets.csv"),
    _scenario("fimi", f"clean shop.dat {CLEAN}", "shop.dat"),
    _scenario(
        "splits", f"clean orders.csv --holdout last-order --holdout-output holdout.out.parquet {CLEAN}",
        "orders.csv",
    ),
    _scenario("tfidf", "embed products.parquet --encoder tfidf", "products.parquet"),
    _scenario(
        "onnx", "embed products.parquet --model model --encoder onnx", "model/model.onnx",
        "model/tokenizer.json", "model/encoder.json",
    ),
    _scenario("mine", "mine interactions.parquet --min-count 2", "interactions.parquet"),
    _scenario("mine config", "mine interactions.parquet --config prodassoc.toml", "prodassoc.toml"),
    _scenario("item-knn", "train interactions.parquet --model item-knn", "interactions.parquet"),
    _scenario(
        "content",
        "train interactions.parquet --model content --products products.parquet --embeddings vectors.parquet",
        "products.parquet", "vectors.parquet", "interactions.parquet",
    ),
    _scenario(
        "rules model", "train interactions.parquet --model rules --rules rules.parquet", "rules.parquet"
    ),
    _scenario("recommend", "recommend knn.parquet -k 5", "knn.parquet"),
    _scenario("recommend content", "recommend content.parquet -k 5 --for products", "content.parquet"),
    _scenario(
        "recommend ids", "recommend knn.parquet -k 5 --ids ids.txt --deny deny.txt", "ids.txt", "deny.txt"
    ),
    _scenario(
        "evaluate",
        "evaluate recs.parquet --truth holdout.parquet --train interactions.parquet --products products.parquet",
        "recs.parquet", "holdout.parquet", "interactions.parquet", "products.parquet",
    ),
    Scenario(
        "inspect", ("inspect", "rules.parquet"),
        ("rules.parquet", "recs.parquet", "interactions.parquet", "vectors.parquet"),
    ),
)  # fmt: skip

_MAKE = (
    "clean orders.csv --products catalog.csv -o interactions.parquet --products-output products.parquet"
    " --holdout last-order --holdout-output holdout.parquet",
    "embed products.parquet --encoder tfidf --dims 16 -o vectors.parquet",
    "mine interactions.parquet --min-count 2 -o rules.parquet",
    "train interactions.parquet --model item-knn -o knn.parquet",
    "train interactions.parquet --model content --products products.parquet --embeddings vectors.parquet"
    " -o content.parquet",
    "recommend knn.parquet -k 5 --include-seen -o recs.parquet",
)


def build(folder: Path) -> None:
    """Fill a folder with every file that a scenario reads; the working directory must be that folder."""
    orders = _head(SAMPLE / "orders.csv", 1200)
    (folder / "orders.csv").write_bytes(orders)
    (folder / "orders.csv.gz").write_bytes(gzip.compress(orders, mtime=0))
    (folder / "orders.csv.zst").write_bytes(pa.compress(orders, "zstd", asbytes=True))
    (folder / "catalog.csv").write_bytes(_head(SAMPLE / "catalog.csv", 60))
    (folder / "feedback.csv").write_bytes(_head(SAMPLE / "feedback.csv", 150))
    (folder / "latin1.csv").write_bytes(_head(SAMPLE / "orders_latin1.csv", 150))
    frame = pl.read_csv(folder / "orders.csv", infer_schema=False)
    (folder / "orders.jsonl").write_text(frame.head(200).write_ndjson())
    typed = frame.head(300).with_columns(
        pl.col("quantity", "unit_price").cast(pl.Float64),
        pl.col("order_date").str.to_datetime("%Y-%m-%d %H:%M", strict=False),
    )
    pq.write_table(typed.to_arrow(), folder / "raw.parquet")
    with pa.ipc.new_file(folder / "raw.arrow", typed.to_arrow().schema) as writer:
        writer.write_table(typed.to_arrow())
    baskets = frame.group_by("order_no", maintain_order=True).agg(pl.col("sku").drop_nulls())["sku"].head(150)
    (folder / "baskets.csv").write_text("".join(",".join(basket) + "\n" for basket in baskets))
    (folder / "shop.dat").write_text(
        "".join(" ".join(filter(str.isdigit, basket)) + "\n" for basket in baskets)
    )
    (folder / "prodassoc.toml").write_text('seed = 7\nthreads = 1\n[mine]\nmin-count = 2\nsort-by = "lift"\n')
    (folder / "ids.txt").write_text(
        "".join(f"{user}\n" for user in frame["customer"].drop_nulls().unique().sort()[:20])
    )
    (folder / "deny.txt").write_text(
        "".join(f"{sku}\n" for sku in frame["sku"].drop_nulls().unique().sort()[:20])
    )
    write_checkpoint(folder / "checkpoint")
    assert run_command_line(["export", "checkpoint", "-o", "model", "-q"]) == 0
    for line in _MAKE:
        assert run_command_line([*line.split(), "-q", "--threads", "1"]) == 0, line


def _head(path: Path, lines: int) -> bytes:
    with path.open("rb") as stream:
        return b"".join(islice(stream, lines))
