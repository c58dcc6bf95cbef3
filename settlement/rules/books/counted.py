"""How many a rule was tried on: one row of rule_coverage.

What does not belong here: what a rule tests.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def counted(rule_id: str, judged: ir.Table, *, checked: str | None, failed: str) -> ir.Table:
    """One row of rule_coverage: rule_id, checked, failed, not_checkable over the rows of ``judged``.

    ``checked`` and ``failed`` name its boolean columns; no ``checked``: every row could be checked.
    """
    is_checked = ibis.literal(True) if checked is None else ibis.coalesce(judged[checked], False)
    marked = judged.select(is_checked=is_checked, is_failed=is_checked & ibis.coalesce(judged[failed], False))
    return marked.aggregate(
        rule_id=ibis.literal(rule_id),
        checked=ibis.coalesce(marked.is_checked.sum(), 0).cast("int64"),
        failed=ibis.coalesce(marked.is_failed.sum(), 0).cast("int64"),
        not_checkable=ibis.coalesce((~marked.is_checked).sum(), 0).cast("int64"),
    )
