"""Exceptions that receipts raise: open and doubtful money, shortfalls, reversals, decisions that do not hold."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import TEXTS, texts
from settlement.matching.found import found_rows
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, beside, first_by, money_sum, text, union_of
from settlement.matching.stages import Stages
from settlement.rules.fx import allowed_difference, short_payment_class
from settlement.rules.money import MONEY, RATE, decimal_literal, multiply

_LINE = ("txn_id", "source_file", "source_row", "booked_on", "currency", "counterparty_name", "amount")


def valued(rows: ir.Table, rates: ir.Table, amount: str) -> ir.Table:
    """``rows`` (currency, booked_on) with amount_at_risk_cny: ``amount`` at the mid rate of the day, NULL without one.

    ``rates``: ``items.rates_of_lines``.
    """
    priced = beside(rows, rates, ["currency", "booked_on"])
    rate = ibis.ifelse(priced.currency == "CNY", decimal_literal(1, 8), priced.rate)
    return priced.mutate(amount_at_risk_cny=multiply(priced[amount], rate.cast(RATE))).drop("rate")


def _said(rows: ir.Table) -> ir.StringValue:
    """The line in words: day, payer, amount."""
    payer = ibis.ifelse(rows.counterparty_name.isnull(), "（无户名）", "“" + rows.counterparty_name.fill_null("") + "”")
    return (
        rows.booked_on.strftime("%Y-%m-%d")
        + " 收 "
        + payer
        + " "
        + rows.amount.cast("string")
        + " "
        + rows.currency
        + "："
    )


def _doubtful(stages: Stages, words: ir.Table) -> ir.Table:
    """Receipts whose row of the decision table raises a code, and all that stay open."""
    raised = words.filter(words.code != "")
    named = stages.verdicts.select(
        "txn_id", "order_no", verdict_principal="principal_id", posted=stages.verdicts.posts != "open"
    )
    raised = beside(raised, named, "txn_id").drop("txn_id").rename(txn_id="line")
    rows = raised.inner_join(stages.lines.select(_LINE), "txn_id")
    rows = valued(rows, stages.rates, "amount")
    # Nobody's money names no principal, and an order only as what the text says.
    principal = ibis.cases((rows.posted, rows.verdict_principal), else_=text(None))
    return found_rows(rows, rows.code, _said(rows) + rows.evidence, principal_id=principal, rule_id="IMP-RCV-01")


def _standing_doubt(inputs: Prepared, stages: Stages) -> ir.Table:
    """Probable postings of earlier months that finance has not confirmed: third parties stay on the list."""
    table = inputs.load(texts(), TEXTS)
    placed = inputs.placed.filter(inputs.placed.confidence == "probable").select(
        "txn_id", "order_no", "principal_id", "rule"
    )
    rows = placed.inner_join(table.filter(table.code == "RCV_THIRD_PARTY"), "rule")
    rows = rows.anti_join(stages.decided.pieces, "txn_id").inner_join(
        stages.stands.select("txn_id", "order_no").distinct(), ["txn_id", "order_no"]
    )
    rows = rows.group_by("txn_id").agg(
        order_no=rows.order_no.min(), principal_id=rows.principal_id.min(), zh=rows.zh.min()
    )
    rows = valued(rows.inner_join(stages.lines.select(_LINE), "txn_id"), stages.rates, "amount")
    return found_rows(rows, "RCV_THIRD_PARTY", _said(rows) + rows.zh, rule_id="C-27")


def _reversals(stages: Stages) -> ir.Table:
    """Every line that says it is a reversal, paired or not."""
    marked = stages.nobodys.reversals.inner_join(stages.lines.select(_LINE), "txn_id")
    said = ibis.cases(
        (marked.original.notnull(), "与原流水 " + marked.original + " 配对，两笔均不属于任何委托方"),
        else_="相符的原流水 " + marked.originals.fill_null(0).cast("string") + " 笔，未能配对",
    )
    marked = marked.mutate(message="冲正 " + marked.amount.cast("string") + " " + marked.currency + "：" + said)
    rows = valued(marked, stages.rates, "amount")
    rows = rows.mutate(amount_at_risk_cny=rows.amount_at_risk_cny.abs())
    return found_rows(rows, "BNK_REVERSAL", rows.message, rule_id="BNK-04")


def _charges_by_order(stages: Stages, pieces: ir.Table) -> ir.Table:
    """Per order and currency the charges that its receipts' advices show, and the last of these receipts."""
    rows = pieces.inner_join(
        stages.lines.select("txn_id", "bank_fee", "booked_on", "source_file", "source_row"), "txn_id"
    )
    sums = rows.group_by("order_no", "currency").agg(charges=money_sum(rows.bank_fee))
    latest = first_by(rows.mutate(since=-rows.booked_on.epoch_days()), ["order_no", "currency"], ["since", "txn_id"])
    latest = latest.select("order_no", "currency", "txn_id", "booked_on", "source_file", "source_row")
    return beside(latest, sums, ["order_no", "currency"])


def _shortfalls(inputs: Prepared, stages: Stages) -> ir.Table:
    """Export goods paid for the larger part and not whole: CHARGES, SMALL_DIFF or SHORT_PAYMENT (FX-09).

    Up to the instalment share it is an instalment and no shortfall.
    """
    orders = inputs.orders
    due = orders.filter(orders.is_export & orders.is_live & (orders.currency != "CNY"))
    due = due.select("order_no", "principal_id", "currency", due=due.declared_fx.fill_null(due.amount_fx))
    new = stages.pieces.filter(stages.pieces.purpose == "货款").inner_join(
        stages.parties.credits.select("txn_id", "line"), "txn_id"
    )
    new = new.select("order_no", "currency", "amount", txn_id="line")
    old = stages.held.filter((stages.held.purpose == "货款") & stages.held.order_no.notnull())
    old = old.inner_join(stages.lines.select("txn_id", "currency"), "txn_id").select(
        "order_no", "currency", "amount", "txn_id"
    )
    pieces = inputs.keep("goods_received", new.union(old))
    sums = pieces.group_by("order_no", "currency").agg(paid=money_sum(pieces.amount))
    rows = due.inner_join(sums, ["order_no", "currency"])
    enough = multiply(rows.due, inputs.limits.instalment_share)
    # Kept: what the advices show is fetched only for the few that are short.
    rows = inputs.keep("goods_short", rows.filter((rows.paid < rows.due) & (rows.paid >= enough)))
    pieces = pieces.semi_join(rows, ["order_no", "currency"])
    rows = rows.inner_join(_charges_by_order(stages, pieces), ["order_no", "currency"])
    rows = beside(rows, stages.small, "currency")
    allowed = allowed_difference(rows.due, rows.small.fill_null(NIL), inputs.limits.short_share)
    charges = rows.charges.fill_null(NIL)
    rows = rows.mutate(
        allowed=allowed, shown=charges, short=(rows.due - rows.paid).cast(MONEY),
        code=short_payment_class(rows.due, rows.paid, charges, allowed),
    )  # fmt: skip
    rows = valued(rows.filter(rows.code != ""), stages.rates, "short")
    said = (
        "订单 " + rows.order_no + " 应收 " + rows.currency + " " + rows.due.cast("string") + "，实收 " + rows.paid.cast("string")
        + "，短 " + rows.short.cast("string") + "；水单所列扣费 " + rows.shown.cast("string") + "，允差 " + rows.allowed.cast("string")
    )  # fmt: skip
    return found_rows(rows, rows.code, said, subject=rows.order_no + "|" + rows.currency, rule_id="FX-09")


def found_in_receipts(inputs: Prepared, stages: Stages, words: ir.Table) -> ir.Table:
    """All exceptions (FOUND) of the receipts. ``words``: what ``wording.words_on`` says of each."""
    return union_of(
        [
            stages.decided.found,
            _doubtful(stages, words),
            _standing_doubt(inputs, stages),
            _reversals(stages),
            _shortfalls(inputs, stages),
        ]
    )
