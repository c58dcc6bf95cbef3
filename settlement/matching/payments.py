"""Debits: what is no payment is told first, then each is held against the payment applications.

No payment are bank fees, transfers between own accounts, conversions, reversals, payments that came back. What an
earlier month matched stands, unless the payment came back or was reversed since.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.applications import PAID, applications, by_keys, by_number, by_sum, parts, quoted_applications
from settlement.matching.credits import standing
from settlement.matching.decisions import decide
from settlement.matching.inputs import EVIDENCE, PAYMENT_ALLOCATIONS, UNMATCHED, MatchedPayments, MatchInputs
from settlement.matching.nobody import keyed_lines, nobodys_lines
from settlement.matching.parties import known_payers
from settlement.matching.payment_findings import candidates_for, fee_differences, found_in_payments
from settlement.matching.prepared import Prepared, prepared
from settlement.matching.quoting import tokens_of
from settlement.matching.references import reference_key
from settlement.matching.relations import NIL, beside, in_schema, money_sum, text, union_of
from settlement.matching.words import says
from settlement.rules.money import MONEY

BANK_FEE = "银行手续费"
_FULL = tuple(PAYMENT_ALLOCATIONS.names)
# What finance may write as the purpose of a debit, as a kind of payment.
_KIND_OF_PURPOSE = {
    "物流费": "物流成本",
    "余款": "余款退还",
    "预收": "余款退还",
    "货款": "货款",
    "税金": "税金",
    "退税款": "退税款",
}
_BANKS_OWN = ("结汇", "内部划转", "冲正", "付款退回")


@dataclass(frozen=True)
class Debits:
    """``lines``: all debits, positive in ``money``. ``decided``, ``own``: PAID rows of decisions and of what is no
    payment. ``free``: debits that neither explains and no earlier month matched."""

    lines: ir.Table
    decided: ir.Table
    own: ir.Table
    free: ir.Table


def _columns(table: ir.Table) -> dict[str, ir.Value]:
    return {name: table[name] for name in table.columns}


def _stands(inputs: Prepared) -> ir.Table:
    """What earlier months left standing: one row a debit, application and kind, amount not 0."""
    placed = inputs.placed_payments
    keys = [name for name in _FULL if name not in ("amount", "rule", "evidence")]
    net = placed.group_by(keys).agg(amount=money_sum(placed.amount), rule=placed.rule.max())
    return inputs.keep("payments_stand", net.filter(net.amount != NIL))


def _no_payments(inputs: Prepared, lines: ir.Table, stands: ir.Table, decided: ir.Table) -> ir.Table:
    """PAID rows of transfers, conversions, reversals, returns (both signs are paired) and of bank fees."""
    own = inputs.own_accounts.select("account_no").distinct()
    credits = standing(inputs.placed)
    told = credits.filter(credits.principal_id.isnull()).select("txn_id")
    told = told.union(
        stands.filter(stands.request_no.isnull() & stands.kind.isin([*_BANKS_OWN, BANK_FEE])).select("txn_id")
    )
    known = lines.semi_join(own, "account_no").anti_join(told.union(decided.select("txn_id")), "txn_id")
    nobodys = nobodys_lines(inputs, known, known_payers(inputs))
    pairs = known.filter(known.amount < NIL).inner_join(nobodys.lines, "txn_id")
    bank = in_schema(pairs, _columns(pairs) | {"kind": pairs.purpose, "amount": -pairs.amount}, PAYMENT_ALLOCATIONS)
    rest = known.filter(known.amount < NIL).anti_join(nobodys.lines, "txn_id").anti_join(stands, "txn_id")
    fees = rest.filter(says(rest.marks, "fee") & (rest.is_bankish | rest.is_own))
    values = {"txn_id": fees.txn_id, "kind": BANK_FEE, "amount": -fees.amount, "rule": "N6"}
    values |= {"evidence": text("摘要写明银行手续费，对方为银行或空")}
    return inputs.keep("no_payments", bank.union(in_schema(fees, values, PAYMENT_ALLOCATIONS)))


def _debits(inputs: Prepared, stands: ir.Table) -> Debits:
    lines = keyed_lines(inputs)
    debits = lines.filter(lines.amount < NIL)
    decided = decide(inputs).pieces.semi_join(debits, "txn_id")
    kind = ibis.cases(*[(decided.purpose == purpose, kind) for purpose, kind in _KIND_OF_PURPOSE.items()], else_="其他")
    decided = in_schema(decided, _columns(decided) | {"kind": kind}, PAYMENT_ALLOCATIONS)
    decided = inputs.keep("payments_decided", decided)
    own = _no_payments(inputs, lines, stands, decided)
    known = inputs.own_accounts.select("account_no").distinct()
    free = (
        debits.semi_join(known, "account_no")
        .anti_join(decided, "txn_id")
        .anti_join(own, "txn_id")
        .anti_join(stands, "txn_id")
    )
    free = free.select(
        "txn_id", "currency", "booked_on", "text", "bank_ref", money=(-free.amount).cast(MONEY),
        payee="payer_account", payee_key="payer_key",
    )  # fmt: skip
    return Debits(lines=debits, decided=decided, own=own, free=inputs.keep("debits_free", free))


def match_payments(inputs: MatchInputs) -> MatchedPayments:
    """Place the month's debits, and try again what is still open of earlier ones. Amounts are positive.

    For each debit the allocations up to the month and what is unmatched at its end sum to its amount.
    """
    inputs = prepared(inputs)
    keep = inputs.keep
    stands = _stands(inputs)
    debits = _debits(inputs, stands)
    asked = applications(inputs)
    lying = (
        stands.filter(stands.request_no.notnull()).anti_join(debits.own, "txn_id").anti_join(debits.decided, "txn_id")
    )
    lying = lying.inner_join(debits.lines.select("txn_id", "currency"), "txn_id")
    done = keep("payments_done", lying.group_by("request_no", "currency").agg(paid=money_sum(lying.amount)))
    tokens = keep(
        "payment_tokens", tokens_of(debits.free.select("txn_id", plain="text"), inputs.limits.reference_shortest_own)
    )
    quoted = quoted_applications(inputs, debits.free, asked, tokens)
    named = by_number(inputs, quoted, done)
    split = parts(inputs, quoted, done, named)
    told = union_of([named.select("txn_id", "request_no"), split.select("txn_id", "request_no")])
    # Who names an application means it: such a debit is held against no other.
    silent = keep("debits_silent", debits.free.anti_join(quoted, "txn_id"))
    open_ones = keep("applications_open", asked.anti_join(told, "request_no").anti_join(done, "request_no"))
    equal = keep("paid_by_keys", by_keys(inputs, silent, open_ones, _orders_named(inputs, tokens)))
    summed = by_sum(inputs, silent.anti_join(equal, "txn_id"), open_ones.anti_join(equal, "request_no"))
    matched = union_of([table.select(PAID) for table in (named, split, equal, summed)])
    final = keep("payments_final", union_of([table.select(_FULL) for table in (debits.decided, debits.own, matched)]))
    allocations = keep("payment_allocations", _new_rows(final, stands))
    unmatched = keep("unmatched_payments", _open(inputs, debits, final, stands, asked, done, quoted))
    fees = fee_differences(inputs, asked, final.union(stands.mutate(evidence=text(None)).select(_FULL)), debits.lines)
    found = keep("payments_found", found_in_payments(inputs, debits.lines, unmatched, fees))
    return MatchedPayments(
        allocations=allocations,
        unmatched=in_schema(unmatched, _columns(unmatched), UNMATCHED),
        found=found,
        evidence=_evidence(inputs, final),
    )


def _orders_named(inputs: Prepared, tokens: ir.Table) -> ir.Table:
    orders = inputs.payments.filter(inputs.payments.order_no.notnull()).select("order_no").distinct()
    keys = orders.mutate(key=reference_key(orders.order_no))
    return tokens.inner_join(keys, "key").select("txn_id", "order_no").distinct()


def _new_rows(final: ir.Table, stands: ir.Table) -> ir.Table:
    """New rows so that ``final`` stands; what an earlier month matched and is no payment now goes out negative."""
    moved = final.semi_join(stands, "txn_id")
    why = moved.group_by("txn_id").agg(new_rule=moved.rule.max(), why=moved.evidence.max())
    was = stands.inner_join(why, "txn_id")
    back = in_schema(
        was,
        _columns(was) | {"amount": -was.amount, "rule": was.new_rule, "evidence": "转出，改为：" + was.why},
        PAYMENT_ALLOCATIONS,
    )
    both = moved.select(_FULL).union(back)
    keys = [name for name in _FULL if name not in ("amount", "rule", "evidence")]
    net = both.group_by(keys).agg(
        amount=money_sum(both.amount), rule=both.rule.max(), evidence=both.evidence.argmax(both.amount)
    )
    return final.anti_join(stands, "txn_id").select(_FULL).union(net.filter(net.amount != NIL).select(_FULL))


def _open(
    inputs: Prepared,
    debits: Debits,
    final: ir.Table,
    stands: ir.Table,
    asked: ir.Table,
    done: ir.Table,
    quoted: ir.Table,
) -> ir.Table:
    """Every debit with money that nothing explains at the month's end: UNMATCHED, and paid_request (a duplicate of it)."""
    settled = stands.anti_join(final, "txn_id").select("txn_id", "amount").union(final.select("txn_id", "amount"))
    sums = settled.group_by("txn_id").agg(put=money_sum(settled.amount))
    rest = beside(debits.lines.select("txn_id", "account_no", "amount"), sums, "txn_id")
    rest = rest.mutate(open=(-rest.amount - rest.put.fill_null(NIL)).cast(MONEY)).filter(lambda t: t.open != NIL)
    paid = final.filter(final.request_no.notnull()).select("request_no").union(done.select("request_no")).distinct()
    options = candidates_for(inputs, debits.free.semi_join(rest, "txn_id"), asked, paid, quoted)
    rest = beside(rest, options, "txn_id")
    known = inputs.own_accounts.select("account_no", is_known=ibis.literal(True)).distinct()
    rest = beside(rest, known, "account_no")
    reason = ibis.cases(
        (rest.is_known.isnull(), "本方账号 " + rest.account_no + " 不在本公司账户表，款项不核对"),
        (rest.candidates.isnull(), "没有金额与收款方相符的付款申请"),
        (rest.paid_request.notnull(), "相符的申请 " + rest.paid_request + " 已付，疑似重复付款"),
        else_="多份付款申请相符，或附言所写申请的金额不符，不能确定",
    )
    return rest.select(
        "txn_id", "paid_request", amount="open", reason=reason, candidates=rest.candidates.fill_null("[]")
    )


def _evidence(inputs: Prepared, final: ir.Table) -> ir.Table:
    """EVIDENCE of debits: one step, the rule and what it saw. Not computed until somebody asks."""
    said = (
        "规则 "
        + final.rule
        + "："
        + final.evidence
        + ibis.ifelse(final.request_no.isnull(), "", "；申请 " + final.request_no)
    )
    return in_schema(
        final, {"txn_id": final.txn_id, "step": ibis.literal(1), "kind": text("决策"), "text": said}, EVIDENCE
    )
