from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest

from prodassoc_cli.terminal.output import fits, table_text, write_text


def text_of(frame: pl.DataFrame, form: str) -> str:
    stream = io.BytesIO()
    assert write_text(frame, form, stream) == frame.height
    return stream.getvalue().decode()


def test_lists_in_csv_can_be_taken_apart_again():
    ids = ["a", "b|c", "d\\e", 'f,"g"']
    line = pl.read_csv(io.StringIO(text_of(pl.DataFrame({"items": [ids]}), "csv")))["items"][0]
    parts, part, escaped = [], "", False
    for char in line:
        if escaped or char not in "\\|":
            part, escaped = part + char, False
        elif char == "\\":
            escaped = True
        else:
            parts, part = [*parts, part], ""
    assert [*parts, part] == ids


def test_vectors_in_csv_are_json():
    vectors = pl.DataFrame({"embedding": np.array([[0.5, -1.0]], dtype=np.float32)})
    assert text_of(vectors, "csv") == 'embedding\n"[0.5,-1.0]"\n'


def test_json_lines_hold_lists_and_nulls():
    frame = pl.DataFrame({"items": [["a", "b"]], "price": [None]}, schema_overrides={"price": pl.Float64})
    assert text_of(frame, "jsonl") == '{"items":["a","b"],"price":null}\n'


@pytest.mark.parametrize("width", [40, 80, 120])
def test_tables_fit_and_numbers_are_never_cut(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    frame = pl.DataFrame({"title": ["红薯宽粉" * 20], "count": [1_234_567], "reason": ["because " * 30]})
    lines = table_text(frame).splitlines()
    assert "1234567" in lines[2]
    assert all(sum(2 if ord(char) > 0x2E7F else 1 for char in line) <= width for line in lines[:3])


def test_what_does_not_fit_is_counted(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    frame = pl.DataFrame({f"column_{n}": [1.5] * 30 for n in range(9)})
    assert table_text(frame, rows=10).splitlines()[-1] == "… and 20 more rows and 6 more columns"


def test_titles_cannot_drive_the_terminal():
    hostile = "\x1b[31mred\x1b[0m\u202eback\nline"
    shown = table_text(pl.DataFrame({"title": [hostile]}))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown.splitlines()) == 3


def test_what_fits_is_not_cut(monkeypatch):
    frame = pl.DataFrame({"title": ["特浓牛奶" * 3, "short"], "n": [1.0, 22.0]})
    for width in range(20, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        assert fits(frame) == ("…" not in table_text(frame)), width
