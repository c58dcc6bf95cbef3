"""The rate of a freight receivable (应收汇率), CNY per 1, frozen on the day of confirmation (C-24)."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import freight, money
from settlement.rules.money import MONEY, RATE
from settlement.rules.registry import rule

HOME_CURRENCY = "CNY"


def mid_rates_on(asked: ir.Table, fx_mid_rates: ir.Table) -> ir.Table:
    """The mid rate (中间价) known on a day: currency, on, mid_rate (CNY per 1), published_on.

    ``asked``: distinct currency and ``on``. The latest published on or before the day (FX-06, C-35); rates are
    quoted per 100. Two sources on one day: the first by name. A day before the first rate has no row.
    """
    sources = ibis.window(
        group_by=["currency", "published_on"],
        order_by=[fx_mid_rates.source.asc(nulls_first=True), fx_mid_rates.rate_per_100.asc()],
    )
    sole = fx_mid_rates.mutate(_rank=ibis.row_number().over(sources)).filter(lambda t: t._rank == 0)
    rates = sole.select("currency", "published_on", mid_rate=money.divide_half_up(sole.rate_per_100, Decimal(100), 8))
    known = asked.asof_join(rates, on=asked.on >= rates.published_on, predicates="currency", rname="r_{name}")
    known = known.select("currency", "on", "published_on", "mid_rate")
    return known.filter(known.mid_rate.notnull())


@rule("LOG-AR-02", "C-24", inputs=("freight.ar_rate", "fx_mid_rates"), codes=("FX_RATE_MISSING", "FX_UNIT_SUSPECT"))
def receivable_rates(lines: ir.Table, mids: ir.Table, *, unit_suspect_ratio: Decimal) -> ir.Table:
    """Lines with ``rate`` (CNY per 1 of client_currency), ``rate_source``, ``rate_published_on``, ``cost_cny``.

    ``lines``: currency, cost, client_currency, ar_rate, rate_on; ``mids``: of ``mid_rates_on``. rate_source is 本币, 应收汇率, 中间价, 单位存疑
    (``ar_rate`` is ``unit_suspect_ratio`` times the mid rate or more: it is per 100, not used, FX_UNIT_SUSPECT) or
    缺汇率; in the last two ``rate`` is NULL. ar_rate is read as CNY per 1, as in W12. ``cost_cny`` is the cost at the
    mid rate: a measure of risk, no posting.
    Formula: ar_rate, else mid rate of rate_on / 100. Units: CNY per 1. Rounding: 8 decimals.
    Errors: none. Source: decision C-24; the contract, section 4.
    """
    joined = lines.left_join(
        mids, [lines.client_currency == mids.currency, lines.rate_on == mids.on], rname="m_{name}"
    ).drop("m_currency", "on")
    costs = mids.select(cost_currency="currency", cost_on="on", cost_mid="mid_rate")
    joined = joined.left_join(costs, [joined.currency == costs.cost_currency, joined.rate_on == costs.cost_on])
    own = joined.client_currency == HOME_CURRENCY
    suspect = joined.ar_rate.notnull() & ibis.coalesce(
        freight.is_unit_suspect(joined.ar_rate, joined.mid_rate, unit_suspect_ratio), False
    )
    source = ibis.cases(
        (own, "本币"),
        (suspect | (joined.ar_rate <= 0), "单位存疑"),
        (joined.ar_rate.notnull(), "应收汇率"),
        (joined.mid_rate.notnull(), "中间价"),
        else_="缺汇率",
    )
    sourced = joined.mutate(rate_source=source)
    rate = ibis.cases(
        (sourced.rate_source == "本币", ibis.literal(Decimal(1), RATE)),
        (sourced.rate_source == "应收汇率", sourced.ar_rate.cast(RATE)),
        (sourced.rate_source == "中间价", sourced.mid_rate.cast(RATE)),
        else_=ibis.null(RATE),
    )
    home = sourced.currency == HOME_CURRENCY
    return sourced.mutate(
        rate=rate.cast(RATE),
        rate_published_on=sourced.published_on,
        cost_cny=home.ifelse(sourced.cost.cast(MONEY), money.multiply(sourced.cost, sourced.cost_mid)).cast(MONEY),
    ).drop("published_on", "cost_currency", "cost_on", "cost_mid")
