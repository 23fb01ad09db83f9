"""Known exports: a small file of a fictional shop each, written as their public documentation has them."""

from __future__ import annotations

import pytest

from prodassoc_cli.intake.columns.presets import PRESETS

MOMENT = "2024-01-05 10:00:00"

EXPORTS = {
    "amazon": (
        "amazon-order-id\tmerchant-order-id\tpurchase-date\torder-status\tproduct-name\tsku\tasin\tquantity\titem-price\n"
        "1-1\t\t2024-01-05T10:00:00+00:00\tShipped\tJug\tJ1\tB01\t2\t19.00\n"
        "1-2\t\t2024-01-06T10:00:00+00:00\tCancelled\tTin\tT1\tB02\t1\t5.00\n",
        [(None, "1-1", "J1", "purchase", 2, 9.5, MOMENT)],
    ),
    "bakery": (
        "TransactionNo,Items,DateTime,Daypart,DayType\n1,Hot soup,2024-01-05 10:00:00,Morning,Weekday\n"
        "1,Jam,2024-01-05 10:00:00,Morning,Weekday\n",
        [(None, "1", "Hot soup", "purchase", None, None, MOMENT), (None, "1", "Jam", "purchase", None, None, MOMENT)],
    ),
    "bigcommerce": (
        "Order ID,Customer ID,Order Date,Order Time,Order Status,Product ID,Product SKU,Product Name,Product Qty,"
        "Product Unit Price\n7,31,2024-01-05,10:00:00,Shipped,101,J1,Jug,2,9.50\n,,,,,102,,Tin,1,5.00\n",
        [("31", "7", "J1", "purchase", 2, 9.5, MOMENT), ("31", "7", "Tin", "purchase", 1, 5, MOMENT)],
    ),
    "dunnhumby": (
        "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,week,"
        "transaction_timestamp\n900,330,31198,1095275,2,5.00,0,0,1,2024-01-05 10:00:00\n",
        [("900", "31198", "1095275", "purchase", 2, 2.5, MOMENT)],
    ),
    "ebay": (
        "Sales Record Number,Order Number,Buyer Username,Item Number,Item Title,Custom Label,Quantity,Sold For,"
        "Sale Date\n5,01-1-2,ann,4401,Jug,J1,2,$9.50,Jan-05-24\n6,01-1-3,bo,4402,Tin,,1,$5.00,Jan-05-24\n",
        [("ann", "01-1-2", "J1", "purchase", 2, 9.5, "2024-01-05 00:00:00"),
         ("bo", "01-1-3", "4402", "purchase", 1, 5, "2024-01-05 00:00:00")],
    ),
    "etsy": (
        "Sale Date,Item Name,Buyer,Quantity,Price,Order ID,Transaction ID,Listing ID,SKU\n"
        "01/25/24,Jug,Ann,2,9.50,77,9001,4401,\n",
        [("Ann", "77", "4401", "purchase", 2, 9.5, "2024-01-25 00:00:00")],
    ),
    "ga4": (
        '{"event_name":"add_to_cart","event_timestamp":1704448800000000,"user_pseudo_id":"u1",'
        '"ecommerce":{"transaction_id":null},"items":[{"item_id":"J1","quantity":2,"price":9.5}]}\n'
        '{"event_name":"purchase","event_timestamp":1704448800000000,"user_pseudo_id":"u1",'
        '"ecommerce":{"transaction_id":"T1"},"items":[{"item_id":"J1","quantity":2,"price":9.5},{"item_id":"T1"}]}\n',
        [("u1", "T1", "J1", "purchase", 2, 9.5, MOMENT), ("u1", "T1", "T1", "purchase", None, None, MOMENT),
         ("u1", None, "J1", "cart", 2, 9.5, MOMENT)],
    ),
    "gorse": (
        "FeedbackType,UserId,ItemId,Timestamp\nread,77,a1,2024-01-05 10:00:00\nstar,77,a2,2024-01-05 10:00:00\n",
        [("77", None, "a1", "view", None, None, MOMENT)],
    ),
    "groceries": (
        "Member_number,Date,itemDescription\n1808,21-07-2015,tropical fruit\n",
        [("1808", None, "tropical fruit", "purchase", None, None, "2015-07-21 00:00:00")],
    ),
    "hm": (
        "t_dat,customer_id,article_id,price,sales_channel_id\n2024-01-05,000f,0706016001,0.033,2\n",
        [("000f", None, "0706016001", "purchase", None, 0.033, "2024-01-05 00:00:00")],
    ),
    "instacart": (
        "order_id,product_id,add_to_cart_order,reordered\n2,33120,1,1\n",
        [(None, "2", "33120", "purchase", None, None, None)],
    ),
    "magento": (
        "increment_id,created_at,status,customer_email,sku,name,qty_ordered,price\n"
        "100001,2024-01-05 10:00:00,complete,a@x.example,J1,Jug,2.0000,9.5000\n"
        "100002,2024-01-05 10:00:00,canceled,a@x.example,T1,Tin,1.0000,5.0000\n",
        [("a@x.example", "100001", "J1", "purchase", 2, 9.5, MOMENT)],
    ),
    "lastfm": (
        "userID\tartistID\tweight\n2\t51\t13883\n",
        [("2", None, "51", "view", None, None, None)],
    ),
    "movielens": (
        "userId,movieId,rating,timestamp\n1,307,3.5,1704448800\n",
        [("1", None, "307", "rating", None, None, MOMENT)],
    ),
    "odoo": (
        "Order Reference,Order Date,Customer,Order Lines/Product,Order Lines/Quantity,Order Lines/Unit Price,Status\n"
        "S7,2024-01-05 10:00:00,Ann,Jug,2,9.50,Sales Order\n,,,Tin,1,5.00,\n"
        "S8,2024-01-06 10:00:00,Bo,Tin,1,5.00,Cancelled\n,,,Jug,1,9.50,\n",
        [("Ann", "S7", "Jug", "purchase", 2, 9.5, MOMENT), ("Ann", "S7", "Tin", "purchase", 1, 5, MOMENT)],
    ),
    "olist": (
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        "a1,1,p1,s1,2024-01-09 10:00:00,58.90,13.29\n",
        [(None, "a1", "p1", "purchase", None, 58.9, None)],
    ),
    "personalize": (
        "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,IMPRESSION\nu1,J1,1704448800,Click,J1|T1\nu1,J1,1704448800,Purchase,\n",
        [("u1", None, "J1", "click", None, None, MOMENT), ("u1", None, "J1", "purchase", None, None, MOMENT)],
    ),
    "prestashop": (
        "id_order;id_customer;product_id;product_reference;product_name;product_quantity;unit_price_tax_incl;date_add\n"
        "7;31;101;J1;Jug;2;9,50;2024-01-05 10:00:00\n7;31;102;;Tin;1;5,00;2024-01-05 10:00:00\n",
        [("31", "7", "102", "purchase", 1, 5, MOMENT), ("31", "7", "J1", "purchase", 2, 9.5, MOMENT)],
    ),
    "recbole": (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu1\ti1\t4\t1704448800\n",
        [("u1", None, "i1", "rating", None, None, MOMENT)],
    ),
    "retailrocket": (
        "timestamp,visitorid,event,itemid,transactionid\n1704448800000,257597,view,355908,\n"
        "1704448800000,257597,transaction,355908,4000\n",
        [("257597", "4000", "355908", "purchase", None, None, MOMENT),
         ("257597", None, "355908", "view", None, None, MOMENT)],
    ),
    "shopify": (
        "Name,Email,Financial Status,Paid at,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
        "#1,a@x.example,paid,2024-01-05 10:01:00 +0000,2024-01-05 10:00:00 +0000,2,Jug,9.50,J1\n"
        "#1,a@x.example,,,2024-01-05 10:00:00 +0000,1,Tin,5.00,\n",
        [("a@x.example", "#1", "J1", "purchase", 2, 9.5, MOMENT), ("a@x.example", "#1", "Tin", "purchase", 1, 5, MOMENT)],
    ),
    "square": (
        "Date,Time,Time Zone,Category,Item,Qty,SKU,Gross Sales,Transaction ID,Event Type,Customer ID\n"
        "2024-01-05,10:00:00,UTC,Coffee,Latte,2.0,LAT,$9.00,TX1,Payment,C1\n"
        "2024-01-05,10:00:00,UTC,Coffee,Latte,-1.0,LAT,($4.50),TX2,Refund,C1\n",
        [("C1", "TX1", "LAT", "purchase", 2, 4.5, MOMENT)],
    ),
    "tafeng": (
        "TRANSACTION_DT,CUSTOMER_ID,AGE_GROUP,PIN_CODE,PRODUCT_SUBCLASS,PRODUCT_ID,AMOUNT,ASSET,SALES_PRICE\n"
        "1/25/2024,01104905,45-49,115,110411,4710199010372,2,24,30\n",
        [("01104905", None, "4710199010372", "purchase", 2, 15, "2024-01-25 00:00:00")],
    ),
    "taobao": (
        "1,2268318,2520377,pv,1704448800\n1,2268318,2520377,buy,1704448800\n",
        [("1", None, "2268318", "purchase", None, None, MOMENT), ("1", None, "2268318", "view", None, None, MOMENT)],
    ),
    "tmall": (
        "user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type\n1,323294,833,2882,2661,20240105,2\n"
        "1,844400,1271,2882,2661,20240105,0\n",
        [("1", None, "323294", "purchase", None, None, "2024-01-05 00:00:00"),
         ("1", None, "844400", "view", None, None, "2024-01-05 00:00:00")],
    ),
    "uci": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,LANTERN,6,1/5/2024 10:00,2.55,17850,France\nC536379,D,Discount,-1,1/5/2024 10:00,27.5,14527,Spain\n",
        [("17850", "536365", "85123A", "purchase", 6, 2.55, MOMENT)],
    ),
    "woocommerce": (
        "order_id,order_number,date,status,customer_id,order_total,line_items\n"
        '501,501,2024-01-05 10:00:00,completed,12,24.00,"name:Jug|product_id:21|sku:J1|quantity:2;name:Tin|sku:T1|quantity:1"\n'
        "502,502,2024-01-05 10:00:00,cancelled,12,5.00,name:Tin|product_id:22|sku:T1|quantity:1\n",
        [("12", "501", "J1", "purchase", 2, None, MOMENT), ("12", "501", "T1", "purchase", 1, None, MOMENT)],
    ),
    "yoochoose": (
        "420374,2024-01-05T10:00:00.000Z,214537888,12462,1\n",
        [(None, "420374", "214537888", "purchase", 1, 12462, MOMENT)],
    ),
}  # fmt: skip
"""Export → a file of it, and the interactions that it holds."""

CATALOGUES = {"merchant", "openfoodfacts"}
"""Presets of catalogues alone."""


def rows(result) -> list[tuple[object, ...]]:
    columns = ["user_id", "order_id", "product_id", "event", "quantity", "price", "timestamp"]
    frame = result.interactions.select(columns)
    found = [(*row[:6], None if row[6] is None else f"{row[6]:%Y-%m-%d %H:%M:%S}") for row in frame.rows()]
    return sorted(found, key=lambda row: tuple(map(str, row)))


@pytest.mark.parametrize("export", EXPORTS)
def test_a_known_export_is_read(clean, export):
    text, wanted = EXPORTS[export]
    result = clean(text, name="orders.jsonl" if text.startswith("{") else "orders.txt", preset=export)
    assert rows(result) == sorted(wanted, key=lambda row: tuple(map(str, row)))


@pytest.mark.parametrize("export", [name for name in EXPORTS if PRESETS[name].header])
def test_a_known_export_is_read_without_being_named(clean, export):
    text, wanted = EXPORTS[export]
    result = clean(text, name="orders.jsonl" if text.startswith("{") else "orders.txt")
    assert result.summary["inputs"][0]["preset"] == export
    assert len(rows(result)) == len(wanted)


def test_every_preset_has_a_file():
    assert set(EXPORTS) | CATALOGUES == set(PRESETS)
