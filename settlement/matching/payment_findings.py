"""What payments raise: debits without an application, paid twice, bank fees that differ; and candidates for the open."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.candidates import json_text
from settlement.matching.found import found_rows
from settlement.matching.items import rates_of_lines
from settlement.matching.prepared import Prepared
from settlement.matching.quoting import tokens_of
from settlement.matching.receipt_findings import valued
from settlement.matching.relations import NIL, beside, first_by, money_sum, text, union_of
from settlement.rules.money import MONEY

_LINE = ("txn_id", "source_file", "source_row", "booked_on", "currency", "counterparty_name")


def candidates_for(inputs: Prepared, waiting: ir.Table, asked: ir.Table, paid: ir.Table, quoted: ir.Table) -> ir.Table:
    """For open debits: txn_id, candidates (JSON list, best first), paid_request (the application that is already paid,
    where no other fits). Applications quoted, and those of the same payee and amount: the unpaid first."""
    most = inputs.limits.candidates_shown
    columns = ("request_no", "order_no", "is_paid")
    asked = beside(asked, paid.mutate(is_paid=True), "request_no")
    asked = asked.mutate(is_paid=asked.is_paid.fill_null(False))
    group = ibis.window(group_by=["payee", "currency", "money"], order_by=[asked.is_paid.asc(), asked.request_no.asc()])
    few = asked.mutate(nth=ibis.row_number().over(group))
    few = few.filter(few.nth < most).drop("nth")
    equal = waiting.select("txn_id", "payee", "currency", "money").inner_join(few, ["payee", "currency", "money"])
    equal = equal.select("txn_id", *columns, score=ibis.literal(70), why=text("收款账号与金额相等"))
    named = quoted.semi_join(waiting, "txn_id").inner_join(
        asked.select("request_no", "is_paid").distinct(), "request_no"
    )
    named = named.select(
        "txn_id", *columns, score=ibis.literal(85), why="附言写明，申请金额 " + named.asked_money.cast("string")
    )
    rows = equal.union(named)
    best = rows.group_by("txn_id", "request_no", "order_no", "is_paid").agg(
        score=rows.score.max(), why=rows.why.argmax(rows.score)
    )
    order = ibis.window(group_by="txn_id", order_by=[best.is_paid.asc(), best.score.desc(), best.request_no.asc()])
    ranked = best.mutate(place=ibis.row_number().over(order))
    shown = ranked.filter(ranked.place < most)
    why = shown.why + ibis.ifelse(shown.is_paid, "，该申请已付", "")
    entry = (
        '{"request_no":' + json_text(shown.request_no) + ',"order_no":' + json_text(shown.order_no)
        + ',"score":' + shown.score.cast("string") + ',"why":' + json_text(why) + "}"
    )  # fmt: skip
    shown = shown.mutate(entry=entry)
    lists = shown.group_by("txn_id").agg(
        inside=shown.entry.group_concat(",", order_by=shown.place.asc()),
        all_paid=shown.is_paid.min(),
        first=shown.request_no.argmin(shown.place),
    )
    paid_request = ibis.cases((lists.all_paid, lists.first), else_=text(None))
    return lists.select("txn_id", candidates=text("[") + lists.inside + "]", paid_request=paid_request)


def fee_differences(inputs: Prepared, asked: ir.Table, told: ir.Table, debits: ir.Table) -> ir.Table:
    """Applications whose bank fee is not what the bank took for them (IMP-FXP-07): request_no, asked_fee, taken, and the
    line of the last fee. A fee belongs to an application it names, or whose payment bears the same serial."""
    fees = debits.semi_join(told.filter(told.kind == "银行手续费"), "txn_id").filter(lambda t: t.currency == "CNY")
    tokens = tokens_of(fees.select("txn_id", plain="text"), inputs.limits.reference_shortest_own)
    requests = asked.filter(asked.is_plain & asked.fee.notnull()).select(
        "request_no", "order_no", "principal_id", "key", "fee"
    )
    by_name = tokens.inner_join(requests.select("key", "request_no"), "key").select("txn_id", "request_no")
    paid = told.filter(told.request_no.notnull()).select("request_no", pay_txn="txn_id")
    serials = debits.filter(debits.bank_ref.notnull()).select(
        pay_txn="txn_id", bank_ref="bank_ref", account="account_no"
    )
    paid = paid.inner_join(serials, "pay_txn").select("request_no", "bank_ref").distinct()
    by_serial = fees.filter(fees.bank_ref.notnull()).select("txn_id", "bank_ref").inner_join(paid, "bank_ref")
    linked = by_name.union(by_serial.select("txn_id", "request_no")).distinct()
    sole = linked.group_by("txn_id").agg(requests=linked.request_no.nunique(), request_no=linked.request_no.min())
    sole = sole.filter(sole.requests == 1).drop("requests").inner_join(fees.select(*_LINE, "amount"), "txn_id")
    taken = sole.group_by("request_no").agg(taken=(-money_sum(sole.amount)).cast(MONEY))
    last = first_by(sole.mutate(since=-sole.booked_on.epoch_days()), ["request_no"], ["since", "txn_id"]).drop(
        "amount", "since"
    )
    rows = requests.inner_join(taken, "request_no").inner_join(last, "request_no")
    return rows.filter(rows.taken != rows.fee)


def found_in_payments(inputs: Prepared, debits: ir.Table, unmatched: ir.Table, fees: ir.Table) -> ir.Table:
    """All exceptions (FOUND) of the debits. ``unmatched``: UNMATCHED and paid_request."""
    rows = unmatched.inner_join(debits.select(_LINE), "txn_id")
    rows = valued(rows, rates_of_lines(inputs, rows), "amount")
    payee = ibis.ifelse(rows.counterparty_name.isnull(), "（无户名）", "“" + rows.counterparty_name.fill_null("") + "”")
    said = (
        rows.booked_on.strftime("%Y-%m-%d") + " 付 " + payee + " " + rows.amount.cast("string") + " " + rows.currency + "：" + rows.reason
    )  # fmt: skip
    code = ibis.ifelse(rows.paid_request.notnull(), "PAY_DUPLICATE", "PAY_UNMATCHED")
    first = found_rows(rows, code, said, rule_id="EXP-PAY-02")
    difference = (fees.taken - fees.fee).cast(MONEY)
    differs = (
        "申请 " + fees.request_no + " 手续费 " + fees.fee.cast("string") + "，银行实扣 " + fees.taken.cast("string")
        + "，差 " + difference.cast("string")
    )  # fmt: skip
    risk = ibis.greatest(difference, (NIL - difference).cast(MONEY)).cast(MONEY)
    second = found_rows(
        fees, "BANK_FEE_DIFF", differs, subject=fees.request_no, amount_at_risk_cny=risk, rule_id="IMP-FXP-07"
    )
    return union_of([first, second])
