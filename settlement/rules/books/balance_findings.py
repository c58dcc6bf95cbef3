"""What is wrong with balances (余额): paid over what is owed, parts that are missing, fees counted twice.

EXP-PAY-02, EXP-BAL-01, IMP-BAL-01, FRT-06, C-06; the contract, section 2 (a trade order needs a fee). Rows of ``FOUND``.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.counted import counted
from settlement.rules.books.shipment_exceptions import STATEMENTS
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.registry import rule

_OUT = ("货款", "余款退还")


@rule("EXP-PAY-02", "EXP-BAL-01", inputs=("payments", "order_balances"), codes=("PAY_OVER_BALANCE",))
def over_balance(
    balances: ir.Table, requests: ir.Table, paid: ir.Table, refunds: ir.Table
) -> tuple[ir.Table, ir.Table]:
    """PAY_OVER_BALANCE, one an order and purse: payouts made and applied for exceed what we owe.

    ``balances``: order_balances as they stand; ``requests``: applications with principal_id; ``paid``: payment allocations;
    ``refunds``: tax_refunds as they stand. Goods money (货款, 余款退还) is held against the order's trade balance, 退税款
    against the refund cash of the order. Formula: balance − Σ applications in CNY not yet paid < 0. Units: CNY.
    Rounding: none. Errors: none; applications in other currencies are left out. Source: S0 l.883.
    """
    nil = money.decimal_literal(0)
    done = paid.filter(paid.request_no.notnull()).group_by("request_no").agg(_done=paid.amount.sum().cast(money.MONEY))
    open_ = (
        requests.filter((requests.currency == "CNY") & requests.kind.isin([*_OUT, "退税款"]))
        .left_join(done, "request_no")
        .drop("request_no_right")
    )
    rest = ibis.greatest((open_.amount - ibis.coalesce(open_._done, nil)).cast(money.MONEY), nil)
    open_ = open_.mutate(_purse=(open_.kind == "退税款").ifelse("退税", "货款"), _open=rest.cast(money.MONEY))
    asked = open_.group_by("order_no", "principal_id", "_purse").agg(
        _open=open_._open.sum().cast(money.MONEY), _requests=open_.request_no.group_concat(sep="、", order_by=open_.request_no),
        source_file=open_.source_file.min(), source_row=open_.source_row.min(),
    )  # fmt: skip
    trade = balances.filter(balances.kind.isin(["export", "import"])).select(
        "order_no", "received_cny", "paid_cny", "balance_cny", _purse=ibis.literal("货款")
    )
    cash = refunds.group_by("order_no").agg(
        received_cny=ibis.coalesce(refunds.received.sum(), nil).cast(money.MONEY),
        paid_cny=ibis.coalesce(refunds.paid_out.sum(), nil).cast(money.MONEY),
        balance_cny=ibis.coalesce(refunds.balance.sum(), nil).cast(money.MONEY),
    )
    purses = trade.union(cash.mutate(_purse=ibis.literal("退税")).select(*trade.columns))
    joined = asked.left_join(purses, ["order_no", "_purse"], rname="p_{name}")
    owed = ibis.coalesce(joined.balance_cny, nil)
    judged = joined.mutate(_left=(owed - joined._open).cast(money.MONEY), _paid=ibis.coalesce(joined.paid_cny, nil))
    judged = judged.mutate(_off=(judged._left < 0) & ((judged._open > 0) | (judged._paid > 0)))
    rows = found(
        judged.filter(judged._off),
        code="PAY_OVER_BALANCE",
        subject=lambda t: subject_of(t.order_no, t._purse),
        message=lambda t: sentence(
            "订单 ", t.order_no, "（", t._purse, "）：已收 ", ibis.coalesce(t.received_cny, nil), " 元，已付 ", t._paid, " 元，应付余额 ",
            ibis.coalesce(t.balance_cny, nil), " 元，申请待付 ", t._open, " 元（", t._requests, "），超出 ", -t._left, " 元。",
        ),
        amount_at_risk_cny=lambda t: -t._left,
        rule_id="EXP-PAY-02",
    )  # fmt: skip
    return rows, counted("EXP-PAY-02", judged, checked=None, failed="_off")


@rule("IMP-BAL-01", "EXP-BAL-01", inputs=("payments", "order_balances"), codes=("BAL_COMPONENT_MISSING",))
def missing_components(balances: ir.Table, payments: ir.Table) -> tuple[ir.Table, ir.Table]:
    """BAL_COMPONENT_MISSING: an import order was paid abroad and the rate or the bank fee is not known.

    ``payments``: order_payments. Formula: is_unpriced or is_fee_unknown. Units: CNY. Rounding: none. Errors: none.
    Source: S0 l.882.
    """
    joined = balances.filter(balances.kind == "import").join(payments, "order_no", rname="p_{name}")
    judged = joined.mutate(_off=joined.is_fee_unknown | joined.is_unpriced)
    what = ibis.cases((judged.is_unpriced, "付汇汇率"), else_="银行手续费")
    rows = found(
        judged.filter(judged._off),
        code="BAL_COMPONENT_MISSING",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            "：已付汇 ",
            t.paid_fx,
            "（外币），缺",
            what,
            "；现有数字余款 ",
            t.balance_cny,
            " 元，尚不能确定。",
        ),
        amount_at_risk_cny=lambda t: t.balance_cny.abs(),
        arisen_on=lambda t: t.first_on,
        rule_id="IMP-BAL-01",
    )
    return rows, counted("IMP-BAL-01", judged, checked=None, failed="_off")


@rule("EXP-INV-01", "IMP-BAL-01", inputs=("orders.agency_fee", "orders.agency_fee_rate"), codes=("INV_INPUT_MISSING",))
def fees_not_stated(orders: ir.Table, moved: ir.Table) -> ir.Table:
    """INV_INPUT_MISSING: a trade order states neither agency fee nor rate (none is written 0).

    ``moved``: order_no, moved_cny placed on orders so far. Formula: both empty. Units: CNY. Rounding: none. Errors: none.
    Source: the contract, section 2, orders.
    """
    trade = orders.filter((orders.is_export | orders.is_import) & ~orders.is_cancelled)
    bare = trade.filter(trade.agency_fee.isnull() & trade.agency_fee_rate.isnull())
    joined = bare.left_join(moved, "order_no", rname="m_{name}")
    return found(
        joined,
        code="INV_INPUT_MISSING",
        subject=lambda t: subject_of(t.order_no, "fee"),
        field="agency_fee",
        message=lambda t: sentence(
            "订单 ", t.order_no, "（", t.currency, " ", t.amount_fx, "）代理费与代理费率均未填写，",
            ibis.coalesce("已收 " + t.moved_cny.cast("string") + " 元，", ""), "开票金额与余款无法计算；无代理费请填 0。",
        ),
        amount_at_risk_cny=lambda t: t.moved_cny,
        rule_id="EXP-INV-01",
    )  # fmt: skip


@rule(
    "FRT-06",
    "C-13",
    inputs=("orders.freight_treatment", "receipt_allocations", "documents"),
    codes=("FEE_DOUBLE_COUNT",),
)
def netted_and_billed(orders: ir.Table, standing: ir.Table, documents: ir.Table) -> tuple[ir.Table, ir.Table]:
    """FEE_DOUBLE_COUNT: freight of an order is netted in the export formula (抵扣), and billed or received as well.

    ``standing``: pieces as they stand. Billed is what an 应收对账单 of the order states, received what stands as 物流费.
    Formula: either > 0 where 抵扣. Units: CNY. Rounding: none. Errors: none. Source: FRT-06.
    """
    netted = orders.filter((orders.freight_treatment == "抵扣") & orders.is_own_export & ~orders.is_cancelled)
    paid = standing.filter((standing.purpose == "物流费") & standing.order_no.notnull())
    received = paid.group_by("order_no").agg(_received=paid.amount_cny.sum().cast(money.MONEY))
    said = documents.filter(documents.doc_kind.isin(STATEMENTS))
    said = said.mutate(_value=said.value.re_replace(r"[^0-9.\-]", "").try_cast(money.MONEY))
    billed = said.group_by("order_no").agg(
        _billed=said._value.sum().cast(money.MONEY),
        _on=said.dated_on.max(),
        source_file=said.source_file.min(),
        source_row=said.source_row.min(),
    )
    joined = netted.select("order_no", "principal_id").left_join(received, "order_no").drop("order_no_right")
    joined = joined.left_join(billed, "order_no").drop("order_no_right")
    nil = money.decimal_literal(0)
    both = joined.mutate(_received=ibis.coalesce(joined._received, nil), _billed=ibis.coalesce(joined._billed, nil))
    judged = both.mutate(_off=(both._received > 0) | (both._billed > 0))
    rows = found(
        judged.filter(judged._off),
        code="FEE_DOUBLE_COUNT",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            "：物流费已在开票公式中抵扣，又出应收账单 ",
            t._billed,
            " 元、收取 ",
            t._received,
            " 元。",
        ),
        amount_at_risk_cny=lambda t: ibis.greatest(t._received, t._billed),
        arisen_on=lambda t: t._on,
        rule_id="FRT-06",
    )
    return rows, counted("FRT-06", judged, checked=None, failed="_off")
