"""What is wrong with payouts (付款异常): route and document, payee and account, amount, cut-off, slip.

EXP-PAY-01..04, IMP-BAL-03, EXP-REF-05..07, IMP-FXP-04, IMP-FXP-05, IMP-FXP-07, C-14, C-15, C-29. Findings only.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.exceptions import found, sentence, subject_of

PAYOUTS = ["货款", "余款退还", "退税款", "垫付退税"]
LETTER, AGREEMENT = "付款委托书", "佣金协议"
_FOREVER = (9999, 12, 31)


def payout_findings(requests: ir.Table, documents: ir.Table, paid: ir.Table, lines: ir.Table, orders: ir.Table) -> ir.Table:
    """``FOUND`` rows on payment applications (请款).

    ``requests``: payments with principal_id; ``documents``: payout_documents; ``paid``: payment allocations so
    far (txn_id, request_no, kind, amount, amount_cny, principal_id); ``lines``: bank lines; ``orders`` as
    ``facts.described_orders``.
    """
    return ibis.union(*_routes(requests, documents), *_slips(requests, paid, lines), *_abroad(requests, paid, orders))


def _requested(rows: ir.Table, code: str, rule_id: str, *parts) -> ir.Table:
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "（", t.kind, " ", t.currency, " ", t.amount, "，收款方 ", t.payee_name, "）",
            *[part(t) if callable(part) else part for part in parts],
        ),
        amount_at_risk_cny=lambda t: ibis.cases((t.currency == "CNY", t.amount), else_=ibis.null(money.MONEY)),
        rule_id=rule_id,
    )  # fmt: skip


def _named(name: ir.StringColumn) -> ir.StringValue:
    return name.re_replace(r"[\s()（）.,，。]", "").upper()


def _routes(requests: ir.Table, documents: ir.Table) -> list[ir.Table]:
    """EXP-PAY-01: the principal needs no document, another legal person a sealed mandate, offshore an agreement."""
    out = requests.filter(requests.kind.isin(PAYOUTS))
    day = ibis.coalesce(out.paid_on, out.pay_on, out.submitted_at.date(), out.notified_at.date())
    out = out.mutate(_day=day, _payee=_named(out.payee_name))
    proof = documents.select(
        _no="document_no", _kind="kind", _principal="principal_id", _order="order_no", _name=_named(documents.payee_name),
        _account="payee_account", _sealed="sealed", _most="max_amount", _from="valid_from", _to="valid_to",
    )  # fmt: skip
    fits = out.join(proof, out.document_no == proof._no)
    fits = fits.filter(
        (fits._principal == fits.principal_id)
        & (fits._name == fits._payee)
        & (fits._order.isnull() | (fits._order == fits.order_no))
        & (fits._account.isnull() | (fits._account == fits.payee_account))
        & (fits._most.isnull() | (fits.amount <= fits._most))
        & (fits._day.isnull() | ((fits._from <= fits._day) & (ibis.coalesce(fits._to, ibis.date(*_FOREVER)) >= fits._day)))
    )
    lettered = fits.filter((fits._kind == LETTER) & ibis.coalesce(fits._sealed, False)).select("request_no")
    agreed = fits.filter(fits._kind == AGREEMENT).select("request_no")
    other = out.filter(out.payee_type == "其他法人").anti_join(lettered, "request_no")
    person = out.filter((out.payee_type == "个人离岸账户") & (out.kind != "退税款"))
    refund = out.filter((out.payee_type == "个人离岸账户") & (out.kind == "退税款"))
    return [
        _requested(other, "PAY_ROUTE_NO_LETTER", "EXP-PAY-01", "付给非委托方的法人，没有有效的、盖委托方公章且收款方、账号、金额相符的付款委托书（所填文件号 ", lambda t: ibis.coalesce(t.document_no, "无"), "）。"),
        _requested(person.anti_join(agreed, "request_no"), "PAY_OFFSHORE_NO_AGREEMENT", "EXP-PAY-01", "付至个人离岸账户，没有有效的佣金协议（所填文件号 ", lambda t: ibis.coalesce(t.document_no, "无"), "）。"),
        _requested(person.semi_join(agreed, "request_no"), "PAY_OFFSHORE_NO_AGREEMENT", "C-29", "付至个人离岸账户，已有佣金协议 ", lambda t: t.document_no, "，仍须人工审批。"),
        _requested(refund, "PAY_REFUND_OFFSHORE", "EXP-REF-05", "退税款不得付至个人离岸账户。"),
    ]  # fmt: skip


def _slips(requests: ir.Table, paid: ir.Table, lines: ir.Table) -> list[ir.Table]:
    """EXP-PAY-04, IMP-FXP-07: payee and account of the bank's debit equal the application; amount as applied (EXP-PAY-02)."""
    debits = lines.select(
        "txn_id", _bank_name="counterparty_name", _bank_account="counterparty_account", _on="booked_on"
    )
    made = paid.filter(paid.request_no.notnull()).select("txn_id", "request_no", _paid="amount", _paid_currency="currency")
    joined = requests.join(made, "request_no").join(debits, "txn_id", rname="debit_{name}")
    other_account = (
        joined._bank_account.notnull()
        & (joined._bank_account != joined.payee_account)
        & ~joined._bank_account.startswith("*")
    )
    bank_name, asked = _named(joined._bank_name), _named(joined.payee_name)
    # Banks cut a payee's name at 35 characters: a prefix of the applied name is the same name.
    other_name = joined._bank_name.notnull() & ~asked.startswith(bank_name)
    wrong = joined.filter(other_account | other_name)
    total = made.group_by("request_no").agg(_sum=made._paid.sum().cast(money.MONEY), _one=made._paid_currency.max())
    summed = requests.join(total, "request_no")
    over = summed.filter((summed._one == summed.currency) & (summed._sum > summed.amount))
    return [
        _requested(
            ibis.union(wrong.filter(wrong.kind != "购汇付款")), "PAY_SLIP_MISMATCH", "EXP-PAY-04",
            "银行付款的收款方为 ", lambda t: ibis.coalesce(t._bank_name, "无"), "／", lambda t: ibis.coalesce(t._bank_account, "无"), "，与申请不符。",
        ),
        _requested(
            wrong.filter(wrong.kind == "购汇付款"), "FXP_SLIP_PAYEE_MISMATCH", "IMP-FXP-07",
            "付汇回执的收款人为 ", lambda t: ibis.coalesce(t._bank_name, "无"), "／", lambda t: ibis.coalesce(t._bank_account, "无"), "，与申请不符。",
        ),
        _requested(over, "PAY_REQUEST_MISMATCH", "EXP-PAY-02", "银行实付合计 ", lambda t: t._sum, "，超过申请金额。"),
    ]  # fmt: skip


def _abroad(requests: ir.Table, paid: ir.Table, orders: ir.Table) -> list[ir.Table]:
    """IMP-FXP-04 (the declaration number stands for the paper proof, B8) and IMP-FXP-07 (rate and fee of the slip)."""
    fx = requests.filter(requests.kind == "购汇付款")
    with_order = fx.join(orders.select("order_no", _declaration="declaration_no"), "order_no")
    post = with_order.filter((with_order.method == "后付") & with_order._declaration.isnull())
    done = fx.semi_join(paid.filter(paid.request_no.notnull()), "request_no")
    unpriced = paid.filter(paid.amount_cny.isnull() & paid.request_no.notnull())
    no_rate = done.semi_join(unpriced, "request_no")
    no_fee = done.filter(done.bank_fee.isnull()).anti_join(unpriced, "request_no")
    return [
        _requested(post, "FXP_POSTPAY_DOC_MISSING", "IMP-FXP-04", "为后付，订单却没有报关单号。"),
        _requested(no_rate, "FXP_RATE_OR_FEE_MISSING", "IMP-FXP-07", "已付汇，回执缺汇率，人民币金额无法计算。"),
        _requested(no_fee, "FXP_RATE_OR_FEE_MISSING", "IMP-FXP-07", "已付汇，回执缺银行手续费，按 0 计算，请补。"),
    ]
