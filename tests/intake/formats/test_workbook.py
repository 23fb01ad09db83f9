"""Workbooks and zip archives: the sheet with the table is found, numbers, dates and ids are what they are."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.formats import sources as formats
from prodassoc_cli.intake.formats.sources import Source, members
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders

HEADER = ["InvoiceNo", "CustomerID", "StockCode", "Quantity", "InvoiceDate", "UnitPrice"]
NOON = dt.datetime(2024, 5, 1, 12, 30)
ROWS = [
    [536365.0, 17850.0, "00123", 2.0, NOON, 2.5],
    [536365.0, 17850.0, 22752.0, 1.0, NOON, 7.25],
    ["C536366", 17850.0, "85123A", -1.0, NOON, 2.5],
    [536367.0, None, "85123A", 3.0, dt.datetime(2024, 5, 2), 2.5],
]
LINES = [
    ("17850", "536365", "00123", 2.0, 2.5, NOON),
    ("17850", "536365", "22752", 1.0, 7.25, NOON),
    (None, "536367", "85123A", 3.0, 2.5, dt.datetime(2024, 5, 2)),
]


def workbook(path: Path, sheets: dict[str, list[list[object]]], hidden: str = "") -> Path:
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, dt.datetime):
                    sheet.write_datetime(at, column, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(at, column, cell)
                elif cell is not None:
                    sheet.write(at, column, cell)
        if name == hidden:
            sheet.hide()
    book.close()
    return path


def run(*paths: Path, **options):
    said: list[str] = []
    sources = [table for path in paths for table in members(Source(path.name, path))]
    result = clean_orders(sources, CleanConfig(**options), said.append)
    columns = ("user_id", "order_id", "product_id", "quantity", "price", "timestamp")
    return set(result.interactions.select(columns).rows()), result, said


def test_numbers_dates_and_ids(tmp_path):
    found, result, _ = run(workbook(tmp_path / "orders.xlsx", {"Orders": [HEADER, *ROWS]}))
    assert found == set(LINES)
    assert result.summary["rejects"] == {"cancelled_order": 1}
    assert result.rejects["raw"].to_list() == ["C536366,17850,85123A,-1,2024-05-01 12:30:00.000000,2.5"]


def test_a_workbook_gives_what_the_csv_of_it_gives(tmp_path):
    path = tmp_path / "orders.csv"
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *ROWS])
    path.write_text(out.getvalue().replace(".0,", ","))
    assert run(path)[0] == run(workbook(tmp_path / "orders.xlsx", {"Orders": [HEADER, *ROWS]}))[0]


def test_no_suffix_is_needed_and_none_is_believed(tmp_path):
    assert run(workbook(tmp_path / "a.xlsx", {"O": [HEADER, *ROWS]}).rename(tmp_path / "a.csv"))[0] == set(
        LINES
    )


def test_the_sheet_with_the_table_is_found(tmp_path):
    sheets = {
        "Notes": [["Made by the till"], ["product", "is a code"]],
        "Products": [["sku", "title", "brand", "category", "price"], ["00123", "Tea", "A", "Drinks", 2.5]],
        "Orders": [["Sales of May"], [], [None, *HEADER], *([None, *row] for row in ROWS), []],
        "Old": [HEADER, *ROWS[:1]],
    }
    path = workbook(tmp_path / "orders.xlsx", sheets, hidden="Old")
    found, _, said = run(path)
    assert found == set(LINES)
    assert any("the sheet Orders read, not Notes, Products" in line and "sheet" in line for line in said)
    assert any("rows before the header are passed over" in line for line in said)
    assert len(run(path, sheet="Old")[0]) == len(run(path, sheet="4")[0]) == 1
    with pytest.raises(UsageProblem, match="no such sheet") as caught:
        run(path, sheet="Order")
    assert "Orders" in caught.value.hint


def test_the_sheet_with_the_catalogue_is_found(tmp_path):
    sheets = {
        "Orders": [HEADER, *ROWS],
        "Products": [["sku", "title", "brand", "category", "price"], ["00123", "Tea", "A", "Drinks", 2.5]],
    }
    path = workbook(tmp_path / "shop.xlsx", sheets)
    config = CleanConfig(products=str(path), products_output="x")
    source = Source(path.name, path)
    result = clean_orders([source], config, lambda _: None, catalogue=[source])
    assert result.products.filter(product_id="00123")["title"].item() == "Tea"
    assert result.interactions.height == 3


def test_sheets_of_one_shape_are_read_together(tmp_path):
    later = [[536400.0, 1.0, "X", 1.0, "2024-06-01", "2.50"], ["Total", None, None, 1.0, None, None]]
    sheets = {
        "2023": [HEADER, *ROWS],
        "2024": [HEADER, ["536399", "7", "00123", 1.0, NOON, 1.0], HEADER, *later],
    }
    path = workbook(tmp_path / "orders.xlsx", sheets)
    found, result, said = run(path)
    assert {
        ("7", "536399", "00123", 1.0, 1.0, NOON),
        ("1", "536400", "X", 1.0, 2.5, dt.datetime(2024, 6, 1)),
    } < found
    assert result.summary["rejects"] == {"cancelled_order": 1, "repeated_header": 1, "total_row": 1}
    assert result.rejects["row"].to_list() == [3, 6, 8]
    assert any("2 sheets of one shape read" in line for line in said)


def test_options_hold_for_sheets(tmp_path):
    rows = [["a", "b"], ["order_id", "product_id"], [1.0, "x"], [2.0, "y"], ["total", 2.0]]
    path = workbook(tmp_path / "orders.xlsx", {"S": rows})
    assert run(path)[1].interactions.height == 2
    assert run(path, keep_totals=True)[1].interactions.height == 3
    assert (
        run(path, skip_rows=2, header=False, map=["order_id=1", "product_id=2"])[1].interactions.height == 2
    )
    with pytest.raises(BadData, match="no column holds products"):
        run(path, skip_rows=0)


def test_onehot_of_truth_values(tmp_path):
    rows = [["basket", "milk", "bread"], [1.0, True, False], [2.0, True, True]]
    _, result, _ = run(workbook(tmp_path / "o.xlsx", {"S": rows}), layout="onehot", map=["order_id=basket"])
    assert sorted(result.interactions.select("order_id", "product_id").rows()) == [
        ("1", "milk"), ("2", "bread"), ("2", "milk"),
    ]  # fmt: skip


@pytest.mark.parametrize("sheets", [{"A": []}, {"A": [HEADER]}])
def test_a_workbook_without_rows(tmp_path, sheets):
    with pytest.raises(BadData, match="rows"):
        run(workbook(tmp_path / "a.xlsx", sheets))


def test_a_broken_or_locked_workbook_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"A": [HEADER, *ROWS]})
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)):
        path.write_bytes(data)
        with pytest.raises(BadData):
            run(path)


def test_a_stray_cell_far_away_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write(0, 0, "order_id")
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    with pytest.raises(BadData, match="1,048,576 rows") as caught:
        run(path)
    assert "stray cell" in caught.value.hint


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


CSV = b"order_id,product_id\n1,milk\n1,bread\n"


def test_an_archive_of_one_table(tmp_path):
    book = workbook(tmp_path / "o.xlsx", {"O": [HEADER, *ROWS]}).read_bytes()
    assert run(archive(tmp_path / "a.zip", {"data/o.xlsx": book, "README.txt": b"x"}))[0] == set(LINES)
    _, result, _ = run(archive(tmp_path / "b.zip", {"o.csv": CSV, "__MACOSX/._o.csv": b"\0"}))
    assert result.summary["inputs"][0]["source"] == "b.zip/o.csv"
    assert result.interactions.height == 2


def test_an_archive_of_several_tables_of_one_kind(tmp_path):
    _, result, _ = run(archive(tmp_path / "a.zip", {"1.csv": CSV, "2.csv": CSV.replace(b"1,", b"2,")}))
    assert result.interactions.height == 4
    with pytest.raises(BadData, match=r"a\.zip/2\.csv"):
        run(archive(tmp_path / "a.zip", {"1.csv": CSV, "2.csv": b"sku,title\na,b\n"}))


def test_an_archive_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(BadData, match="several kinds"):
        run(archive(tmp_path / "a.zip", {"1.csv": CSV, "o.parquet": b"PAR1"}))
    with pytest.raises(BadData, match="zip archive"):
        run(archive(tmp_path / "a.zip", {}))
    monkeypatch.setattr(formats, "FREE_UNPACKED_BYTES", 1000)
    with pytest.raises(BadData, match="times its size"):
        run(archive(tmp_path / "a.zip", {"1.csv": CSV + b"1,milk\n" * 50_000}))
    path = archive(tmp_path / "a.zip", {"1.csv": CSV * 900})
    broken = bytearray(path.read_bytes())
    broken[60] ^= 0xFF
    path.write_bytes(bytes(broken))
    with pytest.raises(BadData):
        run(path)
