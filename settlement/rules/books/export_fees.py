"""The agency's fees of export orders (代理费, 其他费用), by receipt and in sum.

EXP-INV-01. Money in CNY and fen, rounding only by ``money``.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.export_invoices import GOODS_PURPOSES


def order_fees(orders: ir.Table, standing: ir.Table) -> ir.Table:
    """代理费 and 其他费用 of export orders, a part a receipt: order_no, principal_id, part, fee_on, agency_fee, other_fee.

    A fixed fee comes with the first goods receipt; a rate (of the CNY received) with each, so that the
    parts sum to round(rate x gross). A cancelled order has no fees (C-43) unless finance keeps them.
    """
    goods = standing.filter(
        standing.order_no.notnull() & standing.purpose.isin(GOODS_PURPOSES) & standing.amount_cny.notnull()
    )
    of_receipt = goods.group_by("order_no", "txn_id", "booked_on").agg(_cny=goods.amount_cny.sum().cast(money.MONEY))
    running = ibis.window(
        group_by="order_no", order_by=[of_receipt.booked_on, of_receipt.txn_id], preceding=None, following=0
    )
    counted = of_receipt.mutate(
        _upto=of_receipt._cny.sum().over(running).cast(money.MONEY),
        _index=ibis.row_number().over(
            ibis.window(group_by="order_no", order_by=[of_receipt.booked_on, of_receipt.txn_id])
        ),
    )
    exporting = orders.filter(orders.is_export & ~orders.is_cancelled).select(
        "order_no", "principal_id", _fee=orders.agency_fee, _rate=orders.agency_fee_rate, _other=orders.other_fee
    )
    joined = counted.join(exporting, "order_no")
    nil = money.decimal_literal(0)
    is_first = joined._index == 0
    upto = money.multiply(joined._upto, joined._rate)
    before = money.multiply((joined._upto - joined._cny).cast(money.MONEY), joined._rate)
    by_rate = (upto - before).cast(money.MONEY)
    fixed = ibis.cases((is_first, joined._fee), else_=nil)
    has_fee = joined._fee.notnull()
    return joined.select(
        "order_no",
        "principal_id",
        part=ibis.cases((has_fee, ibis.literal("first")), else_=joined.txn_id),
        fee_on=joined.booked_on,
        agency_fee=ibis.coalesce(ibis.cases((has_fee, fixed), else_=by_rate), nil).cast(money.MONEY),
        other_fee=ibis.coalesce(ibis.cases((is_first, joined._other), else_=nil), nil).cast(money.MONEY),
        is_first=is_first,
    ).filter(lambda t: (t.agency_fee != 0) | (t.other_fee != 0))


def deducted_fees(orders: ir.Table, received: ir.Table, charges: ir.Table, treated: ir.Table) -> ir.Table:
    """P of each export order: order_no, fees_cny = agency fee (or rate x gross) + other fee + netted freight (抵扣 only).

    ``treated``: line_key, treatment (``freight_write_off.treatments``): freight later than the invoice notice is
    billed instead (C-42). fees_cny is NULL where the order states neither fee nor rate (INV_INPUT_MISSING: "none"
    is written 0).
    """
    netted = charges.semi_join(treated.filter(treated.treatment == "抵扣"), "line_key")
    freight = netted.group_by("order_no").agg(_freight=netted.receivable_cny.sum().cast(money.MONEY))
    joined = orders.join(received, "order_no", rname="received_{name}").left_join(freight, "order_no")
    nil = money.decimal_literal(0)
    agency = ibis.coalesce(joined.agency_fee, money.multiply(joined.gross_cny, joined.agency_fee_rate))
    netted = ibis.coalesce(joined._freight, nil)
    return joined.select(
        "order_no", fees_cny=(agency + ibis.coalesce(joined.other_fee, nil) + netted).cast(money.MONEY)
    )
