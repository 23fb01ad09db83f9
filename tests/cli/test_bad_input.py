"""Bad input: the contract's exit code, two lines at most, no traceback, no output file touched."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

GOOD = "order_id,user_id,product_id,quantity,price,timestamp\n" + "".join(
    f"{order},u{order % 3},p{item},1,2.5,2025-01-{order + 10} 10:00\n"
    for order in range(1, 7)
    for item in range(order % 4 + 1)
)


@pytest.fixture
def fails(prodassoc):
    """Run a command that must fail; return its error lines."""

    def run(*words: str, code: int) -> list[str]:
        out = prodassoc.folder / "out.parquet"
        out.write_bytes(b"the old output")
        done = prodassoc(*words, "-o", "out.parquet", "-q")
        lines = done.stderr.decode().splitlines()
        assert done.returncode == code, lines
        assert 1 <= len(lines) <= 2, lines
        assert done.stdout == b""
        assert out.read_bytes() == b"the old output"
        assert not list(prodassoc.folder.glob(".*"))
        return lines

    return run


def test_a_missing_file(fails, prodassoc):
    (prodassoc.folder / "orders.csv").write_text(GOOD)
    lines = fails("clean", "order.csv", code=66)
    assert "orders.csv" in lines[1]


def test_a_misspelt_column(fails, prodassoc):
    (prodassoc.folder / "orders.csv").write_text(GOOD.replace("order_id", "InvoiceNo"))
    lines = fails("clean", "orders.csv", "--map", "order_id=InvoiceNumber", code=2)
    assert "InvoiceNo" in " ".join(lines)


def test_a_misspelt_field(fails, prodassoc):
    (prodassoc.folder / "orders.csv").write_text(GOOD)
    lines = fails("clean", "orders.csv", "--map", "ordre_id=order_id", code=2)
    assert "order_id" in " ".join(lines)


def test_a_broken_row_is_kept_aside_and_counted(prodassoc):
    (prodassoc.folder / "orders.csv").write_text(GOOD + "7,u1,p1\n")
    done = prodassoc("clean", "orders.csv", "-o", "out.parquet", "--rejects-output", "rejects.csv")
    assert done.returncode == 0, done.stderr
    rejected = (prodassoc.folder / "rejects.csv").read_text()
    assert "orders.csv" in rejected
    assert "7,u1,p1" in rejected


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4,
        b"",
        b"order_id,user_id,product_id\n",
        GOOD.encode() + b"\x00" * 50,
        GOOD.encode("utf-16")[2:101],
        b"just one line of prose",
    ],
    ids=["png", "empty", "header only", "NUL bytes", "cut UTF-16", "prose"],
)
def test_files_that_are_no_orders(fails, prodassoc, content):
    (prodassoc.folder / "orders.csv").write_bytes(content)
    lines = fails("clean", "orders.csv", code=65)
    assert "orders.csv" in lines[0]


@pytest.mark.parametrize("command", ["embed", "mine", "train", "recommend"])
def test_parquet_of_the_wrong_kind(fails, prodassoc, command):
    pq.write_table(pa.table({"a": [1, 2]}), prodassoc.folder / "a.parquet")
    fails(command, "a.parquet", code=65)


@pytest.mark.parametrize("command", ["embed", "mine", "train", "recommend", "inspect"])
def test_csv_where_parquet_is_due(prodassoc, command):
    (prodassoc.folder / "orders.csv").write_text(GOOD)
    done = prodassoc(command, "orders.csv")
    assert done.returncode == 65
    assert b"prodassoc clean" in done.stderr


def test_an_output_in_no_folder(prodassoc):
    (prodassoc.folder / "orders.csv").write_text(GOOD)
    done = prodassoc("clean", "orders.csv", "-o", "missing/out.parquet")
    assert done.returncode == 73
    assert b"mkdir" in done.stderr


def test_an_output_that_is_the_input(prodassoc):
    (prodassoc.folder / "orders.csv").write_text(GOOD)
    done = prodassoc("clean", "orders.csv", "-o", "orders.csv")
    assert done.returncode == 2
    assert (prodassoc.folder / "orders.csv").read_text() == GOOD


def test_closed_standard_input(prodassoc):
    assert prodassoc("clean", "-").returncode == 66
