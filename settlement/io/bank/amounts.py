"""Amounts of statements: plain digits as money of a currency, exactly.

What belongs here: what DECIMAL(18,2) and the currency can hold. What does not: signs, separators (`exports.py`, `swift.py`).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from settlement.io.bank.limits import bank_limits
from settlement.io.currencies import currencies


class NotMoney(ValueError):
    """The text is no amount that this currency and DECIMAL(18,2) can hold; the message says why, in Chinese."""


def money_of(text: str, currency: str | None) -> Decimal:
    """Plain digits as money of ``currency``, exactly; never rounded.

    Raises ``NotMoney`` for anything else: more decimals than two or than the currency has (zeros aside), too large.

    >>> money_of("5442.09000", "RON")
    Decimal('5442.09')
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NotMoney(f"金额“{text[:40]}”不是数字") from None
    if not value.is_finite() or abs(value) >= bank_limits().largest_amount:
        raise NotMoney(f"金额“{text[:40]}”超出可记录的范围")
    decimals = min(currencies().get(currency or "", 2), 2)
    if value != value.quantize(Decimal(1).scaleb(-decimals)):
        raise NotMoney(f"金额“{text[:40]}”的小数超过{currency or ''}的 {decimals} 位，不能精确记录")
    return value.quantize(Decimal("0.01"))
