"""The scoreboard (匹配成绩): how much matching placed on its own, and how often finance had to correct it.

Shares are fractions of the month's receipts by count (DECIMAL(18,8)); amounts CNY, NULL rates left out.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money

DECISION = "DECISION"
TOTAL = "合计"


def scoreboard(
    credits: ir.Table, values: ir.Table, allocations: ir.Table, published: ir.Table, standing: ir.Table
) -> ir.Table:
    """measure, rule, receipts, amount_cny, share.

    ``credits``: the month's; ``values``: txn_id, value_cny; ``allocations``: this month's rows; ``published``: earlier
    months' rows; ``standing``: pieces as they stand. Measures: 收款 (all), 自动入账 (placed without a decision), 挂预收
    (on account), 人工认领 (by decision), 未认领, and 事后更正: pieces that earlier months posted by a rule and a
    decision took away, by the rule that had posted them.
    """
    valued = credits.select("txn_id").join(values.select("txn_id", "value_cny"), "txn_id")
    mine = allocations.filter(allocations.amount > 0).semi_join(credits, "txn_id")
    decided = mine.filter(mine.rule.startswith(DECISION))
    automatic = mine.filter(~mine.rule.startswith(DECISION))
    placed = automatic.filter(automatic.order_no.notnull() | automatic.principal_id.isnull())
    on_account = automatic.filter(automatic.order_no.isnull() & automatic.principal_id.notnull())
    parts = [
        _by_rule("自动入账", placed, valued),
        _by_rule("挂预收", on_account, valued),
        _by_rule("人工认领", decided, valued),
        _whole("收款", valued),
        _whole("自动入账", valued.semi_join(placed, "txn_id")),
        _whole("未认领", valued.anti_join(mine, "txn_id")),
        _corrections(allocations, published),
    ]
    together = ibis.union(*parts)
    everything = valued.count().as_scalar()
    share = money.divide_half_up(together.receipts.cast(money.MONEY), everything.cast(money.MONEY), 8)
    return together.mutate(share=share)


def _by_rule(measure: str, pieces: ir.Table, valued: ir.Table) -> ir.Table:
    return (
        pieces.group_by("rule")
        .agg(receipts=pieces.txn_id.nunique().cast("int64"), amount_cny=pieces.amount_cny.sum().cast(money.MONEY))
        .select(measure=ibis.literal(measure), rule="rule", receipts="receipts", amount_cny="amount_cny")
    )


def _whole(measure: str, valued: ir.Table) -> ir.Table:
    return valued.aggregate(
        receipts=valued.txn_id.nunique().cast("int64"), amount_cny=valued.value_cny.sum().cast(money.MONEY)
    ).select(measure=ibis.literal(measure), rule=ibis.literal(TOTAL), receipts="receipts", amount_cny="amount_cny")


def _corrections(allocations: ir.Table, published: ir.Table) -> ir.Table:
    """What was posted to an order by a rule and is taken back now: the matcher's known errors (precision)."""
    taken = allocations.filter((allocations.amount < 0) & allocations.order_no.notnull())
    posted = published.filter(published.order_no.notnull() & (published.amount > 0)).select(
        "txn_id", "order_no", _by="rule"
    )
    joined = taken.join(posted, ["txn_id", "order_no"])
    return (
        joined.group_by(rule="_by")
        .agg(receipts=joined.txn_id.nunique().cast("int64"), amount_cny=(-joined.amount_cny.sum()).cast(money.MONEY))
        .select(measure=ibis.literal("事后更正"), rule="rule", receipts="receipts", amount_cny="amount_cny")
    )
