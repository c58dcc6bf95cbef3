"""Freight (物流费): what is payable to the carrier and receivable from the client, of one charge.

Each formula stands once and serves ``Decimal`` and Ibis columns alike. What does not belong here:
which quote is in force and which order a line is for (books/quotes.py, books/freight_orders.py).
"""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.money import MONEY, Number
from settlement.rules.registry import rule

# Units of account without a minor unit: the contract writes "JPY 0" (section 2).
WHOLE_CURRENCIES = ("JPY",)


def least(first: Number, second: Number) -> Number:
    """The smaller of two amounts; NULL of a column never wins."""
    if money.is_column(first, second):
        return ibis.least(first, second)
    return min(first, second)


def greatest(first: Number, second: Number) -> Number:
    """The larger of two amounts; NULL of a column never wins."""
    if money.is_column(first, second):
        return ibis.greatest(first, second)
    return max(first, second)


@rule("LOG-AR-02", "FRT-03", inputs=("vendor_quotes", "client_quotes", "orders.containers", "freight.quantity"))
def quoted_amount(unit: Number, quantity: Number, currency: str | ir.StringValue) -> Number:
    """A quote (报价) for a quantity: unit price x quantity.

    Formula: round(unit × quantity). Units: the quote's currency; quantity by 票, 柜 or RT.
    Rounding: half up to the fen, JPY to the yen. Errors: none; NULL where a column is NULL. Source: S0 l.738.

    >>> quoted_amount(Decimal("33.33"), Decimal("2.345"), "USD")
    Decimal('78.16')
    >>> quoted_amount(Decimal("1000"), Decimal("2.3456"), "JPY")
    Decimal('2346')
    """
    if not money.is_column(unit, quantity):
        return money.multiply(unit, quantity, 0 if currency in WHOLE_CURRENCIES else 2)
    whole = money.multiply(unit, quantity, 0).cast(MONEY)
    return ibis.cases((currency.isin(WHOLE_CURRENCIES), whole), else_=money.multiply(unit, quantity, 2)).cast(MONEY)


@rule("LOG-AP-01", "C-23", inputs=("freight.amount", "vendor_quotes"), codes=("AP_OVER_QUOTE",))
def payable_within_quote(cost_before: Number, cost_after: Number, quote_before: Number, quote_after: Number) -> Number:
    """What one line adds to the payable (应付) of its order, charge code and vendor: cost up to the quote.

    Formula: min(cost after, quote after) − min(cost before, quote before), where "before" and "after" are the
    sums of that charge without and with the line. So the sum never exceeds the quote, a credit note takes the
    excess off first, and room that a later line leaves pays what an earlier one lacked.
    Units: the line's currency. Rounding: none. Errors: none. Source: S0 l.738, 884; decision C-23.

    >>> payable_within_quote(Decimal("0"), Decimal("55.00"), Decimal("0"), Decimal("50.00"))
    Decimal('50.00')
    >>> payable_within_quote(Decimal("55.00"), Decimal("50.00"), Decimal("50.00"), Decimal("50.00"))
    Decimal('0.00')
    """
    if money.is_column(cost_before, cost_after, quote_before, quote_after):
        return (least(cost_after, quote_after) - least(cost_before, quote_before)).cast(MONEY)
    return least(cost_after, quote_after) - least(cost_before, quote_before)


@rule("LOG-AP-02", inputs=("freight.amount", "freight.voucher_no"), codes=("AP_NO_VOUCHER",))
def payable_of_pass_through(vouched: Number, credited: Number) -> Number:
    """The payable so far of a pass-through charge (实报实销): what vouchers prove, less credit notes.

    Formula: max(V + K, min(V, 0)); V = sum of the lines with a voucher (代收代付发票凭证), K ≤ 0 = sum of the credit
    notes without one, which only take back what was payable. A line's payable is the difference it makes.
    Units: the line's currency. Rounding: none. Errors: none. Source: S0 l.738, 884.

    >>> payable_of_pass_through(Decimal("0"), Decimal("-860.00"))
    Decimal('0')
    >>> payable_of_pass_through(Decimal("860.00"), Decimal("-60.00"))
    Decimal('800.00')
    """
    nil = money.decimal_literal(0) if money.is_column(vouched, credited) else Decimal(0)
    return greatest(vouched + credited, least(vouched, nil))


@rule("C-24", inputs=("freight.ar_rate", "fx_mid_rates"), codes=("FX_RATE_MISSING", "FX_UNIT_SUSPECT"))
def is_unit_suspect(rate: Number, mid_rate: Number, ratio: Decimal) -> bool | ir.BooleanValue:
    """Whether a rate per 1 looks like a quote per 100 (or the reverse): ``ratio`` times the mid rate apart (FXC-07).

    Formula: rate ≥ ratio × mid or rate × ratio ≤ mid. Units: CNY per 1. Rounding: none.
    Errors: none; NULL where there is no mid rate. Source: rules.md W09, FXC-07.

    >>> is_unit_suspect(Decimal("710.36"), Decimal("7.1036"), Decimal("20"))
    True
    >>> is_unit_suspect(Decimal("7.2000"), Decimal("7.1036"), Decimal("20"))
    False
    """
    factor = ratio
    if money.is_column(rate, mid_rate):
        rate, mid_rate, factor = (
            money.wide(rate, rate=True),
            money.wide(mid_rate, rate=True),
            money.wide(ratio, rate=True),
        )
    return (rate >= mid_rate * factor) | (rate * factor <= mid_rate)


@rule("C-19", inputs=("orders.sailed_on", "freight.confirmed_on"))
def fee_month(
    sailed_on: ir.DateValue, confirmed_on: ir.DateValue, invoiced_on: ir.DateValue, folder_month: ir.StringValue
) -> ir.StringValue:
    """The month of a fee (费用月份): of sailing, else of completion (confirmed_on), else of the bill, else its folder's.

    Formula: YYYY-MM of the first date given. Units: month. Rounding: none. Errors: none.
    Source: decision C-19; the last two only where neither date is known.
    """
    day = ibis.coalesce(sailed_on, confirmed_on, invoiced_on)
    return ibis.coalesce(day.strftime("%Y-%m"), folder_month)
