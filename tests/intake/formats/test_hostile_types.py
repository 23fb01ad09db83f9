"""Any type that Arrow can name is used, or unused and named, or refused; none is a bug."""

from __future__ import annotations

import contextlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from prodassoc_cli.errors import BadData
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources

INTERVAL = pa.array([pa.MonthDayNano([1, 2, 3])] * 4)
BYTES = [b"x", b"\xff", None, b"z"]
PAIR = pa.struct([("metadata", pa.binary()), ("value", pa.binary())])
VIEWS = pa.struct([("metadata", pa.binary()), ("value", pa.binary_view())])
KINDS = pa.array([0, 0, 1, 1], pa.int8())
TYPES = {
    "binary_view": pa.array(BYTES, pa.binary_view()),
    "string_view": pa.array(["x", "y", None, "z"], pa.string_view()),
    "binary": pa.array(BYTES),
    "fixed_binary": pa.array([b"xx", b"yy", None, b"zz"], pa.binary(2)),
    "interval": INTERVAL,
    "list_of_intervals": pa.array([[pa.MonthDayNano([1, 2, 3])]] * 4, pa.list_(INTERVAL.type)),
    "duration": pa.array([1, 2, None, 3], pa.duration("s")),
    "time": pa.array([1, 2, None, 3], pa.time64("ns")),
    "null": pa.nulls(4),
    "dictionary_of_bytes": pa.array(BYTES).dictionary_encode(),
    "map": pa.array([[("a", 1)], [], None, [("b", 2)]], pa.map_(pa.string(), pa.int64())),
    "variant": pa.array([{"metadata": b"\1", "value": b"\2"}] * 4, VIEWS),
    "list_of_variants": pa.array([[{"metadata": b"\1", "value": b"\xff"}]] * 4, pa.list_(PAIR)),
    "empty_struct": pa.array([{}] * 4, pa.struct([])),
    "list_view": pa.array([[1], [2], None, [3]], pa.list_view(pa.int64())),
    "dense_union": pa.UnionArray.from_dense(
        KINDS, pa.array([0, 1, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["x", "y"])]
    ),
    "sparse_union": pa.UnionArray.from_sparse(KINDS, [pa.array([1, 2, 3, 4]), pa.array(list("xyzw"))]),
    "run_ends": pa.RunEndEncodedArray.from_arrays(pa.array([2, 4], pa.int32()), pa.array(["x", "y"])),
    "decimal256": pa.array([1, 2, None, 3], pa.decimal256(60, 2)),
    "half": pa.array(np.array([1, 2, 3, 4], np.float16)),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * 4, pa.binary(16))),
    "unknown_zone": pa.array([1, 2, None, 3], pa.timestamp("us", "Mars/Base")),
}  # fmt: skip
UNUSED = {
    "interval", "list_of_intervals", "list_of_variants", "empty_struct", "list_view", "dense_union",
    "sparse_union", "run_ends", "decimal256", "unknown_zone",
}  # fmt: skip


def written(path, columns, names=None):
    table = pa.table(list(columns.values()), names=names or list(columns))
    if path.suffix == ".parquet":
        try:
            pa.parquet.write_table(table, path)
        except pa.ArrowNotImplementedError:
            pytest.skip("Parquet has no such type")
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return path


ORDERS = {"order_id": pa.array(["1", "1", "2", "2"]), "product_id": pa.array(["a", "b", "a", "c"])}


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("name", TYPES)
def test_any_type_beside_orders(tmp_path, name, suffix):
    path = written(tmp_path / f"orders{suffix}", {**ORDERS, "odd": TYPES[name]})
    said: list[str] = []
    result = clean_orders(sources(path), CleanConfig(), said.append)
    assert result.interactions.height == 4
    assert (name in UNUSED) == any("for the type of their values: odd (" in line for line in said)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("name", TYPES)
def test_any_type_as_product(tmp_path, name, suffix):
    path = written(tmp_path / f"orders{suffix}", {**ORDERS, "product_id": TYPES[name]})
    with contextlib.suppress(BadData):
        clean_orders(sources(path), CleanConfig(), lambda _: None)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_columns_of_one_name(tmp_path, suffix):
    columns = {**ORDERS, "again": ORDERS["product_id"], "odd": TYPES["unknown_zone"]}
    path = written(tmp_path / f"orders{suffix}", columns, ["order_id", "product_id", "sku", "sku"])
    assert clean_orders(sources(path), CleanConfig(), lambda _: None).interactions.height == 4


def test_bytes_that_are_no_text_far_into_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("prodassoc_cli.intake.gather.PIECE_ROWS", 1000)
    rows = 5000
    columns = {
        "order_id": pa.array([str(at) for at in range(rows)]), "product_id": pa.array(["a"] * rows),
        "note": pa.array([b"x"] * (rows - 1) + [b"\xff"]),
    }  # fmt: skip
    path = tmp_path / "orders.parquet"
    pa.parquet.write_table(pa.table(columns), path, row_group_size=1000)
    monkeypatch.setattr("prodassoc_cli.intake.gather.parts_needed", lambda *_: 3)
    with pytest.raises(BadData, match="note holds bytes that are no text"):
        clean_orders(sources(path), CleanConfig(), lambda _: None, budget=1)
