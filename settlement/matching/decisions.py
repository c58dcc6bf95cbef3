"""Finance's decisions (认领): they override every rule, and are applied whole or not at all.

The latest ``decided_at`` of a transaction replaces its earlier rows. A set that exceeds its
transaction is DECISION_OVER; one that names what does not exist DECISION_ORPHAN; two people at the
same instant, or an order of another principal, DECISION_CONFLICT. Such a set moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from settlement.matching.credits import DECISION
from settlement.matching.found import found_rows
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, beside, money_sum, union_of
from settlement.matching.words import NOBODYS_PURPOSES


@dataclass(frozen=True)
class Decided:
    """``pieces``: txn_id, principal_id, order_no, purpose, amount, rule, confidence, evidence. ``found``: FOUND."""

    pieces: ir.Table
    found: ir.Table


def known_orders(inputs: Prepared) -> ir.Table:
    """Every order a posting may name: those of the order files and those of the opening items.

    Columns order_no, principal_id; an order of the files wins.
    """
    orders = inputs.orders.select("order_no", "principal_id")
    opening = inputs.opening_items.filter(inputs.opening_items.order_no.notnull())
    opening = opening.group_by("order_no").agg(principal_id=opening.principal_id.min())
    return orders.union(opening.anti_join(orders, "order_no"))


def _effective(inputs: Prepared) -> ir.Table:
    """The rows that count: of each transaction those with its latest ``decided_at``; identical ones once a file row."""
    claims = inputs.claims
    latest = claims.group_by("txn_id").agg(latest=claims.decided_at.max())
    rows = claims.semi_join(latest, [claims.txn_id == latest.txn_id, claims.decided_at == latest.latest])
    orders = known_orders(inputs).rename(order_principal="principal_id", known_order="order_no")
    rows = rows.left_join(orders, rows.order_no == orders.known_order)
    principals = inputs.principals.select(known_principal="principal_id").distinct()
    rows = rows.left_join(principals, rows.principal_id == principals.known_principal)
    lines = inputs.transactions.select("txn_id", "booked_on", line_amount="amount", line_currency="currency")
    return beside(rows, lines, "txn_id")


def _judged(rows: ir.Table) -> ir.Table:
    """Each row with what is wrong with it: ``fault`` = code or NULL, ``why`` in Chinese."""
    nobody = rows.purpose.isin(NOBODYS_PURPOSES).fill_null(False)
    money = rows.amount.cast("string")
    faults = [
        (rows.line_amount.isnull(), "DECISION_ORPHAN", "流水标识 " + rows.txn_id + " 不存在"),
        (rows.amount <= NIL, "DECISION_ORPHAN", "认领金额 " + money + " 须大于零"),
        (rows.order_no.notnull() & rows.known_order.isnull(), "DECISION_ORPHAN", "订单 " + rows.order_no + " 不存在"),
        (
            rows.principal_id.notnull() & rows.known_principal.isnull(),
            "DECISION_ORPHAN",
            "委托方 " + rows.principal_id + " 不存在",
        ),
        (
            rows.principal_id.notnull() & rows.order_principal.notnull() & (rows.principal_id != rows.order_principal),
            "DECISION_CONFLICT",
            "订单 " + rows.order_no + " 属于 " + rows.order_principal + "，认领却写 " + rows.principal_id,
        ),
        (
            nobody & (rows.order_no.notnull() | rows.principal_id.notnull()),
            "DECISION_CONFLICT",
            "用途 " + rows.purpose + " 不属于任何委托方，认领却写了订单或委托方",
        ),
        (
            ~nobody & rows.order_no.isnull() & rows.principal_id.isnull(),
            "DECISION_ORPHAN",
            "认领既无订单也无委托方",
        ),
    ]
    fault = ibis.cases(*[(test, code) for test, code, _ in faults], else_=ibis.null("string"))
    why = ibis.cases(*[(test, text) for test, _, text in faults], else_=ibis.null("string"))
    return rows.mutate(fault=fault, why=why)


def _sets(judged: ir.Table) -> ir.Table:
    """Per transaction: the set as a whole, its fault and why; NULL fault = it is applied."""
    sets = judged.group_by("txn_id").agg(
        total=money_sum(judged.amount),
        line_amount=judged.line_amount.max(),
        people=judged.decided_by.nunique(),
        fault=judged.fault.min(),
        why=judged.why.argmin(judged.fault),
        booked_on=judged.booked_on.max(),
        source_file=judged.source_file.min(),
        source_row=judged.source_row.min(),
        order_no=judged.order_no.min(),
        principal_id=judged.principal_id.fill_null(judged.order_principal).min(),
    )
    over = sets.total > sets.line_amount.abs()
    several = sets.people > 1
    return sets.mutate(
        fault=ibis.cases((several, "DECISION_CONFLICT"), (over, "DECISION_OVER"), else_=sets.fault),
        why=ibis.cases(
            (several, sets.people.cast("string") + " 人在同一时刻对同一流水作了认领"),
            (
                over,
                "认领合计 " + sets.total.cast("string") + " 超过流水金额 " + sets.line_amount.abs().cast("string"),
            ),
            else_=sets.why,
        ),
    )


def decide(inputs: Prepared) -> Decided:
    """Finance's decisions (``_decide``)."""
    return inputs.once("decided", lambda: _decide(inputs))


def _decide(inputs: Prepared) -> Decided:
    """Finance's decisions as pieces of credits (amount > 0) and debits (amount > 0 as well; join by txn_id).

    A set smaller than its transaction leaves the rest open. Purposes left out: 预收 without an order,
    物流费 or 货款 by the order's services.
    """
    judged = inputs.keep("claims_judged", _judged(_effective(inputs)))
    sets = inputs.keep("claims_sets", _sets(judged))
    good = sets.filter(sets.fault.isnull()).select("txn_id")
    rows = judged.semi_join(good, "txn_id")
    nobody = rows.purpose.isin(NOBODYS_PURPOSES).fill_null(False)
    services = inputs.orders.select("order_no", trade=inputs.orders.services.contains("贸易代理"))
    rows = beside(rows.mutate(nobody=nobody), services, "order_no")
    purpose = ibis.cases(
        (rows.purpose.notnull(), rows.purpose),
        (rows.order_no.isnull(), "预收"),
        (rows.trade.fill_null(True), "货款"),
        else_="物流费",
    )
    evidence = rows.decided_by + " " + rows.decided_at.strftime("%Y-%m-%d %H:%M") + " 认领：" + rows.reason
    principal = ibis.ifelse(rows.nobody, ibis.null("string"), rows.principal_id.fill_null(rows.order_principal))
    rows = rows.mutate(purpose=purpose, evidence=evidence, principal_id=principal)
    pieces = rows.group_by("txn_id", "principal_id", "order_no", "purpose").agg(
        amount=money_sum(rows.amount), evidence=rows.evidence.min()
    )
    pieces = pieces.mutate(rule=ibis.literal(DECISION), confidence=ibis.literal("certain"))
    bad = sets.filter(sets.fault.notnull())
    found = [
        found_rows(
            bad.filter(bad.fault == code), code, bad.why + "；该流水的认领未生效", found=bad.total.cast("string")
        )
        for code in ("DECISION_OVER", "DECISION_ORPHAN", "DECISION_CONFLICT")
    ]
    return Decided(pieces=inputs.keep("decided_pieces", pieces), found=union_of(found))
