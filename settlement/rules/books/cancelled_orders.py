"""Cancelled orders (取消) and withdrawn shipments (退载): what finance keeps of the fees that are reversed otherwise (C-43)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.registry import rule

KEEP = "保留"
REFUND_ACCOUNT = "退税"
NIL = money.decimal_literal(0)


def kept_of_orders(adjustments: ir.Table) -> ir.Table:
    """保留 by order, once each decision: order_no, account (转出账户), amount (CNY), decided_on (the last).

    ``adjustments`` with decision_key. The order is 转出订单, else 转入订单.
    """
    decided = adjustments.filter((adjustments.kind == KEEP) & (adjustments.currency == "CNY"))
    named = decided.mutate(order_no=ibis.coalesce(decided.from_order, decided.to_order))
    named = named.filter(named.order_no.notnull())
    return named.group_by("order_no", account="from_account").agg(
        amount=named.amount.sum().cast(money.MONEY), decided_on=named.decided_at.max().date()
    )


@rule("C-43", inputs=("orders.order_status", "adjustments"), codes=())
def kept_fees(orders: ir.Table, kept: ir.Table, published: ir.Table) -> ir.Table:
    """The fees that stand of dropped orders by decision 保留: as ``export_fees.order_fees``.

    ``orders`` as ``facts.described_orders``; ``kept`` as ``kept_of_orders``; ``published``: the ledger of earlier
    months. Fees posted before stand, agency fee first, up to the sum kept; what is kept beyond them is an agency fee
    of the day of the decision. Formula: min(posted, kept − kept before). Units: CNY. Rounding: none. Errors: none.
    Source: decision C-43.
    """
    dropped = orders.filter(orders.is_cancelled & (orders.is_export | orders.is_import)).select(
        "order_no", "principal_id"
    )
    decided = kept.filter(ibis.coalesce(kept.account, "") != REFUND_ACCOUNT)
    decided = decided.group_by("order_no").agg(
        _kept=decided.amount.sum().cast(money.MONEY), decided_on=decided.decided_on.max()
    )
    wanted = dropped.join(decided, "order_no")
    fees = published.filter(published.posting_key.startswith("FEE|") & published.kind.isin(["代理费", "其他费用"]))
    stood = fees.group_by("order_no", "kind", part=fees.posting_key.split("|")[3]).agg(
        _posted=(-fees.amount_cny.sum()).cast(money.MONEY), fee_on=fees.posted_on.min()
    )
    stood = stood.filter(stood._posted > 0).join(wanted, "order_no")
    upto = ibis.window(group_by="order_no", order_by=["kind", "part"], preceding=None, following=0)
    summed = stood.mutate(_upto=stood._posted.sum().over(upto).cast(money.MONEY))
    left = ibis.greatest(summed._kept - (summed._upto - summed._posted), NIL)
    stands = ibis.least(summed._posted, left).cast(money.MONEY)
    is_agency = summed.kind == "代理费"
    of_posted = summed.select(
        "order_no", "principal_id", "part", "fee_on",
        agency_fee=is_agency.ifelse(stands, NIL).cast(money.MONEY),
        other_fee=is_agency.ifelse(NIL, stands).cast(money.MONEY),
    )  # fmt: skip
    posted = stood.group_by("order_no").agg(_sum=stood._posted.sum().cast(money.MONEY))
    more = wanted.left_join(posted, "order_no", rname="p_{name}")
    beyond = (more._kept - ibis.coalesce(more._sum, NIL)).cast(money.MONEY)
    beyond = more.mutate(_beyond=beyond).filter(lambda t: t._beyond > 0)
    return of_posted.union(
        beyond.select(
            "order_no", "principal_id", part=ibis.literal(KEEP), fee_on="decided_on",
            agency_fee="_beyond", other_fee=NIL,
        )
    )  # fmt: skip
