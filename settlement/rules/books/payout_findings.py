"""What is wrong with payouts (付款异常): route and document, payee and account, amount, slip.

EXP-PAY-01, EXP-PAY-02, EXP-PAY-04, IMP-BAL-03, EXP-REF-05, IMP-FXP-04, IMP-FXP-07, C-29, C-47. Rows of ``FOUND`` and of
rule_coverage.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.counted import counted
from settlement.rules.books.deadline_findings import in_cny
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.names import name_key
from settlement.rules.registry import rule

PAYOUTS = ["货款", "余款退还", "退税款", "垫付退税"]
ABROAD, REFUND = "购汇付款", "退税款"
LETTER, AGREEMENT = "付款委托书", "佣金协议"
OTHER_FIRM, OFFSHORE = "其他法人", "个人离岸账户"
_FOREVER = (9999, 12, 31)


def _requested(rows: ir.Table, code: str, rule_id, *parts) -> ir.Table:
    day = {} if "_day" not in rows.columns else {"arisen_on": lambda t: t._day}
    return found(
        rows,
        code=code,
        subject=lambda t: subject_of(t.request_no),
        message=lambda t: sentence(
            "请款单 ", t.request_no, "（", t.kind, " ", t.currency, " ", t.amount, "，收款方 ", t.payee_name, "）",
            *[part(t) if callable(part) else part for part in parts],
        ),
        amount_at_risk_cny=in_cny,
        rule_id=rule_id,
        **day,
    )  # fmt: skip


def _bare(name: ir.StringColumn) -> ir.StringValue:
    """A name as printed, without blanks and punctuation: of a name that was cut, the rest of its words is not known."""
    return name.upper().re_replace(r"[^\p{L}\p{N}]", "")


def _fitting(out: ir.Table, documents: ir.Table) -> ir.Table:
    """Applications whose document is theirs: principal, order, payee, account, amount and day (_kind, _sealed of it)."""
    proof = documents.select(
        _no="document_no", _kind="kind", _principal="principal_id", _order="order_no", _name=name_key(documents.payee_name),
        _account="payee_account", _sealed="sealed", _most="max_amount", _from="valid_from", _to="valid_to",
    )  # fmt: skip
    fits = out.join(proof, out.document_no == proof._no)
    return fits.filter(
        (fits._principal == fits.principal_id)
        & (fits._name == fits._payee)
        & (fits._order.isnull() | (fits._order == fits.order_no))
        & (fits._account.isnull() | (fits._account == fits.payee_account))
        & (fits._most.isnull() | (fits.amount <= fits._most))
        & (
            fits._day.isnull()
            | ((fits._from <= fits._day) & (ibis.coalesce(fits._to, ibis.date(*_FOREVER)) >= fits._day))
        )
    )


@rule(
    "EXP-PAY-01", "IMP-BAL-03", "EXP-BAL-02", "EXP-REF-05", "C-29",
    inputs=("payments.payee_type", "payments.document_no", "payout_documents"),
    codes=("PAY_ROUTE_NO_LETTER", "PAY_OFFSHORE_NO_AGREEMENT", "PAY_REFUND_OFFSHORE"),
)  # fmt: skip
def routes(requests: ir.Table, documents: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """PAY_ROUTE_NO_LETTER, PAY_OFFSHORE_NO_AGREEMENT, PAY_REFUND_OFFSHORE: the payee's route and its document.

    The principal needs none, another legal person a mandate with the principal's seal, a person's offshore account a
    commission agreement and always a manual approval (C-29); refund money never goes offshore. Formula: the document fits
    principal, order, payee, account, amount and day. Units: CNY. Rounding: none. Errors: none. Source: S0 l.738, 883.
    """
    out = requests.filter(requests.kind.isin(PAYOUTS)).join(orders.select("order_no", "is_import"), "order_no")
    day = ibis.coalesce(out.paid_on, out.pay_on, out.submitted_at.date(), out.notified_at.date())
    rule_id = ibis.cases(
        (out.kind.isin([REFUND, "垫付退税"]), "EXP-REF-05"), (out.is_import, "IMP-BAL-03"), else_="EXP-PAY-01"
    )
    out = out.mutate(_day=day, _payee=name_key(out.payee_name), _rule=rule_id)
    fits = _fitting(out, documents)
    lettered = fits.filter((fits._kind == LETTER) & ibis.coalesce(fits._sealed, False)).select("request_no").distinct()
    agreed = fits.filter(fits._kind == AGREEMENT).select("request_no").distinct()
    other = out.filter(out.payee_type == OTHER_FIRM).anti_join(lettered, "request_no")
    offshore = out.filter(out.payee_type == OFFSHORE)
    person, refund = offshore.filter(offshore._rule != "EXP-REF-05"), offshore.filter(offshore._rule == "EXP-REF-05")
    told = ("（所填文件号 ", lambda t: ibis.coalesce(t.document_no, "无"), "）。")
    rows = [
        _requested(other, "PAY_ROUTE_NO_LETTER", lambda t: t._rule, "付给非委托方的法人，没有有效的、盖委托方公章且收款方、账号、金额相符的付款委托书", *told),
        _requested(person.anti_join(agreed, "request_no"), "PAY_OFFSHORE_NO_AGREEMENT", "EXP-PAY-01", "付至个人离岸账户，没有有效的佣金协议", *told),
        _requested(person.semi_join(agreed, "request_no"), "PAY_OFFSHORE_NO_AGREEMENT", "C-29", "付至个人离岸账户，已有佣金协议 ", lambda t: t.document_no, "，仍须人工审批。"),
        _requested(refund, "PAY_REFUND_OFFSHORE", "EXP-REF-05", "退税款不得付至个人离岸账户。"),
    ]  # fmt: skip
    failed = other.union(offshore).select("request_no", _off=ibis.literal(True))
    judged = out.select("request_no", "_rule").left_join(failed, "request_no")
    coverage = [
        counted(rule_id, judged.filter(judged._rule == rule_id), checked=None, failed="_off")
        for rule_id in ("EXP-PAY-01", "IMP-BAL-03", "EXP-REF-05")
    ]
    return ibis.union(*rows), ibis.union(*coverage)


@rule(
    "EXP-PAY-04", "IMP-FXP-07", inputs=("payments.payee_name", "payments.payee_account", "bank"),
    codes=("PAY_SLIP_MISMATCH", "FXP_SLIP_PAYEE_MISMATCH"),
)  # fmt: skip
def slips(requests: ir.Table, paid: ir.Table, lines: ir.Table) -> tuple[ir.Table, ir.Table]:
    """PAY_SLIP_MISMATCH, FXP_SLIP_PAYEE_MISMATCH: payee and account of the bank's debit are not those of the application.

    Banks cut a payee's name at 35 characters: a prefix of the applied name is the same name. A masked account is not
    compared. Formula: account = account, name prefix of name. Units: CNY. Rounding: none. Errors: none; a debit that states
    neither is not checkable. Source: S0 l.815, 882.
    """
    debits = lines.select(
        "txn_id", _bank_name="counterparty_name", _bank_account="counterparty_account", _day="booked_on"
    )
    made = paid.filter(paid.request_no.notnull()).select("txn_id", "request_no").distinct()
    joined = requests.join(made, "request_no").join(debits, "txn_id", rname="debit_{name}")
    shown = joined._bank_account.notnull() & ~ibis.coalesce(joined._bank_account.contains("*"), False)
    other_account = shown & (joined._bank_account != joined.payee_account)
    same_name = name_key(joined.payee_name).startswith(name_key(joined._bank_name)) | _bare(
        joined.payee_name
    ).startswith(_bare(joined._bank_name))
    other_name = joined._bank_name.notnull() & ~same_name
    judged = joined.mutate(
        _checked=shown | joined._bank_name.notnull(), _off=ibis.coalesce(other_account | other_name, False)
    )
    wrong = judged.filter(judged._off)
    said = (
        lambda t: ibis.coalesce(t._bank_name, "无"),
        "／",
        lambda t: ibis.coalesce(t._bank_account, "无"),
        "，与申请的账号 ",
        lambda t: t.payee_account,
        " 不符。",
    )
    rows = [
        _requested(wrong.filter(wrong.kind != ABROAD), "PAY_SLIP_MISMATCH", "EXP-PAY-04", "银行付款的收款方为 ", *said),
        _requested(
            wrong.filter(wrong.kind == ABROAD), "FXP_SLIP_PAYEE_MISMATCH", "IMP-FXP-07", "付汇回执的收款人为 ", *said
        ),
    ]
    coverage = [
        counted("EXP-PAY-04", judged.filter(judged.kind != ABROAD), checked="_checked", failed="_off"),
        counted("IMP-FXP-07", judged.filter(judged.kind == ABROAD), checked="_checked", failed="_off"),
    ]
    return ibis.union(*rows), ibis.union(*coverage)


@rule("EXP-PAY-02", inputs=("payments.amount", "bank", "events"), codes=("PAY_REQUEST_MISMATCH",))
def requests_differ(requests: ir.Table, paid: ir.Table, events: ir.Table) -> tuple[ir.Table, ir.Table]:
    """PAY_REQUEST_MISMATCH: the bank paid another amount than applied for, or the application another than was confirmed.

    Paid too much always; paid too little where the application already says that it is paid (付款日期). Confirmed is what the
    event EXP-PAY-02 with the application's number states. Formula: Σ debits = amount; amount = confirmed. Units: the
    application's currency. Rounding: none. Errors: none. Source: S0 l.883.
    """
    made = paid.filter(paid.request_no.notnull())
    total = made.group_by("request_no").agg(
        _sum=made.amount.sum().cast(money.MONEY), _one=made.currency.max(), _day=made.booked_on.max()
    )
    told = events.filter((events.event == "EXP-PAY-02") & events.ref_no.notnull() & events.amount.notnull())
    told = told.group_by("ref_no").agg(_told=told.amount.argmax(told.happened_at))
    joined = requests.left_join(total, "request_no", rname="m_{name}")
    joined = joined.left_join(told, joined.request_no == told.ref_no).drop("ref_no")
    same_money = joined._one == joined.currency
    is_over = same_money & (joined._sum > joined.amount)
    is_short = same_money & (joined._sum < joined.amount) & joined.paid_on.notnull()
    differs = ibis.coalesce(is_over | is_short, False)
    unlike = ibis.coalesce(joined._told != joined.amount, False)
    judged = joined.mutate(
        _differs=differs,
        _unlike=unlike,
        _off=differs | unlike,
        _checked=ibis.coalesce(same_money, False) | joined._told.notnull(),
    )
    off = judged.filter(judged._off)
    paid_other = sentence("银行实付合计 ", off._sum, "，与申请金额相差 ", (off._sum - off.amount).cast(money.MONEY))
    why = ibis.cases((off._differs, paid_other), else_=sentence("与客户确认的金额为 ", off._told))
    rows = _requested(off, "PAY_REQUEST_MISMATCH", "EXP-PAY-02", why, "。")
    return rows, counted("EXP-PAY-02", judged, checked="_checked", failed="_off")


@rule(
    "IMP-FXP-04", "IMP-FXP-07", inputs=("payments.method", "payments.fx_rate", "payments.bank_fee", "orders.declaration_no"),
    codes=("FXP_POSTPAY_DOC_MISSING", "FXP_RATE_OR_FEE_MISSING"),
)  # fmt: skip
def abroad(requests: ir.Table, paid: ir.Table, orders: ir.Table) -> tuple[ir.Table, ir.Table]:
    """FXP_POSTPAY_DOC_MISSING: post-payment without the declaration's number, which stands for the paper proof (B8);

    FXP_RATE_OR_FEE_MISSING: paid, and the slip's rate or fee is not known. Formula: method = 后付 and no number; no CNY, or
    no fee. Units: CNY. Rounding: none. Errors: none. Source: S0 l.882.
    """
    fx = requests.filter(requests.kind == ABROAD)
    with_order = fx.join(orders.select("order_no", _declaration="declaration_no"), "order_no")
    later = with_order.filter(with_order.method == "后付").mutate(_off=lambda t: t._declaration.isnull())
    done = fx.semi_join(paid.filter(paid.request_no.notnull()), "request_no")
    unpriced = paid.filter(paid.amount_cny.isnull() & paid.request_no.notnull()).select("request_no").distinct()
    marked = done.left_join(unpriced.mutate(_no_rate=ibis.literal(True)), "request_no").drop("request_no_right")
    no_rate = ibis.coalesce(marked._no_rate, False)
    slip = marked.mutate(_bare=no_rate, _off=no_rate | marked.bank_fee.isnull())
    bare = slip.filter(slip._off)
    why = bare._bare.ifelse("已付汇，回执缺汇率，人民币金额无法计算。", "已付汇，回执缺银行手续费，按 0 计算，请补。")
    no_number = later.filter(later._off)
    rows = [
        _requested(no_number, "FXP_POSTPAY_DOC_MISSING", "IMP-FXP-04", "为后付，订单却没有进口报关单号。"),
        _requested(bare, "FXP_RATE_OR_FEE_MISSING", "IMP-FXP-07", why),
    ]
    coverage = [
        counted("IMP-FXP-04", later, checked=None, failed="_off"),
        counted("IMP-FXP-07", slip, checked=None, failed="_off"),
    ]
    return ibis.union(*rows), ibis.union(*coverage)
