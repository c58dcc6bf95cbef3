"""Currencies of statements: which name means which code, and how many decimals its money has.

What belongs here: reading ``currencies.yaml``. What does not: rates, accounts.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources

import yaml

from settlement.io.bank.limits import bank_limits

# Words beside a currency that say which kind of account or money it is.
_KINDS = {"本位币", "现钞", "现汇", "钞", "汇", "钞户", "汇户"}


class NotMoney(ValueError):
    """The text is no amount that this currency and DECIMAL(18,2) can hold; the message says why, in Chinese."""


@cache
def currencies() -> dict[str, int]:
    """Code to decimals of its money."""
    return {code: entry["decimals"] for code, entry in _file().items()}


@cache
def currency_names() -> dict[str, str]:
    """Every name a bank prints, upper-cased and NFKC-normalised, to its code."""
    names = {code: code for code in _file()}
    for code, entry in _file().items():
        names.update({unicodedata.normalize("NFKC", str(name)).upper(): code for name in entry["names"]})
    return names


def _file() -> dict[str, dict]:
    return yaml.safe_load(resources.files("settlement.io.bank").joinpath("currencies.yaml").read_text("utf-8"))


def currency_of(text: str | None) -> str | None:
    """The code a name means, or None. Banks also print code and name together, or the kind of account beside them.

    >>> currency_of("人民币"), currency_of("usd "), currency_of("XXX")
    ('CNY', 'USD', None)
    >>> currency_of("USD-美元"), currency_of("人民币(本位币)"), currency_of("USD/CNY"), currency_of("USD XXX")
    ('USD', 'CNY', None, None)
    """
    if text is None:
        return None
    name, names = unicodedata.normalize("NFKC", text).strip().upper(), currency_names()
    if name in names:
        return names[name]
    found = {names.get(part, part) for part in re.split(r"[\s()/,:-]+", name) if part and part not in _KINDS}
    return found.pop() if len(found) == 1 and found <= names.keys() else None


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
