"""Finance's decision rows (认领, 审批) before they count: each once, keyed, and held back where its ground has changed.

What belongs here: identity of a row, which sets are held, what is told of them. What does not: what a
decision does (matching, exceptions), what it did (decision_outcomes), what was exported (export_check).
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.export_check import changed_since_export

CLAIM = ("txn_id", "order_no", "principal_id", "purpose", "amount", "decided_by", "decided_at")
APPROVAL = ("exception_id", "action", "valid_to", "decided_by", "decided_at")
HELD = "export_digest"  # the field by which a finding of this module is known
_KEY_LENGTH = 16


def once(rows: ir.Table, sheet: str, said: Sequence[str]) -> ir.Table:
    """Decision rows with ``decision_key``, the same row of two workbooks taken once.

    ``rows``: ``said`` and month, source_file, source_row. A workbook handed in twice, or again in a later
    month, decides nothing twice; two equal rows of one workbook stay two (a split in equal parts).
    """
    nth = ibis.row_number().over(ibis.window(group_by=[*said, "source_file"], order_by=rows.source_row))
    numbered = rows.mutate(_nth=nth)
    order = [numbered.month, numbered.source_file, numbered.source_row]
    place = ibis.row_number().over(ibis.window(group_by=[*said, "_nth"], order_by=order))
    kept = numbered.mutate(_place=place).filter(lambda t: t._place == 0)
    key = ibis.literal(sheet)
    for column in said:
        key = key + ibis.literal("|") + ibis.coalesce(kept[column].cast("string"), "")
    again = ibis.cases((kept._nth == 0, ""), else_=ibis.literal("|") + kept._nth.cast("string"))
    return kept.mutate(decision_key=(key + again).hexdigest("sha256").substr(0, _KEY_LENGTH)).drop("_nth", "_place")


def held_back(rows: ir.Table, subject: str, now: ir.Table, applied: ir.Table) -> ir.Table:
    """Rows of sets that were decided on something else than what stands: none of such a set may act.

    A set is what one moment (``decided_at``) decides on one ``subject`` column. ``rows``: with decision_key and
    export_digest; ``now``, ``applied`` as ``export_check.changed_since_export``. The rest of ``rows`` may act.
    """
    decided = rows.mutate(subject=rows[subject])
    sets = changed_since_export(decided, now, applied).select("subject", "decided_at").distinct()
    return decided.semi_join(sets, ["subject", "decided_at"]).drop("subject")


def held_claims_found(held: ir.Table, acting: ir.Table, open_now: ir.Table) -> ir.Table:
    """``FOUND`` (DECISION_CONFLICT), one a held 认领 set that nothing later has replaced.

    ``open_now``: txn_id, currency, open_amount (in its currency) as published.
    """
    rows = _still_wanted(held, acting, "txn_id").left_join(open_now, "txn_id", rname="now_{name}")
    left = rows.open_amount
    state = ibis.cases(
        (left == 0, "在导出后已全部入账，没有可认领的金额"),
        else_=sentence("在导出后未认领金额已变为 ", rows.currency, " ", left),
    )
    return found(
        rows,
        code="DECISION_CONFLICT",
        subject=subject_of("认领", rows.txn_id, rows.decided_by, rows.decided_at.cast("string")),
        message=sentence("流水 ", rows.txn_id)
        + state
        + sentence("；", rows.decided_by, " 的认领未生效。请按最新的异常清单重新填写。"),
        field=HELD,
        found=rows.export_digest,
        rule_id="DECISION",
    )


def held_approvals_found(held: ir.Table, acting: ir.Table, now: ir.Table) -> ir.Table:
    """``FOUND`` (DECISION_CONFLICT), one a held 审批 that nothing later has replaced; ``now``: subject, amount (CNY)."""
    rows = _still_wanted(held, acting, "exception_id")
    rows = rows.left_join(now.select("subject", amount_now="amount"), rows.exception_id == now.subject)
    return found(
        rows,
        code="DECISION_CONFLICT",
        subject=subject_of("审批", rows.exception_id, rows.decided_by, rows.decided_at.cast("string")),
        message=sentence(
            "异常 ", rows.exception_id, " 的涉及金额在导出后已变为 ", rows.amount_now.cast("string").fill_null("未知"), " 元；", rows.decided_by,
            " 的审批未生效。请按最新的异常清单重新填写。",
        ),
        field=HELD,
        found=rows.export_digest,
        rule_id="DECISION",
    )  # fmt: skip


def _still_wanted(held: ir.Table, acting: ir.Table, subject: str) -> ir.Table:
    """One row a held set: the first of its rows that carries a digest; none where a later set of its subject acts."""
    later = acting.group_by(subject).agg(_latest=acting.decided_at.max())
    rows = held.left_join(later, subject, rname="later_{name}")
    rows = rows.filter(rows._latest.isnull() | (rows.decided_at > rows._latest))
    order = [rows.export_digest.isnull(), rows.source_file, rows.source_row]
    first = ibis.row_number().over(ibis.window(group_by=[subject, "decided_at"], order_by=order))
    return rows.mutate(_first=first).filter(lambda t: t._first == 0).select(list(held.columns))
