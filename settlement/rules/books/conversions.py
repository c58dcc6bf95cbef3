"""Conversions (结汇): which sale of foreign currency fixed the CNY of which receipt (C-45; contract, Foreign currency).

By reference (the sale quotes the receipt's serial), else by the sole equal amount in the same account; a decision
of finance goes before both and reaches here as a quoted reference. Never FIFO: what could be two is none.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.text import joined as joined_text


def conversions(transactions: ir.Table, converted_credits: ir.Table, converted_debits: ir.Table) -> ir.Table:
    """receipt_txn_id, conversion_txn_id, amount_fx, amount_cny: a row a receipt and sale.

    ``transactions``: all bank lines. ``converted_credits`` / ``converted_debits``: txn_id of the lines whose purpose is
    结汇. A sale that quotes several receipts of just its sum shares its CNY by largest remainder; one that quotes a
    single receipt of more fixes a part of it.
    """
    lines = transactions.mutate(text=joined_text(transactions.summary, transactions.purpose, transactions.remark))
    sales = _sales(lines, converted_credits, converted_debits)
    waiting = lines.filter(
        (lines.amount > 0) & (lines.currency != "CNY") & lines.cny_amount.isnull() & lines.fx_rate.isnull()
    ).select(
        receipt_txn_id="txn_id", receipt_account="account_no", receipt_currency="currency", receipt_on="booked_on",
        receipt_fx="amount", receipt_ref="bank_ref",
    )  # fmt: skip
    quoted = _quoted(sales, waiting)
    equal = _equal(sales.anti_join(quoted, [("txn_id", "conversion_txn_id")]), waiting.anti_join(quoted, "receipt_txn_id"))
    return quoted.union(equal)


def _sales(lines: ir.Table, converted_credits: ir.Table, converted_debits: ir.Table) -> ir.Table:
    """FX that left for CNY: txn_id, account_no, currency, booked_on, sold_fx, sold_cny, text; the CNY must be known."""
    sold = lines.semi_join(converted_debits, "txn_id").filter(lambda t: (t.currency != "CNY") & (t.amount < 0))
    bought = lines.semi_join(converted_credits, "txn_id").filter(lambda t: t.currency == "CNY")
    # The CNY of the sale: on the advice; else by its rate; else the one CNY credit with its bank serial.
    bought = bought.filter(bought.bank_ref.notnull())
    paid = bought.group_by("bank_ref").agg(
        _credits=bought.count(), _cny=bought.amount.sum().cast(money.MONEY)
    )
    paid = paid.filter(paid._credits == 1)
    sold = sold.mutate(sold_fx=-sold.amount)
    priced = sold.left_join(paid, "bank_ref", rname="paid_{name}")
    worth = ibis.coalesce(priced.cny_amount.abs(), money.multiply(priced.sold_fx, priced.fx_rate), priced._cny)
    return priced.mutate(sold_cny=worth.cast(money.MONEY)).filter(lambda t: t.sold_cny.notnull()).select(
        "txn_id", "account_no", "currency", "booked_on", "sold_fx", "sold_cny", "text"
    )


def _quoted(sales: ir.Table, waiting: ir.Table) -> ir.Table:
    words = sales.select("txn_id", "account_no", "currency", "booked_on", word=sales.text.re_split(r"[^0-9A-Za-z_-]+").unnest())
    # Chinese text runs into the serial: 原流水R2023 is split at the Han characters above, so a word is the serial itself.
    named = words.join(
        waiting,
        [words.word == waiting.receipt_ref, words.account_no == waiting.receipt_account,
         words.currency == waiting.receipt_currency, waiting.receipt_on <= words.booked_on],
    ).select("txn_id", "receipt_txn_id", "receipt_fx").distinct()  # fmt: skip
    summed = named.mutate(
        _sum=named.receipt_fx.sum().over(ibis.window(group_by="txn_id")).cast(money.MONEY),
        _named=named.count().over(ibis.window(group_by="txn_id")),
        _sales=named.count().over(ibis.window(group_by="receipt_txn_id")),
    )
    joined = summed.join(sales.select("txn_id", "sold_fx", "sold_cny"), "txn_id")
    whole = joined.filter((joined._sum == joined.sold_fx) & (joined._sales == 1))
    shared = money.apportion_column(
        whole, by=["txn_id"], total="sold_cny", weight="receipt_fx", order=["receipt_txn_id"], name="amount_cny"
    )
    part = joined.filter((joined._named == 1) & (joined.sold_fx < joined.receipt_fx))
    return shared.select("receipt_txn_id", conversion_txn_id="txn_id", amount_fx="receipt_fx", amount_cny="amount_cny").union(
        part.select("receipt_txn_id", conversion_txn_id="txn_id", amount_fx="sold_fx", amount_cny="sold_cny")
    )


def _equal(sales: ir.Table, waiting: ir.Table) -> ir.Table:
    pairs = sales.join(
        waiting,
        [sales.account_no == waiting.receipt_account, sales.currency == waiting.receipt_currency,
         sales.sold_fx == waiting.receipt_fx, waiting.receipt_on <= sales.booked_on],
    )  # fmt: skip
    counted = pairs.mutate(
        _of_sale=pairs.count().over(ibis.window(group_by="txn_id")),
        _of_receipt=pairs.count().over(ibis.window(group_by="receipt_txn_id")),
    )
    sole = counted.filter((counted._of_sale == 1) & (counted._of_receipt == 1))
    return sole.select("receipt_txn_id", conversion_txn_id="txn_id", amount_fx="sold_fx", amount_cny="sold_cny")
