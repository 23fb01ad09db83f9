from __future__ import annotations

import csv
import io
import json
import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodassoc_cli.artifacts import schemas
from prodassoc_cli.errors import BadData
from prodassoc_cli.intake.columns.schema import FURTHER, INTERACTIONS, REJECTS
from prodassoc_cli.intake.values.ids import parse_ids
from prodassoc_cli.intake.values.missing import NOBODY_WORDS
from prodassoc_cli.settings import CleanConfig
from tests.conftest import examples
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources

DATA = Path(os.environ.get("PRODASSOC_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
HEADER = ["order_id", "customer_id", "product_id", "quantity", "price", "date", "description"]

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
cells = [
    st.sampled_from(["1", "2", "C3", "0007", ""]), st.sampled_from(["u", "v", "", "00"]),
    st.sampled_from(["00123", "a,b", 'q"q', "POST", "M", "", "é"]) | texts,
    st.sampled_from(["1", "0", "-2", "x", "", "1000"]),
    st.sampled_from(["1.5", "0", "-1", "free", "1e9"]),
    st.sampled_from(["2024-01-31", "31/12/2024 10:00", "never", ""]),
    texts,
]  # fmt: skip


def as_csv(rows) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    return out.getvalue().encode()


def run(content: bytes, folder: Path, **options):
    path = folder / "orders.csv"
    path.write_bytes(content)
    return clean_orders(sources(path), CleanConfig(**options), lambda _: None)


def test_the_frames_follow_the_declared_schemas():
    declared = {"str": pl.String, "f64": pl.Float64, "i64": pl.Int64, "datetime[us]": pl.Datetime("us")}
    declared["i32"] = pl.Int32
    found = {each.name: declared[each.dtype] for each in schemas.INTERACTIONS.columns}
    assert found == INTERACTIONS | FURTHER
    assert [*INTERACTIONS, *FURTHER] == list(found)
    assert {each.name: declared[each.dtype] for each in schemas.REJECTS.columns} == REJECTS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(
    st.lists(st.tuples(*cells) | st.lists(texts, min_size=1, max_size=9), min_size=1, max_size=25),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_every_row_is_kept_or_rejected_and_their_order_does_not_show(tmp_path, rows, random, strict):
    # Where orders stand in merged cells, the order of rows tells which belong together.
    options = {
        "layout": "lines",
        "products_output": "x",
        "drop_outliers": strict,
        "min_item_count": 1 + strict,
    }
    shuffled = list(rows)
    random.shuffle(shuffled)
    try:
        result = run(as_csv(rows), tmp_path, **options)
    except BadData:
        with pytest.raises(BadData):
            run(as_csv(shuffled), tmp_path, **options)
        return
    summary = result.summary
    assert summary["rows_in"] == len(rows)
    assert summary["rows_in"] == summary["rows_kept"] + summary["rows_rejected"]
    assert summary["rows_kept"] == result.interactions.height
    assert summary["rows_rejected"] == result.rejects.height == sum(summary["rejects"].values())
    assert result.rejects["row"].is_unique().all()
    given_ids = set(parse_ids(pl.Series([row[2] for row in rows if len(row) == 7], dtype=pl.String)))
    assert set(result.interactions["product_id"]) <= given_ids
    again = run(as_csv(shuffled), tmp_path, **options)
    assert again.interactions.equals(result.interactions)
    assert again.products.equals(result.products)
    assert again.rejects["reason"].sort().equals(result.rejects["reason"].sort())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(st.lists(texts.filter(lambda text: text.strip()), min_size=1, max_size=20, unique=True))
def test_ids_are_unchanged(tmp_path, ids):
    rows = [(str(row), each, each, "1", "1", "", "") for row, each in enumerate(ids)]
    result = run(as_csv([*rows, ("x", "x", "x x x x x x", "1", "1", "", "")]), tmp_path, service_codes="")
    kept = set(parse_ids(pl.Series(ids)).drop_nulls())
    assert set(result.interactions["product_id"]) == {*kept, "x x x x x x"}
    users = set(parse_ids(pl.Series(ids), NOBODY_WORDS).drop_nulls())
    assert set(result.interactions["user_id"].drop_nulls()) == {*users, "x"}


def test_very_long_ids_pass(tmp_path):
    long = "é" * 300_000
    result = run(as_csv([("1", "u", long, "1", "1", "", "")]), tmp_path)
    assert result.interactions["product_id"].to_list() == [long]


def test_json_lines(tmp_path):
    path = tmp_path / "orders.jsonl"
    rows = [
        {"order_id": "0001", "item_id": "007", "price": 1.5, "date": "2024-01-31T10:00:00Z", "tags": ["a"]},
        {"order_id": 2, "item_id": 8, "quantity": 3},
    ]
    text = (
        "\n".join(json.dumps(row) for row in rows)
        + '\n{"order_id": "3", "item\n\n'
        + json.dumps(rows[0])
        + "\n"
    )
    path.write_text(text)
    result = clean_orders(sources(path), CleanConfig(), lambda _: None)
    assert result.interactions.select("order_id", "product_id", "quantity", "price").rows() == [
        ("0001", "007", None, 1.5), ("2", "8", 3.0, None),
    ]  # fmt: skip
    assert result.rejects.select("row", "reason").rows() == [(3, "broken_row"), (4, "duplicate_line")]


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_typed_tables(tmp_path, suffix):
    path = tmp_path / f"orders.{suffix}"
    frame = pl.DataFrame(
        {
            "InvoiceNo": [536365, 536366, 536367], "StockCode": ["00a", "b", "c"],
            "CustomerID": [17850.0, None, 1.0],
            "Quantity": [6, -1, 2], "UnitPrice": [2.55, 1.0, float("nan")], "Country": ["UK", "UK", None],
        },
        schema_overrides={"Country": pl.Categorical},
    )  # fmt: skip
    frame.write_parquet(path) if suffix == "parquet" else frame.write_ipc(path)
    result = clean_orders(sources(path), CleanConfig(), lambda _: None)
    assert result.interactions.row(0)[:3] == ("17850", "536365", "00a")
    assert result.rejects.select("row", "reason", "raw").rows() == [
        (2, "quantity_not_positive", "536366,b,,-1,1.0,UK"), (3, "unparsable_price", "536367,c,1.0,2,NaN,"),
    ]  # fmt: skip


def test_interactions_can_be_cleaned_again(tmp_path, clean):
    first = clean("order_id,user_id,product_id,date\n1,u,00a,2024-01-31\n2,v,b,2024-02-01\n")
    first.interactions.write_parquet(tmp_path / "again.parquet")
    again = clean_orders(sources(tmp_path / "again.parquet"), CleanConfig(), lambda _: None)
    assert again.interactions.equals(first.interactions)


def test_a_time_split_sets_undated_rows_aside_as_rejects(clean):
    rows = "".join(f"{row},u,a,2024-01-{10 + row}\n" for row in range(10)) + "11,u,a,\n"
    result = clean("order_id,user_id,product_id,date\n" + rows, holdout="time:0.2")
    assert result.summary["rejects"] == {"missing_timestamp": 1}
    assert result.summary["holdout"] == {"train": 8, "holdout": 2}
    assert result.summary["rows_kept"] == 10


@pytest.fixture(scope="module")
def uci():
    path = DATA / "retail" / "online_retail.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path}: set PRODASSOC_DATA")
    said = []
    config = CleanConfig(preset="uci", products_output="x", holdout="last-order")
    return clean_orders(sources(path), config, said.append), said


def test_what_is_known_of_the_uci_shop(uci):
    result, said = uci
    summary = result.summary
    assert summary["rows_in"] == 541_909
    assert summary["rejects"]["cancelled_order"] == 9_288
    assert summary["missing_user"] == 135_080
    assert summary["rejects"]["price_negative"] == 2
    assert summary["rejects"]["quantity_not_positive"] == 10_624 - 9_288
    assert 4_000 < summary["rejects"]["duplicate_line"] <= 5_268
    assert summary["rows_kept"] + result.rejects.height == 541_909
    assert summary["interactions"]["first"] == "2010-12-01 08:26:00"
    assert summary["interactions"]["last"] == "2011-12-09 12:50:00"
    assert any("month/day" in line for line in said)
    titles = dict(result.products.select("product_id", "title").rows())
    assert titles["85123A"] == "WHITE HANGING HEART T-LIGHT HOLDER"
    assert not {"POST", "DOT", "M", "D", "S", "AMAZONFEE", "BANK CHARGES"} & titles.keys()


def test_the_uci_holdout_does_not_leak(uci):
    result, _ = uci
    assert result.holdout["user_id"].null_count() == 0
    assert (
        result.holdout.select("user_id", "order_id").unique().height == result.holdout["user_id"].n_unique()
    )
    last = result.holdout.group_by("user_id").agg(pl.col("timestamp").max().alias("last"))
    past = result.interactions.join(last, on="user_id").filter(pl.col("timestamp") > pl.col("last"))
    assert past.height == 0
    assert result.interactions.height + result.holdout.height == result.summary["rows_kept"]


def test_columns_of_odd_types_do_no_harm(tmp_path):
    path = tmp_path / "odd.parquet"
    pl.DataFrame(
        {
            "order_id": [1, 2], "product_id": ["a", "b"], "quantity": [-1, 1], "part": [{"x": 1}, {"x": 2}],
            "day": [date(2024, 1, 1), None], "list": [[1], [2, 3]], "lists": [[{"y": 1}], []],
            "span": [timedelta(1), None], "bytes": [b"\xff", b"a"], "flag": [True, None],
            "price": [Decimal("1.5"), None],
        }
    ).write_parquet(path)  # fmt: skip
    result = clean_orders(sources(path), CleanConfig(), lambda _: None)
    assert result.interactions.select("order_id", "product_id").rows() == [("2", "b")]
    assert result.rejects["raw"].to_list() == ['1,a,-1,1,2024-01-01,1,"[{""y"":1}]",true,1.5']
