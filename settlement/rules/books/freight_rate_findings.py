"""What is wrong with the quotes and rates that freight lines found: several that fit equally, none, or an old one.

LOG-AP-01, LOG-AR-02, C-24, FX-06. Rows of ``FOUND``; ``charges`` as ``freight_charges.price`` returned them.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules.books.freight_exceptions import line_in_words
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.money import MONEY
from settlement.rules.registry import rule


@rule("LOG-AP-01", "LOG-AR-02", inputs=("vendor_quotes", "client_quotes"), codes=("QUOTE_AMBIGUOUS",))
def ambiguous_quotes(charges: ir.Table) -> ir.Table:
    """QUOTE_AMBIGUOUS: several different quotes fit a charge equally; none is used. One a party, order and charge.

    Formula: ties > 1. Units: CNY at risk. Rounding: none. Errors: none. Source: the contract, section 3.
    """
    tied = charges.filter(charges.quote_tied & charges.order_no.notnull())
    carriers = tied.group_by("order_no", "principal_id", "charge_code", party="vendor").agg(
        options=tied.options.min(), at_risk=tied.cost_cny.abs().sum().cast(MONEY), on=tied.rate_on.min()
    )
    loose = charges.filter(charges.client_tied)
    clients = loose.group_by("order_no", "principal_id", "charge_code", party="principal_id").agg(
        options=loose.client_options.min(), at_risk=loose.cost_cny.abs().sum().cast(MONEY), on=loose.rate_on.min()
    )
    both = carriers.mutate(side=ibis.literal("供应商")).union(clients.mutate(side=ibis.literal("客户")))
    return found(
        both,
        code="QUOTE_AMBIGUOUS",
        subject=lambda t: subject_of(t.side, t.party, t.order_no, t.charge_code),
        message=lambda t: sentence(
            "订单 ",
            t.order_no,
            " 的 ",
            t.charge_code,
            "：",
            t.side,
            " ",
            t.party,
            " 有多条同级报价（",
            t.options,
            "），均未采用。",
        ),
        amount_at_risk_cny=lambda t: t.at_risk,
        arisen_on=lambda t: t.on,
        rule_id="contract-3",
    )


@rule(
    "C-24",
    "FX-06",
    inputs=("freight.ar_rate", "fx_mid_rates"),
    codes=("FX_RATE_MISSING", "FX_RATE_STALE", "FX_UNIT_SUSPECT"),
)
def rates_found(charges: ir.Table, *, stale_days: int) -> ir.Table:
    """FX_RATE_MISSING, FX_UNIT_SUSPECT and FX_RATE_STALE of freight receivables.

    Formula: rate_source; stale where the mid rate is more than ``stale_days`` older than the day. Units: days, CNY.
    Rounding: none. Errors: none. Source: C-24; FX-06; FXC-07.
    """
    owed = charges.filter(ibis.coalesce(charges.receivable, 0) != 0)
    age = owed.rate_on.delta(owed.rate_published_on, unit="day")
    code = ibis.cases(
        (owed.rate_source == "缺汇率", "FX_RATE_MISSING"),
        (owed.rate_source == "单位存疑", "FX_UNIT_SUSPECT"),
        ((owed.rate_source == "中间价") & (age > stale_days), "FX_RATE_STALE"),
        else_=ibis.null("string"),
    )
    named = owed.mutate(_code=code, _age=age)
    message = {
        "FX_RATE_MISSING": lambda t: sentence(t.client_currency, " 在 ", t.rate_on, " 及之前没有中间价，应收 ", t.receivable, " ", t.client_currency, " 无法折算。"),
        "FX_UNIT_SUSPECT": lambda t: sentence("应收汇率 ", t.line_rate, " 与中间价相差悬殊，疑把每 100 单位的牌价当作每 1 单位，未采用。"),
        "FX_RATE_STALE": lambda t: sentence(t.rate_on, " 的折算用了 ", t.rate_published_on, " 的中间价，已隔 ", t._age, " 天（上限 ", ibis.literal(stale_days), " 天）。"),
    }  # fmt: skip
    said = ibis.cases(
        *[(named._code == each, line_in_words(named) + text(named)) for each, text in message.items()],
        else_=ibis.null("string"),
    )
    named = named.mutate(_said=said)
    return found(
        named.filter(named._code.notnull()),
        code=lambda t: t._code,
        subject=lambda t: subject_of(t.line_key),
        message=lambda t: t._said,
        field="ar_rate",
        found=lambda t: t.line_rate.cast("string"),
        amount_at_risk_cny=lambda t: ibis.coalesce(t.receivable_cny, t.cost_cny),
        arisen_on=lambda t: t.rate_on,
        rule_id="C-24",
    )
