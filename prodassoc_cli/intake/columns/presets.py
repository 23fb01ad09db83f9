"""Known exports: how their columns are called, and what else is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PresetRules:
    """A known export.

    Attributes:
        columns: field → names the column goes by, best first.
        dayfirst: order of day and month where the data leave it open.
        headerless: names of the columns when the file has no header row.
    """

    columns: dict[str, str] = field(default_factory=dict)
    dayfirst: bool | None = None
    headerless: tuple[str, ...] = ()


PRESETS: dict[str, PresetRules] = {
    "uci": PresetRules(
        {
            "order_id": "InvoiceNo Invoice", "product_id": "StockCode", "title": "Description",
            "quantity": "Quantity", "timestamp": "InvoiceDate", "price": "UnitPrice Price",
            "user_id": "CustomerID",
        },
        dayfirst=False,
    ),
    "instacart": PresetRules({"order_id": "order_id", "product_id": "product_id", "user_id": "user_id",
                              "title": "product_name", "category": "department aisle"}),
    "ga4": PresetRules(
        {
            "user_id": "user_id user_pseudo_id", "order_id": "transaction_id ecommerce.transaction_id",
            "product_id": "item_id items.item_id", "title": "item_name items.item_name",
            "quantity": "quantity items.quantity", "price": "price items.price",
            "timestamp": "event_timestamp event_date", "event": "event_name",
            "category": "item_category items.item_category", "brand": "item_brand items.item_brand",
        }
    ),
    "personalize": PresetRules(
        {"user_id": "USER_ID", "product_id": "ITEM_ID", "timestamp": "TIMESTAMP", "event": "EVENT_TYPE"}
    ),
    "shopify": PresetRules(
        {
            "user_id": "Email", "order_id": "Name",
            "product_id": "Lineitem_sku", "title": "Lineitem_name", "quantity": "Lineitem_quantity",
            "price": "Lineitem_price", "timestamp": "Created_at",
        }
    ),
    "recbole": PresetRules(
        {"user_id": "user_id session_id", "product_id": "item_id", "rating": "rating",
         "timestamp": "timestamp", "order_id": "order_id"}
    ),
    "movielens": PresetRules(
        {"user_id": "userId", "product_id": "movieId", "rating": "rating", "timestamp": "timestamp"},
        headerless=("userId", "movieId", "rating", "timestamp"),
    ),
}  # fmt: skip
