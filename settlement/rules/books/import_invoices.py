"""Import goods invoices (进口货款增票): estimate, settlement figures, the invoice and its conditions.

IMP-EST-01, IMP-FXP-07, IMP-INV-01, IMP-INV-02, IMP-F-08, C-10..C-12. CNY, fen, half up.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import imports, money
from settlement.rules.books.receipts import mid_rates_on


def original_bills(tax_bills: ir.Table) -> ir.Table:
    """正本税单 once each: a bill_no counts once (the latest month's row), a 模拟 never (contract, customs)."""
    originals = tax_bills.filter(tax_bills.bill_kind == "正本")
    key = ibis.coalesce(originals.bill_no, originals.source_file + "#" + originals.source_row.cast("string"))
    keyed = originals.mutate(_bill=key)
    newest = ibis.window(
        group_by=["order_no", "_bill"], order_by=[keyed.month.desc(), keyed.source_file, keyed.source_row]
    )
    ranked = keyed.mutate(_rank=ibis.row_number().over(newest))
    return ranked.filter(ranked._rank == 0).drop("_rank", "_bill")


def order_taxes(bills: ir.Table) -> ir.Table:
    """Taxes by order: duty, consumption_tax, vat, late_fee (CNY), bills, paid_bills."""
    return bills.group_by("order_no").agg(
        duty=bills.duty.sum().cast(money.MONEY),
        consumption_tax=bills.consumption_tax.sum().cast(money.MONEY),
        vat=bills.vat.sum().cast(money.MONEY),
        late_fee=bills.late_fee.sum().cast(money.MONEY),
        bills=bills.count(),
        paid_bills=bills.paid_on.notnull().sum(),
    )


def order_payments(paid: ir.Table) -> ir.Table:
    """FX payments (购汇付款) by order: goods_cny, bank_fee, paid_fx, is_unpriced (a slip lacks its rate), first_on.

    ``paid``: valued payment allocations with bank_fee once a request (CNY).
    """
    abroad = paid.filter((paid.kind == "购汇付款") & paid.order_no.notnull())
    return abroad.group_by("order_no").agg(
        goods_cny=abroad.amount_cny.sum().cast(money.MONEY),
        bank_fee=abroad.bank_fee.sum().cast(money.MONEY),
        paid_fx=abroad.amount.sum().cast(money.MONEY),
        is_unpriced=abroad.amount_cny.isnull().any(),
        is_fee_unknown=abroad.bank_fee.isnull().any(),
        first_on=abroad.booked_on.min(),
    )


def import_fees(orders: ir.Table, payments: ir.Table, goods_received: ir.Table) -> ir.Table:
    """代理费 and 其他费用 of import orders, with the first FX payment: as ``export_fees.order_fees``.

    A rate is of the CNY received for goods (``goods_received``: order_no, gross_cny).
    """
    due = orders.filter(orders.is_import & ~orders.is_cancelled).join(
        payments.select("order_no", fee_on="first_on"), "order_no"
    )
    due = due.left_join(goods_received.select("order_no", _gross="gross_cny"), "order_no")
    nil = money.decimal_literal(0)
    fee = ibis.coalesce(due.agency_fee, money.multiply(ibis.coalesce(due._gross, nil), due.agency_fee_rate), nil)
    return due.select(
        "order_no",
        "principal_id",
        part=ibis.literal("first"),
        fee_on=due.fee_on,
        agency_fee=fee.cast(money.MONEY),
        other_fee=ibis.coalesce(due.other_fee, nil).cast(money.MONEY),
        is_first=ibis.literal(True),
    )


def import_invoices(
    *,
    orders: ir.Table,
    payments: ir.Table,
    taxes: ir.Table,
    mid_rates: ir.Table,
    levies: ir.Table,
    received: ir.Table,
    issued: ir.Table,
) -> ir.Table:
    """The state of every import order: the columns of ``import_invoices``.

    ``orders`` as ``facts.described_orders``; ``payments`` as ``order_payments``; ``taxes`` as ``order_taxes``;
    ``levies``: order_no, levy_rate; ``received``: order_no, received_cny;
    ``issued``: order_no, invoice_no of goods invoices we issued. The estimate is at the mid rate of the
    order date and never settles anything (FX-05).
    """
    heads = orders.filter(orders.is_import)
    days = heads.select("currency", rate_day="ordered_on")
    mids = mid_rates_on(days, mid_rates)
    joined = heads.left_join(
        mids, [heads.currency == mids.currency, heads.ordered_on == mids.rate_day], rname="mid_{name}"
    )
    joined = joined.left_join(payments, "order_no", rname="paid_{name}")
    joined = joined.left_join(taxes, "order_no", rname="tax_{name}")
    joined = joined.left_join(levies.select("order_no", "levy_rate"), "order_no", rname="levy_{name}")
    joined = joined.left_join(received.select("order_no", "received_cny"), "order_no", rname="received_{name}")
    joined = joined.left_join(issued.select("order_no", "invoice_no"), "order_no", rname="issued_{name}")
    nil = money.decimal_literal(0)
    is_local = joined.currency == "CNY"
    rate = ibis.cases((is_local, money.decimal_literal(1, 8)), else_=joined.mid_rate)
    # A payment that came back settles nothing.
    settled = (
        joined.goods_cny.notnull()
        & ~ibis.coalesce(joined.is_unpriced, False)
        & ibis.coalesce(joined.paid_fx != 0, False)
    )
    taxed = ibis.coalesce(joined.bills, 0) > 0
    figures = settled & taxed & ~joined.is_cancelled
    fee = ibis.coalesce(joined.bank_fee, nil)
    amount = imports.goods_invoice_amount(joined.goods_cny, fee, joined.duty, joined.vat, joined.consumption_tax)
    shown = joined.mutate(
        estimate_rate=rate.cast(money.RATE),
        estimate_cny=money.multiply(joined.amount_fx, rate),
        goods_cny=ibis.cases((settled, joined.goods_cny), else_=ibis.null(money.MONEY)),
        bank_fee=ibis.cases((settled, fee), else_=ibis.null(money.MONEY)).cast(money.MONEY),
        invoice_amount=ibis.cases((figures, amount), else_=ibis.null(money.MONEY)).cast(money.MONEY),
        eligible=ibis.coalesce(joined.tax_entrusted, False)
        & ibis.coalesce(joined.tax_bill_original, False)
        & ibis.coalesce(joined.invoice_wanted, False),
        _settled=settled,
        _taxed=taxed,
    )
    return _with_gap_and_status(shown)


def _with_gap_and_status(shown: ir.Table) -> ir.Table:
    """vat_gap = output VAT the invoice implies less the import VAT paid (IMP-F-08): shown, the amount stays (C-10)."""
    ex_vat = money.divide_half_up(shown.invoice_amount, 1 + shown.levy_rate)
    based = shown.mutate(ex_vat_amount=ex_vat)
    based = based.mutate(tax_amount=(based.invoice_amount - based.ex_vat_amount).cast(money.MONEY))
    figures = based.invoice_amount.notnull()
    base = (based.goods_cny + based.bank_fee + based.duty + based.consumption_tax).cast(money.MONEY)
    neutral = imports.neutral_amount(base, based.levy_rate)
    status = ibis.cases(
        (based.is_cancelled, "取消"),
        (based.invoice_no.notnull(), "已开票"),
        (~based._settled & (ibis.coalesce(based.received_cny, money.decimal_literal(0)) > 0), "待付汇"),
        (~based._settled, "预估"),
        (~based._taxed, "待税单"),
        (based.eligible, "可开票"),
        else_="不开票",
    )
    reason = ibis.cases(
        (based.is_cancelled, "订单已取消或退载，不开票（C-43）"),
        (ibis.coalesce(based.is_unpriced, False), "付汇回执缺汇率"),
        (~based._settled, "尚未付汇，金额为中间价预估"),
        (~based._taxed, "未收到正本税单"),
        (~based.eligible, "委托代缴税、正本税单、需开增票三项条件未全部满足（IMP-INV-01）"),
        else_=ibis.null("string"),
    )
    null = ibis.null(money.MONEY)
    return based.mutate(
        neutral_amount=ibis.cases((figures, neutral), else_=null).cast(money.MONEY),
        vat_gap=ibis.cases(
            (figures, imports.vat_gap(based.invoice_amount, based.levy_rate, based.vat)), else_=null
        ).cast(money.MONEY),
        status=status,
        status_reason=reason,
    )
