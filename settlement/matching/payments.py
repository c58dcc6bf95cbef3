"""Debits against payment applications (请款): the application quoted, or the only one that fits payee and amount.

What is no payment is told first: bank fees, transfers between own accounts, conversions, reversals, payments that came
back. A debit that two applications fit, or an application that two debits want, stays open.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.candidates import json_text
from settlement.matching.credits import described, standing
from settlement.matching.decisions import decide
from settlement.matching.found import found_rows
from settlement.matching.inputs import EVIDENCE, PAYMENT_ALLOCATIONS, UNMATCHED, MatchedPayments, MatchInputs
from settlement.matching.names import account_key, name_key
from settlement.matching.nobody import keyed_lines, nobodys_lines
from settlement.matching.parties import known_payers
from settlement.matching.prepared import Prepared, prepared
from settlement.matching.relations import NIL, beside, in_schema, money_sum, text, union_of
from settlement.matching.words import says
from settlement.rules.money import MONEY, RATE, divide_half_up, multiply

_ATOM_AROUND = "[^A-Z0-9]"


def _columns(table: ir.Table) -> dict[str, ir.Value]:
    return {name: table[name] for name in table.columns}


def applications(inputs: Prepared) -> ir.Table:
    """Payment applications with what a bank may debit for them: one row an application and currency.

    Columns request_no, order_no, principal_id, vendor, kind, payee_key, payee_account, debit_currency, debit, pay_on.
    A currency purchase (购汇付款) is debited in its currency, or in CNY at the application's rate, with or without the fee.
    """
    orders = inputs.orders.select("order_no", "principal_id")
    asked = beside(inputs.payments, orders, "order_no")
    vendor = ibis.cases((asked.payee_type == "供应商", asked.payee_name), else_=ibis.null("string"))
    asked = asked.mutate(vendor=vendor, payee_key=name_key(asked.payee_name), payee=account_key(asked.payee_account))
    names = ("request_no", "order_no", "principal_id", "vendor", "kind", "payee_key", "payee", "pay_on", "paid_on")
    plain = asked.select(*names, debit_currency="currency", debit="amount")
    bought = asked.filter((asked.currency != "CNY") & asked.fx_rate.notnull())
    cny = multiply(bought.amount, divide_half_up(bought.fx_rate.cast(RATE), 100, 8))
    in_cny = bought.select(*names, debit_currency=ibis.literal("CNY"), debit=cny)
    with_fee = bought.filter(bought.bank_fee > NIL)
    fee = (multiply(with_fee.amount, divide_half_up(with_fee.fx_rate.cast(RATE), 100, 8)) + with_fee.bank_fee).cast(
        MONEY
    )
    return union_of([plain, in_cny, with_fee.select(*names, debit_currency=ibis.literal("CNY"), debit=fee)])


def _fits(debits: ir.Table, asked: ir.Table) -> ir.Table:
    """Debit x application wherever currency and amount agree and payee, or number, does. ``how``: best first."""
    met = debits.inner_join(asked, [debits.currency == asked.debit_currency, debits.money == asked.debit])
    wanted = met.request_no.upper().re_replace(_ATOM_AROUND, "")
    squeezed = met.text.re_replace(_ATOM_AROUND, "")
    quoted = squeezed.contains(wanted) & (wanted.length() >= 4)
    order = met.text.contains(met.order_no).fill_null(False)
    same_account = (met.payer_account == met.payee).fill_null(False)
    same_name = (met.payer_key == met.payee_key).fill_null(False)
    same_day = (met.booked_on == met.paid_on.fill_null(met.pay_on)).fill_null(False)
    met = met.mutate(same_account=same_account, same_name=same_name)
    how = ibis.cases(
        (quoted, 1),
        (same_account & order, 2),
        (same_account & same_day, 3),
        (same_account, 4),
        (same_name & order, 5),
        (same_name & same_day & met.payer_account.isnull(), 6),
        (same_name & met.payer_account.isnull(), 7),
    )
    met = met.mutate(how=how).filter(lambda t: t.how.notnull())
    return met.select(
        "txn_id",
        "request_no",
        "order_no",
        "principal_id",
        "vendor",
        "kind",
        "money",
        "how",
        "same_account",
        "same_name",
    ).distinct()


def _sole(fits: ir.Table) -> ir.Table:
    """Of the fits those that are the only best one of their debit and of their application."""
    mine, theirs = ibis.window(group_by="txn_id"), ibis.window(group_by="request_no")
    ranked = fits.mutate(best=fits.how.min().over(mine), best_of_request=fits.how.min().over(theirs))
    best = ranked.filter((ranked.how == ranked.best) & (ranked.how == ranked.best_of_request))
    best = best.mutate(choices=best.count().over(mine), wanted=best.count().over(theirs))
    return best.filter((best.choices == 1) & (best.wanted == 1))


_HOW = {
    1: "附言写明申请单号，金额相等",
    2: "收款账号与金额相等，附言写明订单",
    3: "收款账号与金额相等，付款日相同",
    4: "收款账号与金额相等，只有一份申请",
    5: "收款方名称与金额相等，附言写明订单",
    6: "收款方名称与金额相等，付款日相同",
    7: "收款方名称与金额相等，只有一份申请",
}


def _bank_fees(debits: ir.Table) -> ir.Table:
    return debits.filter(says(debits.marks, "fee") & (debits.is_bankish | debits.is_own))


def _decided(inputs: Prepared, debits: ir.Table) -> ir.Table:
    """Finance's decisions on debits; the purpose is the kind where it is one of an application, else 其他."""
    rows = decide(inputs).pieces.semi_join(debits, "txn_id")
    return in_schema(rows, _columns(rows) | {"kind": rows.purpose}, PAYMENT_ALLOCATIONS)


def match_payments(inputs: MatchInputs) -> MatchedPayments:
    """Place the month's debits, and try again what is still open of earlier ones. Amounts are positive.

    For each debit the allocations up to the month and what is unmatched at its end sum to its amount.
    """
    inputs = prepared(inputs)
    keep = inputs.keep
    lines = keep("payment_lines", keyed_lines(inputs, described(inputs.transactions)))
    placed = inputs.placed_payments
    was = placed.group_by("txn_id").agg(placed=money_sum(placed.amount))
    debits = lines.filter(lines.amount < NIL)
    own = inputs.own_accounts.select("account_no").distinct()
    free = debits.semi_join(own, "account_no").anti_join(was.filter(was.placed != NIL), "txn_id")
    free = keep("debits", free.mutate(money=(-free.amount).cast(MONEY)))
    decided = keep("payments_decided", _decided(inputs, free))
    free = free.anti_join(decided, "txn_id")
    stands = standing(inputs.placed)
    nobody = stands.filter(stands.principal_id.isnull()).select("txn_id")
    explained = nobody.union(placed.select("txn_id"))
    nobodys = nobodys_lines(
        inputs,
        lines.semi_join(own, "account_no").anti_join(explained, "txn_id").anti_join(decided, "txn_id"),
        known_payers(inputs, decide(inputs).pieces),
    )
    bank = free.inner_join(nobodys.lines, "txn_id")
    bank = in_schema(
        bank,
        {
            "txn_id": bank.txn_id,
            "kind": bank.purpose_right,
            "amount": bank.money,
            "rule": bank.rule,
            "evidence": bank.evidence,
        },
        PAYMENT_ALLOCATIONS,
    )
    free = free.anti_join(nobodys.lines, "txn_id")
    fees = _bank_fees(free)
    charged = in_schema(
        fees,
        {
            "txn_id": fees.txn_id,
            "kind": "银行手续费",
            "amount": fees.money,
            "rule": "N6",
            "evidence": "摘要写明银行手续费，对方为银行或空",
        },
        PAYMENT_ALLOCATIONS,
    )
    free = keep("debits_free", free.anti_join(fees, "txn_id"))
    asked = keep("applications", applications(inputs))
    done = placed.filter(placed.request_no.notnull()).group_by("request_no").agg(net=money_sum(placed.amount))
    done = done.filter(done.net != NIL)
    fits = keep("payment_fits", _fits(free, asked))
    sole = keep("payment_sole", _sole(fits.anti_join(done, "request_no")))
    how = ibis.cases(*[(sole.how == place, said) for place, said in _HOW.items()])
    matched = in_schema(
        sole,
        _columns(sole) | {"amount": sole.money, "rule": "P" + sole.how.cast("string"), "evidence": how},
        PAYMENT_ALLOCATIONS,
    )
    allocations = keep("payment_allocations", union_of([decided, bank, charged, matched]))
    unmatched = keep("unmatched_payments", _open(debits, was, allocations, fits, inputs))
    found = keep(
        "payments_found",
        _found(
            debits, unmatched, fits.semi_join(done.select("request_no").union(sole.select("request_no")), "request_no")
        ),
    )
    return MatchedPayments(
        allocations=allocations, unmatched=unmatched, found=found, evidence=inputs.load([], EVIDENCE)
    )


def _open(debits: ir.Table, was: ir.Table, new: ir.Table, fits: ir.Table, inputs: Prepared) -> ir.Table:
    sums = new.group_by("txn_id").agg(put=money_sum(new.amount))
    rest = beside(beside(debits.select("txn_id", "account_no", "amount"), was, "txn_id"), sums, "txn_id")
    rest = rest.mutate(open=(-rest.amount - rest.placed.fill_null(NIL) - rest.put.fill_null(NIL)).cast(MONEY))
    rest = rest.filter(rest.open != NIL)
    entry = (
        '{"request_no":'
        + json_text(fits.request_no)
        + ',"order_no":'
        + json_text(fits.order_no)
        + ',"score":'
        + (90 - fits.how * 5).cast("string")
        + ',"why":"金额相等"}'
    )
    ranked = fits.mutate(
        entry=entry, place=ibis.row_number().over(ibis.window(group_by="txn_id", order_by=[fits.how, fits.request_no]))
    )
    shown = ranked.filter(ranked.place < inputs.limits.candidates_shown)
    lists = shown.group_by("txn_id").agg(inside=shown.entry.group_concat(",", order_by=shown.place.asc()))
    rest = beside(rest, lists, "txn_id")
    reason = ibis.ifelse(rest.inside.isnull(), "没有金额与收款方相符的付款申请", "多份付款申请相符或申请已付，不能确定")
    candidates = ibis.ifelse(rest.inside.isnull(), "[]", text("[") + rest.inside + "]")
    return in_schema(
        rest, {"txn_id": rest.txn_id, "amount": rest.open, "reason": reason, "candidates": candidates}, UNMATCHED
    )


def _found(debits: ir.Table, unmatched: ir.Table, paid: ir.Table) -> ir.Table:
    lines = debits.select("txn_id", "source_file", "source_row", "booked_on", "currency")
    rows = unmatched.inner_join(lines, "txn_id")
    twice = paid.group_by("txn_id").agg(request_no=paid.request_no.min(), order_no=paid.order_no.min())
    rows = beside(rows, twice, "txn_id")
    again = rows.filter(rows.request_no.notnull())
    first = found_rows(
        again,
        "PAY_DUPLICATE",
        "申请 " + again.request_no + " 已付，又有一笔相同付款 " + again.amount.cast("string") + " " + again.currency,
        rule_id="EXP-PAY-04",
    )
    other = rows.filter(rows.request_no.isnull())
    second = found_rows(
        other,
        "PAY_UNMATCHED",
        "付款 " + other.amount.cast("string") + " " + other.currency + " 未核对：" + other.reason,
        rule_id="EXP-PAY-04",
    )
    return first.union(second)
