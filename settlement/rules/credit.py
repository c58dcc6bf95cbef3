"""Credit (信用额度): what is used, what is left, whether a bill of lading may go out.

CNY. Exposure is all unsettled receivables of released orders of the client; on-account money never
lowers it (C-20). Every function serves ``Decimal`` and columns. What does not belong here: adding up
a client's receivables, the order of releases (relations).
"""

from __future__ import annotations

from decimal import Decimal

from settlement.rules import money
from settlement.rules.either import Text, Truth, choose, exact, greater
from settlement.rules.money import Number
from settlement.rules.registry import rule


@rule("LOG-BLR-02", "C-20", inputs=("freight_charges.receivable_cny", "credit_positions"), codes=("CR_LIMIT_EXCEEDED",))
def exposure_after(exposure: Number, order_receivable: Number) -> Number:
    """What is used (信用占用) once this order is released.

    Formula: exposure + unsettled receivable of the order. Units: CNY. Rounding: to the fen. Errors: none.
    Source: S0 l.875; decision C-20; W12.

    >>> exposure_after(Decimal("178450.00"), Decimal("25186.34"))
    Decimal('203636.34')
    """
    return money.round_half_up(exposure + order_receivable)


@rule("LOG-CR-02", inputs=("receipt_allocations", "credit_positions"), codes=("CR_NOT_RELEASED",))
def exposure_after_write_off(exposure: Number, written_off: Number) -> Number:
    """What is used after a receipt is written off (销账): only then, not at the bank credit, credit comes free.

    Formula: exposure − written off. Units: CNY. Rounding: to the fen. Errors: none. Source: S0 l.875; W12.

    >>> exposure_after_write_off(Decimal("178450.00"), Decimal("50000.00"))
    Decimal('128450.00')
    """
    return money.round_half_up(exposure - written_off)


@rule("LOG-BLR-02", "C-20", inputs=("credit_limits", "principals.credit_limit", "credit_positions"))
def available(limit: Number, exposure: Number) -> Number:
    """可用额度; negative where more is used than allowed.

    Formula: limit − exposure. Units: CNY. Rounding: to the fen. Errors: none. Source: rules.md Part F; W12.

    >>> available(Decimal("200000.00"), Decimal("153636.34"))
    Decimal('46363.66')
    """
    return money.round_half_up(limit - exposure)


@rule("LOG-BLR-02", "C-20", inputs=("credit_limits", "credit_positions"), codes=("CR_LIMIT_EXCEEDED",))
def excess(limit: Number, exposure: Number) -> Number:
    """By how much the limit is exceeded; 0.00 where it is not. Equality passes.

    Formula: max(exposure − limit, 0). Units: CNY. Rounding: to the fen. Errors: none. Source: decision C-20; W12.

    >>> excess(Decimal("200000.00"), Decimal("203636.34")), excess(Decimal("200000.00"), Decimal("200000.00"))
    (Decimal('3636.34'), Decimal('0.00'))
    """
    over = money.round_half_up(exposure - limit)
    return greater(over, exact(Decimal("0.00"), among=(over,)))


@rule(
    "LOG-BLR-01", "LOG-BLR-02", "C-20", "C-21", "C-22",
    inputs=("bl_releases", "principals.monthly_agreement", "credit_limits"),
    codes=("BL_RELEASE_UNPAID", "CR_NO_AGREEMENT", "CR_LIMIT_EXCEEDED", "CR_MONTH_OVERDUE"),
)  # fmt: skip
def release_reason(
    due: Number,
    received: Number,
    is_monthly: Truth,
    has_agreement: Truth,
    limit: Number,
    exposure: Number,
    overdue: Number,
) -> Text:
    """Why a bill of lading may not be released: an exception code, or ``""`` where it may.

    Formula: received ≥ due → may. Else 票结 → BL_RELEASE_UNPAID; 月结 without agreement → CR_NO_AGREEMENT; last
    month's fees overdue → CR_MONTH_OVERDUE; ``exposure`` (this order included) > limit → CR_LIMIT_EXCEEDED.
    Units: CNY. Rounding: none; full means short by nothing (C-22), exposure = limit passes (C-20).
    Errors: none; an unknown limit is no limit approved: CR_LIMIT_EXCEEDED. Source: S0 l.875.

    >>> nil = Decimal("0.00")
    >>> release_reason(Decimal("25186.34"), nil, True, True, Decimal("200000.00"), Decimal("203636.34"), nil)
    'CR_LIMIT_EXCEEDED'
    """
    return choose(
        (received >= due, ""),
        (_not(is_monthly), "BL_RELEASE_UNPAID"),
        (_not(has_agreement), "CR_NO_AGREEMENT"),
        (overdue > 0, "CR_MONTH_OVERDUE"),
        (exposure <= limit, ""),
        otherwise="CR_LIMIT_EXCEEDED",
    )


def _not(condition: Truth) -> Truth:
    # Unknown (NULL, None) is not yes: nothing is released on a fact nobody stated.
    return ~condition.fill_null(False) if money.is_column(condition) else not condition
