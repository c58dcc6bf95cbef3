"""What is wrong with the CNY of foreign receipts (外汇异常): FX-05, FX-06, FX-09, C-45, FXC-07."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import fx, money
from settlement.rules.books.receipts import mid_rates_on
from settlement.rules.exceptions import found, sentence


def fx_findings(
    credits: ir.Table,
    values: ir.Table,
    owned: ir.Table,
    mid_rates: ir.Table,
    *,
    stale_days: int,
    suspect_times: Decimal,
    advice_tolerance: Decimal,
) -> ir.Table:
    """``FOUND`` rows on foreign credits: FX_ADVICE_ARITHMETIC, RATE_PROVISIONAL, FX_RATE_MISSING, FX_RATE_STALE, FX_UNIT_SUSPECT.

    ``credits``: bank lines in; ``values``: ``receipts.receipt_values``; ``owned``: txn_id,
    principal_id, order_no of credits that belong to principals (nobody's money needs no rate). Days are calendar days, amounts CNY.
    """
    foreign = credits.filter(credits.currency != "CNY").join(values, "txn_id")
    orders = ibis.cases((owned.order_no.nunique() == 1, owned.order_no.min()), else_=ibis.null("string"))
    foreign = foreign.left_join(
        owned.group_by("txn_id").agg(principal_id=owned.principal_id.min(), order_no=orders), "txn_id"
    )
    days = foreign.select("currency", rate_day="booked_on")
    mids = mid_rates_on(days, mid_rates)
    joined = foreign.left_join(
        mids, [foreign.currency == mids.currency, foreign.booked_on == mids.rate_day], rname="mid_{name}"
    )
    joined = joined.mutate(
        _product=money.multiply(joined.amount, joined.fx_rate),
        _age=joined.booked_on.delta(joined.published_on, unit="day"),
    )
    joined = joined.mutate(_off=(joined.cny_amount - joined._product).abs().cast(money.MONEY))
    both = joined.fx_rate.notnull() & joined.cny_amount.notnull()
    arithmetic = joined.filter(both & (joined._off > money.decimal_literal(advice_tolerance)))
    mine = joined.filter(joined.principal_id.notnull())
    provisional = mine.filter(mine.is_provisional & mine.value_cny.notnull())
    missing = mine.filter(mine.value_cny.isnull())
    stale = provisional.filter(provisional._age > stale_days)
    suspect = mine.filter(ibis.coalesce(fx.is_unit_suspect(mine.settlement_rate, mine.mid_rate, suspect_times), False))

    def raised(rows: ir.Table, code: str, rule_id: str, *parts, at_risk: str = "value_cny") -> ir.Table:
        return found(
            rows,
            code=code,
            subject=lambda t: t.txn_id,
            message=lambda t: sentence(
                t.booked_on.cast("string"), " 收 ", t.currency, " ", t.amount, "（流水 ", ibis.coalesce(t.bank_ref, "无"), "）：",
                *[part(t) if callable(part) else part for part in parts],
            ),
            amount_at_risk_cny=lambda t: t[at_risk],
            arisen_on=lambda t: t.booked_on,
            rule_id=rule_id,
        )  # fmt: skip

    return ibis.union(
        raised(arithmetic, "FX_ADVICE_ARITHMETIC", "FX-05", "银行折人民币 ", lambda t: t.cny_amount, " 与金额×汇率 ", lambda t: t._product, " 不符，已按银行人民币金额入账。", at_risk="_off"),
        raised(provisional, "RATE_PROVISIONAL", "C-45", "尚无水单汇率或结汇，按中间价 ", lambda t: t.mid_rate, " 暂估人民币 ", lambda t: t.value_cny, "；不得发开票通知，不得付人民币。"),
        raised(missing, "FX_RATE_MISSING", "IMP-EST-01", "没有水单汇率，中间价表也没有该币种，人民币金额无法计算。"),
        raised(stale, "FX_RATE_STALE", "FX-06", "所用中间价为 ", lambda t: t.published_on, " 公布，已过 ", lambda t: t._age, " 天。"),
        raised(suspect, "FX_UNIT_SUSPECT", "FXC-07", "结算汇率 ", lambda t: t.settlement_rate, " 与中间价 ", lambda t: t.mid_rate, " 相差悬殊，疑似每百单位与每单位混用。"),
    )  # fmt: skip


def estimate_findings(state: ir.Table, *, stale_days: int) -> ir.Table:
    """FX_RATE_MISSING and FX_RATE_STALE of import estimates (IMP-EST-01, FX-06), as long as the estimate stands.

    ``state``: import orders as they stand, with mid_rate and published_on of the order's day; ``stale_days``: calendar days.
    """
    open_ = state.filter(state.status.isin(["预估", "待付汇"]) & (state.currency != "CNY"))
    age = open_.ordered_on.delta(open_.published_on, unit="day")
    aged = open_.mutate(_age=age)

    def raised(rows: ir.Table, code: str, rule_id: str, *parts) -> ir.Table:
        return found(
            rows,
            code=code,
            subject=lambda t: t.order_no,
            message=lambda t: sentence(
                "进口订单 ",
                t.order_no,
                "：",
                t.currency,
                " ",
                t.amount_fx,
                " 按 ",
                t.ordered_on,
                " 预估，",
                *[part(t) if callable(part) else part for part in parts],
            ),
            amount_at_risk_cny=lambda t: t.estimate_cny,
            arisen_on=lambda t: t.ordered_on,
            rule_id=rule_id,
        )

    return ibis.union(
        raised(aged.filter(aged.mid_rate.isnull()), "FX_RATE_MISSING", "IMP-EST-01", "当日及之前没有该币种的中间价，无法预估人民币。"),
        raised(
            aged.filter(ibis.coalesce(aged._age > stale_days, False)), "FX_RATE_STALE", "FX-06",
            "所用中间价为 ", lambda t: t.published_on, " 公布，已过 ", lambda t: t._age, " 天。",
        ),
    )  # fmt: skip
