"""Clean Online Retail as its CSV and as a workbook, and compare what is made of them.

    python -m benchmarks.workbook

The workbook is made of the CSV below $PRODASSOC_DATA as the shop's own is: ids of digits are numbers, times
are dates of Excel, the other cells are texts. Prints wall and CPU seconds and peak memory of `clean` on each,
and ends with 1 where the interactions differ.
"""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import polars as pl
import xlsxwriter

from benchmarks.recommend.datasets import DATA

SOURCE = DATA / "retail" / "online_retail.csv.gz"
_NUMBERS = ("Quantity", "UnitPrice", "CustomerID")
_NUMBER_OR_TEXT = ("InvoiceNo", "StockCode")
_TIME = "InvoiceDate"


def main() -> int:
    """Measure and print; return the exit code."""
    if not SOURCE.exists():
        print(f"left out: {SOURCE} is missing")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "online_retail.xlsx"
        write_workbook(book)
        made = [clean(source, Path(folder)) for source in (SOURCE, book)]
    same = made[0].equals(made[1])
    print("the same interactions" if same else "the interactions DIFFER")
    return 0 if same else 1


def write_workbook(path: Path) -> None:
    """Write the lines of the CSV as the one sheet of a workbook."""
    options = {"constant_memory": True}
    with (
        gzip.open(SOURCE, "rt", encoding="iso-8859-1", newline="") as text,
        xlsxwriter.Workbook(path, options) as book,
    ):
        lines = csv.reader(text)
        header = next(lines)
        sheet, as_time = book.add_worksheet(), book.add_format({"num_format": "m/d/yyyy h:mm"})
        sheet.write_row(0, 0, header)
        for row, cells in enumerate(lines, 1):
            for column, (name, cell) in enumerate(zip(header, cells, strict=True)):
                if not cell:
                    continue
                if name == _TIME:
                    sheet.write_datetime(row, column, datetime.strptime(cell, "%m/%d/%Y %H:%M"), as_time)
                elif name in _NUMBERS or (name in _NUMBER_OR_TEXT and cell.isdigit()):
                    sheet.write_number(row, column, float(cell))
                else:
                    sheet.write_string(row, column, cell)


def clean(source: Path, folder: Path) -> pl.DataFrame:
    """Clean a file, print what it took, and return the interactions."""
    output = folder / f"{source.name}.parquet"
    began = time.perf_counter()
    command = [sys.executable, "-m", "prodassoc_cli", "clean", str(source), "--preset", "uci", "-q"]
    child = subprocess.Popen([*command, "-o", str(output)])
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"clean {source.name} failed")
    seconds, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
    print(
        f"{source.name}: {seconds:.1f} s, {cpu:.1f} CPU s, {used.ru_maxrss / 1024:,.0f} MB at most",
        flush=True,
    )
    return pl.read_parquet(output)


if __name__ == "__main__":
    raise SystemExit(main())
