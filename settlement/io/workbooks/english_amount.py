"""An amount in English words, for those who read a statement in English: the legal words (人民币大写) stay Chinese."""

from __future__ import annotations

from decimal import Decimal

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ("", " thousand", " million", " billion", " trillion")


def amount_in_english(amount: Decimal) -> str:
    """A non-negative CNY amount with two decimals in words, the fen as a fraction.

    >>> amount_in_english(Decimal("9906.73"))
    'nine thousand nine hundred and six yuan and 73/100'
    """
    yuan, fen = divmod(int(amount * 100), 100)
    groups = []
    for place, name in enumerate(_GROUPS):
        group = yuan // 1000**place % 1000
        if group:
            groups.append(_below_thousand(group) + name)
    words = " ".join(reversed(groups)) or "zero"
    return f"{words} yuan and {fen:02d}/100" if fen else f"{words} yuan only"


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    parts = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        parts.append(_TENS[tens] + (f"-{_SMALL[ones]}" if ones else ""))
    elif rest:
        parts.append(_SMALL[rest])
    return " and ".join(parts)
