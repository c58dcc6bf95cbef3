"""How figures inside sentences are spelled: as the columns beside them show figures.

Messages come from the rules with plain digits (774634.98, 7.17290000); on a sheet thousands are
grouped and a rate loses the noughts that say nothing. Numbers of orders, dates and codes stay.
"""

from __future__ import annotations

import re

_MONEY = re.compile(r"(?<![A-Za-z0-9_.,-])(-?\d{4,})(\.\d{2})(?![\d.])")
_RATE = re.compile(r"(?<![A-Za-z0-9_.])(\d+\.\d{4}\d*?)0{1,4}(?![\d.])")


def spelled(text: str | None) -> str | None:
    """The text with its amounts grouped by thousands, its rates with at least four decimals.

    >>> spelled("按中间价 7.17290000 暂估人民币 312446.97 元，订单 SO23000101")
    '按中间价 7.1729 暂估人民币 312,446.97 元，订单 SO23000101'
    """
    if not text:
        return text
    grouped = _MONEY.sub(lambda found: f"{int(found[1]):,}{found[2]}", text)
    return _RATE.sub(r"\1", grouped)
