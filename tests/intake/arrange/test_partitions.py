"""Cleaned part by part, whatever the parts, everything is as if it had been cleaned at once."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake import gather as parts
from prodassoc_cli.intake.arrange.partition_bounds import Bounds, sort_key
from prodassoc_cli.intake.arrange.partitions import Partitions
from prodassoc_cli.intake.formats.parquet import ParquetRows
from prodassoc_cli.settings import CleanConfig
from tests.conftest import examples
from tests.intake.cleaned_orders import CleanedOrders, clean_orders
from tests.intake.conftest import sources

HEADER = ["order_id", "customer_id", "product_id", "quantity", "price", "date", "title"]
OPTIONS = (
    {}, {"products_output": "x"}, {"drop_outliers": True}, {"drop_users": True}, {"holdout": "last-order"},
    {"holdout": "last-item"}, {"holdout": "time:0.3"}, {"holdout": "random:0.4", "drop_users": True},
    {"min_item_count": 3, "min_user_count": 2},
    {"min_item_count": 70, "min_user_count": 52, "drop_outliers": True},
)  # fmt: skip

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=4)
rows = st.tuples(
    st.sampled_from(["1", "2", "C3", "0007", "", "é"]), st.sampled_from(["u", "v", "", "00"]),
    st.sampled_from(["00123", "a,b", 'q"q', "POST", "M", ""]),
    st.sampled_from(["1", "0", "-2", "x", "", "1,5", "1000"]),
    st.sampled_from(["1.5", "0", "-1", "free", "1e9", "2,50"]),
    st.sampled_from(["2024-01-31", "31/12/2024 10:00", "1/2/2024", "2/13/2024", "never", ""]),
    texts,
)  # fmt: skip
ragged = st.lists(st.sampled_from(["1", "x"]), min_size=1, max_size=9)
files = st.lists(rows | ragged, min_size=1, max_size=30)


def write(path: Path, lines) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([HEADER, *lines])
    path.write_bytes(out.getvalue().encode())


def everything(found: CleanedOrders):
    frames = (found.interactions, found.rejects, found.products, found.holdout)
    return [None if each is None else each.rows() for each in frames], found.summary


def outcome(inputs, options, many: int, *, on_disk: bool = True):
    """What comes of it, or the error, with a given number of parts."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "parts_needed", lambda orders, budget: many if on_disk else 1)
        patch.setattr(parts, "parts_in_memory", lambda orders: many)
        patch.setattr(parts, "PIECE_ROWS", 3)
        patch.setattr(parts, "LARGE_PIECE_ROWS", 3)
        patch.setattr("prodassoc_cli.intake.formats.text.rows.BLOCK_BYTES", 1 << 10)
        try:
            result = clean_orders(inputs, CleanConfig(**options), said.append, budget=1)
        except BadData as problem:
            return str(problem)
    return everything(result), said


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(st.lists(files, min_size=1, max_size=2), st.sampled_from(OPTIONS), st.integers(2, 9), st.booleans())
def test_any_lines_in_any_parts(tmp_path, lines, options, many, on_disk):
    paths = [tmp_path / f"{at}.csv" for at in range(len(lines))]
    for path, each in zip(paths, lines, strict=True):
        write(path, each)
    found = outcome(sources(*paths), options, many, on_disk=on_disk)
    assert found == outcome(sources(*paths), options, 1)


@pytest.mark.parametrize("on_disk", [True, False], ids=["disk", "memory"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_many_lines(tmp_path, options, on_disk):
    lines = [
        (f"{at // 3 % 90}", f"u{at // 3 % 17}", f"p{at % 11}", f"{1 + at % 4}", f"{1 + at % 11}.5",
         f"2024-01-{1 + at // 3 % 28:02}", "t")
        for at in range(450)
    ]  # fmt: skip
    lines += [
        ("C1", "u1", "p1", "1", "1", "2024-01-01", "t"),
        ("5", "u1", "p1", "900000", "1.5", "2024-01-09", "t"),
    ]
    write(tmp_path / "lines.csv", lines)
    found = outcome(sources(tmp_path / "lines.csv"), options, 7, on_disk=on_disk)
    assert found == outcome(sources(tmp_path / "lines.csv"), options, 1)


@pytest.mark.parametrize(
    "text", ["1 2 3\n2 3\n\n5\n1 2\n", "a;b;c\na;b\nc\nd;e;f;g\na;c\n"], ids=["fimi", "baskets"]
)
def test_baskets(tmp_path, text):
    path = tmp_path / "baskets.dat"
    path.write_text(text * 5)
    assert outcome(sources(path), {}, 4) == outcome(sources(path), {}, 1)


def test_parquet_and_a_time_beyond_all_years(tmp_path):
    frame = pl.DataFrame(
        {"order_id": list(range(40)), "product_id": [f"{at % 7}" for at in range(40)], "quantity": [1.0] * 40,
         "timestamp": [at * 10**12 for at in range(39)] + [2**62]}
    )  # fmt: skip
    frame = frame.with_columns(pl.col("timestamp").cast(pl.Datetime("us")))
    frame.write_parquet(tmp_path / "lines.parquet", row_group_size=10)
    whole, said = outcome(sources(tmp_path / "lines.parquet"), {}, 1)
    assert whole[1]["rejects"] == {"unparsable_timestamp": 1}
    assert outcome(sources(tmp_path / "lines.parquet"), {}, 3) == (whole, said)


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from("abc")), max_size=40),
    st.integers(2, 9),
)
def test_parts_follow_the_sort_key(keys, many):
    frame = pl.DataFrame(keys, schema={"time": pl.Datetime("us"), "id": pl.String}, orient="row")
    key = sort_key([frame["time"], frame["id"]])
    bounds = Bounds.of_sample(key, many)
    dealt = frame.with_columns(bounds.partition_of(key))
    assert dealt.sort("time", "id", nulls_last=True)["partition"].is_sorted()
    assert bounds.partitions <= many
    assert (dealt.group_by("time", "id").agg(pl.col("partition").n_unique())["partition"] == 1).all()


@pytest.mark.parametrize("on_disk", [True, False], ids=["disk", "memory"])
def test_partitions_give_back_what_they_were_given(tmp_path, on_disk):
    partitions = Partitions(3, on_disk=on_disk, folder=tmp_path)
    for at in range(4):
        frame = pl.DataFrame({"\0row": [at, at + 10, at + 20], "text": ["a", None, "é"]})
        partitions.add(frame, pl.Series([2, 0, 2], dtype=pl.UInt8))
    first, last = partitions
    assert last["\0row"].to_list() == [0, 20, 1, 21, 2, 22, 3, 23]
    assert first["text"].to_list() == [None] * 4
    assert first.columns == ["\0row", "text"]
    assert partitions.rows == [4, 0, 8]
    assert [each.height for each in partitions.taking()] == [4, 8]
    assert list(tmp_path.iterdir()) == []


def test_pieces_of_parquet_are_alike(tmp_path):
    pl.DataFrame({"a": range(10)}).write_parquet(tmp_path / "a.parquet")
    (source,) = sources(tmp_path / "a.parquet")
    pieces = list(ParquetRows(source).pieces(3))
    assert [piece.frame.height for piece in pieces] == [3, 3, 3, 1]
    assert pieces[-1].frame.rows() == [(9, 10)]
