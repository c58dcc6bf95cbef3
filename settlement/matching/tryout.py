"""The try-out (试算): what would move if a limit or a row of the decision table were another. Nothing is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import ibis
import ibis.expr.types as ir

from settlement.matching.decision_table import changed
from settlement.matching.inputs import MatchInputs
from settlement.matching.limits import Limits
from settlement.matching.prepared import prepared
from settlement.matching.receipts import match_receipts
from settlement.matching.relations import NIL, in_schema, money_sum, text
from settlement.rules.money import MONEY

DIFFERENCES = ibis.schema(
    {
        "txn_id": "string",
        "order_no": "string",
        "principal_id": "string",
        "purpose": "string",
        "rule_before": "string",
        "rule_after": "string",
        "amount_before": MONEY,
        "amount_after": MONEY,
        "what": "string",
    }
)
_KEYS = ("txn_id", "order_no", "principal_id", "purpose")


def _standing(matched: ir.Table, unmatched: ir.Table) -> ir.Table:
    """What a run places and leaves open, one row a place: _KEYS, rule, amount."""
    placed = matched.select(*_KEYS, "rule", "amount")
    left = unmatched.select(
        "txn_id", order_no=text(None), principal_id=text(None), purpose=text("未认领"), rule=text(""), amount="amount"
    )
    rows = placed.union(left)
    return rows.group_by(*_KEYS).agg(rule=rows.rule.max(), amount=money_sum(rows.amount))


def tryout(
    inputs: MatchInputs, limits: Mapping[str, object] | None = None, rules: Mapping[str, str] | None = None
) -> ir.Table:
    """DIFFERENCES between matching as it is and with changed ``limits`` (field of Limits -> value) and ``rules``
    (row of the decision table -> order, account or open), on the same month. An empty table: nothing would move.

    Raises ``KeyError`` for a limit or a row that does not exist, ``ValueError`` for an outcome that is none.
    """
    limits, rules = dict(limits or {}), dict(rules or {})
    strange = sorted(set(limits) - {field.name for field in fields(Limits)})
    if strange:
        raise KeyError(f"no limit {strange}; there are {sorted(field.name for field in fields(Limits))}")
    table = changed(rules) if rules else None
    before = match_receipts(inputs)
    before_rows = inputs.keep("tryout_before", _standing(before.allocations, before.unmatched))
    other = prepared(replace(inputs, limits=replace(inputs.limits, **limits)), table)
    after = match_receipts(other)
    after_rows = inputs.keep("tryout_after", _standing(after.allocations, after.unmatched))
    return inputs.keep("tryout", _differences(before_rows, after_rows))


def _differences(before: ir.Table, after: ir.Table) -> ir.Table:
    nothing = NIL.cast(MONEY)
    first = before.mutate(
        amount_before=before.amount, amount_after=nothing, rule_before=before.rule, rule_after=text(None)
    )
    second = after.mutate(
        amount_before=nothing, amount_after=after.amount, rule_before=text(None), rule_after=after.rule
    )
    names = (*_KEYS, "amount_before", "amount_after", "rule_before", "rule_after")
    both = first.select(names).union(second.select(names))
    rows = both.group_by(*_KEYS).agg(
        amount_before=money_sum(both.amount_before),
        amount_after=money_sum(both.amount_after),
        rule_before=both.rule_before.max(),
        rule_after=both.rule_after.max(),
    )
    rows = rows.filter(rows.amount_before != rows.amount_after)
    place = rows.order_no.fill_null(ibis.ifelse(rows.principal_id.notnull(), rows.principal_id + " 挂账", rows.purpose))
    what = place + "：" + rows.amount_before.cast("string") + " → " + rows.amount_after.cast("string")
    return in_schema(rows, {name: rows[name] for name in rows.columns} | {"what": what}, DIFFERENCES)
