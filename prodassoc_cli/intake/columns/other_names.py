"""Names of columns that are no field, in ten languages: no column so called is taken for one by its header."""

from __future__ import annotations

OTHER_NAMES = """
    shipping date, delivery date, dispatch date, date of birth, due date, updated at, cancellation date,
    shipping address, city, country, region, postcode, state, phone number, email address, customer name,
    first name, last name, gender, age, note, notes, payment method, currency, discount, coupon code, tax rate, tax
    amount, VAT, total amount, order total, line total, shipping cost, carrier, tracking number,
    warehouse, store, branch, cash register, cashier, seller, shop, till, terminal, supplier, order status, comment, row number,
    weight, size, colour, stock level, cost price, margin, sales channel, image URL, delivery method,
    Lieferdatum, Versanddatum, Geburtsdatum, Fälligkeitsdatum, Änderungsdatum, Lieferadresse, Stadt, Ort,
    Land, Postleitzahl, Telefon, Kundenname, Vorname, Nachname, Geschlecht, Zahlungsart, Währung, Rabatt,
    Gutscheincode, Steuersatz, Mehrwertsteuer, Gesamtbetrag, Versandkosten, Versanddienst, Sendungsnummer,
    Lager, Filiale, Kasse, Kassierer, Verkäufer, Lieferant, Bemerkung, Zeilennummer, Gewicht, Größe,
    Farbe, Lagerbestand, Einkaufspreis, Vertriebsweg, Versandart,
    date de livraison, date d'envoi, date de naissance, date d'échéance, date de modification, adresse de
    livraison, ville, pays, code postal, téléphone, nom du client, prénom, sexe, mode de paiement, devise,
    remise, code promo, taux de taxe, montant de la TVA, montant total, frais de port, transporteur,
    numéro de suivi, entrepôt, magasin, caisse, caissier, vendeur, fournisseur, commentaire, numéro de
    ligne, poids, taille, couleur, stock, prix d'achat, canal de vente, mode de livraison,
    fecha de envío, fecha de entrega, fecha de nacimiento, fecha de vencimiento, fecha de modificación,
    dirección de envío, ciudad, país, código postal, provincia, teléfono, nombre del cliente, apellido,
    sexo, método de pago, moneda, descuento, cupón, tipo de impuesto, importe del IVA, importe total,
    gastos de envío, transportista, número de seguimiento, almacén, tienda, caja, cajero, vendedor,
    proveedor, comentario, número de línea, peso, talla, color, existencias, coste, canal de venta, forma
    de entrega,
    data di consegna, data di invio, data di nascita, data di scadenza, data di modifica, indirizzo di
    spedizione, città, paese, CAP, provincia, telefono, nome del cliente, cognome, sesso, metodo di
    pagamento, valuta, sconto, codice sconto, aliquota, importo IVA, importo totale, spese di spedizione,
    corriere, numero di tracciamento, magazzino, negozio, cassa, cassiere, venditore, fornitore, commento,
    numero di riga, peso, taglia, colore, giacenza, costo, canale di vendita, modalità di consegna,
    data de entrega, data do envio, data de nascimento, data de vencimento, data de alteração, endereço de
    entrega, cidade, país, CEP, estado, telefone, nome do cliente, sobrenome, sexo, método de pagamento,
    moeda, desconto, cupom, alíquota, valor do imposto, valor total, frete, transportadora, código de
    rastreio, armazém, loja, caixa, vendedor, fornecedor, comentário, número da linha, peso, tamanho, cor,
    estoque, custo, canal de venda, forma de entrega,
    дата доставки, дата отправки, дата рождения, срок оплаты, дата изменения, адрес доставки, город,
    страна, индекс, регион, телефон, имя клиента, фамилия, пол, способ оплаты, валюта, скидка, промокод,
    ставка налога, сумма НДС, общая сумма, стоимость доставки, служба доставки, трек номер, склад,
    магазин, касса, кассир, продавец, поставщик, комментарий, номер строки, вес, размер, цвет, остаток,
    закупочная цена, канал продаж, способ доставки,
    发货日期, 送达时间, 出生年月, 到期日, 更新时间, 收货地址, 城市, 国家, 邮编, 省份, 电话, 收货人姓名, 性别, 支付方式, 币种, 折扣, 优惠券, 税率, 税额, 总金额,
    订单金额, 运费, 物流公司, 快递单号, 仓库, 店铺, 收银台, 收银员, 卖家, 供应商, 备注, 行号, 重量, 尺寸, 颜色, 库存, 成本价, 销售渠道, 配送方式, 發貨日期, 送達時間,
    收貨地址, 國家, 電話, 付款方式, 折扣金額, 總金額, 運費, 物流公司, 倉庫, 門市, 供應商, 備註, 庫存,
    発送予定日, 配達日, 生年月日, 支払期限, 更新日時, 配送先住所, 市区町村, 都道府県, 国, 郵便番号, 電話番号, 顧客名, 氏名, 性別, 支払い方法, 通貨, 割引, クーポンコード,
    税率, 消費税額, 合計金額, 送料, 配送業者, 追跡番号, 倉庫, 店舗, レジ番号, 担当者, 販売者, 仕入先, 備考, 行番号, 重量, サイズ, 色, 在庫数, 原価, 販売チャネル,
    配送方法,
    배송일, 배송완료일, 생일, 만기일, 수정일시, 배송주소, 도시, 국가, 우편번호, 지역, 전화번호, 고객명, 수취인명, 성별, 결제방법, 통화, 할인, 쿠폰코드, 세율, 부가세,
    총금액, 배송비, 배송업체, 운송장번호, 창고, 매장, 계산대, 계산원, 판매자, 공급업체, 비고, 행번호, 무게, 사이즈, 색상, 재고, 원가, 판매채널, 배송방법,
"""
"""Apart by commas."""
