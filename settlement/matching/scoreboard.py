"""The scoreboard (匹配成绩): how much was placed without a person, by count and by value, and what finance corrected."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.credits import DECISION
from settlement.matching.inputs import SCOREBOARD
from settlement.matching.prepared import Prepared
from settlement.matching.receipt_findings import valued
from settlement.matching.relations import NIL, beside, in_schema, money_sum, text, union_of
from settlement.matching.stages import Stages
from settlement.rules.money import MONEY, divide_half_up

TOTAL = "合计"
ON_ORDERS, ON_ACCOUNT, NOBODYS, OPEN, DECIDED = "自动认领到订单", "挂账", "不属于委托方", "未认领", "财务认领"
CORRECTED = "自动认领后被财务更正"
RATE_BY_COUNT = "自动认领率（按笔数）"


def _measured(rows: ir.Table, measure: ir.StringValue | str) -> ir.Table:
    """Rows (receipt, rule, cny) by measure and rule, and in total."""
    rows = rows.mutate(measure=text(measure) if isinstance(measure, str) else measure)
    by_rule = rows.group_by("measure", "rule").agg(receipts=rows.receipt.nunique(), amount_cny=money_sum(rows.cny))
    total = rows.group_by("measure").agg(receipts=rows.receipt.nunique(), amount_cny=money_sum(rows.cny))
    names = ("measure", "rule", "receipts", "amount_cny")
    return by_rule.select(names).union(total.mutate(rule=text(TOTAL)).select(names))


def _corrected(inputs: Prepared, stages: Stages) -> ir.Table:
    """Postings of a rule that stood on an order until a decision of this month placed them otherwise."""
    was = stages.stands.filter(stages.stands.order_no.notnull() & (stages.stands.rule != DECISION))
    same = was.semi_join(stages.decided.pieces, ["txn_id", "order_no"]).select("txn_id", "order_no")
    moved = was.semi_join(stages.decided.pieces, "txn_id").anti_join(same, ["txn_id", "order_no"])
    return moved.select("txn_id", "rule", "amount")


def scoreboard(inputs: Prepared, stages: Stages, allocations: ir.Table, unmatched: ir.Table) -> ir.Table:
    """SCOREBOARD: measure, rule (a row of the decision table, or 合计), receipts, amount_cny at mid rates, share.

    The share of a measure is by value, of all the month's flow of principals' money and what is open at its end (nobody's
    money is no part of it), that of RATE_BY_COUNT by receipts; that of CORRECTED is of what the same rule posted on orders before: one minus it is the rule's precision so far.
    """
    # Receipts are told apart by the row of their line: a number is a third of the work of an id.
    lines = stages.lines.select("txn_id", "currency", "booked_on", receipt=stages.lines.rowid())
    new = allocations.filter(allocations.amount > NIL).select("txn_id", "order_no", "principal_id", "rule", "amount")
    left = unmatched.select("txn_id", order_no=text(None), principal_id=text(None), rule=text(OPEN), amount="amount")
    back = _corrected(inputs, stages)
    back = back.select("txn_id", order_no=text(None), principal_id=text(None), rule="rule", amount="amount")
    marked = union_of([new.mutate(part=text("new")), left.mutate(part=text("left")), back.mutate(part=text("back"))])
    rows = valued(marked.inner_join(lines, "txn_id"), stages.rates, "amount")
    columns = ("receipt", "order_no", "principal_id", "rule", "part")
    rows = inputs.keep("scored", rows.select(*columns, cny=rows.amount_at_risk_cny.fill_null(NIL)))
    fresh = rows.filter(rows.part != "back")
    measure = ibis.cases(
        (fresh.part == "left", OPEN),
        (fresh.rule == DECISION, DECIDED),
        (fresh.order_no.notnull(), ON_ORDERS),
        (fresh.principal_id.notnull(), ON_ACCOUNT),
        else_=NOBODYS,
    )
    fresh = fresh.mutate(measure=measure)
    principals = fresh.filter(fresh.measure != NOBODYS)
    whole = principals.agg(all_cny=money_sum(principals.cny), all_receipts=principals.receipt.nunique())
    table = _measured(fresh, fresh.measure).cross_join(whole)
    counted = table.filter((table.rule == TOTAL) & (table.measure == ON_ORDERS)).mutate(measure=text(RATE_BY_COUNT))
    fixed = _measured(rows.filter(rows.part == "back"), CORRECTED)
    posted = inputs.placed.filter(inputs.placed.order_no.notnull() & (inputs.placed.amount > NIL))
    posted = posted.group_by("rule").agg(base=posted.txn_id.nunique())
    fixed = beside(fixed, posted, "rule")
    share = divide_half_up(table.amount_cny, table.all_cny.fill_null(NIL), 8)
    by_count = divide_half_up(counted.receipts.cast(MONEY), counted.all_receipts.cast(MONEY), 8)
    fixed_share = divide_half_up(fixed.receipts.cast(MONEY), fixed.base.cast(MONEY), 8)
    shared = ((table, share), (counted, by_count), (fixed, fixed_share))
    return union_of([in_schema(rows, _all(rows) | {"share": value}, SCOREBOARD) for rows, value in shared])


def _all(table: ir.Table) -> dict[str, ir.Value]:
    return {name: table[name] for name in table.columns}
