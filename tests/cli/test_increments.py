"""`clean --append-to`: night after night, the file that cleaning all lines at once would write."""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from prodassoc_cli.app import run_command_line

HEADER = ["order_id", "customer_id", "product_id", "quantity", "price", "date"]
rows = st.tuples(
    st.sampled_from(["1", "2", "C3", "0007", "14"]), st.sampled_from(["u", "v", ""]),
    st.sampled_from(["00123", "a,b1", "POST", "M", "7"]), st.sampled_from(["1", "0", "2", "-2"]),
    st.sampled_from(["1.5", "0", "-1", "2"]), st.sampled_from(["2024-01-31", "2024-02-01", "never", ""]),
)  # fmt: skip
# A night begins as all do, so that it cannot change how the lines before were read.
USUAL = [("100", "u", "p1", "1", "1.25", "2024-01-01"), ("101", "w", "p2", "1", "2", "2024-03-01")]


def clean(*words: object) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = run_command_line(["clean", *map(str, words)])
    return code, said.getvalue()


def write(path: Path, lines) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *lines])
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(st.lists(st.lists(rows, max_size=15), min_size=2, max_size=4), st.booleans())
@example([[("14", "v", "7", "2", "2", "2024-01-31")], [("14", "u", "7", "2", "2", "2024-01-31")]], True)
def test_nights_give_the_bytes_of_one_run(tmp_path, nights, drop_users):
    options = ["--drop-users"] if drop_users else []
    files = [write(tmp_path / f"{at}.csv", [*USUAL, *night]) for at, night in enumerate(nights)]
    whole, grown = tmp_path / "whole.parquet", tmp_path / "grown.parquet"
    whole.unlink(missing_ok=True)
    grown.unlink(missing_ok=True)
    code, said = clean(*files, "-o", whole, *options)
    assert code == 0, said
    assert clean(files[0], "-o", grown, *options)[0] == 0
    for file in files[1:]:
        code, said = clean(file, "--append-to", grown, "-o", grown, *options)
        if code == 65 and "cannot be added" in said:
            return
        assert code == 0, said
    assert grown.read_bytes() == whole.read_bytes()


@pytest.fixture
def first(tmp_path):
    write(tmp_path / "first.csv", USUAL)
    assert clean(tmp_path / "first.csv", "-o", tmp_path / "all.parquet")[0] == 0
    return tmp_path / "all.parquet"


def test_the_same_night_twice(first, tmp_path):
    night = write(tmp_path / "night.csv", [("102", "u", "p1", "1", "1.25", "2024-04-01")])
    assert clean(night, "--append-to", first, "-o", first)[0] == 0
    once = first.read_bytes()
    code, said = clean(night, "--append-to", first, "-o", first)
    assert (code, "already" in said) == (0, True)
    assert first.read_bytes() == once


def test_lines_sent_again_are_duplicates(first, tmp_path):
    again = write(tmp_path / "again.csv", [*USUAL[:1], ("103", "u", "p9", "1", "1", "2024-04-01")])
    rejects = tmp_path / "rejects.csv"
    assert clean(again, "--append-to", first, "-o", first, "--rejects-output", rejects)[0] == 0
    assert "duplicate_line" in rejects.read_text()


@pytest.mark.parametrize(
    ("lines", "words", "code", "why"),
    [
        ([("104", "u", "p1", "1", "1,25", "2024-04-01")], (), 65, "written in another way"),
        ([("200", "u", "x", "1", "1", "2024-04-01")] * 9, (), 65, "look otherwise"),
        ([("105", "u", "p1", "1", "1", "2024-04-01")], ("--event", "view"), 2, "was made without --event"),
        (
            [("105", "u", "p1", "1", "1", "2024-04-01")],
            ("--drop-outliers",),
            2,
            "--append-to and --drop-outliers exclude each other",
        ),
    ],
)
def test_what_would_change_the_lines_before_is_refused(first, tmp_path, lines, words, code, why):
    before = first.read_bytes()
    found, said = clean(write(tmp_path / "n.csv", lines), "--append-to", first, "-o", first, *words)
    assert found == code, said
    assert why in said
    assert first.read_bytes() == before


def test_numbers_are_read_as_those_before(tmp_path):
    usual = [(*row[:4], price, row[5]) for row, price in zip(USUAL, ("1,25", "2,5"), strict=True)]
    files = [
        write(tmp_path / "first.csv", usual),
        write(tmp_path / "night.csv", [("102", "u", "p1", "1", "1.234", "2024-04-01")]),
    ]
    whole, grown = tmp_path / "whole.parquet", tmp_path / "grown.parquet"
    assert clean(*files, "-o", whole)[0] == 0
    assert clean(files[0], "-o", grown)[0] == 0
    assert clean(files[1], "--append-to", grown, "-o", grown)[0] == 0
    assert grown.read_bytes() == whole.read_bytes()
    assert pl.read_parquet(grown)["price"].to_list() == [1.25, 2.5, 1234.0]
