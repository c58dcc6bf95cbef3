"""Foreign exchange (外汇): quotes, the bank's advice, remittance messages, short payments, stale rates.

Rates are CNY per 1 unit unless a name says ``quote``. Every function serves ``Decimal`` and columns.
What does not belong here: which rate is in force on a day (a relation), who paid.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.either import Text, Truth, choose, exact, greater
from settlement.rules.money import Number
from settlement.rules.registry import rule


@rule("FX-01", inputs=("fx_mid_rates.rate_per_100", "bank.fx_rate", "fx_quote_unit"), codes=("FX_UNIT_SUSPECT",))
def rate_of_quote(quote: Number, units: int = 100) -> Number:
    """A board quote (牌价) as CNY per 1 unit.

    Formula: quote ÷ units. Units: quote is CNY per ``units`` of foreign currency. Rounding: half up to 8
    places. Errors: ``ZeroDivisionError`` for 0 units. Source: BOC board; rules.md FX-01.

    >>> rate_of_quote(Decimal("812.36"))
    Decimal('8.12360000')
    """
    return money.divide_half_up(quote, Decimal(units), 8)


@rule("IMP-EST-01", "FX-05", "C-35", inputs=("orders.amount_fx", "fx_mid_rates"), codes=("FX_RATE_MISSING",))
def estimate_cny(amount_fx: Number, mid_rate: Number) -> Number:
    """Estimated goods value in CNY (预估货款人民币); never a settlement figure.

    Formula: amount × mid rate. Units: amount in currency, rate CNY per 1. Rounding: half up to the fen.
    Errors: none; NULL where a column is NULL. Source: S0 l.882.

    >>> estimate_cny(Decimal("120000.00"), Decimal("7.1036"))
    Decimal('852432.00')
    """
    return money.multiply(amount_fx, mid_rate)


@rule("EXP-RCV-03", "EXP-INV-01", "FX-05", "C-02", "C-03", inputs=("bank.credit_in", "bank.fx_rate"))
def received_cny(amount_fx: Number, bank_rate: Number) -> Number:
    """S of one receipt: what a foreign receipt is in CNY at the rate the bank really applied (代收外汇汇率).

    Formula: round(amount × rate), receipt by receipt. Units: currency, CNY per 1. Rounding: half up to the fen,
    never half to even. Errors: none. Source: S0 l.815, 883; decisions C-02, C-03; W09.

    >>> received_cny(Decimal("79962.50"), Decimal("8.1236"))
    Decimal('649583.37')
    """
    return money.multiply(amount_fx, bank_rate)


@rule(
    "FX-05", inputs=("bank.credit_in", "bank.fx_rate", "bank.cny_amount", "fx_advice"), codes=("FX_ADVICE_ARITHMETIC",)
)
def advice_difference(amount_fx: Number, bank_rate: Number, cny_amount: Number) -> Number:
    """By how much the bank's advice (水单) does not multiply out; more than 0.01 either way is ``FX_ADVICE_ARITHMETIC``.

    Formula: cny_amount − round(amount × rate). Units: CNY. Rounding: half up to the fen. Errors: none.
    Source: the contract, section 4, foreign currency.

    >>> advice_difference(Decimal("80000.00"), Decimal("8.1236"), Decimal("649880.00"))
    Decimal('-8.00')
    """
    return money.round_half_up(cny_amount - money.multiply(amount_fx, bank_rate))


@rule("FX-08", inputs=("bank", "documents"), codes=("MT103_EQUATION",))
def mt103_difference(
    instructed: Number, settled: Number, senders_charges: Number, receivers_charges: Number, rate: Number = Decimal(1)
) -> Number:
    """By how much a remittance message (MT103) does not add up; anything but 0.00 is ``MT103_EQUATION``.

    Formula: 32A − (33B × 36 + Σ71G − Σ71F). Units: 33B and 71F in the instructed currency (36 = 1 when it is the
    same). Rounding: half up to the fen. Errors: none. Source: SWIFT usage rule; rules.md FX-08.

    >>> mt103_difference(Decimal("80000.00"), Decimal("79975.00"), Decimal("25.00"), Decimal("0.00"))
    Decimal('0.00')
    """
    return money.round_half_up(settled - (money.multiply(instructed, rate) + receivers_charges - senders_charges))


@rule("FX-08", inputs=("bank", "documents"), codes=("MT103_71A_RULE",))
def charges_contradict(bearer: Text, senders_charges: Number, receivers_charges: Number) -> Truth:
    """Whether the charges contradict field 71A (费用承担): OUR allows no 71F, SHA no 71G, BEN needs a 71F.

    Formula: OUR and ΣF ≠ 0, or SHA and ΣG ≠ 0, or BEN and ΣF = 0. Units: currency. Rounding: none.
    Errors: none; another word is no contradiction. Source: rules.md FX-08.

    >>> charges_contradict("OUR", Decimal("15.00"), Decimal("0")), charges_contradict("SHA", Decimal("15.00"), Decimal("0"))
    (True, False)
    """
    ours = (bearer == "OUR") & (senders_charges != 0)
    shared = (bearer == "SHA") & (receivers_charges != 0)
    theirs = (bearer == "BEN") & (senders_charges == 0)
    return ours | shared | theirs


@rule("FX-09", inputs=("orders.declared_fx", "bank.credit_in", "short_payment"), codes=("SHORT_PAYMENT",))
def allowed_difference(amount: Number, fixed: Number, share: Number) -> Number:
    """The tolerance (允差) of an amount: the greater of a fixed sum and a share of it (FX-09, C-04).

    Formula: max(fixed, round(amount × share)). Units: the amount's currency (``fixed`` converted by the caller).
    Rounding: half up to the fen. Errors: none. Source: rules.md FX-09, decision C-04.

    >>> allowed_difference(Decimal("80000.00"), Decimal("50"), Decimal("0.002"))
    Decimal('160.00')
    """
    return money.round_half_up(greater(exact(fixed, among=(amount, fixed, share)), money.multiply(amount, share)))


@rule(
    "FX-09", "C-04",
    inputs=("orders.declared_fx", "bank.credit_in", "short_payment"), codes=("CHARGES", "SMALL_DIFF", "SHORT_PAYMENT"),
)  # fmt: skip
def short_payment_class(expected: Number, received: Number, charges: Number, allowed: Number) -> Text:
    """What a shortfall is: ``""`` (none), ``CHARGES`` (explained), ``SMALL_DIFF`` (within tolerance) or ``SHORT_PAYMENT``.

    Formula: short = expected − received; short ≤ 0 → none; short − charges ≤ 0 → CHARGES; ≤ allowed → SMALL_DIFF.
    Units: one currency. Rounding: none, equality is inside. Errors: none; NULL columns give none.
    Source: rules.md FX-09; W09.

    >>> short_payment_class(Decimal("80000.00"), Decimal("79962.50"), Decimal("37.50"), Decimal("160.00"))
    'CHARGES'
    """
    short = expected - received
    return choose(
        (short <= 0, ""),
        (short <= charges, "CHARGES"),
        (short - charges <= allowed, "SMALL_DIFF"),
        (short - charges > allowed, "SHORT_PAYMENT"),
        otherwise="",
    )


@rule("FX-06", "C-35", inputs=("fx_mid_rates.published_on", "fx_staleness"), codes=("FX_RATE_STALE",))
def is_stale(rate_date: date | ir.DateValue, on: date | ir.DateValue, days: int) -> Truth:
    """Whether the rate used on a day was published more than ``days`` calendar days before.

    Formula: on − rate_date > days. Units: days. Rounding: none, the limit itself passes. Errors: none.
    Source: rules.md FX-06.

    >>> is_stale(date(2023, 9, 28), date(2023, 10, 8), 10), is_stale(date(2023, 9, 28), date(2023, 10, 9), 10)
    (False, True)
    """
    if money.is_column(rate_date, on):
        later, earlier = (_as_date_column(day) for day in (on, rate_date))
        return later.delta(earlier, unit="day") > days
    return (on - rate_date).days > days


def _as_date_column(day: date | ir.DateValue) -> ir.DateValue:
    return day if isinstance(day, ir.Value) else ibis.literal(day)


@rule("FXC-07", "FX-01", inputs=("bank.fx_rate", "fx_mid_rates", "fx_unit_suspect"), codes=("FX_UNIT_SUSPECT",))
def is_unit_suspect(rate: Number, expected_rate: Number, times: Decimal) -> Truth:
    """Whether a rate is so far from the expected one that its unit is in doubt (per 100 taken as per 1, or the reverse).

    Formula: rate ≥ times × expected, or rate × times ≤ expected. Units: CNY per 1. Rounding: none. Errors: none.
    Source: rules.md FXC-07; W09 (812.36 for 8.1236).

    >>> is_unit_suspect(Decimal("812.36"), Decimal("7.7"), Decimal(50)), is_unit_suspect(Decimal("8.12"), Decimal("7.7"), Decimal(50))
    (True, False)
    """
    among = (rate, expected_rate)
    rate, expected_rate, factor = (exact(value, among=among, rate=True) for value in (rate, expected_rate, times))
    return (rate >= expected_rate * factor) | (rate * factor <= expected_rate)


@rule("IMP-FXP-07", inputs=("payments.bank_fee", "outward_remittance_fee"), codes=("BANK_FEE_DIFF",))
def remittance_fee(amount_cny: Number, fee_rate: Number, cable: Number) -> Number:
    """What an outward remittance costs (银行手续费): an ad valorem part and the cable.

    Formula: round(amount × rate) + cable. Units: CNY. Rounding: half up to the fen. Errors: none.
    Source: rules.md B6 (BOC); W10. An expectation only: the bank's own fee settles (IMP-FXP-07).

    >>> remittance_fee(Decimal("855420.00"), Decimal("0.001"), Decimal("150"))
    Decimal('1005.42')
    """
    return money.round_half_up(money.multiply(amount_cny, fee_rate) + exact(cable, among=(amount_cny, fee_rate, cable)))
