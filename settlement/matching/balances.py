"""余款: what an import order still lacks once the bank's own figures are known (IMP-BAL-01, IMP-BAL-02).

It overlaps the goods item, which stands at an estimate: a receipt pays one or the other, never both.
"""

from __future__ import annotations

import ibis.expr.types as ir

from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, money_sum, text, union_of
from settlement.rules.money import MONEY, RATE, divide_half_up, multiply

BALANCE = "余款"


def _paid_abroad(inputs: Prepared) -> ir.Table:
    """Per order the CNY of currency payments at the bank's rate, and the bank's fees."""
    asked = inputs.payments.filter(
        (inputs.payments.kind == "购汇付款") & inputs.payments.order_no.notnull() & inputs.payments.fx_rate.notnull()
    )
    cny = multiply(asked.amount, divide_half_up(asked.fx_rate.cast(RATE), 100, 8))
    asked = asked.mutate(cny=cny, fee=asked.bank_fee.fill_null(NIL), day=asked.paid_on.fill_null(asked.pay_on))
    return asked.group_by("order_no").agg(
        spent=(money_sum(asked.cny) + money_sum(asked.fee)).cast(MONEY), paid_on=asked.day.max()
    )


def balance_items(inputs: Prepared, items: ir.Table) -> ir.Table:
    """Import orders whose payments, fees (and taxes) exceed what was received: with the goods' money alone, and with
    taxes. ``items`` say what was received so far.

    Columns order_no, principal_id, purpose, currency, amount, arisen_on.
    """
    cny = items.filter((items.currency == "CNY") & items.purpose.isin(["货款", "代理费", "税金"]))
    received = cny.group_by("order_no").agg(
        goods=money_sum(cny.paid, where=cny.purpose != "税金"),
        tax=money_sum(cny.paid, where=cny.purpose == "税金"),
        tax_due=money_sum(cny.due, where=cny.purpose == "税金"),
    )
    orders = inputs.orders
    imports = orders.filter(orders.is_import & orders.is_live)
    rows = imports.inner_join(received, "order_no").inner_join(_paid_abroad(inputs), "order_no")
    rows = rows.filter(rows.goods > NIL)
    own = rows.agency_fee.fill_null(multiply(rows.goods, rows.agency_fee_rate)).fill_null(
        NIL
    ) + rows.other_fee.fill_null(NIL)
    short = (rows.spent + own - rows.goods).cast(MONEY)
    taxes = (rows.tax_due.fill_null(NIL) - rows.tax.fill_null(NIL)).cast(MONEY)
    rows = rows.mutate(short=short, both=(short + taxes).cast(MONEY))
    offers = [rows.select("order_no", "principal_id", "paid_on", amount=rows[name]) for name in ("short", "both")]
    offered = union_of(offers).distinct()
    offered = offered.filter(offered.amount > NIL)
    return offered.select(
        "order_no", "principal_id", "amount", purpose=text(BALANCE), currency=text("CNY"), arisen_on="paid_on"
    )
