"""Names that columns go by, in several languages. Case, spaces, accents and punctuation do not matter."""

from __future__ import annotations

WEIGHTS = {
    "listened": """
        listen_count listens times_listened listening_time seconds_listened minutes_listened scrobbles ecoutes
        收听次数 收听时长 聆听次数""",
    "watched": """
        watch_time seconds_watched watched_seconds minutes_watched watch_minutes watch_seconds watch_duration
        watch_ratio watch_count view_duration viewing_time
        观看时长 观看时间 觀看時長 視聴時間 視聴回数 시청시간 시청횟수""",
    "played": """
        play_count play_counts plays n_plays times_played play_time playtime_forever play_duration
        playing_time hours_played minutes_played
        播放次数 播放量 播放时长 播放次數 再生回数 再生時間 재생횟수 재생시간""",
}
"""What was done → names of a column that tells how much of it: weights of interactions."""

ALIASES: dict[str, str] = {
    "user_id": """
        user_id user uid userid customer_id customer cust_id customer_no customer_number client_id client
        member_id member_number member shopper_id visitor_id user_pseudo_id reviewer_id reviewer buyer_id buyer
        account_id loyalty_id card_id household_id household_key customer_key customer_unique_id author_id
        customer_user_id
        kunden_nr kundennummer kunden_id kunde id_client code_client cliente_id id_cliente cliente
        usuario id_usuario utilisateur nutzer_id nutzer codice_cliente utente klant klantnummer klant_id
        klient id_klienta kund kundnr kundnummer
        покупатель клиент код_клиента id_клиента пользователь
        用户id 用户 客户id 客户编号 客户 会员id 会员编号 会员号 用戶id 用戶 客戶編號 客戶id 客戶 會員編號 會員
        会員id 会員番号 顧客id 顧客番号 顧客 ユーザーid ユーザー お客様番号 고객번호 고객id 고객 회원번호 회원id 회원
        사용자""",
    "order_id": """
        order_id order invoice_no invoice invoice_id invoice_number transaction_id transaction
        transaction_no order_no order_number basket_id receipt_id receipt_no receipt receipt_number
        ticket_id ticket bill_no
        tid cart_id session_id purchase_id sales_order_number sales_order_id sales_order order_key
        order_reference increment_id
        bestell_nr bestellnummer bestell_id auftrags_nr auftragsnummer rechnungs_nr rechnungsnummer
        beleg_nr belegnummer bon_nr bonnummer
        num_commande no_commande id_commande commande facture num_facture numero_commande pedido id_pedido
        num_pedido numero_pedido numero_de_pedido numero_do_pedido numero_de_orden numero_de_commande numero_de_factura orden factura ordine numero_ordine numero_d_ordine id_ordine scontrino fattura encomenda nota_fiscal
        bestelling bestelnummer ordernummer bonnr zamowienie numer_zamowienia paragon
        номер_заказа заказ id_заказа чек номер_чека № номер_документа
        订单号 订单id 订单编号 订单 单号 小票号 交易号 訂單編號 訂單號碼 訂單號 訂單 單號 交易編號
        注文番号 注文id 注文 受注番号 伝票番号 レシート番号 주문번호 주문id 주문 영수증번호 거래번호""",
    "product_id": """
        product_id item_id stock_code sku sku_id product_code item_code article_id article_no article_number
        product_no item_no product_key item_key asin parent_asin movie_id book_id isbn iid business_id
        track_id artist_id plu upc ean gtin barcode material_no product_sku item_sku lineitem_sku
        product_number item_number product item article
        artikel_nr artikelnummer artikel_id artikel produkt_id produktnummer produkt id_produit code_produit
        produit ref_produit reference id_producto codigo_producto producto articulo codigo
        codice_articolo codice_prodotto prodotto articolo id_produto codigo_produto produto
        product_nummer artikelcode towar kod_towaru vara artikelnr varenummer
        артикул код_товара id_товара товар
        商品id 商品编号 商品编码 商品代码 产品id 产品编号 商品 产品 商品編號 商品代碼 產品編號 產品 品號
        商品コード 商品番号 品番 상품코드 상품번호 상품id 품번 상품""",
    "quantity": """
        quantity qty units order_quantity order_qty sales_quantity quantity_sold qty_sold amount_bought
        number_of_items count pieces qty_ordered quantity_ordered product_quantity lineitem_quantity
        menge anzahl stueckzahl stueck quantite qte cantidad
        unidades quantita qta pezzi quantidade qtd qtde aantal ilosc antal
        количество кол_во колво 数量 购买数量 件数 數量 購買數量 件數 個数 点数 수량 개수""",
    "price": """
        price unit_price item_price price_per_unit sale_price lineitem_price product_price
        preis einzelpreis stueckpreis prix prix_unitaire
        precio precio_unitario prezzo prezzo_unitario preco preco_unitario prijs stukprijs cena
        cena_jednostkowa pris a_pris
        цена цена_за_единицу 单价 价格 售价 單價 價格 售價 単価 価格 販売価格 단가 가격 판매가""",
    "rating": "rating score stars overall star_rating review_score bewertung sterne note"
    " puntuacion valutazione nota calificacion beoordeling оценка рейтинг 评分 评级 評分 評価 평점 별점",
    "timestamp": """
        timestamp datetime invoice_date order_date order_time ordered_at created_at purchase_date purchased_at
        purchase_time transaction_date transaction_time transaction_timestamp transaction_datetime
        event_timestamp event_time event_date date_time
        order_purchase_timestamp order_datetime sale_date sales_date receipt_date date_add
        unix_review_time review_time unixtime unix_time time_stamp date time ts
        datum zeitstempel bestelldatum rechnungsdatum kaufdatum zeit date_commande date_facture date_achat
        fecha fecha_pedido fecha_compra data data_ordine data_pedido data_acquisto data_compra besteldatum
        orderdatum data_zamowienia
        дата дата_заказа дата_покупки дата_и_время
        时间 日期 下单时间 购买时间 订单时间 时间戳 下单日期 日期時間 訂單日期 下單時間 購買日期 時間
        注文日時 注文日 日時 日付 購入日 購入日時 주문일시 주문일자 주문일 일자 날짜 일시 구매일""",
    "event": """
        event event_type event_name action action_type behavior behavior_type behaviour behaviour_type
        interaction interaction_type feedback_type ereignis evenement evento 行为 行为类型 事件""",
    "title": """
        title product_title product_name item_name item_title item_description product_description description
        article_name lineitem_name name titel bezeichnung artikelbezeichnung artikelname produktname
        beschreibung designation libelle
        nom titre nombre descripcion nombre_producto descrizione nome_prodotto descricao nome_produto
        omschrijving productnaam artikelomschrijving nazwa nazwa_towaru varunamn benamning
        наименование название название_товара наименование_товара
        商品名称 商品名 名称 标题 产品名称 商品名稱 產品名稱 品名 商品名 商品タイトル 상품명 제품명 품명""",
    "category": """
        category product_category item_category category_name category_path categories department
        product_type genre genres kategorie warengruppe categorie rayon categoria reparto departamento
        artikelgroep kategoria категория группа_товаров раздел
        类别 类目 分类 品类 類別 分類 カテゴリ カテゴリー 部門 카테고리 분류""",
    "brand": "brand brand_name manufacturer maker vendor marke hersteller marque marca fabricante merk marka"
    " бренд производитель 品牌 ブランド メーカー 브랜드",
    "weight": " ".join(WEIGHTS.values()),
    "status": """
        status order_status order_state financial_status item_status payment_status
        bestellstatus auftragsstatus statut statut_commande etat_commande estado estado_pedido stato
        stato_ordine situacao статус статус_заказа 状态 订单状态 狀態 訂單狀態 ステータス 注文状況 주문상태 상태""",
    "cancelled_at": "cancelled_at canceled_at cancelled is_cancelled canceled is_canceled cancelled_on"
    " voided_at storniert annule",
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
    "product_id": ALIASES["product_id"] + " variant_sku id code nummer numero 编号 编码 編號 id_product",
    "title": """
        title product_title product_name item_name article_name prod_name movie_title name titel bezeichnung
        artikelbezeichnung produktname designation libelle nom titre nombre nome nazwa
        наименование название 商品名称 商品名 名称 标题 产品名称 商品名稱 產品名稱 品名 상품명 제품명""",
    "description": """
        description product_description item_description long_description body body_html text details
        detail_desc beschreibung artikelbeschreibung descripcion descrizione descricao omschrijving opis
        описание 描述 商品描述 详情 介绍 商品説明 説明 상품설명 설명""",
    "brand": ALIASES["brand"] + " brands",
    "category": ALIASES["category"]
    + " category_1>category_2>category_3>category_4>category_5 level_1>level_2>level_3>level_4>level_5"
    " category_level_1>category_level_2>category_level_3>category_level_4 cat_1>cat_2>cat_3>cat_4"
    " category_l1>category_l2>category_l3 l1_category>l2_category>l3_category"
    " department_name main_category category_1 level_1",
    "subcategory": """
        subcategory sub_category category_2 level_2 aisle unterkategorie sous_categorie subcategoria
        子类 子类目""",
    "price": "sale_price|price|regular_price " + ALIASES["price"] + " variant_price list_price msrp retail_price regular_price",
}  # fmt: skip
"""The same for a catalogue."""

ITEM_LISTS = (
    "items item_list item_ids basket products product_list product_ids skus itemset line_items lineitems"
    " order_items order_lines artikel_liste 商品列表"
)
"""Names of a column that holds a whole basket."""

CLOCKS = (
    "time time_of_day clock hour order_time transaction_time sale_time purchase_time receipt_time uhrzeit zeit"
    " heure hora ora tijd godzina tid время 时间 時間 時刻 시간 시각"
)
"""Names of a column that holds the time of day, beside one that holds the date."""
