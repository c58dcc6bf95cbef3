"""Credit positions (信用占用): each client's limit, use and overdue at the month's end."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import credit, money
from settlement.rules.books.credit_exposure import limits_on, standing
from settlement.rules.exceptions import sentence
from settlement.rules.money import MONEY
from settlement.rules.registry import rule

NIL = money.decimal_literal(0)


@rule("LOG-BLR-02", "LOG-CR-01", "LOG-CR-02", "C-20", "C-21", inputs=("principals", "credit_limits", "freight_charges"))
def credit_positions(
    principals: ir.Table,
    credit_limits: ir.Table,
    exposure: ir.Table,
    overdue: ir.Table,
    overdue_months: ir.Table,
    *,
    month_end: ir.DateValue,
    as_of: ir.DateValue,
) -> ir.Table:
    """The table ``credit_positions``: a row a client with an agreement, a limit, anything used or anything overdue.

    ``exposure``, ``overdue``: events of credit_exposure (an approved month is not in ``overdue``); ``overdue_months``: of
    ``freight_settlement.month_overdue``, all of them. exposure is NULL where an amount is unknown (CR_EXPOSURE_UNKNOWN).
    blocked: a monthly release would be refused now: no agreement or limit with something used, limit exceeded,
    exposure unknown, or fees overdue that nobody approved (C-21). Formula: available = limit − exposure.
    Units: CNY. Rounding: none. Errors: none. Source: S0 l.875; rules.md Part F.
    """
    days = principals.select("principal_id", on=month_end)
    limits = limits_on(days, principals, credit_limits).drop("on")
    used = standing(exposure, month_end).select("principal_id", _used="amount_cny", _unknown="unknown")
    held = standing(overdue, as_of).select("principal_id", _held="amount_cny")
    late = overdue_months.group_by("principal_id").agg(_late=overdue_months.open_cny.sum().cast(MONEY))
    joined = limits.left_join(used, "principal_id", rname="u_{name}").left_join(held, "principal_id", rname="h_{name}")
    joined = joined.left_join(late, "principal_id", rname="l_{name}")
    unknown = ibis.coalesce(joined._unknown, 0) > 0
    figures = joined.mutate(
        exposure=unknown.ifelse(ibis.null(MONEY), ibis.coalesce(joined._used, NIL)).cast(MONEY),
        overdue_cny=ibis.coalesce(joined._late, NIL).cast(MONEY),
        _overdue=ibis.coalesce(joined._held, NIL) > 0,
        _is_unknown=unknown,
    )
    seen = figures.filter(
        figures.has_agreement
        | figures.credit_limit.notnull()
        | figures._is_unknown
        | (figures.exposure != 0)
        | (figures.overdue_cny != 0)
    )
    sized = seen.mutate(available=credit.available(seen.credit_limit, seen.exposure).cast(MONEY))
    over = credit.excess(sized.credit_limit, sized.exposure)
    is_used = sized._is_unknown | (sized.exposure > 0)
    reason = ibis.cases(
        (sized._is_unknown, ibis.literal("CR_EXPOSURE_UNKNOWN 占用无法确定")),
        (is_used & ~sized.has_agreement, ibis.literal("CR_NO_AGREEMENT 没有月结协议")),
        (is_used & sized.credit_limit.isnull(), ibis.literal("CR_LIMIT_EXCEEDED 没有批准的额度")),
        (over > 0, sentence("CR_LIMIT_EXCEEDED 超额度 ", over, " 元")),
        (sized._overdue, sentence("CR_MONTH_OVERDUE 逾期 ", sized.overdue_cny, " 元")),
        else_=ibis.null("string"),
    )
    return sized.mutate(reason=reason).select(
        "principal_id", "credit_limit", "exposure", "available", "overdue_cny", "reason",
        blocked=reason.notnull(),
    )  # fmt: skip
