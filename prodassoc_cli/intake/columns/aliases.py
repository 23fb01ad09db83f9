"""Names that columns go by, in several languages. Case, spaces, accents and punctuation do not matter."""

from __future__ import annotations

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
"""Field → names it goes by, best first."""

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
