"""Rows that were written carelessly are cut as they were meant; rows that are right stay as they are."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pollock import load
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.formats.text.dialect import Way
from prodassoc_cli.intake.formats.text.repair import LetterQuotes, Repair, cut, wordy_column

CELLS = st.text(alphabet="ab 1,\"'\n", max_size=6)
WIDTH = 3
ROWS = st.lists(st.lists(CELLS, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=12)


def written(rows: list[list[str]], quoting: int) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", quoting=quoting).writerows(rows)
    return file.getvalue()


def repaired(repair: Repair, text: str, lines_at_once: int) -> str:
    lines = text.splitlines(keepends=True)
    pieces = ["".join(lines[at : at + lines_at_once]) for at in range(0, len(lines), lines_at_once)]
    return "".join(repair(piece, False) for piece in pieces) + repair("", True)


@given(ROWS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.integers(1, 20))
def test_rows_that_are_right_stay_as_they_are(rows, quoting, lines_at_once):
    text = written(rows, quoting)
    repair = LetterQuotes(Way(), WIDTH)
    assert repaired(repair, text, lines_at_once) == text
    assert repair.rows == 0


@given(ROWS, st.integers(2, 5), st.integers(1, 20))
def test_rows_of_another_width_stay_as_they_are(rows, width, lines_at_once):
    """What is broken is left to be a reject: its quotes are right."""
    text = written(rows, csv.QUOTE_ALL)
    assert repaired(LetterQuotes(Way(), width), text, lines_at_once) == text


@given(ROWS, st.integers(0, 99), st.integers(1, 20))
def test_a_quote_within_a_quoted_field_is_a_letter(rows, at, lines_at_once):
    rows = [[cell.replace('"', "").replace("\n", "") for cell in row] for row in rows]
    at %= len(rows)
    meant = [*rows[:at], [rows[at][0], 'size 5" round', rows[at][2]], *rows[at + 1 :]]
    text = written(meant, csv.QUOTE_ALL).replace('5""', '5"')
    assert list(csv.reader(io.StringIO(repaired(LetterQuotes(Way(), WIDTH), text, lines_at_once)))) == meant


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,"5" pipe, long",2', ["1", '5" pipe, long', "2"]),
        ('1,"ends in 5"",2', ["1", 'ends in 5"', "2"]),
        ('1,"b,2', ["1", '"b', "2"]),
        ('1,"b","', ["1", "b", '"']),
        ('"$1,"a, b",2', ['"$1', "a, b", "2"]),
        ('1,"a" ,2', ["1", "a", "2"]),
        ('1,"a ""x"", b","c', ["1", 'a "x", b', '"c']),
        ('1,"b,2,3', None),
    ],
)
def test_a_line_is_cut_into_so_many_fields(line, cells):
    assert cut(line, Way(), 3) == cells


def test_apostrophes_between_single_quotes_are_letters():
    lines = "1,'the kids' shelf, high',2\n2,'plain',3\n"
    repair = LetterQuotes(Way(quote="'"), 3)
    text = repaired(repair, lines, 9)
    reader = csv.reader(io.StringIO(text), quotechar="'")
    assert list(reader) == [["1", "the kids' shelf, high", "2"], ["2", "plain", "3"]]
    assert (repair.rows, repair.example) == (1, "the kids' shelf, high")


WORDS = [
    "1001 2024-01-05 Mug 2 7.95", "1001 2024-01-05 Red Mug 1 7.95", "1002 2024-01-06 Kids' Rain Hat 1 9.00",
    "1003 2024-01-06 Hat 1 8",
]  # fmt: skip


def test_the_only_column_that_can_hold_words_is_found():
    way = Way(delimiter=" ")
    assert wordy_column(WORDS, way, 5) == 2
    assert wordy_column(WORDS[:1], way, 5) is None, "no row has more words than fields"
    two = ["1 red big mug", "2 blue hat", "3 old grey sock"]
    assert wordy_column(two, way, 3) is None, "either of two columns could hold the words"


def test_what_is_repaired_is_said_with_what_overrules_it(tmp_path, clean):
    path = tmp_path / "till.txt"
    path.write_text("receipt date item quantity price\n" + "\n".join(WORDS * 5) + "\n")
    loaded = load(path)
    assert loaded.rows[2] == ["1001", "2024-01-05", "Red Mug", "1", "7.95"]
    assert len(loaded.rows) == 21
    assert not loaded.rejects
    (said,) = loaded.said
    assert "the words of item are put together in 10 rows, as Red Mug" in said
    assert "`quote='\"'`" in said

    orders = 'order_id,product_id,title\n1,a,"Pipe, 5" long"\n2,b,"plain"\n'
    assert clean(orders).rejects.is_empty()
    assert any("quotes inside fields are letters in 1 row, as in Pipe, 5" in line for line in clean.said)


def test_quotes_are_read_strictly_where_they_are_named(tmp_path, clean):
    swallowing = 'order_id,product_id\n1,"a"\n2,"b\n3,c\n'
    assert clean(swallowing).interactions["product_id"].to_list() == ["a", '"b', "c"]
    with pytest.raises(BadData, match="never closed"):
        clean(swallowing, quote='"')


def test_rows_that_were_repaired_are_counted():
    repair = LetterQuotes(Way(), 2)
    assert repaired(repair, '1,"5" a"\n', 1) == '1,"5"" a"\n'
    assert repair.rows == 1


def test_a_name_without_a_column_is_left_out_of_the_header(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("order_id,,product_id,quantity\n" + "1,a,2\n" * 5)
    assert load(path).rows[0] == ["order_id", "product_id", "quantity"]
