"""What each of finance's decisions did (决定结果): carried out, replaced, or refused, with the reason.

A decision is never lost by a re-run and never half applied (contract, decisions).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money

DONE, PART, NOT_DONE, REPLACED, CONFLICT = "已执行", "部分执行", "未执行", "被替代", "冲突"
_COLUMNS = ["decision_key", "sheet", "source_file", "source_row", "decided_by", "decided_at", "reason", "subject", "amount", "outcome", "detail"]  # fmt: skip


def claim_outcomes(claims: ir.Table, standing: ir.Table, refused: ir.Table) -> ir.Table:
    """认领 rows: is the money where the decision put it?

    ``claims``: all so far. ``standing``: pieces as they stand. ``refused``: txn_id, code, message of DECISION_*
    findings. The latest set of a transaction counts; an earlier one is replaced.
    """
    keyed = claims.mutate(
        _latest=claims.decided_at.max().over(ibis.window(group_by="txn_id")),
        decision_key=_digest("认领", claims.txn_id, claims.order_no, claims.principal_id, claims.purpose,
                             claims.amount.cast("string"), claims.decided_by, claims.decided_at.cast("string")),
    )  # fmt: skip
    held = standing.group_by("txn_id", "order_no").agg(_held=standing.amount.sum().cast(money.MONEY))
    told = refused.group_by("txn_id").agg(
        _code=refused.code.min(), _message=refused.message.min()
    )
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
    """审批 rows: the exception they name is approved, refused, or unknown. ``exceptions``: this month's rows."""
    named = exceptions.select("exception_id", _state="state")
    keyed = approvals.mutate(
        _latest=approvals.decided_at.max().over(ibis.window(group_by="exception_id")),
        decision_key=_digest("审批", approvals.exception_id, approvals.action, approvals.decided_by,
                             approvals.decided_at.cast("string")),
    )  # fmt: skip
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
            (joined._state.isnull(), ibis.literal("本月没有这条异常，或已解决")), else_=joined.action + "，状态 " + joined._state
        ),
    ).select(_COLUMNS)


def _digest(*parts) -> ir.StringValue:
    whole = ibis.literal("")
    for part in parts:
        value = ibis.literal(part) if isinstance(part, str) else ibis.coalesce(part, "")
        whole = whole + ibis.literal("|") + value
    return whole.hexdigest("sha256").substr(0, 16)
