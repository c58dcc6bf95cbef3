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

NIL = Decimal("0.00")
_LENGTH = 12


def export_digest(subject: str | ir.StringValue, amount: Decimal | ir.DecimalValue | None) -> str | ir.StringValue:
    """First 12 hex digits of sha256 over ``subject|amount``, amount with two decimals.

    ``subject``: a txn_id or exception_id; ``amount``: what was open of the transaction, in its
    currency, or at risk of the exception, in CNY (none where it is not known). The same over text and
    ``Decimal`` as over columns.

    >>> export_digest("t08", Decimal("12000.00"))
    '7c75862e9ccb'
    """
    if is_column(subject, amount):
        said = amount.cast(MONEY).cast(dt.string).fill_null("")
        return (subject + "|" + said).hexdigest("sha256").substr(0, _LENGTH)
    said = "" if amount is None else f"{amount:.2f}"
    return hashlib.sha256(f"{subject}|{said}".encode()).hexdigest()[:_LENGTH]


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


def receipts_as_shown(credits: ir.Table, allocations: ir.Table, decision_rule: str) -> ir.Table:
    """What the workbook may have shown as open of each receipt: ``subject`` (txn_id), ``amount``, one row or two.

    ``credits``: txn_id, amount of every published receipt (its currency, > 0). ``allocations``: all published
    pieces. A receipt stands at what no order (and no purpose of nobody's) has; and, where finance placed some of
    it, also at what it was before: a decision's own doing does not make it stale, nor a later one that replaces it.
    Rounding: none. Errors: none.
    """
    placed = allocations.filter(allocations.order_no.notnull() | allocations.principal_id.isnull())
    by_finance = (placed.rule == decision_rule).fill_null(False)
    sums = placed.group_by("txn_id").agg(
        _placed=placed.amount.sum().cast(MONEY), _ruled=placed.amount.sum(where=~by_finance).cast(MONEY)
    )
    joined = credits.select("txn_id", "amount").left_join(sums, "txn_id").drop("txn_id_right")
    shown = [
        joined.select(subject="txn_id", amount=(joined.amount - joined[column].fill_null(NIL)).cast(MONEY))
        for column in ("_placed", "_ruled")
    ]
    return shown[0].union(shown[1]).distinct()


def changed_since_export(decided: ir.Table, now: ir.Table, applied: ir.Table) -> ir.Table:
    """Rows of ``decided`` whose subject is no longer what was exported.

    ``decided``: ``subject``, ``export_digest`` (NULL = not from an exported row: not checked),
    ``decision_key`` and any more columns. ``now``: ``subject``, ``amount``, the states in which the subject was
    published, any of which will do; a subject that was never published cannot have changed. ``applied``:
    ``decision_key`` of decisions that the published state already contains.
    """
    states = now.select("subject", digest=export_digest(now.subject, now.amount))
    checked = decided.filter(decided.export_digest.notnull()).semi_join(now, "subject")
    as_shown = [checked.subject == states.subject, checked.export_digest == states.digest]
    return checked.anti_join(states, as_shown).anti_join(applied, "decision_key")
