from __future__ import annotations

import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.columns.aliases import ALIASES
from prodassoc_cli.intake.columns.header import header_names, is_header
from prodassoc_cli.intake.columns.match import match_columns, normal, parse_map


@pytest.mark.parametrize(
    "names",
    [
        ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
        ["invoice no", " Stock Code ", "QTY", "Invoice Date", "unit-price", "Customer ID"],
        ["Bestellnummer", "Artikelnummer", "Menge", "Bestelldatum", "Stückpreis", "Kundennummer"],
        ["commande", "produit", "Quantité", "Date achat", "Prix unitaire", "ID client"],
        ["pedido", "Código", "Cantidad", "fecha", "Precio unitario", "Cliente"],
        ["订单号", "商品编号", "数量", "购买时间", "单价", "用户ID"],
    ],
)
def test_columns_go_by_many_names(names):
    found = match_columns(names, ALIASES)
    fields = ["order_id", "product_id", "quantity", "timestamp", "price", "user_id"]
    assert found == dict(zip(fields, names, strict=True))


def test_a_column_serves_one_field_and_the_users_word_comes_first():
    names = ["id", "item", "product_id", "date"]
    found = match_columns(names, ALIASES, mapping={"order_id": "id", "title": "product_id"})
    assert found == {"order_id": "id", "product_id": "item", "timestamp": "date", "title": "product_id"}


def test_map_helps_on_both_sides():
    fields = list(ALIASES)
    with pytest.raises(UsageProblem) as caught:
        parse_map(["ordr_id=InvoiceNo"], fields)
    assert "order_id" in caught.value.hint
    with pytest.raises(UsageProblem) as caught:
        parse_map(["InvoiceNo=order_id"], fields)
    assert caught.value.hint == "write `map=order_id=InvoiceNo`"
    with pytest.raises(UsageProblem) as caught:
        match_columns(["InvoiceNo", "StockCode"], ALIASES, mapping={"order_id": "InvoceNo"})
    assert "did you mean 'InvoiceNo'" in caught.value.hint
    assert parse_map(["event="], fields) == {"event": ""}
    for bad in (["order_id"], ["order_id=a", "order_id=b"]):
        with pytest.raises(UsageProblem):
            parse_map(bad, fields)


def test_names_are_reduced_and_made_unique():
    assert normal("User_ID:token") == normal("user id") == "userid"
    assert header_names(["a", "", "a", "a_2"]) == ["a", "column_2", "a_2", "a_2_2"]
    assert is_header([["foo", "bar"], ["1", "2"]])
    assert not is_header([["196", "242", "3", "881250949"], ["186", "302", "3", "891717742"]])
    assert is_header([["basket", "1", "2"], ["x", "0", "1"]])


def test_no_product_column_lists_the_columns(clean):
    with pytest.raises(BadData) as caught:
        clean("foo,bar\n1,2\n3,4\n")
    assert "foo, bar" in caught.value.message
    assert "`map=product_id=COLUMN`" in caught.value.hint


def test_presets(clean):
    recbole = clean("user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3.0\t881250949\n",
                    name="ml.inter", preset="recbole")  # fmt: skip
    wanted = ("196", None, "242", "rating", None, None, 3.0)
    assert recbole.interactions.row(0)[:7] == wanted
    dat = clean("1::1193::5::978300760\n1::661::3::978302109\n", name="ratings.dat")
    assert dat.interactions["product_id"].to_list() == ["1193", "661"]
    assert str(dat.interactions["timestamp"][0]) == "2000-12-31 22:12:40"
    assert dat.summary["inputs"][0]["layout"] == "ratings"
    udata = clean("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", name="u.data", preset="movielens")
    assert set(udata.interactions["user_id"]) == {"196", "186"}
    csv = clean("userId,movieId,rating,timestamp\n1,307,3.5,1256677221\n", preset="movielens")
    assert csv.interactions["event"].to_list() == ["rating"]
    ga4 = clean(
        "event_name,event_timestamp,user_pseudo_id,transaction_id,item_id,price,quantity\n"
        "view_item,1609459200000000,7.1,,SKU1,,\npurchase,1609459300000000,7.1,T1,SKU1,9.5,1\n"
        "page_view,1609459300000000,7.1,,SKU1,,\n",
        preset="ga4",
    )
    assert ga4.interactions["event"].to_list() == ["view", "purchase"]
    assert ga4.summary["rejects"] == {"unknown_event": 1}
    personalize = clean("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n1,2,1609459200,click\n", preset="personalize")
    assert personalize.interactions["event"].to_list() == ["click"]
    shopify = clean(
        "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
        "#1001,a@b.example,paid,2024-05-01 12:34:56 +0200,2,Green cup,4.50,CUP-G\n"
        "#1001,a@b.example,,2024-05-01 12:34:56 +0200,1,Tray,12.00,TRAY\n",
        preset="shopify",
    )
    assert shopify.interactions.row(0)[:7] == ("a@b.example", "#1001", "CUP-G", "purchase", 2.0, 4.5, None)
    assert str(shopify.interactions["timestamp"][0]) == "2024-05-01 10:34:56"
    instacart = clean("order_id,product_id,add_to_cart_order,reordered\n2,33120,1,1\n2,28985,2,1\n",
                      preset="instacart")  # fmt: skip
    assert instacart.interactions["order_id"].to_list() == ["2", "2"]
