"""What a month (会计期间) is: its name, its neighbours, its first and last day.

Months are ``YYYY-MM`` text everywhere: in folders, partitions and the ``month`` column.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

FIRST_MONTH = "2012-01"  # the contract: months from 2012-01 on; central parity is shipped from then
_PATTERN = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class NotAMonth(ValueError):
    """The text is no month of the form YYYY-MM, or lies before ``FIRST_MONTH``."""


def checked(text: str) -> str:
    """``text`` if it names a month this system settles; raises ``NotAMonth``."""
    if not _PATTERN.fullmatch(text):
        raise NotAMonth(f"not a month: {text!r} (expected YYYY-MM, like 2023-09)")
    if text < FIRST_MONTH:
        raise NotAMonth(f"months before {FIRST_MONTH} are not settled: {text!r}")
    return text


def first_day(month: str) -> date:
    """The first calendar day."""
    return date(int(month[:4]), int(month[5:7]), 1)


def last_day(month: str) -> date:
    """The last calendar day; the default ``as_of`` of a run."""
    year, number = int(month[:4]), int(month[5:7])
    return date(year, number, monthrange(year, number)[1])


def shifted(month: str, by: int) -> str:
    """The month ``by`` months later (earlier where negative)."""
    ordinal = int(month[:4]) * 12 + int(month[5:7]) - 1 + by
    return f"{ordinal // 12:04d}-{ordinal % 12 + 1:02d}"


def months_from(first: str, count: int) -> list[str]:
    """``count`` months in order, beginning with ``first``."""
    return [shifted(first, by) for by in range(count)]
