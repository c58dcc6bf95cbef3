"""导出校验: whether what finance decided on is still what the exceptions workbook showed.

Each template row of sheets 认领 and 审批 carries a digest of the state it was exported with. A filled
row whose digest is no longer that of the published state was decided on something else: a conflict
(``DECISION_CONFLICT``), unless the row itself is what changed it (it is already applied).

What belongs here: the digest, open receipts as the workbook lists them, the comparison. What does not:
reading workbooks, raising exceptions.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.rules.money import MONEY, is_column

_LENGTH = 12


def export_digest(subject: str | ir.StringValue, amount: Decimal | ir.DecimalValue) -> str | ir.StringValue:
    """First 12 hex digits of sha256 over ``subject|amount``, amount with two decimals.

    ``subject``: a txn_id or exception_id; ``amount``: what was open of the transaction, in its
    currency, or at risk of the exception, in CNY. The same over text and ``Decimal`` as over columns.

    >>> export_digest("t08", Decimal("12000.00"))
    '7c75862e9ccb'
    """
    if is_column(subject, amount):
        return (subject + "|" + amount.cast(MONEY).cast(dt.string)).hexdigest("sha256").substr(0, _LENGTH)
    return hashlib.sha256(f"{subject}|{amount:.2f}".encode()).hexdigest()[:_LENGTH]


def open_receipts(unmatched: ir.Table, allocations: ir.Table) -> ir.Table:
    """One row a receipt with money that no order has: ``txn_id``, ``open_amount`` (in its currency).

    ``unmatched``: unmatched_receipts of a month. ``allocations``: receipt_allocations of all months up
    to it; pieces on account of a principal (order_no NULL) count, less what has moved on since.
    """
    placed = allocations.filter(allocations.order_no.isnull(), allocations.principal_id.notnull())
    pieces = placed.select("txn_id", open_amount=placed.amount).union(
        unmatched.select("txn_id", open_amount=unmatched.amount)
    )
    summed = pieces.group_by("txn_id").agg(open_amount=pieces.open_amount.sum().cast(MONEY))
    return summed.filter(summed.open_amount != 0)


def changed_since_export(decided: ir.Table, now: ir.Table, applied: ir.Table) -> ir.Table:
    """Rows of ``decided`` whose subject is no longer what was exported.

    ``decided``: ``subject``, ``export_digest`` (NULL = not from an exported row: not checked),
    ``decision_key`` and any more columns. ``now``: ``subject``, ``amount`` as last published (an absent
    subject stands at 0.00). ``applied``: ``decision_key`` of decisions that the published state
    already contains: what they changed is their own doing.
    """
    current = decided.left_join(now.select("subject", _amount=now.amount), "subject").drop("subject_right")
    current = current.mutate(_amount=current._amount.fill_null(Decimal("0.00")).cast(MONEY))
    stale = current.filter(
        current.export_digest.notnull(),
        current.export_digest != export_digest(current.subject, current._amount),
    )
    return stale.anti_join(applied, "decision_key").drop("_amount")
