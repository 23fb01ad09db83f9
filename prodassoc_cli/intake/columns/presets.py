"""Known exports: how their columns are called, and what else is known of them. A new one is an entry here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preset:
    """A known export.

    Attributes:
        columns: field → names the column goes by, best first, `_` for any mark; several joined by + or | serve
            together (see `derived`); no name: there is none, whatever the aliases say.
        header: names that stand together in no other export: it is recognised by them.
        catalogue: the same as `columns`, of its catalogue.
        variants_of: column of the catalogue that the variants of a product share, whose first row tells of all.
        headerless: names of the columns when the file has no header row, by their number.
        delimiter: of a file without a header row that is recognised by it.
        layout: how its rows hold baskets, where that is not seen; empty to look.
        events: word → event, where a word means something else elsewhere, or nothing.
        dayfirst: order of day and month where the data leave it open.
        price_of_line: whether the price is that of the line: of all its pieces.
        cancelled_prefix: whether an order id that begins with C is a cancellation.
    """

    columns: dict[str, str] = field(default_factory=dict)
    header: str = ""
    catalogue: dict[str, str] = field(default_factory=dict)
    variants_of: str = ""
    headerless: tuple[tuple[str, ...], ...] = ()
    delimiter: str = ""
    layout: str = ""
    events: dict[str, str] = field(default_factory=dict)
    dayfirst: bool | None = None
    price_of_line: bool = False
    cancelled_prefix: bool = False

    def names_without_header(self, n_columns: int) -> tuple[str, ...]:
        """Return the names of so many columns without a header; none where they are not known."""
        return next((names for names in self.headerless if len(names) == n_columns), ())


ANY = Preset()
"""What is known of a file that is no known export."""

PRESETS: dict[str, Preset] = {
    "amazon": Preset(
        {"order_id": "amazon_order_id", "product_id": "sku|asin", "title": "product_name", "quantity": "quantity",
         "price": "item_price", "timestamp": "purchase_date", "status": "order_status", "user_id": "buyer_email"},
        header="amazon_order_id purchase_date sku item_price",
        catalogue={"product_id": "parent_asin asin sku", "title": "title", "category": "categories main_category",
                   "description": "description", "brand": "store brand", "price": "price"},
        price_of_line=True,
    ),
    "bakery": Preset(
        {"order_id": "TransactionNo Transaction", "product_id": "Items Item",
         "timestamp": "DateTime date_time Date+Time"},
        header="TransactionNo Items DateTime Daypart", layout="lines",
    ),
    "bigcommerce": Preset(
        {"order_id": "Order_ID", "user_id": "Customer_ID Customer_Email",
         "product_id": "Product_SKU|Product_Name Product_ID", "title": "Product_Name",
         "quantity": "Product_Qty Product_Quantity", "price": "Product_Unit_Price",
         "timestamp": "Order_Date+Order_Time Order_Date", "status": "Order_Status"},
        header="Order_ID Order_Status Product_Name Product_Unit_Price", layout="merged",
        catalogue={"product_id": "SKU Code Product_ID", "title": "Name Product_Name", "price": "Price",
                   "brand": "Brand_Name Brand", "category": "Category", "description": "Description"},
    ),
    "dunnhumby": Preset(
        {"user_id": "household_key household_id", "order_id": "basket_id", "product_id": "product_id",
         "quantity": "quantity", "price": "sales_value", "timestamp": "transaction_timestamp"},
        header="basket_id product_id sales_value retail_disc", price_of_line=True,
        catalogue={"product_id": "product_id", "title": "sub_commodity_desc product_type",
                   "category": "department", "subcategory": "commodity_desc product_category",
                   "brand": "manufacturer manufacturer_id"},
    ),
    "ebay": Preset(
        {"order_id": "Order_Number Sales_Record_Number", "user_id": "Buyer_Username Buyer_User_Name",
         "product_id": "Custom_Label|Item_Number Custom_Label_SKU|Item_Number", "title": "Item_Title",
         "quantity": "Quantity", "price": "Sold_For", "timestamp": "Sale_Date"},
        header="Sales_Record_Number Item_Number Item_Title Sold_For", layout="merged",
    ),
    "etsy": Preset(
        {"order_id": "Order_ID", "user_id": "Buyer_User_ID Buyer", "product_id": "SKU|Listing_ID Listing_ID",
         "title": "Item_Name", "quantity": "Quantity", "price": "Price", "timestamp": "Sale_Date"},
        header="Sale_Date Item_Name Order_ID Listing_ID", dayfirst=False,
    ),
    "ga4": Preset(
        {
            "user_id": "user_id|user_pseudo_id", "order_id": "transaction_id ecommerce.transaction_id",
            "product_id": "item_id items.item_id", "title": "item_name items.item_name",
            "quantity": "quantity items.quantity", "price": "price items.price",
            "timestamp": "event_timestamp event_date", "event": "event_name", "items": "items",
            "category": "item_category items.item_category", "brand": "item_brand items.item_brand",
        },
        header="event_name event_timestamp user_pseudo_id items",
        events={"view_item": "view", "add_to_cart": "cart", "select_item": "click",
                "view_item_list": "impression", "purchase": "purchase"},
    ),
    "gorse": Preset(
        {"event": "FeedbackType feedback_type", "user_id": "UserId user_id", "product_id": "ItemId item_id",
         "timestamp": "Timestamp time_stamp"},
        header="FeedbackType UserId ItemId", events={"read": "view"},
    ),
    "groceries": Preset(
        {"user_id": "Member_number", "timestamp": "Date", "product_id": "itemDescription"},
        header="Member_number Date itemDescription", dayfirst=True,
    ),
    "hm": Preset(
        {"timestamp": "t_dat", "user_id": "customer_id", "product_id": "article_id", "price": "price"},
        header="t_dat customer_id article_id sales_channel_id",
        catalogue={"product_id": "article_id", "title": "prod_name", "category": "index_name",
                   "subcategory": "product_type_name", "description": "detail_desc"},
    ),
    "instacart": Preset(
        {"order_id": "order_id", "product_id": "product_id product_name", "user_id": "user_id",
         "title": "product_name", "category": "department aisle"},
        header="order_id product_id add_to_cart_order reordered",
        catalogue={"product_id": "product_id", "title": "product_name", "category": "department",
                   "subcategory": "aisle"},
    ),
    "lastfm": Preset(
        {"user_id": "userID user_id", "product_id": "artistID artist_id", "weight": "weight"},
        header="userID artistID weight",
        catalogue={"product_id": "id artist_id", "title": "name artist_name"},
    ),
    "magento": Preset(
        {"order_id": "increment_id order_increment_id", "user_id": "customer_id customer_email",
         "product_id": "sku", "title": "name product_name", "quantity": "qty_ordered", "price": "price",
         "timestamp": "created_at", "status": "status state"},
        header="increment_id sku qty_ordered", layout="merged",
        catalogue={"product_id": "sku", "title": "name", "category": "categories",
                   "description": "description short_description", "price": "price", "brand": "manufacturer"},
    ),
    "merchant": Preset(
        catalogue={"product_id": "id", "title": "title", "description": "description", "brand": "brand",
                   "category": "product_type google_product_category", "price": "sale_price|price"},
    ),
    "movielens": Preset(
        {"user_id": "userId", "product_id": "movieId", "rating": "rating", "timestamp": "timestamp"},
        header="userId movieId rating timestamp",
        headerless=(("userId", "movieId", "rating", "timestamp"),), delimiter="::",
        catalogue={"product_id": "movieId", "title": "title", "category": "genres"},
    ),
    "odoo": Preset(
        {"order_id": "Order_Reference Name", "user_id": "Customer Partner",
         "product_id": "Order_Lines/Product Order_Lines/Product/Internal_Reference",
         "quantity": "Order_Lines/Quantity Order_Lines/Ordered_Quantity", "price": "Order_Lines/Unit_Price",
         "timestamp": "Order_Date Creation_Date Date_Order", "status": "Status"},
        header="Order_Reference Order_Lines/Product", layout="merged",
    ),
    "olist": Preset(
        {"order_id": "order_id", "product_id": "product_id", "price": "price", "quantity": "", "timestamp": ""},
        header="order_id order_item_id product_id shipping_limit_date freight_value", layout="lines",
        catalogue={"product_id": "product_id", "category": "product_category_name"},
    ),
    "openfoodfacts": Preset(
        catalogue={"product_id": "code", "title": "product_name", "brand": "brands", "category": "categories",
                   "description": "generic_name"},
    ),
    "personalize": Preset(
        {"user_id": "USER_ID", "product_id": "ITEM_ID", "timestamp": "TIMESTAMP", "event": "EVENT_TYPE"},
        header="USER_ID ITEM_ID TIMESTAMP EVENT_TYPE",
        catalogue={"product_id": "ITEM_ID", "title": "TITLE NAME", "category": "GENRES CATEGORY_L1",
                   "subcategory": "CATEGORY_L2", "description": "PRODUCT_DESCRIPTION DESCRIPTION",
                   "price": "PRICE"},
    ),
    "prestashop": Preset(
        {"order_id": "id_order", "user_id": "id_customer",
         "product_id": "product_reference|product_id product_id", "title": "product_name",
         "quantity": "product_quantity", "price": "unit_price_tax_incl product_price", "timestamp": "date_add",
         "status": "current_state"},
        header="id_order product_id product_name product_quantity",
        catalogue={"product_id": "reference id_product", "title": "name", "category": "category",
                   "brand": "manufacturer", "price": "price", "description": "description"},
    ),
    "recbole": Preset(
        {"user_id": "user_id session_id", "product_id": "item_id", "rating": "rating",
         "timestamp": "timestamp", "order_id": "order_id"},
        catalogue={"product_id": "item_id", "title": "movie_title title item_name name",
                   "category": "class genre genres categories category"},
    ),
    "retailrocket": Preset(
        {"user_id": "visitorid", "product_id": "itemid", "event": "event", "timestamp": "timestamp",
         "order_id": "transactionid"},
        header="timestamp visitorid event itemid transactionid",
        events={"view": "view", "addtocart": "cart", "transaction": "purchase"},
    ),
    "shopify": Preset(
        {
            "user_id": "Email", "order_id": "Name", "product_id": "Lineitem_sku|Lineitem_name",
            "title": "Lineitem_name", "quantity": "Lineitem_quantity", "price": "Lineitem_price",
            "timestamp": "Created_at Paid_at", "status": "Financial_Status", "cancelled_at": "Cancelled_at",
            "brand": "Vendor",
        },
        header="Name Email Lineitem_name Lineitem_quantity", layout="merged",
        catalogue={"product_id": "Variant_SKU", "title": "Title", "description": "Body_(HTML)",
                   "brand": "Vendor", "category": "Product_Category Type", "price": "Variant_Price"},
        variants_of="Handle",
    ),
    "square": Preset(
        {"order_id": "Transaction_ID", "user_id": "Customer_ID", "product_id": "SKU|Item Item", "title": "Item",
         "quantity": "Qty", "price": "Gross_Sales", "timestamp": "Date+Time", "event": "Event_Type",
         "category": "Category"},
        header="Item Qty Gross_Sales Transaction_ID", price_of_line=True,
        events={"payment": "purchase", "refund": "purchase"},
        catalogue={"product_id": "SKU|Item_Name Token", "title": "Item_Name", "description": "Description",
                   "category": "Category Categories", "price": "Price"},
    ),
    "tafeng": Preset(
        {"timestamp": "TRANSACTION_DT", "user_id": "CUSTOMER_ID", "product_id": "PRODUCT_ID",
         "quantity": "AMOUNT", "price": "SALES_PRICE", "category": "PRODUCT_SUBCLASS"},
        header="TRANSACTION_DT CUSTOMER_ID PRODUCT_ID SALES_PRICE", dayfirst=False, price_of_line=True,
    ),
    "taobao": Preset(
        {"user_id": "user_id", "product_id": "item_id", "category": "category_id", "event": "behavior_type",
         "timestamp": "timestamp"},
        headerless=(("user_id", "item_id", "category_id", "behavior_type", "timestamp"),),
        events={"pv": "view", "buy": "purchase", "cart": "cart", "fav": "click"},
    ),
    "tmall": Preset(
        {"user_id": "user_id", "product_id": "item_id", "category": "cat_id", "brand": "brand_id",
         "timestamp": "time_stamp", "event": "action_type"},
        header="user_id item_id seller_id time_stamp action_type",
        events={"0": "view", "1": "cart", "2": "purchase", "3": "click"},
    ),
    "uci": Preset(
        {
            "order_id": "InvoiceNo Invoice", "product_id": "StockCode", "title": "Description",
            "quantity": "Quantity", "timestamp": "InvoiceDate", "price": "UnitPrice Price",
            "user_id": "CustomerID",
        },
        dayfirst=False, cancelled_prefix=True,
    ),
    "woocommerce": Preset(
        {"order_id": "order_id order_number", "user_id": "customer_id customer_user customer_email",
         "timestamp": "date order_date", "status": "status order_status", "items": "line_items"},
        header="order_id order_number order_total line_items",
        catalogue={"product_id": "SKU|ID", "title": "Name", "category": "Categories",
                   "description": "Description Short_description", "price": "Sale_price|Regular_price Regular_price",
                   "brand": "Brands"},
    ),
    "yoochoose": Preset(
        {"order_id": "session_id", "timestamp": "timestamp", "product_id": "item_id", "category": "category",
         "price": "price", "quantity": "quantity", "user_id": ""},
        headerless=(
            ("session_id", "timestamp", "item_id", "category"),
            ("session_id", "timestamp", "item_id", "price", "quantity"),
        ),
    ),
}  # fmt: skip
"""Every known export by its name at the command line."""


def preset_of(name: str | None) -> Preset:
    """Return what is known of the export of that name; nothing of none."""
    return PRESETS.get(name or "", ANY)


def recognise_export(names: Sequence[str]) -> str:
    """Return the export whose header holds these names; empty where it is none that is unmistakable.

    Args:
        names: of the columns, as they are compared: `match.normal`.
    """
    known = {
        name: len(words)
        for name, preset in PRESETS.items()
        if (words := _words(preset.header)) and words <= set(names)
    }
    return max(known, key=known.__getitem__, default="")


def _words(header: str) -> set[str]:
    return {"".join(letter for letter in word.casefold() if letter.isalnum()) for word in header.split()}
