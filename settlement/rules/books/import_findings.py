"""What is wrong with import orders (进口异常): tax bills, goods invoice, VAT gap, paid before received.

IMP-TAX-01, IMP-TAX-02, IMP-INV-01..05, IMP-F-06..08, C-10, C-49. Findings only.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import imports, money
from settlement.rules.exceptions import found, sentence, subject_of

HEAD_FIELDS = {"name": "单位名称", "uscc": "纳税人识别号", "bank_name": "开户行", "bank_account": "银行账号", "phone": "联系电话", "address": "联系地址"}
_TAXES = ("duty", "consumption_tax", "vat")


def _sum(table: ir.Table, *columns: str) -> ir.DecimalValue:
    whole = table[columns[0]]
    for column in columns[1:]:
        whole = whole + table[column]
    return whole.cast(money.MONEY)


def _order(rows: ir.Table, code: str, rule_id: str, amount, *parts, tail: str = "", field: str | None = None, arisen: str | None = None) -> ir.Table:
    more = {"arisen_on": (lambda t: t[arisen])} if arisen else {}
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.order_no, tail) if tail else subject_of(t.order_no),
        field=field,
        message=lambda t: sentence("进口订单 ", t.order_no, "：", *[part(t) if callable(part) else part for part in parts]),
        amount_at_risk_cny=amount,
        rule_id=rule_id,
        **more,
    )


def tax_bill_findings(bills: ir.Table, orders: ir.Table, tax_money: ir.Table, *, as_of: date, tax_days: int, warn_days: int) -> ir.Table:
    """``FOUND`` rows on tax bills (税单).

    ``bills``: all tax_bills; ``orders`` as ``facts.described_orders``; ``tax_money``: order_no, booked_on, amount_cny of
    receipts placed for 税金 (and 预收, 余款 of the order). ``tax_days``: calendar days to pay from the declaration's end.
    """
    named = bills.join(
        orders.select("order_no", "principal_id", "principal_name", "declared_on", "tax_entrusted"), "order_no"
    )
    named = named.mutate(_total=_sum(named, *_TAXES))
    simulated = named.filter(named.bill_kind == "模拟")
    originals = named.filter(named.bill_kind == "正本")
    other_party = simulated.filter(simulated.consignee != simulated.principal_name)
    before = simulated.group_by("order_no", "principal_id").agg(_simulated=simulated._total.max())
    after = originals.group_by("order_no").agg(_original=originals._total.sum().cast(money.MONEY))
    compared = before.join(after, "order_no").filter(lambda t: t._simulated != t._original)
    money_in = tax_money.group_by("order_no").agg(_in=tax_money.amount_cny.sum().cast(money.MONEY), _first=tax_money.booked_on.min())
    paid = originals.filter(originals.paid_on.notnull()).left_join(money_in, "order_no", rname="in_{name}")
    early = paid.filter(paid._in.isnull() | (paid._first > paid.paid_on))
    # 关税法 Art. 43: from the end of the declaration; where that is not known, from the bill (earlier law).
    unpaid = originals.filter(originals.paid_on.isnull()).mutate(_from=lambda t: ibis.coalesce(t.declared_on, t.issued_on))
    unpaid = unpaid.filter(unpaid._from.notnull()).mutate(_due=lambda t: (t._from + ibis.interval(days=tax_days)).cast("date"))
    soon = unpaid.filter(unpaid._due - ibis.interval(days=warn_days) <= ibis.literal(as_of))
    return ibis.union(
        _order(other_party, "TAX_BILL_PARTY_MISMATCH", "IMP-TAX-01", lambda t: t._total,
               "模拟税单收货单位为 ", lambda t: t.consignee, "，应为委托方 ", lambda t: t.principal_name, "。"),
        _order(compared, "TAX_BILL_AMOUNT_MISMATCH", "IMP-TAX-01", lambda t: (t._original - t._simulated).abs().cast(money.MONEY),
               "模拟税单合计 ", lambda t: t._simulated, " 元，正本合计 ", lambda t: t._original, " 元。"),
        _order(early, "TAX_PAID_BEFORE_RECEIPT", "IMP-TAX-02", lambda t: t._total,
               "税款 ", lambda t: t._total, " 元于 ", lambda t: t.paid_on, " 缴纳，其时客户税金尚未认领到账。", arisen="paid_on"),
        _order(soon, "TAX_DUE_SOON", "IMP-F-06", lambda t: t._total,
               "税款 ", lambda t: t._total, " 元最迟 ", lambda t: t._due, " 缴纳，尚无缴款日期。", arisen="_due"),
    )  # fmt: skip


def goods_invoice_findings(state: ir.Table, issued: ir.Table, orders: ir.Table, principals: ir.Table, events: ir.Table, *, gap_share: Decimal) -> ir.Table:
    """``FOUND`` rows on goods invoices (货款增票).

    ``state``: import_invoices as they stand; ``issued``: our invoices (order_no, invoice_no, buyer_name, buyer_uscc,
    total_amount, issued_on); ``gap_share``: fraction of the invoice from which the VAT gap is reviewed (C-10).
    """
    made = state.drop("invoice_no").join(issued, "order_no", rname="i_{name}") if "invoice_no" in state.columns else state.join(issued, "order_no", rname="i_{name}")
    unmet = made.filter(~made.eligible)
    off = made.filter(made.invoice_amount.notnull() & (made.total_amount != made.invoice_amount))
    gap = state.filter(
        state.invoice_amount.notnull() & imports.is_gap_large(state.vat_gap, state.invoice_amount, money.decimal_literal(gap_share, 8))
    )
    buyers = principals.select("principal_id", _name="name", _uscc="uscc")
    with_buyer = made.join(buyers, "principal_id")
    other_name = with_buyer.filter(with_buyer.buyer_name.notnull() & (with_buyer.buyer_name != with_buyer._name))
    other_code = with_buyer.filter(with_buyer.buyer_uscc.notnull() & with_buyer._uscc.notnull() & (with_buyer.buyer_uscc != with_buyer._uscc))
    confirmed = events.filter(events.event == "IMP-INV-03").select("order_no").distinct()
    recorded = events.filter(events.event.isin(["IMP-INV-03", "IMP-INV-05"])).select("order_no").distinct()
    # Without any record of the order's invoice nothing can be said (absent evidence).
    unconfirmed = made.semi_join(recorded, "order_no").anti_join(confirmed, "order_no")
    sent = events.filter((events.event.isin(["IMP-INV-05", "LOG-INV-01"])) & (ibis.coalesce(events.courier_no, "") == ""))
    sent = sent.filter(sent.order_no.notnull()).distinct(on=["order_no", "event"])
    return ibis.union(
        _order(unmet, "INV_CONDITION_NOT_MET", "IMP-INV-01", lambda t: t.total_amount,
               "已开货款增票 ", lambda t: t.i_invoice_no if "i_invoice_no" in t.columns else t.invoice_no, "，但委托代缴税、正本税单、需开增票三项条件未全部满足。"),
        _order(off, "INV_AMOUNT_MISMATCH", "IMP-INV-02", lambda t: (t.total_amount - t.invoice_amount).abs().cast(money.MONEY),
               "应开票 ", lambda t: t.invoice_amount, " 元，实开 ", lambda t: t.total_amount, " 元。"),
        _order(gap, "VAT_GAP", "IMP-F-08", lambda t: t.vat_gap.abs(),
               "销项与进项税差 ", lambda t: t.vat_gap, " 元，超过开票金额 ", lambda t: t.invoice_amount, " 元的允许比例；保本金额 ", lambda t: t.neutral_amount, " 元。"),
        _order(other_name, "INV_FIELD_MISMATCH", "IMP-INV-04", lambda t: t.total_amount,
               "发票单位名称 ", lambda t: t.buyer_name, "，应为 ", lambda t: t._name, "。", tail="单位名称", field="单位名称"),
        _order(other_code, "INV_FIELD_MISMATCH", "IMP-INV-04", lambda t: t.total_amount,
               "发票纳税人识别号 ", lambda t: t.buyer_uscc, "，应为 ", lambda t: t._uscc, "。", tail="纳税人识别号", field="纳税人识别号"),
        _order(unconfirmed, "INV_NOT_CONFIRMED", "IMP-INV-03", lambda t: t.total_amount, "已开票，没有与客户确认金额的记录。"),
        found(sent, code="INV_COURIER_MISSING", subject=lambda t: subject_of(t.order_no, t.event), rule_id=lambda t: t.event,
              message=lambda t: sentence("订单 ", t.order_no, "：发票已寄送，快递单号未登记。"), arisen_on=lambda t: t.happened_at.date()),
        *_missing_heads(state, principals),
    )  # fmt: skip


def _missing_heads(state: ir.Table, principals: ir.Table) -> list[ir.Table]:
    """INV_FIELD_MISSING (LOG-AR-04, IMP-INV-04): a principal to be invoiced lacks a head field."""
    due = state.filter(state.status == "可开票").select("principal_id").distinct()
    wanted = principals.semi_join(due, "principal_id")
    return [
        found(
            wanted.filter(ibis.coalesce(wanted[column], "") == ""),
            code="INV_FIELD_MISSING",
            subject=lambda t, name=name: subject_of(t.principal_id, name),
            field=name,
            message=lambda t, name=name: sentence("委托方 ", t.principal_id, "（", t.name, "）待开票，缺", name, "。"),
            rule_id="IMP-INV-04",
        )
        for column, name in HEAD_FIELDS.items()
    ]


def balance_findings(balances: ir.Table, payments: ir.Table, fees: ir.Table, netted_receipts: ir.Table) -> ir.Table:
    """PAY_OVER_BALANCE, BAL_COMPONENT_MISSING, FEE_DOUBLE_COUNT on orders.

    ``balances``: order_balances; ``payments``: order_payments; ``fees``: orders whose agency fee is unknown though
    money moved (order_no, principal_id, moved_cny); ``netted_receipts``: order_no, principal_id, amount_cny of 物流费
    receipts of orders whose freight is netted (FRT-06).
    """
    over = balances.filter((balances.paid_cny > 0) & (balances.balance_cny < 0) & (balances.kind == "export"))
    unknown = balances.filter(balances.kind == "import").join(payments.filter(payments.is_fee_unknown | payments.is_unpriced), "order_no")
    return ibis.union(
        found(over, code="PAY_OVER_BALANCE", subject=lambda t: subject_of(t.order_no), rule_id="EXP-BAL-01",
              message=lambda t: sentence("订单 ", t.order_no, "：已收 ", t.received_cny, " 元，费用 ", t.charged_cny, " 元，已付 ", t.paid_cny, " 元，多付 ", -t.balance_cny, " 元。"),
              amount_at_risk_cny=lambda t: -t.balance_cny),
        found(unknown, code="BAL_COMPONENT_MISSING", subject=lambda t: subject_of(t.order_no), rule_id="IMP-BAL-01",
              message=lambda t: sentence("订单 ", t.order_no, "：已付汇，缺汇率或银行手续费，余款不能确定。"),
              amount_at_risk_cny=lambda t: t.balance_cny.abs()),
        found(fees, code="BAL_COMPONENT_MISSING", subject=lambda t: subject_of(t.order_no, "fee"), rule_id="IMP-BAL-01",
              message=lambda t: sentence("订单 ", t.order_no, "：代理费与代理费率均未填写，余款不能确定；无代理费请填 0。"),
              amount_at_risk_cny=lambda t: t.moved_cny),
        found(netted_receipts, code="FEE_DOUBLE_COUNT", subject=lambda t: subject_of(t.order_no), rule_id="FRT-06",
              message=lambda t: sentence("订单 ", t.order_no, "：物流费已在开票公式中抵扣，又单独收取 ", t.amount_cny, " 元。"),
              amount_at_risk_cny=lambda t: t.amount_cny),
    )  # fmt: skip
