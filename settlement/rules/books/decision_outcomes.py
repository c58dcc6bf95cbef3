"""What each of finance's decisions did (决定结果): carried out, replaced, or refused, with the reason.

A decision is never lost by a re-run and never half applied (contract, decisions).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money

DONE, PART, NOT_DONE, REPLACED, CONFLICT = "已执行", "部分执行", "未执行", "被替代", "冲突"
APPLIED = (DONE, PART)
_COLUMNS = ["decision_key", "sheet", "source_file", "source_row", "decided_by", "decided_at", "reason", "subject", "amount", "outcome", "detail"]  # fmt: skip


def claim_outcomes(claims: ir.Table, standing: ir.Table, refused: ir.Table) -> ir.Table:
    """认领 rows: is the money where the decision put it?

    ``claims``: all that may act, with decision_key. ``standing``: pieces as they stand. ``refused``: txn_id, code,
    message of DECISION_* findings on them. The latest set of a transaction counts; an earlier one is replaced.
    """
    keyed = claims.mutate(_latest=claims.decided_at.max().over(ibis.window(group_by="txn_id")))
    held = standing.group_by("txn_id", "order_no").agg(_held=standing.amount.sum().cast(money.MONEY))
    told = refused.group_by("txn_id").agg(_code=refused.code.min(), _message=refused.message.min())
    joined = keyed.left_join(
        held, [keyed.txn_id == held.txn_id, keyed.order_no.identical_to(held.order_no)], rname="held_{name}"
    )
    joined = joined.left_join(told, "txn_id", rname="told_{name}")
    replaced = joined.decided_at < joined._latest
    outcome = ibis.cases(
        (replaced, REPLACED),
        (joined._code == "DECISION_CONFLICT", CONFLICT),
        (joined._code.notnull(), NOT_DONE),
        (ibis.coalesce(joined._held, money.decimal_literal(0)) >= joined.amount, DONE),
        (ibis.coalesce(joined._held, money.decimal_literal(0)) > 0, PART),
        else_=NOT_DONE,
    )
    return joined.mutate(
        sheet=ibis.literal("认领"),
        subject=joined.txn_id,
        outcome=outcome,
        detail=ibis.cases(
            (replaced, ibis.literal("同一流水有更晚的认领")),
            (joined._message.notnull(), joined._message),
            else_=ibis.literal("认领至 ") + ibis.coalesce(joined.order_no, joined.principal_id, "无人"),
        ),
    ).select(_COLUMNS)


def adjustment_outcomes(adjustments: ir.Table, postings: ir.Table) -> ir.Table:
    """调整 rows: 抵账 转单 核销 更正 are done when their postings stand; 保留 and 分摊 act elsewhere.

    ``adjustments`` with decision_key; ``postings``: everything that should stand now.
    """
    posted = postings.filter(postings.posting_key.startswith("DECISION|"))
    sides = posted.mutate(_key=posted.posting_key.split("|")[1]).group_by("_key").agg(_sides=lambda t: t.count())
    joined = adjustments.left_join(sides, adjustments.decision_key == sides._key)
    posts = joined.kind.isin(["抵账", "转单", "核销", "更正"])
    two_sided = joined.kind.isin(["抵账", "转单"])
    count = ibis.coalesce(joined._sides, 0)
    outcome = ibis.cases(
        (~posts, DONE), (two_sided & (count == 2), DONE), (two_sided & (count == 1), PART), (~two_sided & (count > 0), DONE),
        else_=NOT_DONE,
    )  # fmt: skip
    return joined.mutate(
        sheet=ibis.literal("调整"),
        subject=ibis.coalesce(joined.to_order, joined.from_order, joined.ref_no, joined.principal_id),
        outcome=outcome,
        detail=ibis.cases(
            (outcome == NOT_DONE, ibis.literal("缺少委托方或账户，或币种不是人民币，未入账")),
            else_=joined.kind + " " + joined.amount.cast("string"),
        ),
    ).select(_COLUMNS)


def approval_outcomes(approvals: ir.Table, exceptions: ir.Table) -> ir.Table:
    """审批 rows: the exception they name is approved, refused, or unknown.

    ``approvals``: all that may act, with decision_key. ``exceptions``: this month's rows.
    """
    named = exceptions.select("exception_id", _state="state")
    keyed = approvals.mutate(_latest=approvals.decided_at.max().over(ibis.window(group_by="exception_id")))
    joined = keyed.left_join(named, "exception_id")
    outcome = ibis.cases(
        (joined.decided_at < joined._latest, REPLACED),
        ((joined.action == "批准") & (joined._state == "approved"), DONE),
        ((joined.action == "驳回") & joined._state.notnull(), DONE),
        else_=NOT_DONE,
    )
    return joined.mutate(
        sheet=ibis.literal("审批"),
        subject=joined.exception_id,
        amount=ibis.null(money.MONEY),
        outcome=outcome,
        detail=ibis.cases(
            (joined._state.isnull(), ibis.literal("本月没有这条异常，或已解决")),
            else_=joined.action + "，状态 " + joined._state,
        ),
    ).select(_COLUMNS)


def held_outcomes(held: ir.Table, acting: ir.Table, sheet: str, subject: str) -> ir.Table:
    """Rows that were held back because what they were decided on has changed since the export: refused, whole sets.

    ``held``, ``acting``: with decision_key and the column ``subject`` names. A set that a later one has replaced is that.
    """
    later = acting.group_by(subject).agg(_latest=acting.decided_at.max())
    joined = held.left_join(later, subject, rname="later_{name}")
    replaced = (joined._latest >= joined.decided_at).fill_null(False)
    return joined.mutate(
        sheet=ibis.literal(sheet),
        subject=joined[subject],
        amount=joined.amount if "amount" in joined.columns else ibis.null(money.MONEY),
        outcome=ibis.cases((replaced, REPLACED), else_=CONFLICT),
        detail=ibis.cases((replaced, "已有更晚的决定"), else_="导出后已有变化，未生效；请按最新的异常清单重新填写"),
    ).select(_COLUMNS)
