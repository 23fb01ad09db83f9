from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest

from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources

DATA = Path(os.environ.get("PRODASSOC_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))


def baskets(result) -> dict[str, list[str]]:
    rows = result.interactions.group_by("order_id").agg(pl.col("product_id").sort())
    return dict(rows.sort("order_id").rows())


FOUR = {"1": ["1", "3"], "2": ["1", "2", "4"], "3": ["2", "3", "4"], "4": ["1", "4"]}


@pytest.mark.parametrize(
    ("text", "name", "layout", "options"),
    [
        ("1 3\n1 2 4 \n2  3\t4\n1 4\n", "four.dat", "fimi", {}),
        ("1,3\n1,2,4\n2,3,4\n1,4\n", "four.csv", "baskets", {"layout": "baskets"}),
        ("order,1,2,3,4\n1,1,0,1,0\n2,1,1,0,1\n3,0,1,1,1\n4,1,0,0,1\n", "four.csv", "onehot", {}),
        ("1,2,3,4\nTrue,False,True,False\nTrue,True,False,True\nFalse,True,True,True\nTrue,False,False,True\n",
         "four.csv", "onehot", {}),
        ("order_id,items\n1,1;3\n2,1;2;4\n3,2;3;4\n4,1; 4\n", "four.csv", "list", {}),
        ('{"items": ["1", "3"]}\n{"items": ["1", "2", "4"]}\n{"items": ["2", "3", "4"]}\n'
         '{"items": ["1", "4"]}\n',
         "four.jsonl", "list", {}),
        ("order_id,product_id\n1,1\n1,3\n2,1\n2,2\n2,4\n3,2\n3,3\n3,4\n4,1\n4,4\n", "four.csv", "lines", {}),
    ],
)  # fmt: skip
def test_the_four_baskets_in_every_layout(clean, text, name, layout, options):
    result = clean(text, name=name, **options)
    assert baskets(result) == FOUR
    assert result.summary["inputs"][0]["layout"] == layout
    if not options:
        assert any(f"layout {layout} (" in line for line in clean.said)


def test_ragged_baskets_are_seen_as_such(clean):
    text = 'citrus fruit,"bread, white",margarine\ntropical fruit,yogurt\nwhole milk\n\n'
    text += "pip fruit,yogurt,cream,meat\n"
    result = clean(text)
    assert result.summary["inputs"][0]["layout"] == "baskets"
    assert baskets(result)["1"] == ["bread, white", "citrus fruit", "margarine"]
    assert result.rejects.select("row", "reason").rows() == [(4, "missing_product")]
    assert result.summary["rows_in"] == result.interactions.height + 1


def test_list_columns_of_parquet(tmp_path):
    path = tmp_path / "baskets.parquet"
    frame = pl.DataFrame({"customer_id": [7.0, None, 9.0], "items": [["a", "b"], [], ["a"]]})
    frame.write_parquet(path)
    result = clean_orders(sources(path), CleanConfig(), lambda _: None)
    assert result.interactions.select("user_id", "order_id", "product_id").rows() == [
        ("7", "1", "a"), ("7", "1", "b"), ("9", "3", "a"),
    ]  # fmt: skip
    assert result.summary["rejects"] == {"missing_product": 1}


@pytest.mark.parametrize(
    "cells", [('"bread, milk"', '"milk"'), ("bread;milk", "milk"), ('"bread,milk"', "milk")]
)
def test_a_list_of_products_in_a_cell_is_split_where_products_end(clean, cells):
    result = clean(f"invoice,items\n1,{cells[0]}\n2,{cells[1]}\n")
    assert result.interactions.select("order_id", "product_id").rows() == [
        ("1", "bread"), ("1", "milk"), ("2", "milk"),
    ]  # fmt: skip


def test_names_with_spaces_stay_whole_though_the_first_baskets_hold_one_product(clean):
    singles = "".join(f"{order},green tea\n" for order in range(600))
    result = clean(f"invoice,items\n{singles}600,green tea;milk\n")
    assert set(result.interactions["product_id"]) == {"green tea", "milk"}


def test_onehot_counts_are_quantities_and_odd_cells_are_rejects(clean):
    result = clean("basket,milk,bread\nx,2,0\ny,0,0\nz,?!,1\n", layout="onehot", map=["order_id=basket"])
    assert result.interactions.select("order_id", "product_id", "quantity").rows() == [
        ("x", "milk", 2.0), ("z", "bread", 1.0),
    ]  # fmt: skip
    assert result.summary["rejects"] == {"missing_product": 1, "unparsable_quantity": 1}


def test_a_product_without_an_id_goes_by_its_name(clean):
    result = clean(
        "Member_number,Date,itemDescription\n1808,21-07-2015,tropical fruit\n2552,05-01-2015,whole milk\n"
    )
    assert result.interactions["product_id"].to_list() == ["whole milk", "tropical fruit"]
    assert [str(each)[:10] for each in result.interactions["timestamp"]] == ["2015-01-05", "2015-07-21"]


def test_words_in_a_fimi_file_are_rejects(clean):
    result = clean("1 2\n3 x\n", layout="fimi")
    assert result.rejects.select("row", "reason", "raw").rows() == [(2, "unparsable_product", "x")]


def test_baskets_of_several_files_do_not_meet(tmp_path):
    for name in ("a.dat", "b.dat"):
        (tmp_path / name).write_text("1 2\n3 4\n")
    result = clean_orders(sources(tmp_path), CleanConfig(), lambda _: None)
    assert result.interactions["order_id"].n_unique() == 4


def test_retail_is_read_within_a_second():
    path = DATA / "baskets" / "retail.dat"
    if not path.exists():
        pytest.skip(f"no {path}: set PRODASSOC_DATA")
    start = time.process_time()
    result = clean_orders(sources(path), CleanConfig(), lambda _: None)
    spent = time.process_time() - start
    assert result.summary["interactions"]["orders"] == 88_162
    assert result.summary["interactions"]["products"] == 16_470
    assert spent < 4, f"{spent:.1f} s of CPU"


def test_a_feedback_log_gives_a_row_an_event(clean):
    result = clean(
        "time,user_id,list_id,product_id,position,model,propensity,click,purchase,revenue,dismiss\n"
        "2024-03-01T10:00:00,u1,l1,00a,1,m,0.5,1,1,9.99,0\n2024-03-01T10:00:00,u1,l1,b,2,m,0.5,0,0,0,1\n"
        "2024-03-01T10:00:00,u2,l2,b,1,m,0.5,1,0,0,0\n2024-03-01T10:00:00,u2,l2,c,2,m,0.5,maybe,0,0,0\n"
    )
    assert result.summary["rows_in"] == 4
    assert result.summary["rows_kept"] == 3
    assert result.summary["rejects"] == {"unparsable_feedback": 1}
    events = {"click": 2, "dismiss": 1, "impression": 3, "purchase": 1}
    assert result.summary["interactions"]["events"] == events
    first = result.interactions.filter(product_id="00a", event="click").row(0, named=True)
    told = {name: first[name] for name in ("list_id", "position", "model", "propensity", "revenue")}
    assert told == {"list_id": "l1", "position": 1, "model": "m", "propensity": 0.5, "revenue": 9.99}


@pytest.mark.parametrize(
    "row", ["0,0.5,1,0", "1.5,0.5,1,0", "1,0,1,0", "1,1.01,1,0", "1,half,1,0", "1,0.5,2,0", "1,0.5,1,much"]
)
def test_a_row_of_feedback_that_cannot_be_is_left_out(clean, row):
    result = clean(
        f"user_id,product_id,position,propensity,click,revenue\nu,a,1,0.5,1,2.5\nu,b,{row}\nu,c,,,0,\n"
    )
    assert result.summary["rejects"] == {"unparsable_feedback": 1}
    assert set(result.interactions["product_id"]) == {"a", "c"}


def test_orders_have_no_columns_of_feedback(clean):
    result = clean("order_id,product_id,model,revenue\n1,a,x,2\n1,b,y,3\n")
    assert "model" not in result.interactions.columns


def test_thousands_of_columns_take_no_longer_than_their_cells(tmp_path):
    """Work per column is not done again for each of the others."""
    names = [f"p{at}x" for at in range(4_000)]
    row = ",".join("1" if at % 50 == 0 else "0" for at in range(len(names)))
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([",".join(names), *[row] * 60]) + "\n")
    before = time.process_time()
    result = clean_orders(sources(path), CleanConfig(), lambda _: None)
    assert time.process_time() - before < 5
    assert result.interactions.height == 60 * 80
