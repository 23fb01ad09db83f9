"""Folders of part files, plain or partitioned as Hive does it, go wherever a file goes, to the same end."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.conftest import SAMPLE, CommandLine

SHOP = (
    "clean", str(SAMPLE / "orders.csv"), "--products", str(SAMPLE / "catalog.csv"), "-o", "i.parquet",
    "--products-output", "p.parquet", "--holdout", "last-order", "--holdout-output", "h.parquet",
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The simulated shop: every artifact as a file, and as folders beside it."""
    run = CommandLine(tmp_path_factory.mktemp("datasets"))
    for words in (
        SHOP,
        ("embed", "p.parquet", "-o", "e.parquet", "--encoder", "tfidf"),
        ("mine", "i.parquet", "-o", "r.parquet"),
        ("train", "i.parquet", "--products", "p.parquet", "--model", "item-knn", "-o", "m.parquet"),
        ("recommend", "m.parquet", "-o", "recs.parquet"),
        ("evaluate", "recs.parquet", "--truth", "h.parquet", "--train", "i.parquet", "-o", "x.parquet"),
        ("clean", "i.parquet", "-o", "c.parquet"),
    ):
        good(run, *words)
    for name in ("i", "p", "h", "e", "r", "recs"):
        in_parts(pl.read_parquet(run.folder / f"{name}.parquet"), run.folder / f"{name}.parts")
    partitioned(pl.read_parquet(run.folder / "i.parquet"), "event", run.folder / "i.hive")
    partitioned(pl.read_parquet(run.folder / "h.parquet"), "event", run.folder / "h.hive")
    partitioned(pl.read_parquet(run.folder / "p.parquet"), "brand", run.folder / "p.hive")
    partitioned(pl.read_parquet(run.folder / "recs.parquet"), "rank", run.folder / "recs.hive")
    return run


def good(run: CommandLine, *words: str) -> None:
    done = run(*words, "-q", "--force")
    assert done.returncode == 0, done.stderr.decode()


def in_parts(frame: pl.DataFrame, folder: Path, parts: int = 3) -> None:
    """Write the rows as part files, as Spark names them, with a mark of success."""
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    step = -(-frame.height // parts)
    for part, rows in enumerate(frame.iter_slices(step)):
        rows.write_parquet(folder / f"part-{part:05}.parquet")


def partitioned(frame: pl.DataFrame, column: str, folder: Path) -> None:
    """Write the rows partitioned by a column, which is then in the names of folders only."""
    for (value,), rows in frame.group_by(column):
        name = "__HIVE_DEFAULT_PARTITION__" if value is None else str(value).replace(" ", "%20")
        target = folder / f"{column}={name}"
        target.mkdir(parents=True)
        rows.drop(column).write_parquet(target / "part-0.parquet")


def rows_of(run: CommandLine, name: str) -> pl.DataFrame:
    frame = pl.read_parquet(run.folder / name)
    if "metric" in frame.columns:  # named after the model, or after the folder
        frame = frame.drop("model")
    flat = [column for column, dtype in frame.schema.items() if not dtype.is_nested()]
    return frame.sort(flat)


COMMANDS = {
    "embed parts": ("e.parquet", "embed", "p.parts", "--encoder", "tfidf"),
    "embed hive": ("e.parquet", "embed", "p.hive", "--encoder", "tfidf"),
    "mine parts": ("r.parquet", "mine", "i.parts"),
    "mine hive": ("r.parquet", "mine", "i.hive"),
    "train": ("m.parquet", "train", "i.hive", "--products", "p.hive", "--model", "item-knn"),
    "train with vectors and rules": (
        "", "train", "i.parts", "--embeddings", "e.parts", "--rules", "r.parts", "--model", "rules"
    ),
    "recommend": ("recs.parquet", "recommend", "m.parquet", "--products", "p.hive"),
    "evaluate parts": ("x.parquet", "evaluate", "recs.parts", "--truth", "h.parts", "--train", "i.parts"),
    "evaluate hive": ("x.parquet", "evaluate", "recs.hive", "--truth", "h.hive", "--train", "i.hive"),
    "clean": ("c.parquet", "clean", "i.parts"),
    "clean hive": ("c.parquet", "clean", "i.hive"),
}  # fmt: skip
"""What a file gave before, and the command that must give it from folders; empty: it must only work."""


@pytest.mark.parametrize("told", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_gives_what_the_file_gives(shop, told):
    whole, *words = told
    good(shop, *words, "-o", "parts.parquet")
    if whole:
        parts, expected = rows_of(shop, "parts.parquet"), rows_of(shop, whole)
        assert parts.columns == expected.columns
        assert parts.equals(expected)


@pytest.mark.parametrize("limit", ["4GB", "1100MB"])
def test_raw_lines_of_a_partitioned_folder_have_its_columns(prodassoc, limit):
    lines = "order,product\n" + "".join(f"{n},p{n % 3}\n" for n in range(40))
    for day in ("2024-01-31", "2024-02-01"):
        folder = prodassoc.folder / "sales" / "country=UK" / f"date={day}"
        folder.mkdir(parents=True)
        (folder / "part-0.csv").write_text(lines)
    good(prodassoc, "clean", "sales", "-o", "i.parquet", "--memory-limit", limit)
    days = pl.read_parquet(prodassoc.folder / "i.parquet")["timestamp"].dt.date().cast(pl.String)
    assert days.value_counts().sort("timestamp").rows() == [("2024-01-31", 40), ("2024-02-01", 40)]


def test_what_the_lines_say_themselves_counts_before_their_folder(prodassoc):
    folder = prodassoc.folder / "sales" / "date=2024-01-31"
    folder.mkdir(parents=True)
    (folder / "part.csv").write_text("order,product,timestamp\n1,a,2023-05-05 10:00\n1,b,2023-05-05 10:00\n")
    good(prodassoc, "clean", "sales", "-o", "i.parquet")
    assert pl.read_parquet(prodassoc.folder / "i.parquet")["timestamp"].dt.year().unique().to_list() == [2023]
    good(prodassoc, "clean", "sales", "--map", "timestamp=date", "-o", "i.parquet")
    assert pl.read_parquet(prodassoc.folder / "i.parquet")["timestamp"].dt.year().unique().to_list() == [2024]


def test_a_catalogue_in_a_partitioned_folder(prodassoc):
    for brand in ("Acme", "Best%20Co"):
        folder = prodassoc.folder / "catalogue" / f"brand={brand}"
        folder.mkdir(parents=True)
        (folder / "part.csv").write_text(f"product_id,title\n{brand[0]},Thing\n")
    (prodassoc.folder / "o.csv").write_text("order,product\n1,A\n1,B\n")
    words = ("clean", "o.csv", "--products", "catalogue", "--products-output", "p.parquet", "-o", "i.parquet")
    good(prodassoc, *words)
    products = pl.read_parquet(prodassoc.folder / "p.parquet")
    assert products.select("product_id", "brand").rows() == [("A", "Acme"), ("B", "Best Co")]
