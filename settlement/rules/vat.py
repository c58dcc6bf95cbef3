"""Export VAT (出口开票与退税): the amount to invoice, its parts, the refund, the swap ratio.

Symbols of rules.md: S receipts in CNY, P fees, N = S − P, v levy rate, r refund rate, I invoice with
tax, E without, T tax, R refund, F FOB USD. Rates are fractions. Every function serves ``Decimal``
and columns; a column with a NULL gives NULL, never 0.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.either import Text, Truth, both, choose, exact, lesser
from settlement.rules.money import Number
from settlement.rules.registry import rule


@rule("EXP-INV-01", "C-02", "C-13", inputs=("receipt_allocations", "orders.agency_fee", "orders.other_fee"))
def net_amount(received: Number, fees: Number) -> Number:
    """N (净额): what is left of the receipts after the fees. N ≤ 0 is ``NET_NEGATIVE``.

    Formula: S − P. Units: CNY. Rounding: to the fen (S and each fee are rounded already). Errors: none.
    Source: S0 l.815.

    >>> net_amount(Decimal("620000.00"), Decimal("16000.00"))
    Decimal('604000.00')
    """
    return money.round_half_up(received - fees)


@rule(
    "EXP-INV-01", "VAT-REF-02", "VAT-REF-03", "C-01",
    inputs=("receipt_allocations", "goods.levy_rate", "goods.refund_rate"), codes=("INV_RATE_INVALID", "NET_NEGATIVE"),
)  # fmt: skip
def invoice_amount(net: Number, levy_rate: Number, refund_rate: Number) -> Number:
    """I (开票金额): the tax-inclusive amount at which the agency comes out even.

    Formula: N × (1 + v) ÷ (1 + v − r). Units: CNY, rates as fractions. Rounding: half up to the fen, once.
    Errors: ``ZeroDivisionError`` for r = 1 + v (r > v is refused before: ``INV_RATE_INVALID``).
    Source: S0 l.815 (1.17 there is 1 + v); derivation VAT-REF-02.

    >>> invoice_amount(Decimal("604000.00"), Decimal("0.17"), Decimal("0.17"))
    Decimal('706680.00')
    """
    among = (net, levy_rate, refund_rate)
    gross = exact(1, among=among, rate=True) + exact(levy_rate, among=among, rate=True)
    left = gross - exact(refund_rate, among=among, rate=True)
    return money.divide_half_up(
        exact(net, among=among) * exact(gross, among=among, rate=True), exact(left, among=among, rate=True)
    )


@rule("EXP-INV-01", "VAT-REF-03", inputs=("export_invoices.invoice_amount", "goods.levy_rate"))
def ex_vat_amount(amount: Number, levy_rate: Number) -> Number:
    """E (不含税金额): a tax-inclusive amount without its tax.

    Formula: I ÷ (1 + v). Units: CNY. Rounding: half up to the fen. Errors: none. Source: rules.md section 0.

    >>> ex_vat_amount(Decimal("390250.77"), Decimal("0.17"))
    Decimal('333547.67')
    """
    among = (amount, levy_rate)
    gross = exact(1, among=among, rate=True) + exact(levy_rate, among=among, rate=True)
    return money.divide_half_up(exact(amount, among=among), exact(gross, among=among, rate=True))


@rule("EXP-INV-01", "C-02", inputs=("export_invoices.invoice_amount", "export_invoices.ex_vat_amount"))
def tax_amount(amount: Number, ex_vat: Number) -> Number:
    """T (税额): what the tax-inclusive amount holds of tax.

    Formula: I − E (not E × v, which may differ by a fen). Units: CNY. Rounding: none. Errors: none.
    Source: decision C-02.

    >>> tax_amount(Decimal("390250.77"), Decimal("333547.67"))
    Decimal('56703.10')
    """
    return money.round_half_up(amount - ex_vat)


@rule("VAT-REF-01", inputs=("export_invoices.ex_vat_amount", "goods.refund_rate"))
def refund_amount(ex_vat: Number, refund_rate: Number) -> Number:
    """R (退税额): the refund on a purchase.

    Formula: E × r. Units: CNY. Rounding: half up to the fen. Errors: none. Source: VAT-REF-01.

    >>> refund_amount(Decimal("333547.67"), Decimal("0.13"))
    Decimal('43361.20')
    """
    return money.multiply(ex_vat, refund_rate)


@rule(
    "EXP-INV-02", "FXC-01", "FXC-05", "C-05",
    inputs=("export_invoices.ex_vat_amount", "goods.fob_usd"), codes=("EXP_RATIO_LOW", "EXP_RATIO_HIGH"),
)  # fmt: skip
def swap_ratio(ex_vat: Number, fob_usd: Number) -> Number:
    """美金换汇比率: what one USD of FOB value costs, ex VAT. N ÷ F, shown beside it, is the same of the net.

    Formula: E ÷ F. Units: CNY per USD. Rounding: half up to 8 places, shown with 4; compared unrounded
    (``swap_ratio_class``). Errors: ``ZeroDivisionError`` for F = 0 (columns: NULL). Source: S0 l.815; FXC-01.

    >>> swap_ratio(Decimal("333547.67"), Decimal("58255.50"))
    Decimal('5.72559964')
    """
    return money.divide_half_up(ex_vat, fob_usd, 8)


@rule(
    "EXP-INV-02", "FXC-02", "FXC-03", "FXC-05", "FXC-07",
    inputs=("export_invoices.ex_vat_amount", "goods.fob_usd", "swap_ratio", "own_company.tax_authority"),
    codes=("EXP_RATIO_LOW", "EXP_RATIO_HIGH", "FX_UNIT_SUSPECT"),
)  # fmt: skip
def swap_ratio_class(
    ex_vat: Number, fob_usd: Number, low: Number, high: Number, suspect: Number = Decimal(100)
) -> Text:
    """``""`` inside the band (both bounds pass), else ``EXP_RATIO_LOW``, ``EXP_RATIO_HIGH`` or ``FX_UNIT_SUSPECT``.

    Formula: E < low × F, E > high × F, E ≥ suspect × F: products, so that nothing is rounded (4.99995 is low).
    Units: CNY, USD. Rounding: none. Errors: none; NULL where E is, or where there is no F. Source: FXC-02, FXC-03, FXC-05, FXC-07.

    >>> swap_ratio_class(Decimal("499999.99"), Decimal("100000"), Decimal(5), Decimal(8))
    'EXP_RATIO_LOW'
    """
    among = (ex_vat, fob_usd, low, high)
    fob = exact(fob_usd, among=among)
    low, high, suspect = (exact(bound, among=among, rate=True) for bound in (low, high, suspect))
    return choose(
        (ex_vat >= fob * suspect, "FX_UNIT_SUSPECT"),
        (ex_vat > fob * high, "EXP_RATIO_HIGH"),
        (ex_vat < fob * low, "EXP_RATIO_LOW"),
        (ex_vat >= fob * low, ""),
        otherwise=None,
    )


@rule("FXC-01", inputs=("orders.trade_term", "orders.freight_fx", "orders.insurance_fx"))
def fob_value(amount: Number, trade_term: Text, freight: Number, insurance: Number) -> Number:
    """F from a declared value: CIF less freight and insurance, CFR (C&F, CNF) less freight, FOB as it is.

    Formula: amount − freight − insurance by term. Units: one currency. Rounding: none. Errors: none; another term
    gives NULL (``None``). Source: FXC-01.

    >>> fob_value(Decimal("100000"), "CIF", Decimal("3150"), Decimal("330"))
    Decimal('96520')
    """
    without_freight = amount - freight
    return choose(
        (trade_term == "FOB", amount),
        ((trade_term == "CFR") | (trade_term == "C&F") | (trade_term == "CNF"), without_freight),
        (trade_term == "CIF", without_freight - insurance),
        otherwise=None,
    )


@rule(
    "VAT-REF-05", "VAT-REF-07", "VAT-REF-08", "VAT-REF-09", "C-08",
    inputs=("refund_rates", "goods.levy_rate", "goods.exported_on", "refund_transition"), codes=("INV_RATE_INVALID",),
)  # fmt: skip
def effective_refund_rate(
    table_rate: Number, levy_rate: Number, rate_before_change: Number, is_in_transition: Truth
) -> Number:
    """r: the refund rate of an invoice, by the export date of the declaration (出口日期).

    Formula: min(table rate on the export date, levy rate of the invoice); in a transition (an invoice still at the
    old levy rate, exported by its last day) the old refund rate, where that equalled the old levy rate.
    ``rate_before_change`` is the table's rate on the day before the change, ``is_in_transition`` what
    ``transition_of`` (or the join of its rows) says. Units: fractions. Rounding: none. Errors: none.
    Source: rules.md E2; 财税[2018]32, 公告2019年第39号; 孰低 flgj56.com 104.

    >>> effective_refund_rate(Decimal("0.13"), Decimal("0.16"), Decimal("0.16"), True)
    Decimal('0.16')
    >>> effective_refund_rate(Decimal("0.13"), Decimal("0.16"), Decimal("0.16"), False)
    Decimal('0.13')
    >>> effective_refund_rate(Decimal("0.13"), Decimal("0.03"), Decimal("0.16"), False)
    Decimal('0.03')
    """
    keeps_old = both(is_in_transition, rate_before_change == levy_rate)
    return choose((keeps_old, rate_before_change), otherwise=lesser(table_rate, levy_rate))


def transition_of(levy_rate: Decimal, exported_on: date, transitions: list[dict]) -> dict | None:
    """The row of ``refund_transition`` that an invoice at ``levy_rate``, exported on that day, falls under (E2).

    ``transitions`` are ``Parameters.rows("refund_transition")``. ``None`` where there is none.
    """
    return next(
        (
            row
            for row in transitions
            if row["levy_rate"] == levy_rate and row["changed_on"] <= exported_on <= row["last_export_on"]
        ),
        None,
    )


def with_transition(lines: ir.Table, refund_rates: ir.Table, transitions: ir.Table) -> ir.Table:
    """``lines`` with ``rate_before_change`` and ``is_in_transition`` (VAT-REF-08, VAT-REF-09), one row for each row.

    ``lines``: hs_code, exported_on, levy_rate. ``refund_rates``: hs_code, refund_rate, valid_from, valid_to.
    ``transitions``: ``Parameters.table("refund_transition")``. The old rate is the table's on the day before the
    change; where several rows (or none) fit that day it is NULL and nothing is in transition.
    """
    terms = transitions.select(_levy="levy_rate", _changed="changed_on", _last="last_export_on")
    asked = lines.select("hs_code", "exported_on", "levy_rate").distinct()
    under = asked.join(
        terms,
        [asked.levy_rate == terms._levy, asked.exported_on >= terms._changed, asked.exported_on <= terms._last],
    )
    rates = refund_rates.select(_code="hs_code", _old="refund_rate", _from="valid_from", _to="valid_to")
    dated = under.join(
        rates,
        [
            under.hs_code == rates._code,
            rates._from < under._changed,
            rates._to.isnull() | (rates._to >= (under._changed - ibis.interval(days=1)).cast("date")),
        ],
    )
    old = dated.group_by("hs_code", "exported_on", "levy_rate").agg(_old=dated._old.min(), _rates=dated._old.nunique())
    old = old.filter(old._rates == 1).select(
        _hs="hs_code", _on="exported_on", _levy_rate="levy_rate", rate_before_change="_old"
    )
    # By names, left and right: `old` comes from `lines`, and an expression over one could be read as the other's.
    joined = lines.left_join(old, [("hs_code", "_hs"), ("exported_on", "_on"), ("levy_rate", "_levy_rate")])
    return joined.select(*lines.columns, "rate_before_change", is_in_transition=joined.rate_before_change.notnull())


@rule(
    "EXP-INV-01",
    "VAT-REF-05",
    "VAT-REF-06",
    inputs=("goods.levy_rate", "goods.refund_rate", "vat_levy"),
    codes=("INV_RATE_INVALID",),
)
def is_rate_invalid(levy_rate: Number, refund_rate: Number) -> Truth:
    """Whether a refund rate exceeds the levy rate, or a rate is negative: no invoice amount follows from it.

    Formula: r > v, r < 0 or v < 0. Units: fractions. Rounding: none. Errors: none. Source: VAT-REF-05.

    >>> is_rate_invalid(Decimal("0.13"), Decimal("0.16")), is_rate_invalid(Decimal("0.13"), Decimal("0.13"))
    (True, False)
    """
    return (refund_rate > levy_rate) | (refund_rate < 0) | (levy_rate < 0)


@rule("VAT-REF-13", "C-07", inputs=("receipt_allocations", "goods.levy_rate"), codes=("ZERO_REFUND_TAXED",))
def output_vat(received: Number, levy_rate: Number) -> Number:
    """销项税额 of an export taxed as a domestic sale (视同内销, refund flag 不退税).

    Formula: S ÷ (1 + v) × v. Units: CNY. Rounding: half up to the fen, once. Errors: none. Source: VAT-REF-13; W08.

    >>> output_vat(Decimal("355180.00"), Decimal("0.13"))
    Decimal('40861.42')
    """
    among = (received, levy_rate)
    rate = exact(levy_rate, among=among, rate=True)
    gross = exact(1, among=among, rate=True) + rate
    return money.divide_half_up(exact(received, among=among) * rate, exact(gross, among=among, rate=True))


@rule("VAT-REF-13", "C-07", inputs=("receipt_allocations", "goods.levy_rate"), codes=("ZERO_REFUND_TAXED",))
def neutral_taxed_amount(received: Number, fees: Number, levy_rate: Number) -> Number:
    """The invoice amount at which a taxed export leaves the agency neither profit nor loss.

    Formula: S − (1 + v) × P; the seed's formula gives S − P and is not neutral here. Units: CNY.
    Rounding: half up to the fen. Errors: none. Source: VAT-REF-13; W08.

    >>> neutral_taxed_amount(Decimal("355180.00"), Decimal("8000.00"), Decimal("0.13"))
    Decimal('346140.00')
    """
    among = (received, fees, levy_rate)
    gross = exact(1, among=among, rate=True) + exact(levy_rate, among=among, rate=True)
    return money.round_half_up(
        received - money.multiply(exact(fees, among=among), exact(gross, among=among, rate=True))
    )


@rule("VAT-REF-13", "C-07", inputs=("receipt_allocations", "goods.levy_rate"), codes=("ZERO_REFUND_TAXED",))
def taxed_shortfall(received: Number, fees: Number, levy_rate: Number) -> Number:
    """The VAT the agency would pay out of its margin if it kept the seed's amount on a taxed export.

    Formula: output VAT of S − T of the amount S − P, which is P × v ÷ (1 + v) but for rounding.
    Units: CNY. Rounding: half up to the fen. Errors: none. Source: VAT-REF-13; W08 (8,000.00 at 13% is 920.36).

    >>> taxed_shortfall(Decimal("355180.00"), Decimal("8000.00"), Decimal("0.13"))
    Decimal('920.36')
    """
    net = net_amount(received, fees)
    return money.round_half_up(output_vat(received, levy_rate) - tax_amount(net, ex_vat_amount(net, levy_rate)))


@rule("VAT-REF-04", inputs=("export_invoices",))
def rounding_bound(lines: int, levy_rate: Decimal, refund_rate: Decimal) -> Decimal:
    """The largest |I − (N + R)| that rounding explains where one invoice amount I is split over ``lines`` goods lines.

    Formula: floor(0.5 × (1 − r/(1+v) + k × (1 + r))) fen. Units: CNY. Rounding: down to a whole fen.
    Errors: none. Source: VAT-REF-04.

    >>> rounding_bound(1, Decimal("0.13"), Decimal("0.13")), rounding_bound(8, Decimal("0.13"), Decimal("0.13"))
    (Decimal('0.01'), Decimal('0.04'))
    """
    fen = (1 - refund_rate / (1 + levy_rate) + lines * (1 + refund_rate)) / 2
    return Decimal(int(fen)).scaleb(-2)
