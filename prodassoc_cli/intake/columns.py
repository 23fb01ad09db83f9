"""Which column means what: presets, the user's own `--map`, and aliases in several languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prodassoc_cli.errors import UsageProblem, did_you_mean

ALIASES: dict[str, str] = {
    "user_id": """
        user_id user uid userid customer_id customer cust_id customer_no customer_number client_id client
        member_id member_number member shopper_id visitor_id user_pseudo_id reviewer_id reviewer buyer_id
        account_id loyalty_id card_id household_id household_key customer_key customer_unique_id author_id
        kunden_nr kundennummer kunden_id kunde id_client code_client cliente_id id_cliente cliente
        usuario id_usuario utilisateur nutzer_id nutzer
        用户id 用户 客户id 客户编号 客户 会员id 会员编号 会员号""",
    "order_id": """
        order_id order invoice_no invoice invoice_id invoice_number transaction_id transaction
        transaction_no order_no order_number basket_id receipt_id receipt_no receipt ticket_id ticket bill_no
        tid cart_id session_id purchase_id sales_order_number sales_order_id sales_order order_key
        bestell_nr bestellnummer bestell_id auftrags_nr auftragsnummer rechnungs_nr rechnungsnummer
        beleg_nr bon_nr
        num_commande no_commande id_commande commande facture num_facture pedido id_pedido num_pedido factura
        订单号 订单id 订单编号 订单 单号 小票号""",
    "product_id": """
        product_id item_id stock_code sku sku_id product_code item_code article_id article_no article_number
        product_no item_no product_key item_key asin parent_asin movie_id book_id isbn iid business_id
        track_id artist_id plu upc ean gtin barcode material_no product item article
        artikel_nr artikelnummer artikel_id artikel produkt_id produktnummer produkt id_produit code_produit
        produit ref_produit reference id_producto codigo_producto producto articulo codigo
        商品id 商品编号 商品编码 商品代码 产品id 产品编号 商品 产品""",
    "quantity": """
        quantity qty units order_quantity order_qty sales_quantity quantity_sold qty_sold amount_bought
        number_of_items count menge anzahl stueckzahl quantite qte cantidad
        unidades 数量 购买数量 件数""",
    "price": """
        price unit_price item_price price_per_unit sale_price preis einzelpreis stueckpreis prix prix_unitaire
        precio precio_unitario 单价 价格 售价""",
    "rating": "rating score stars overall star_rating review_score bewertung sterne note"
    " puntuacion 评分 评级",
    "timestamp": """
        timestamp datetime invoice_date order_date order_time ordered_at created_at purchase_date purchased_at
        purchase_time transaction_date transaction_time event_timestamp event_time event_date date_time
        unix_review_time review_time unixtime unix_time date time ts
        datum zeitstempel bestelldatum rechnungsdatum kaufdatum zeit date_commande date_facture date_achat
        fecha fecha_pedido fecha_compra 时间 日期 下单时间 购买时间 订单时间 时间戳""",
    "event": """
        event event_type event_name action action_type behavior behavior_type behaviour behaviour_type
        interaction interaction_type ereignis evenement evento 行为 行为类型 事件""",
    "title": """
        title product_title product_name item_name item_description product_description description
        article_name name titel bezeichnung artikelbezeichnung produktname beschreibung designation libelle
        nom titre nombre descripcion 商品名称 商品名 名称 标题 产品名称""",
    "category": """
        category product_category item_category category_name category_path categories department
        product_type genre genres kategorie warengruppe categorie rayon categoria 类别 类目 分类 品类""",
    "brand": "brand brand_name manufacturer maker vendor marke hersteller marque marca fabricante 品牌",
    "click": "click clicked is_click clicks",
    "purchase": "purchase purchased is_purchase bought",
    "dismiss": "dismiss dismissed is_dismiss hidden",
    "position": "position rank slot",
    "propensity": "propensity",
    "list_id": "list_id impression_id slate_id",
    "model": "model model_name recommender policy",
    "revenue": "revenue",
}
"""Field → names it goes by, best first. Case, spaces, accents and punctuation do not matter."""

CATALOGUE_ALIASES: dict[str, str] = {
    "product_id": ALIASES["product_id"] + " id code nummer numero 编号 编码",
    "title": """
        title product_title product_name item_name article_name name titel bezeichnung artikelbezeichnung
        produktname designation libelle nom titre nombre 商品名称 商品名 名称 标题 产品名称""",
    "description": """
        description product_description item_description long_description body text details beschreibung
        artikelbeschreibung descripcion 描述 商品描述 详情 介绍""",
    "brand": ALIASES["brand"],
    "category": ALIASES["category"] + " department_name main_category category_1 level_1",
    "subcategory": """
        subcategory sub_category category_2 level_2 aisle unterkategorie sous_categorie subcategoria
        子类 子类目""",
    "price": ALIASES["price"] + " list_price msrp retail_price",
}  # fmt: skip
"""The same for a catalogue."""

ITEM_LISTS = (
    "items item_list item_ids basket products product_list product_ids skus itemset artikel_liste 商品列表"
)
"""Names of a column that holds a whole basket."""


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


def normal(name: str) -> str:
    """Reduce a column name to what it is compared by; a RecBole type (`:token`) is no part of it."""
    name = re.sub(r":(token|float|token_seq|float_seq)$", "", name.strip())
    name = name.casefold().replace("ß", "ss").replace("ü", "ue").replace("ö", "oe").replace("ä", "ae")
    name = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in name if letter.isalnum())


def parse_map(entries: Iterable[str], fields: Iterable[str]) -> dict[str, str]:
    """Read `--map field=column` entries.

    Raises:
        UsageProblem: an entry has no `=`, its field is unknown, or a field is named twice.
    """
    fields = list(fields)
    mapping: dict[str, str] = {}
    for entry in entries:
        name, equals, column = entry.partition("=")
        name = name.strip()
        if not equals or not column.strip():
            raise UsageProblem(f"--map {entry}: not FIELD=COLUMN", "for example --map order_id=InvoiceNo")
        if name not in fields:
            turned = column.strip() in fields
            hint = f"write --map {column.strip()}={name}" if turned else did_you_mean(name, fields)
            raise UsageProblem(f"--map {entry}: no field is called '{name}'", hint)
        if name in mapping:
            raise UsageProblem(f"--map names {name} twice", "keep one of them")
        mapping[name] = column.strip()
    return mapping


def match_columns(
    names: Sequence[str],
    aliases: dict[str, str],
    *,
    mapping: dict[str, str] | None = None,
    preset: str | None = None,
    source: str = "the input",
) -> dict[str, str]:
    """Find the column of each field.

    What the user maps comes first, then the preset, then the aliases. A column serves one field only.

    Args:
        names: the input's columns.
        aliases: field → names it goes by.
        mapping: field → column, as the user told.
        preset: name of a preset.
        source: name of the input, for messages.

    Returns:
        field → column, in the order of `aliases`; fields without a column are left out.

    Raises:
        UsageProblem: a column the user maps does not exist.
    """
    found: dict[str, str] = {}
    for name, column in (mapping or {}).items():
        exact = column if column in names else next((each for each in names if each.strip() == column), None)
        if exact is None:
            raise UsageProblem(
                f"--map {name}={column}: {source} has no such column", did_you_mean(column, names)
            )
        found[name] = exact
    by_normal: dict[str, str] = {}
    for each in names:
        by_normal.setdefault(normal(each), each)
    tables = [PRESETS[preset].columns] if preset else []
    for table in (*tables, aliases):
        for name, words in table.items():
            if name in found or name not in aliases:
                continue
            for word in words.split():
                column = by_normal.get(normal(word), "")
                if column and column not in found.values():
                    found[name] = column
                    break
    return {name: found[name] for name in (*aliases, *found) if name in found}


def header_names(cells: Sequence[str]) -> list[str]:
    """Make the cells of a header unique, non-empty names; `Name`, `Name` become `Name`, `Name_2`."""
    names: list[str] = []
    taken: set[str] = set()
    for place, cell in enumerate(cells, 1):
        name = base = cell.strip() or f"column_{place}"
        again = 2
        while name in taken:
            name, again = f"{base}_{again}", again + 1
        taken.add(name)
        names.append(name)
    return names


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names columns: a known name, or no number where later rows have one."""
    first = rows[0]
    known = {normal(word) for words in (*ALIASES.values(), ITEM_LISTS) for word in words.split()}
    if any(normal(cell) in known for cell in first):
        return True
    if len(rows) > 1 and _zero_one(rows[1:]) and not _zero_one(rows[:1]):
        return True
    return not any(_is_number(cell) for cell in first)


def _zero_one(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell.strip().casefold() for row in rows for cell in row[1:]]
    return bool(cells) and all(cell in {"", "0", "1", "true", "false"} for cell in cells)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d[\d.,:/\- ]*\s*", cell) is not None
