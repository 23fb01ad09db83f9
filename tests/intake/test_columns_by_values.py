"""Columns beyond their names: joined ones, times found by their values, unused ones, known exports."""

from __future__ import annotations

import polars as pl
import pytest

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.intake.columns.match import normal
from prodassoc_cli.intake.columns.presets import PRESETS, recognise_export
from prodassoc_cli.settings import CleanConfig
from tests.intake.cleaned_orders import clean_orders
from tests.intake.conftest import sources


def said(clean, words: str) -> list[str]:
    return [line for line in clean.said if words in line]


def rows(result, *columns: str):
    return sorted(result.interactions.select(columns).rows())


def test_several_columns_make_an_order(clean):
    text = "store,receipt,date,item\nN,1,2024-01-05,rice\nN,1,2024-01-05,jam\nS,1,2024-01-05,tea\n"
    text += "N,1,2024-01-06,soap\n"
    assert clean(text).interactions["order_id"].n_unique() == 1
    assert said(clean, "stand on several days")
    result = clean(text, map=["order_id=store+date+receipt"])
    assert rows(result, "order_id", "product_id") == [
        ("N|2024-01-05|1", "jam"), ("N|2024-01-05|1", "rice"), ("N|2024-01-06|1", "soap"),
        ("S|2024-01-05|1", "tea"),
    ]  # fmt: skip
    assert not said(clean, "several days")
    with pytest.raises(UsageProblem, match="has no such column"):
        clean(text, map=["order_id=store+till"])


def test_one_column_stands_in_for_another(clean):
    result = clean("order_id,code,label\n1,J1,Jug\n1,,Tin\n", map=["product_id=code|label"])
    assert rows(result, "product_id") == [("J1",), ("Tin",)]


@pytest.mark.parametrize(
    "header", ["customer,date,time,item", "customer,time,date,item", "customer,day,time,item"]
)
def test_a_date_and_the_time_of_day_beside_it(clean, header):
    lines = ["7,2024-01-05,09:00,rice", "7,2024-01-05,18:30:15,jam"]
    if header.split(",")[1] == "time":
        lines = [",".join([a, c, b, d]) for a, b, c, d in (line.split(",") for line in lines)]
    times = clean("\n".join([header, *lines]) + "\n").interactions["timestamp"].sort().cast(pl.String)
    assert [each[:19] for each in times] == ["2024-01-05 09:00:00", "2024-01-05 18:30:15"]


def test_times_are_found_by_their_values(clean):
    result = clean("order_id,item,settled\n1,rice,2024-01-05 10:00\n2,jam,2024-01-06 11:00\n")
    assert result.interactions["timestamp"].null_count() == 0
    assert said(clean, "times are in settled")
    two = clean("order_id,item,packed,settled\n1,rice,2024-01-05,2024-01-06\n")
    assert two.interactions["timestamp"].null_count() == 1
    assert said(clean, "not used: packed, settled")
    assert (
        clean("order_id,item,settled\n1,a,2024-01-05\n", map=["timestamp="]).interactions["timestamp"][0]
        is None
    )


def test_every_column_is_used_or_named(clean):
    clean("order_id,item,colour,click,mood\n1,rice,red,1,ok\n")
    assert said(clean, "not used: colour, click, mood")


def test_a_column_can_be_left_out(clean):
    text = "order_id,item,event\n1,rice,Dine in\n2,jam,To go\n"
    with pytest.raises(BadData) as caught:
        clean(text)
    assert "event: 'Dine in'" in caught.value.message
    assert "`map=event=`" in caught.value.hint
    for options in ({"map": ["event="]}, {"ignore": ["event"]}):
        assert clean(text, **options).interactions["event"].to_list() == ["purchase", "purchase"]
    with pytest.raises(UsageProblem, match="no such column"):
        clean(text, ignore=["events"])


def test_words_for_events_can_be_named(clean):
    text = "order_id,item,event\n1,rice,Bookmark\n2,jam,Add To Wishlist\n3,tea,buy\n"
    result = clean(text, map=["event:bookmark=view", "event:add to wishlist=cart"])
    assert result.interactions["event"].to_list() == ["view", "cart", "purchase"]
    with pytest.raises(UsageProblem, match="'looked' is no event"):
        clean(text, map=["event:bookmark=looked"])


def test_cancelled_orders_are_not_bought(clean):
    for header in ("status", "Order Status", "state"):
        result = clean(f"order_id,item,{header}\n1,rice,completed\n2,jam,Canceled\n3,tea,wc-cancelled\n",
                       map=["status=" + header])  # fmt: skip
        assert result.summary["rejects"] == {"cancelled_order": 2}
    moment = clean("order_id,item,cancelled_at\n1,rice,\n2,jam,2024-01-05\n")
    assert moment.interactions["product_id"].to_list() == ["rice"]
    assert clean("order_id,item,status\n1,a,cancelled\n", map=["status="]).interactions.height == 1


def test_words_for_nobody(clean):
    text = "order_id,user_id,item\n1,N/A,a\n2,(not set),a\n3,0,b\n4,u5,a\n"
    assert clean(text).interactions["user_id"].to_list() == [None, None, "0", "u5"]
    named = clean(text, missing=["user_id=0,n/a"]).interactions["user_id"].to_list()
    assert named == [None, "(not set)", None, "u5"]
    with pytest.raises(UsageProblem, match="not FIELD=WORDS"):
        clean(text, missing=["0"])


def test_a_user_with_most_rows_may_be_nobody(clean):
    lines = [f"{row},{0 if row % 4 else row},a" for row in range(40)]
    clean("order_id,user_id,item\n" + "\n".join(lines) + "\n")
    assert said(clean, "one user has 31 of 40 rows")


def test_ids_of_a_data_frame_and_of_a_spreadsheet(clean):
    floats = clean("order_id,user_id,item\n1,40085.0,a\n2,7.0,b\n3,,b\n")
    assert floats.interactions["user_id"].to_list() == ["40085", "7", None]
    assert said(clean, "user_id: ids such as 17850.0 are read as 17850")
    assert clean("order_id,user_id,item\n1,4.0,a\n", ids_as_written=True).interactions["user_id"][0] == "4.0"
    clean("order_id,item\n1.0E+12,a\n2.5E+12,b\n")
    assert said(clean, "a spreadsheet rounded these ids")


def test_a_product_called_like_nothing_is_told(clean):
    text = "order_id,item\n1,NA\n2,rice\n"
    assert clean(text).summary["rejects"] == {"missing_product": 1}
    assert said(clean, "NA is read as missing; `missing=product_id=`")
    assert clean(text, missing=["product_id="]).interactions["product_id"].to_list() == ["NA", "rice"]


def test_products_that_differ_in_case_stay_apart_and_are_told(clean):
    result = clean("order_id,item\n1,oat milk\n2,Oat Milk\n")
    assert rows(result, "product_id") == [("Oat Milk",), ("oat milk",)]
    assert said(clean, "differ in upper and lower case only (1 in all)")


def test_numbers_beside_decimal_commas(clean):
    header = "order_id;item;qty;price\n"
    german = clean(header + "1;a;1.000;1.234,56\n2;b;2.500;0,99\n3;c;12;3,00\n")
    assert rows(german, "quantity", "price") == [(12, 3), (1000, 1234.56), (2500, 0.99)]
    open_ = clean(header + "1;a;1.000;\n2;b;2.500;\n")
    assert rows(open_, "quantity") == [(1,), (2.5,)]
    assert said(clean, "`decimal_mark=quantity=comma`")
    named = clean(header + "1;a;1.000;\n2;b;2.500;\n", decimal_mark=["quantity=comma"])
    assert rows(named, "quantity") == [(1000,), (2500,)]
    with pytest.raises(UsageProblem, match="no decimal mark"):
        clean(header + "1;a;1;\n", decimal_mark=["semicolon"])


def test_a_decimal_comma_far_below_makes_points_part_thousands(clean):
    lines = [f"{row};a;1.500;2\n" for row in range(5_000)]
    result = clean("order_id;item;qty;price\n" + "".join(lines) + "9999;b;7;1,25\n")
    assert result.interactions["quantity"].max() == 1500
    assert result.interactions["quantity"].min() == 7


def test_what_cannot_be_read_is_shown_with_its_column(clean):
    with pytest.raises(BadData) as caught:
        clean("user_id,item_id,stamp,time_stamp\nu,a,x,829\nv,b,x,1111\n")
    assert "time_stamp: '829'" in caught.value.message
    assert "`map=timestamp=`" in caught.value.hint
    with pytest.raises(BadData, match="propensity: '50'"):
        clean("user_id,product_id,position,propensity,click\nu,a,1,50,1\nu,b,2,50,0\n")


def test_orders_of_another_file(tmp_path):
    lines = tmp_path / "lines.csv"
    lines.write_text("order_id,product_id,price\n01,rice,2\n02,jam,3\n02,rice,2\n03,tea,4\n04,tea,4\n")
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "order_id,customer_id,order_status,order_purchase_timestamp\n01,c1,delivered,2024-01-05 10:00\n"
        "02,c2,delivered,2024-01-06 11:00\n03,c3,canceled,2024-01-07 12:00\n"
        "02,c9,delivered,2024-01-06 11:00\n"
    )
    notices: list[str] = []
    result = clean_orders(sources(lines), CleanConfig(), notices.append, order_table=sources(orders))
    assert rows(result, "order_id", "user_id", "product_id")[:3] == [
        ("01", "c1", "rice"), ("02", "c2", "jam"), ("02", "c2", "rice"),
    ]  # fmt: skip
    assert result.summary["rejects"] == {"cancelled_order": 1}
    assert any("1 line without an order in orders.csv" in notice for notice in notices)
    assert any("1 row without an id or of an order again" in notice for notice in notices)
    with pytest.raises(BadData, match="no column holds products") as caught:
        clean_orders(sources(orders), CleanConfig(), notices.append)
    assert "`order_table=orders.csv`" in caught.value.hint


HEADERS = {  # as the exports write them
    "shopify": "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku",
    "amazon": "amazon-order-id,purchase-date,order-status,product-name,sku,asin,quantity,item-price",
    "square": "Date,Time,Category,Item,Qty,SKU,Gross Sales,Transaction ID,Event Type,Customer ID",
    "olist": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
    "retailrocket": "timestamp,visitorid,event,itemid,transactionid",
    "tafeng": "TRANSACTION_DT,CUSTOMER_ID,AGE_GROUP,PRODUCT_SUBCLASS,PRODUCT_ID,AMOUNT,SALES_PRICE",
    "hm": "t_dat,customer_id,article_id,price,sales_channel_id",
    "": "order_id,customer_id,product_id,quantity,price,date",
}


@pytest.mark.parametrize("export", HEADERS)
def test_a_known_export_is_recognised_by_its_header(export):
    assert recognise_export([normal(name) for name in HEADERS[export].split(",")]) == export


def test_no_header_is_that_of_two_exports():
    for name, preset in PRESETS.items():
        if preset.header:
            assert recognise_export([normal(word) for word in preset.header.split()]) == name


def test_a_price_of_the_line_is_shared_among_its_pieces(clean):
    result = clean(
        HEADERS["amazon"]
        + "\n1-1,2024-01-05,Shipped,Jug,J1,B1,2,19.98\n1-1,2024-01-05,Shipped,Tin,T1,B2,1,7.50\n"
    )
    assert rows(result, "product_id", "price") == [("J1", 9.99), ("T1", 7.5)]
    assert said(clean, "read as `preset=amazon`")
    plain = clean(HEADERS["amazon"] + "\n1-1,2024-01-05,Shipped,Jug,J1,B1,2,19.98\n", preset="none")
    assert plain.interactions["price"].to_list() == [19.98]


def test_a_shop_export_with_blank_skus_and_merged_fields(clean):
    result = clean(
        HEADERS["shopify"] + ",Cancelled at\n"
        "#1,a@x.example,paid,2024-01-05 10:00:00 -0500,2,Jug - L,5.00,J-L,\n"
        "#1,a@x.example,,2024-01-05 10:00:00 -0500,1,Tin,10.00,,\n"
        "#2,b@x.example,voided,2024-01-06 10:00:00 -0500,1,Tin,10.00,,\n"
        "#2,b@x.example,,2024-01-06 10:00:00 -0500,1,Jug - L,5.00,J-L,\n"
        "#3,c@x.example,paid,2024-01-07 10:00:00 -0500,1,Tin,10.00,,2024-01-08 09:00:00 -0500\n"
    )
    assert rows(result, "order_id", "product_id") == [("#1", "J-L"), ("#1", "Tin")]
    assert result.summary["rejects"] == {"cancelled_order": 3}


@pytest.mark.parametrize(
    "header",
    [
        "注文番号,商品名,数量", "주문번호,상품명,수량", "訂單編號,商品名稱,數量",
        "Номер заказа,Товар,Количество", "Numero ordine,Prodotto,Quantità",
        "Número do pedido,Produto,Quantidade", "Ordernummer,Artikel,Aantal",
        "Numer zamówienia,Towar,Ilość",
    ],
)  # fmt: skip
def test_headers_in_many_languages(clean, header):
    result = clean(f"{header}\n1,rice,2\n1,jam,1\n2,rice,3\n")
    assert rows(result, "order_id", "product_id", "quantity") == [
        ("1", "jam", 1),
        ("1", "rice", 2),
        ("2", "rice", 3),
    ]


def test_a_catalogue_is_not_taken_for_purchases(clean):
    text = "sku,title,brand,price\nJ1,Jug,Nord,9.50\nT1,Tin,Nord,5\n"
    with pytest.raises(BadData, match="looks like a catalogue") as caught:
        clean(text)
    assert "`clean products=orders.csv products_output=products.parquet`" in caught.value.hint
    assert clean(text, layout="lines").interactions.height == 2
