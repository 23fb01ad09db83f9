"""Baskets that are not one row per product: in a cell, in numbered columns, as objects, in merged cells."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.layouts.cells import separator_of, split_cells
from prodassoc_cli.intake.values.missing import says_missing
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources


def baskets(result) -> list[list[str]]:
    rows = result.interactions.group_by("order_id").agg(pl.col("product_id").sort()).sort("order_id")
    return rows["product_id"].to_list()


def split(*cells: str | None, separator: str | None = None) -> list[list[str] | None]:
    return split_cells(pl.Series(cells, dtype=pl.String), separator)[0].to_list()


@pytest.mark.parametrize(
    "cell",
    [
        '["oat milk", "rye, sliced"]', "['oat milk', 'rye, sliced']", "('oat milk', 'rye, sliced')",
        "{'oat milk', 'rye, sliced'}", "frozenset({'oat milk', 'rye, sliced'})",
        "['oat milk' 'rye, sliced']", "['oat milk'\n 'rye, sliced']", 'c("oat milk", "rye, sliced")',
        "array(['oat milk', 'rye, sliced'], dtype=object)", "[ 'oat milk', \"rye, sliced\", None ]",
    ],
)  # fmt: skip
def test_what_programs_write_for_a_list(cell):
    assert split(cell) == [["oat milk", "rye, sliced"]]


def test_escapes_and_lists_of_one():
    assert split(r'["caf\u00e9 12\" pan"]', "['it\\'s']", "('rice',)", "[]", "{soap,towel}", None) == [
        ['café 12" pan'], ["it's"], ["rice"], [], ["soap", "towel"], None,
    ]  # fmt: skip
    assert split("[17, 23]", "[5]") == [["17", "23"], ["5"]]


words = st.text(st.characters(codec="utf-8", exclude_characters="\0\x1c\x1d\x1e\x1f"), min_size=1).map(
    str.strip
)


@given(st.lists(st.lists(words), min_size=1))
def test_json_lists_come_back(lists):
    cells = [json.dumps(basket) for basket in lists]
    wanted = [[each for each in basket if not says_missing(each)] for basket in lists]
    assert split(*cells) == wanted


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["soap, large|towel", "soap, large|comb"], "|"),
        (["rice\nbeans", "beans"], "\n"),
        (["salt &amp; pepper,rice", "rice,beans"], ","),
        (["rice + beans", "beans + salt & pepper"], " + "),
        (["oat milk", "rye bread"], ""),
        (["a1 b22 c3", "a1"], " "),
    ],
)
def test_the_separator_is_chosen_over_the_whole_column(cells, separator):
    assert separator_of(pl.Series(cells)) == separator


def test_a_separator_can_be_named(clean):
    text = "order_id,items\n1,rice + beans\n2,{rice;salt;beans}\n"
    assert baskets(clean(text, separator=" + "))[0] == ["beans", "rice"]
    assert baskets(clean(text, separator=";"))[1] == ["beans", "rice", "salt"]


def test_a_column_called_items_may_hold_one_product_per_row(clean):
    result = clean("receipt,Items\n1,Hot soup\n2,Rye, \n3,Hot soup\n3,Jam\n".replace("Rye, ", "Rye"))
    assert baskets(result) == [["Hot soup"], ["Rye"], ["Hot soup", "Jam"]]
    assert result.summary["inputs"][0]["layout"] == "lines"
    alone = clean("order_id,items\n1,oat milk\n2,rye bread\n")
    assert baskets(alone) == [["oat milk"], ["rye bread"]]


def test_quantities_before_or_behind_a_name(clean):
    before = clean('order_id,products\n1,"2 x Jug (Large), 1 x Tin"\n2,3 x Tin\n')
    behind = clean('order_id,products\n1,"Jug (Large) x 2, Tin x1"\n2,Tin x 3\n')
    for result in (before, behind):
        rows = result.interactions.select("order_id", "product_id", "quantity").sort("order_id", "product_id")
        assert rows.rows() == [("1", "Jug (Large)", 2), ("1", "Tin", 1), ("2", "Tin", 3)]
    half = clean('order_id,products\n1,"2 x Jug, Tin"\n')
    assert half.interactions.select("product_id", "quantity").rows() == [("Jug", 2), ("Tin", None)]
    names = clean('order_id,products\n1,"2 x Jug, Tin, Pot"\n')
    assert baskets(names) == [["2 x Jug", "Pot", "Tin"]]


@pytest.mark.parametrize(
    "text",
    [
        "Item1;Item2;Item3\nrice;beans;\nbeans;salt;jam\nrice;;\n",
        "tid,product_1,product_2,product_3\n1,rice,beans,\n2,beans,salt,jam\n3,rice,,\n",
        "Items,Item 1,Item 2,Item 3\n2,rice,beans,\n3,beans,salt,jam\n1,rice,,\n",
        "order_id,item,item,item\n1,rice,beans,\n2,beans,salt,jam\n3,rice,,\n",
        "Transaction,Item1,Item2,Item3\nT1,rice,beans\nT2,beans,salt,jam\nT3,rice\n",
        "Item1,Item2,Item3\nrice,beans\nbeans,salt,jam\nrice\n",
    ],
)
def test_a_column_for_each_product_of_a_basket(clean, text):
    assert baskets(clean(text)) == [["beans", "rice"], ["beans", "jam", "salt"], ["rice"]]


def test_several_columns_for_each_product_of_an_order(clean):
    result = clean(
        "Order Number,Order Date,Product Item 1 Name,Product Item 1 SKU,Product Item 1 Quantity,"
        "Product Item 2 Name,Product Item 2 SKU,Product Item 2 Quantity\n"
        "7,2024-03-01,Jug,J1,2,Tin,T1,1\n8,2024-03-02,Tin,T1,4,,,\n", products_output="p.parquet",
    )  # fmt: skip
    rows = result.interactions.select("order_id", "product_id", "quantity").sort("order_id", "product_id")
    assert rows.rows() == [("7", "J1", 2), ("7", "T1", 1), ("8", "T1", 4)]
    assert dict(result.products.select("product_id", "title").rows()) == {"J1": "Jug", "T1": "Tin"}


OBJECTS = '[{"sku": "J1", "qty": 2, "price": 3.5}, {"sku": "T1", "qty": 1, "price": 1.25}]'


@pytest.mark.parametrize(
    "cell",
    [
        OBJECTS, "[{'sku': 'J1', 'qty': 2, 'price': 3.5}, {'sku': 'T1', 'qty': 1, 'price': 1.25}]",
        "name:Jug|sku:J1|qty:2|price:3.5;name:Tin|sku:T1|qty:1|price:1.25",
    ],
)  # fmt: skip
def test_objects_in_a_cell(clean, cell):
    result = clean(f'order_id,customer,items\n1,c1,"{cell.replace(chr(34), chr(34) * 2)}"\n2,c2,\n')
    rows = result.interactions.select("order_id", "user_id", "product_id", "quantity", "price")
    assert sorted(rows.rows()) == [("1", "c1", "J1", 2, 3.5), ("1", "c1", "T1", 1, 1.25)]
    assert result.rejects.select("row", "reason").rows() == [(2, "missing_product")]


def test_objects_of_json_lines_and_of_parquet(clean, tmp_path):
    lines = [
        {"id": 1, "customer_id": "c1", "line_items": json.loads(OBJECTS), "totals": {"order_id": "T9"}},
        {"id": 2, "customer_id": "c2", "line_items": json.loads(OBJECTS)[:1], "totals": {"order_id": "T8"}},
    ]
    options = {"map": ["order_id=totals.order_id"]}
    text = clean("".join(json.dumps(line) + "\n" for line in lines), name="orders.jsonl", **options)
    path = tmp_path / "orders.parquet"
    pl.DataFrame(lines).write_parquet(path)
    typed = clean_orders(sources(path), CleanConfig(**options), lambda _: None)
    wanted = [("T8", "J1", 2.0), ("T9", "J1", 2.0), ("T9", "T1", 1.0)]
    for result in (text, typed):
        assert sorted(result.interactions.select("order_id", "product_id", "quantity").rows()) == wanted


def test_objects_that_tell_no_product_are_refused(clean):
    with pytest.raises(BadData, match="nothing in the objects of items tells products; they have colour"):
        clean('order_id,items\n1,"[{""colour"": ""red""}]"\n')


def test_orders_in_merged_cells(clean):
    result = clean("order,date,customer,product\n1,2024-01-02,u,rice\n,,,beans\n2,2024-01-03,,salt\n,,,jam\n")
    assert baskets(result) == [["beans", "rice"], ["jam", "salt"]]
    times = result.interactions.select("product_id", pl.col("timestamp").dt.day(), "user_id").sort(
        "product_id"
    )
    assert times.rows() == [("beans", 2, "u"), ("jam", 3, None), ("rice", 2, "u"), ("salt", 3, None)]
    assert any("layout merged" in line for line in clean.said)


def test_rows_without_an_order_that_say_who_bought_are_no_merged_cells(clean):
    result = clean("order,customer,product\n1,u,rice\n,v,beans\n2,w,salt\n")
    assert result.summary["inputs"][0]["layout"] == "lines"
    assert result.interactions["order_id"].null_count() == 1


@pytest.mark.parametrize(("yes", "no"), [("True", "False"), ("t", "f"), ("yes", "no"), ("1", "0"), ("x", "")])
def test_one_column_per_product_beside_the_index_of_a_data_frame(clean, yes, no):
    result = clean(f",rice,beans,salt\n0,{yes},{no},{yes}\n1,{yes},{yes},{no}\n2,{no},{yes},{yes}\n")
    assert baskets(result) == [["rice", "salt"], ["beans", "rice"], ["beans", "salt"]]


def test_basket_lines_that_begin_with_the_order(clean):
    result = clean("T1,rice,beans\nT2,salt\n", layout="baskets", map=["order_id=1"])
    assert result.interactions["order_id"].unique().sort().to_list() == ["T1", "T2"]
    assert baskets(result) == [["beans", "rice"], ["salt"]]
    with pytest.raises(UsageProblem, match="no header"):
        clean("T1,rice\n", layout="baskets", map=["product_id=item"])
    with pytest.raises(UsageProblem, match="layout=fimi"):
        clean("1 2\n3\n", layout="fimi", map=["order_id=1"])


def test_words_for_nothing_pad_basket_lines(clean):
    assert baskets(clean("rice,beans\nrice,NaN,nan\nbeans,NA,NULL,salt\n")) == [
        ["beans", "rice"], ["rice"], ["beans", "salt"],
    ]  # fmt: skip
