from __future__ import annotations

import gzip
import io
import os
import sys
import threading

import pyarrow as pa
import pytest

from prodassoc_cli.errors import BadData
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources

ORDERS = "order_id,customer_id,product_id,quantity,price,date\n" + "".join(
    f"{100 + row // 2},u{row % 3},00{row % 4},{1 + row % 2},2.50,2024-05-0{1 + row % 9}\n"
    for row in range(12)
)


def quiet(_):
    pass


def run(*inputs, **options):
    return clean_orders(sources(*inputs), CleanConfig(**options), quiet)


def packed(data: bytes, how: str) -> bytes:
    return {"": data, ".gz": gzip.compress(data), ".zst": pa.Codec("zstd").compress(data, asbytes=True)}[how]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("lying", [False, True])
def test_compression_is_told_by_the_bytes_not_the_suffix(tmp_path, suffix, lying):
    path = tmp_path / ("orders.csv" if lying else f"orders.csv{suffix}")
    path.write_bytes(packed(ORDERS.encode(), suffix))
    assert run(path).summary["rows_kept"] == 12


def test_files_globs_folders_and_standard_input_are_read_alike(tmp_path, monkeypatch):
    header, *rows = ORDERS.splitlines()
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "_SUCCESS").write_text("")
    (parts / "a.csv").write_text("\n".join([header, *rows[:5]]) + "\n")
    (parts / "b.csv.gz").write_bytes(gzip.compress("\n".join([header, *rows[5:]]).encode()))
    whole = tmp_path / "whole.csv"
    whole.write_text(ORDERS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ORDERS.encode())))
    wanted = run(whole).interactions
    assert wanted.height == 12
    assert wanted["product_id"].min() == "000"
    for inputs in ((parts,), (parts / "*.csv*",), (parts / "b.csv.gz", parts / "a.csv"), ("-",)):
        assert run(*inputs).interactions.equals(wanted)


def test_a_named_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(ORDERS,))
    writer.start()
    assert run(pipe).summary["rows_kept"] == 12
    writer.join()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"order_id,product_id\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "PNG"),
        (b"PK\x03\x04" + bytes(200), "Excel"),
        (bytes(range(1, 256)) * 40, "binary"),
        (b"PAR1" + bytes(100) + b"PAR1", "Parquet"),
        (b"ARROW1\0\0" + bytes(100), "Arrow"),
        (b'[{"a": 1}]', "JSON array"),
        (gzip.compress(ORDERS.encode() * 50)[:-20], "cut short"),
        (gzip.compress(ORDERS.encode())[:-8] + bytes(8), "cannot be decompressed"),
        (pa.Codec("zstd").compress(ORDERS.encode() * 50, asbytes=True)[:-9], "cut short"),
        (b'order_id,product_id\n1,"a"\n2,"b,x\n3,c\n', "never closed"),
        (b"order_id,product_id,quantity\n" + b'1,"a",1\n' * 9 + b'1,"b,1,x\n' + b"2,c,1\n" * 9, "quote"),
        (
            b"order_id,product_id,quantity\n"
            + b'0,"a",1\n1,"b,1,x\n'
            + b"2,c,1\n" * 9
            + b'3,d",1,x\n'
            + b"2,c,1\n" * 9,
            "swallows",
        ),
        (b"order_id,product_id\n" + b'1,"a"\n1,"b,x\n' + b"2,c\n" * 4_000_000, "longer than 2 MB"),
        (b"order_id;product_id;price\n" + b"1,a,1\n2,b,3\n" * 9, "no column holds products"),
        (b"Export of May\n\nday,colour\n" + b"1,a\n2,b\n" * 9, "no column holds products"),
        (b"order_id,product_id\n1\n2,b,c\n3\n4,d\n", "most rows are broken"),
    ],
)
def test_what_is_no_table_is_said_to_be_none(tmp_path, content, word):
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(BadData) as caught:
        run(path)
    assert word in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint


def test_parts_that_do_not_fit_together_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text(ORDERS)
    (tmp_path / "b.csv").write_text("order_id,product_id\n1,2\n")
    with pytest.raises(BadData, match=r"b\.csv has no column for user_id"):
        run(tmp_path)
