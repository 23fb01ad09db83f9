"""States of orders → whether they were cancelled, so that nothing of them was bought."""

from __future__ import annotations

import polars as pl

from prodassoc_cli.intake.values.missing import MISSING_WORDS

_WORDS = """
    cancelled canceled cancel cancelled_by_customer cancelled_by_buyer cancelled_by_seller order_cancelled
    void voided failed payment_failed declined refused denied rejected refunded expired abandoned
    storniert abgebrochen annulliert abgelehnt annulé annulée annule annulee refusé remboursé
    cancelado cancelada anulado anulada rechazado reembolsado annullato annullata rifiutato rimborsato
    geannuleerd geweigerd anulowane anulowano annullerad makulerad kansellert annulleret zrušeno törölve
    отменен отменён отменена отменено возврат
    取消 已取消 交易关闭 已关闭 已退款 交易取消 已作廢 已關閉 キャンセル キャンセル済み 取消済
    취소 취소됨 주문취소 취소완료
"""
_CANCELLED = frozenset(_WORDS.split())
"""Words for the state of an order of which nothing was bought in the end, in lower case, `_` for a blank."""

_NO = frozenset({*MISSING_WORDS, "0", "false", "f", "no", "n", "nein", "non", "否"})
"""What a column of cancellations holds for an order that was not cancelled."""


def cancelled(status: pl.Series | None, cancelled_at: pl.Series | None) -> pl.Series:
    """Return which rows are of a cancelled order.

    Args:
        status: the state of each row's order, in words; None where there is no such column.
        cancelled_at: when it was cancelled, or whether; None where there is no such column.
    """
    found = [
        *((_words(status).is_in(_CANCELLED),) if status is not None else ()),
        *((~_words(cancelled_at).is_in(_NO),) if cancelled_at is not None else ()),
    ]
    return pl.select(pl.any_horizontal(each.fill_null(value=False) for each in found)).to_series()


def _words(column: pl.Series) -> pl.Series:
    words = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    return words.str.replace_all(r"[\s_-]+", "_").str.strip_prefix("wc_")
