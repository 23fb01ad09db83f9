"""Names that columns have in ten languages, of fields and of columns that are none: what encoders learn from."""

from __future__ import annotations

from itertools import product


def _spaced(*parts: str) -> list[str]:
    return [" ".join(words) for words in product(*(part.split("|") for part in parts))]


def _joined(*parts: str) -> list[str]:
    return ["".join(words) for words in product(*(part.split("|") for part in parts))]


FIELD_NAMES: dict[str, dict[str, list[str]]] = {
"en": {
 "order_id": _spaced("order|sales order|purchase|transaction|receipt|invoice|sale|ticket|document|basket|checkout", "number|id|no|code|reference|key"),
 "user_id": _spaced("customer|buyer|client|user|member|shopper|consumer|account|visitor|household|loyalty card", "number|id|no|code|reference|key"),
 "product_id": _spaced("product|item|article|goods|material|stock|SKU|merchandise|variant|part", "number|id|no|code|reference|key"),
 "timestamp": _spaced("order|purchase|sale|transaction|payment|invoice|checkout|receipt", "date|time|timestamp|date and time")+["date of sale","time of purchase","order created at","bought on","sold at","ordered on","order placed","paid at","posting date","document date"],
 "quantity": ["quantity","quantity sold","units sold","number of units","pieces","item count","number of items","quantity ordered","ordered quantity","units ordered","qty purchased","amount of items","how many","volume sold"],
 "price": ["price","unit price","price per unit","price per item","sale price","retail price","list price","item price","net price","gross price","price paid","product price","unit cost to customer","price incl tax"],
 "title": _spaced("product|item|article|goods|listing|material","name|title|description|label|short text")},
"de": {
 "order_id": _joined("Bestell|Auftrags|Rechnungs|Beleg|Bon|Transaktions|Kauf|Verkaufs|Vorgangs","nummer|-ID|kennung|-Nr.|code|referenz")+["Nummer der Bestellung","Nummer des Belegs","Kassenbon","Kassenzettel","Verkaufsvorgang"],
 "user_id": _joined("Kunden|Käufer|Mitglieds|Benutzer|Besteller|Abnehmer|Nutzer|Konto","nummer|-ID|-Nr|code|schlüssel")+["Auftraggeber","Debitor","Kunde","Nummer des Kunden","Debitorennummer"],
 "product_id": _joined("Artikel|Produkt|Waren|Material|Sach|Teile|Varianten","nummer|-ID|-Nr.|code|schlüssel")+["Nummer des Artikels","Ware","SKU"],
 "timestamp": _joined("Bestell|Kauf|Verkaufs|Auftrags|Rechnungs|Zahlungs|Beleg|Buchungs|Transaktions","datum|zeit|zeitstempel|tag")+["Datum der Bestellung","Datum des Kaufs","Datum des Verkaufs","bestellt am","gekauft am","verkauft am","bezahlt am","Datum und Uhrzeit"],
 "quantity": ["Menge","Anzahl","Stückzahl","Stück","verkaufte Stück","bestellte Menge","Bestellmenge","Absatzmenge","Verkaufsmenge","Anzahl Artikel","gekaufte Anzahl","Absatz in Stück"],
 "price": ["Preis","Einzelpreis","Stückpreis","Verkaufspreis","Preis pro Stück","Preis je Einheit","Bruttopreis","Nettopreis","Ladenpreis","Artikelpreis","Listenpreis","VK-Preis","Preis in EUR"],
 "title": _joined("Artikel|Produkt|Waren|Material","bezeichnung|name|titel|beschreibung|kurztext|text")+["Name des Produkts","Bezeichnung des Artikels"]},
"fr": {
 "order_id": _spaced("numéro de|n° de|référence de|identifiant de|code de|id","commande|vente|facture|transaction|ticket|achat|reçu"),
 "user_id": _spaced("numéro|n°|référence|identifiant|code|id","client|du client|de l'acheteur|utilisateur|membre|de l'adhérent"),
 "product_id": _spaced("numéro|référence|identifiant|code|id|réf.","produit|article|du produit|marchandise")+["code barre article"],
 "timestamp": _spaced("date de|heure de|date et heure de","commande|vente|facture|l'achat|transaction|paiement|la commande")+["commandé le","acheté le","vendu le","horodatage"],
 "quantity": ["quantité","quantité vendue","quantité commandée","quantité achetée","nombre d'articles","nombre de pièces","nb d'unités","unités","nb articles","qté commandée"],
 "price": ["prix","prix unitaire","prix à l'unité","prix de vente","prix HT","prix TTC","prix public","tarif","prix de l'article","PU HT","prix de détail"],
 "title": _spaced("nom|titre|libellé|désignation|description|intitulé","du produit|de l'article|article|produit")},
"es": {
 "order_id": _spaced("número de|n.º de|referencia de|id de|código de|identificador de","pedido|factura|transacción|ticket|compra|orden|recibo|la venta"),
 "user_id": _spaced("número de|id del|código de|referencia del|identificador del","cliente|usuario|socio|consumidor|miembro")+["comprador","id comprador","número de comprador"],
 "product_id": _spaced("número de|id del|código del|referencia del|identificador del|ref.","producto|ítem|material|mercancía")+["referencia artículo","id artículo","clave de artículo"],
 "timestamp": _spaced("fecha de|hora de|fecha y hora de|fecha del","pedido|venta|factura|la compra|transacción|pago|la orden")+["comprado el","vendido el","momento de la venta"],
 "quantity": ["cantidad","cantidad vendida","cantidad comprada","cantidad pedida","unidades compradas","número de unidades","número de piezas","número de artículos","piezas","uds"],
 "price": ["precio","precio unitario","precio por unidad","precio de venta al público","PVP","precio neto","precio bruto","precio del artículo","precio del producto","tarifa","importe unitario"],
 "title": _spaced("nombre|título|descripción|denominación","del producto|del artículo|de la mercancía|artículo")+["título del anuncio"]},
"it": {
 "order_id": _spaced("numero|n.|codice|id|identificativo","ordine|fattura|transazione|scontrino|vendita|acquisto|ricevuta|documento"),
 "user_id": _spaced("numero|codice|id|identificativo|riferimento","cliente|utente|socio|membro|compratore|consumatore")+["acquirente","id acquirente"],
 "product_id": _spaced("numero|codice|id|riferimento|rif.","prodotto|articolo|merce|materiale|variante"),
 "timestamp": _spaced("data|ora|data e ora","ordine|vendita|acquisto|fattura|transazione|pagamento|dell'ordine|dell'acquisto")+["acquistato il","venduto il","momento della vendita"],
 "quantity": ["quantità","quantità venduta","quantità ordinata","quantità acquistata","numero di articoli","numero pezzi","unità vendute","n. pezzi","pz","pezzi acquistati"],
 "price": ["prezzo","prezzo unitario","prezzo per unità","prezzo al pubblico","prezzo netto","prezzo lordo","prezzo articolo","prezzo del prodotto","prezzo di listino","prezzo cad."],
 "title": _spaced("nome|titolo|descrizione|denominazione","del prodotto|articolo|dell'articolo|merce")+["titolo dell'inserzione"]},
"pt": {
 "order_id": _spaced("número do|n.º do|código da|id do|referência do|identificador da","pedido|encomenda|fatura|transação|recibo|compra|cupom fiscal|nota")+["número da venda","id da venda"],
 "user_id": _spaced("número do|id do|referência do|identificador do","cliente|usuário|utilizador|membro|consumidor|sócio")+["comprador","código comprador","id comprador"],
 "product_id": _spaced("número do|código do|id do|identificador do|ref.","produto|artigo|material|mercadoria")+["referência do artigo","id item","sku do produto"],
 "timestamp": _spaced("data do|data da|hora da|data e hora da","pedido|compra|encomenda|fatura|transação|pagamento")+["comprado em","vendido em","momento da venda","data e hora da venda"],
 "quantity": ["quantidade","quantidade vendida","quantidade comprada","quantidade pedida","número de unidades","unidades vendidas","número de itens","peças","qtd vendida"],
 "price": ["preço","preço unitário","preço por unidade","preço de venda","preço líquido","preço bruto","preço do produto","preço do item","preço de tabela","valor unitário"],
 "title": _spaced("nome|título|descrição|denominação","do produto|do artigo|do item|da mercadoria")},
"ru": {
 "order_id": _spaced("номер|код|идентификатор|id","заказа|покупки|чека|транзакции|счёта|продажи|документа|счета-фактуры|квитанции")+["накладная"],
 "user_id": _spaced("номер|идентификатор|id","покупателя|клиента|пользователя|заказчика|участника|карты лояльности")+["контрагент","заказчик","код контрагента"],
 "product_id": _spaced("номер|код|идентификатор|id|артикул","товара|продукта|позиции|изделия|материала")+["номенклатура","артикул продавца"],
 "timestamp": _spaced("дата|время|дата и время","заказа|покупки|оплаты|чека|транзакции|документа|продажи|оформления заказа")+["куплено","продано","дата создания заказа"],
 "quantity": ["количество","количество товара","кол-во","штук","шт","продано штук","число единиц","количество единиц","количество купленного","заказано штук","объём продаж, шт"],
 "price": ["цена","цена за штуку","цена за единицу","цена товара","цена реализации","цена без ндс","цена с ндс","отпускная цена","стоимость единицы","прайс"],
 "title": _spaced("название|наименование|имя|описание","товара|продукта|изделия|номенклатуры|позиции")},
"zh": {
 "order_id": _joined("订单|销售|交易|发票|小票|购买|流水|单据|訂單|銷售|發票","号|编号|单号|号码|ID|編號"),
 "user_id": _joined("客户|用户|会员|买家|顾客|消费者|客戶|顧客|買家","号|编号|编码|ID|代码|账户|編號|昵称"),
 "product_id": _joined("商品|产品|货品|物料|宝贝|物品|單品|產品","号|编号|货号|代码|ID|編號"),
 "timestamp": _joined("订单|下单|购买|销售|交易|付款|支付|开票|訂單|銷售|成交","日期|时间|時間|时刻"),
 "quantity": ["数量","件数","购买件数","销售数量","销量","订购数量","商品数量","成交数量","购买数","下单件数","銷售數量","訂購數量","总件数"],
 "price": ["价格","单价","售价","商品价格","商品单价","成交价","零售价","宝贝单价","销售价格","标价","實際售價","商品單價"],
 "title": _joined("商品|产品|货品|宝贝|物料|產品","名称|标题|名|描述|名稱|品名")},
"ja": {
 "order_id": _joined("注文|受注|取引|購入|売上|レシート|請求書|伝票|会計","番号|コード|No|管理番号"),
 "user_id": _joined("顧客|会員|購入者|ユーザー|お客様|注文者|買主","番号|コード|No|アカウント")+["お客様ID","会員カード番号"],
 "product_id": _joined("商品|製品|品目|アイテム|単品|SKU","番号|ID|No|管理コード"),
 "timestamp": _joined("注文|受注|購入|売上|取引|決済|会計|お買い上げ","日|日時|時刻|年月日"),
 "quantity": ["数量","個数","点数","購入数","購入数量","販売数","注文数","注文数量","売上数量","販売点数","お買い上げ点数","受注数量"],
 "price": ["価格","単価","販売価格","商品単価","商品価格","売価","税込価格","税抜価格","定価","一個あたりの価格","金額(単価)"],
 "title": _joined("商品|製品|品目|アイテム","名|名称|タイトル|の説明|名(表示用)")},
"ko": {
 "order_id": _spaced("주문|구매|거래|영수증|결제|판매|전표|송장","번호|코드|아이디|고유번호")+["주문번호","거래번호","결제번호","판매번호","주문서 번호"],
 "user_id": _spaced("고객|회원|구매자|사용자|주문자|소비자","번호|코드|아이디|계정")+["고객코드","구매자번호","주문자아이디"],
 "product_id": _spaced("상품|제품|품목|아이템|자재","번호|코드|아이디|고유코드")+["제품코드","품목코드","자체상품코드"],
 "timestamp": _spaced("주문|구매|거래|결제|판매","일|일자|일시|날짜|시간|시각")+["주문날짜","판매일시","거래일시","결제일","구매날짜"],
 "quantity": ["수량","개수","주문수량","판매 수량","구매 수량","구매개수","판매개수","주문개수","구입수량","상품수량"],
 "price": ["가격","단가","판매가격","판매단가","상품단가","상품 가격","개당 가격","정가","소비자가","제품가격"],
 "title": _spaced("상품|제품|품목|아이템","명|이름|제목|설명")+["제품명칭","상품 이름","노출상품명"]},
}  # fmt: skip
"""Language → field → names."""

KIND_NAMES: dict[str, str] = {
    "category": """
        product group, product family, item group, merchandise group, main category, subcategory,
        product line, class, Warengruppe, Produktgruppe, Artikelgruppe, Produktkategorie, Sortiment,
        famille de produit, catégorie d'article, groupe de produits, rayon, familia de producto,
        grupo de artículos, categoría de producto, sección, gruppo merceologico, famiglia prodotto,
        categoria articolo, reparto, família de produto, grupo de produtos, categoria do item,
        seção, группа товара, товарная группа, вид товара, тип товара, категория товара, 商品类别, 商品分类,
        产品类型, 品类名称, 商品分類, 商品カテゴリ, 商品分類, 部門名, 商品区分, 상품 카테고리, 상품분류, 제품군, 품목군
    """,
    "brand": """
        brand, make, label name, manufacturer name, producer, Markenname, Herstellername, Produzent,
        nom de marque, fabricant, producteur, nombre de marca, fabricante del producto, productor,
        nome marca, produttore, casa produttrice, nome da marca, fabricante do produto, produtor,
        торговая марка, изготовитель, название бренда, 品牌名称, 生产厂家, 制造商, 品牌名稱, ブランド名, 製造元, 製造会社,
        브랜드명, 제조사, 제조업체
    """,
}
"""Field → names in all these languages."""
