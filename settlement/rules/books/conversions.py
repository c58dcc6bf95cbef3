"""Conversions (结汇): which sale of foreign currency fixed the CNY of which receipt (C-45; contract, Foreign currency).

By reference (the sale quotes the receipt's serial), else by the sole equal amount in the same account; a decision
of finance goes before both and reaches here as a quoted reference. Never FIFO: what could be two is none.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.text import joined as joined_text

BY_SERIAL, BY_AMOUNT = "流水号", "唯一等额"


def conversions(
    transactions: ir.Table, converted_credits: ir.Table, converted_debits: ir.Table, known: ir.Table
) -> ir.Table:
    """receipt_txn_id, conversion_txn_id, amount_fx, amount_cny, found_by: a row a receipt and sale that is new.

    ``transactions``: all bank lines. ``converted_credits`` / ``converted_debits``: txn_id of the lines whose purpose is
    结汇. ``known``: the rows of earlier months; what they fixed stays fixed, so that a later receipt of the same amount
    puts nothing in doubt again. A sale that quotes several receipts of just its sum shares its CNY by largest
    remainder; one that quotes a single receipt of more fixes a part of it.
    """
    lines = transactions.mutate(text=joined_text(transactions.summary, transactions.purpose, transactions.remark))
    sales = _sales(lines, converted_credits, converted_debits)
    # A view ends the join: joined further, Ibis 12 would look for computed columns among the tables joined before.
    sales = sales.anti_join(known, [("txn_id", "conversion_txn_id")]).view()
    fixed = known.group_by("receipt_txn_id").agg(_fixed=known.amount_fx.sum().cast(money.MONEY))
    received = lines.filter((lines.amount > 0) & (lines.currency != "CNY")).select(
        receipt_txn_id="txn_id", receipt_account="account_no", receipt_currency="currency", receipt_on="booked_on",
        receipt_fx="amount", receipt_ref="bank_ref", is_advised=lines.cny_amount.notnull() | lines.fx_rate.notnull(),
    )  # fmt: skip
    waiting = received.filter(~received.is_advised).drop("is_advised")
    waiting = waiting.anti_join(fixed, [("receipt_txn_id", "receipt_txn_id"), ("receipt_fx", "_fixed")]).view()
    named = _named(sales, received)
    quoted = _quoted(sales, named.semi_join(waiting, "receipt_txn_id").view())
    untouched = waiting.anti_join(quoted, "receipt_txn_id").anti_join(known, "receipt_txn_id")
    # A sale that names a receipt, even one that needs nothing, is of no other.
    equal = _equal(sales.anti_join(named, "txn_id"), untouched)
    return quoted.mutate(found_by=ibis.literal(BY_SERIAL)).union(equal.mutate(found_by=ibis.literal(BY_AMOUNT)))


def _sales(lines: ir.Table, converted_credits: ir.Table, converted_debits: ir.Table) -> ir.Table:
    """FX that left for CNY: txn_id, account_no, currency, booked_on, sold_fx, sold_cny, text; the CNY must be known."""
    sold = lines.semi_join(converted_debits, "txn_id").filter(lambda t: (t.currency != "CNY") & (t.amount < 0))
    bought = lines.semi_join(converted_credits, "txn_id").filter(lambda t: t.currency == "CNY")
    # The CNY of the sale: on the advice; else by its rate; else the one CNY credit with its bank serial.
    bought = bought.filter(bought.bank_ref.notnull())
    paid = bought.group_by("bank_ref").agg(_credits=bought.count(), _cny=bought.amount.sum().cast(money.MONEY))
    paid = paid.filter(paid._credits == 1)
    sold = sold.mutate(sold_fx=-sold.amount)
    priced = sold.left_join(paid, "bank_ref", rname="paid_{name}")
    worth = ibis.coalesce(priced.cny_amount.abs(), money.multiply(priced.sold_fx, priced.fx_rate), priced._cny)
    return (
        priced.mutate(sold_cny=worth.cast(money.MONEY))
        .filter(lambda t: t.sold_cny.notnull())
        .select("txn_id", "account_no", "currency", "booked_on", "sold_fx", "sold_cny", "text")
    )


def _named(sales: ir.Table, received: ir.Table) -> ir.Table:
    """txn_id, receipt_txn_id, receipt_fx: the receipts of its account whose serial a sale quotes."""
    words = sales.select(
        "txn_id", "account_no", "currency", "booked_on", word=sales.text.re_split(r"[^0-9A-Za-z_-]+").unnest()
    )
    # Chinese text runs into the serial: 原流水R2023 is split at the Han characters above, so a word is the serial itself.
    pairs = words.join(
        received, [("word", "receipt_ref"), ("account_no", "receipt_account"), ("currency", "receipt_currency")]
    )
    return pairs.filter(pairs.receipt_on <= pairs.booked_on).select("txn_id", "receipt_txn_id", "receipt_fx").distinct()


def _quoted(sales: ir.Table, named: ir.Table) -> ir.Table:
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
    return shared.select(
        "receipt_txn_id", conversion_txn_id="txn_id", amount_fx="receipt_fx", amount_cny="amount_cny"
    ).union(part.select("receipt_txn_id", conversion_txn_id="txn_id", amount_fx="sold_fx", amount_cny="sold_cny"))


def _equal(sales: ir.Table, waiting: ir.Table) -> ir.Table:
    pairs = sales.join(
        waiting, [("account_no", "receipt_account"), ("currency", "receipt_currency"), ("sold_fx", "receipt_fx")]
    )
    pairs = pairs.filter(pairs.receipt_on <= pairs.booked_on)
    counted = pairs.mutate(
        _of_sale=pairs.count().over(ibis.window(group_by="txn_id")),
        _of_receipt=pairs.count().over(ibis.window(group_by="receipt_txn_id")),
    )
    sole = counted.filter((counted._of_sale == 1) & (counted._of_receipt == 1))
    return sole.select("receipt_txn_id", conversion_txn_id="txn_id", amount_fx="sold_fx", amount_cny="sold_cny")
