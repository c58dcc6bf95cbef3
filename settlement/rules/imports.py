"""Import settlement (进口结算): taxes at customs, the goods invoice, what the invoice leaves open.

CNY throughout unless said; rates are fractions. Every function serves ``Decimal`` and columns.
The estimate at the mid rate is in ``fx.estimate_cny``: it never settles anything.
"""

from __future__ import annotations

from decimal import Decimal

from settlement.rules import money
from settlement.rules.either import Truth, both, exact
from settlement.rules.money import Number
from settlement.rules.registry import rule


@rule("IMP-FXP-07", "IMP-BAL-01", inputs=("payments.amount", "payments.fx_rate"), codes=("FXP_RATE_OR_FEE_MISSING",))
def goods_cny(amount_fx: Number, bank_rate: Number) -> Number:
    """货款折合人民币: what was paid abroad, at the rate of the bank's slip (付汇汇率).

    Formula: amount × rate. Units: currency, CNY per 1. Rounding: half up to the fen. Errors: none. Source: S0 l.882.

    >>> goods_cny(Decimal("120000.00"), Decimal("7.1285"))
    Decimal('855420.00')
    """
    return money.multiply(amount_fx, bank_rate)


@rule("IMP-F-01", "IMP-F-04", inputs=("tax_bills.customs_value",), codes=("TAX_BILL_AMOUNT_MISMATCH",))
def dutiable_value(cif_fx: Number, customs_rate: Number) -> Number:
    """完税价格: the CIF value at the customs rate (计征汇率), which is neither the estimate's nor the payment's.

    Formula: CIF × rate. Units: currency, CNY per 1. Rounding: half up to the fen. Errors: none.
    Source: 关税法 Arts 24–26, 60; IMP-F-04.

    >>> dutiable_value(Decimal("120000.00"), Decimal("7.0823"))
    Decimal('849876.00')
    """
    return money.multiply(cif_fx, customs_rate)


@rule("IMP-F-01", "IMP-F-05", inputs=("tax_bills.duty",), codes=("TAX_BILL_AMOUNT_MISMATCH",))
def duty(customs_value: Number, duty_rate: Number) -> Number:
    """关税, ad valorem.

    Formula: customs value × rate. Units: CNY. Rounding: half up to the fen. Errors: none. Source: 关税法 Art. 23.

    >>> duty(Decimal("849876.00"), Decimal("0.08"))
    Decimal('67990.08')
    """
    return money.multiply(customs_value, duty_rate)


@rule("IMP-F-02", inputs=("tax_bills.consumption_tax",), codes=("TAX_BILL_AMOUNT_MISMATCH",))
def composite_value(customs_value: Number, duty_amount: Number, consumption_rate: Number) -> Number:
    """组成计税价格 of goods under an ad valorem consumption tax.

    Formula: (customs value + duty) ÷ (1 − ct). Units: CNY. Rounding: half up to the fen, shown only: the tax is
    computed from the exact value. Errors: ``ZeroDivisionError`` for ct = 1. Source: IMP-F-02; W10.

    >>> composite_value(Decimal("849876.00"), Decimal("67990.08"), Decimal("0.15"))
    Decimal('1079842.45')
    """
    base, left = _composite(customs_value, duty_amount, consumption_rate)
    return money.divide_half_up(base, left)


@rule("IMP-F-02", inputs=("tax_bills.consumption_tax",), codes=("TAX_BILL_AMOUNT_MISMATCH",))
def consumption_tax(customs_value: Number, duty_amount: Number, consumption_rate: Number) -> Number:
    """进口环节消费税, ad valorem.

    Formula: (customs value + duty) × ct ÷ (1 − ct). Units: CNY. Rounding: half up to the fen, once.
    Errors: ``ZeroDivisionError`` for ct = 1. Source: IMP-F-02; W10.

    >>> consumption_tax(Decimal("849876.00"), Decimal("67990.08"), Decimal("0.15"))
    Decimal('161976.37')
    """
    base, left = _composite(customs_value, duty_amount, consumption_rate)
    rate = exact(consumption_rate, among=(base, left), rate=True)
    return money.divide_half_up(base * rate, left)


def _composite(customs_value: Number, duty_amount: Number, rate: Number) -> tuple[Number, Number]:
    among = (customs_value, duty_amount, rate)
    base = exact(exact(customs_value, among=among) + exact(duty_amount, among=among), among=among)
    left = exact(exact(1, among=among, rate=True) - exact(rate, among=among, rate=True), among=among, rate=True)
    return base, left


@rule("IMP-F-03", "IMP-F-05", inputs=("tax_bills.vat",), codes=("TAX_BILL_AMOUNT_MISMATCH",))
def import_vat(
    customs_value: Number, duty_amount: Number, levy_rate: Number, consumption: Number = Decimal("0.00")
) -> Number:
    """进口增值税.

    Formula: (customs value + duty + consumption tax) × v. Units: CNY. Rounding: half up to the fen. Errors: none.
    Source: VAT Law Art. 14; IMP-F-03.

    >>> import_vat(Decimal("849876.00"), Decimal("67990.08"), Decimal("0.13"))
    Decimal('119322.59')
    """
    among = (customs_value, duty_amount, levy_rate, consumption)
    base = exact(customs_value, among=among) + exact(duty_amount, among=among) + exact(consumption, among=among)
    return money.multiply(base, levy_rate)


@rule(
    "IMP-INV-02", "IMP-F-09", "C-11", "C-12",
    inputs=("payment_allocations", "payments.bank_fee", "tax_bills"), codes=("INV_AMOUNT_MISMATCH",),
)  # fmt: skip
def goods_invoice_amount(
    goods: Number, bank_fee: Number, duty_amount: Number, vat_amount: Number, consumption: Number = Decimal("0.00")
) -> Number:
    """开票金额 of the goods invoice (货款增票); the agency fee is not in it (C-12).

    Formula: goods CNY + bank fee + duty + VAT, + consumption tax where there is any (C-11, our extension).
    Units: CNY. Rounding: none needed, to the fen. Errors: none; NULL where a column is NULL. Source: S0 l.883; W10.

    >>> goods_invoice_amount(Decimal("855420.00"), Decimal("1005.42"), Decimal("67990.08"), Decimal("119322.59"))
    Decimal('1043738.09')
    """
    terms = (goods, bank_fee, duty_amount, vat_amount, consumption)
    whole = sum((exact(term, among=terms) for term in terms[1:]), start=exact(goods, among=terms))
    return money.round_half_up(whole)


@rule(
    "IMP-INV-01", inputs=("orders.tax_entrusted", "orders.tax_bill_original", "orders.invoice_wanted"),
    codes=("INV_CONDITION_NOT_MET",),
)  # fmt: skip
def is_invoice_due(tax_entrusted: Truth, tax_bill_original: Truth, invoice_wanted: Truth) -> Truth:
    """Whether all three conditions of the goods invoice hold.

    Formula: declaring and paying tax entrusted, original tax bill received, client wants the 增票. Units: yes or no.
    Rounding: none. Errors: none; unknown is not yes. Source: S0 l.883.

    >>> is_invoice_due(True, True, False)
    False
    """
    return both(tax_entrusted, tax_bill_original, invoice_wanted)


@rule("IMP-F-08", "C-10", inputs=("import_invoices", "tax_bills.vat"), codes=("VAT_GAP",))
def vat_gap(invoice: Number, levy_rate: Number, vat_amount: Number) -> Number:
    """By how much the invoice's implied output VAT exceeds the import VAT; reported, the amount stays (C-10).

    Formula: I − round(I ÷ (1 + v)) − import VAT. Units: CNY. Rounding: half up to the fen. Errors: none.
    Source: IMP-F-08; W10.

    >>> vat_gap(Decimal("1043738.09"), Decimal("0.13"), Decimal("119322.59"))
    Decimal('753.47')
    """
    among = (invoice, levy_rate, vat_amount)
    gross = exact(1, among=among, rate=True) + exact(levy_rate, among=among, rate=True)
    ex_vat = money.divide_half_up(exact(invoice, among=among), exact(gross, among=among, rate=True))
    return money.round_half_up(invoice - ex_vat - vat_amount)


@rule("IMP-F-08", "C-10", inputs=("import_invoices", "vat_gap"), codes=("VAT_GAP",))
def is_gap_large(gap: Number, invoice: Number, share: Number) -> Truth:
    """Whether the VAT gap is beyond its share of the invoice.

    Formula: |gap| > share × I. Units: CNY. Rounding: none, equality passes. Errors: none. Source: decision C-10.

    >>> is_gap_large(Decimal("753.47"), Decimal("1043738.09"), Decimal("0.01"))
    False
    """
    among = (gap, invoice, share)
    size = gap.abs() if money.is_column(gap) else abs(gap)
    return size > exact(invoice, among=among) * exact(share, among=among, rate=True)


@rule("IMP-F-08", inputs=("payment_allocations", "tax_bills"), codes=("VAT_GAP",))
def neutral_amount(cost: Number, levy_rate: Number) -> Number:
    """The invoice at which output VAT meets cost: (goods CNY + fee + duty + consumption tax) with VAT.

    Formula: cost × (1 + v). Units: CNY. Rounding: half up to the fen. Errors: none. Source: IMP-F-08; W10.

    >>> neutral_amount(Decimal("855420.00") + Decimal("1005.42") + Decimal("67990.08"), Decimal("0.13"))
    Decimal('1044589.52')
    """
    among = (cost, levy_rate)
    gross = exact(1, among=among, rate=True) + exact(levy_rate, among=among, rate=True)
    return money.multiply(exact(cost, among=among), exact(gross, among=among, rate=True))


@rule("IMP-F-06", inputs=("tax_bills", "late_fee"), codes=("TAX_DUE_SOON",))
def late_fee(tax: Number, days_late: Number | int, daily_rate: Number) -> Number:
    """滞纳金 of import taxes paid late.

    Formula: tax × days × daily rate. Units: CNY, calendar days after the last day. Rounding: half up to the fen.
    Errors: none; no days late is 0.00. Source: 关税法; IMP-F-06 (0.05% a day); W10.

    >>> late_fee(Decimal("187312.67"), 3, Decimal("0.0005"))
    Decimal('280.97')
    """
    among = (tax, days_late, daily_rate)
    rate = exact(days_late, among=among, rate=True) * exact(daily_rate, among=among, rate=True)
    return money.multiply(exact(tax, among=among), rate)
