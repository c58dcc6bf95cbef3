"""The month a text names (9月物流费, 2023年9月运费, 8-9月, SEP FREIGHT), as a fee month YYYY-MM (C-19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

_ENGLISH = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CHINESE = re.compile(
    r"(?:(?P<year>(?:20)?[0-9]{2})年)?(?:(?<![0-9.])(?P<first>1[0-2]|0?[1-9])月?份?\s*(?P<link>[-~—至到、,，和/])\s*)?(?<![0-9.])(?P<last>1[0-2]|0?[1-9])月(?![0-9]{1,2}日)"
)
_NUMBERS = re.compile(r"(?<![0-9])(?P<year>20[0-9]{2})[-/.]?(?P<last>0[1-9]|1[0-2])(?![-/.]?[0-9])")
_WORDS = re.compile(rf"\b(?P<last>{'|'.join(_ENGLISH)})[A-Z]*\b\.?(?:\s*(?P<year>20[0-9]{{2}}))?")
# What a text must hold to be worth reading: a relation looks for this first.
MENTIONS = rf"月|20[0-9]{{2}}[-/.]?[01][0-9]|\b(?:{'|'.join(_ENGLISH)})"


def _placed(month: int, year: str | None, booked_on: date) -> str:
    """The latest such month up to the booking, unless the text gives the year."""
    if year:
        return f"{int(year) % 100 + 2000}-{month:02d}"
    return f"{booked_on.year if month <= booked_on.month else booked_on.year - 1}-{month:02d}"


def months_named(text: str, booked_on: date) -> list[str]:
    """The months an upper-case text names, in order, without doubles; a day (9月5日) names none.

    >>> months_named("9月物流费", date(2023, 10, 8)), months_named("2022年12月-1月运费", date(2023, 2, 1))
    (['2023-09'], ['2022-12', '2023-01'])
    >>> months_named("FREIGHT AUG", date(2023, 9, 1)), months_named("9月5日付款", date(2023, 9, 6))
    (['2023-08'], [])
    """
    return list(dict.fromkeys(_named(text, booked_on)))


def _named(text: str, booked_on: date) -> Iterator[str]:
    for found in _CHINESE.finditer(text):
        last = _placed(int(found["last"]), None if found["first"] else found["year"], booked_on)
        if found["first"]:
            yield from _between(int(found["first"]), int(found["last"]), found, booked_on)
        else:
            yield last
    for found in _NUMBERS.finditer(text):
        yield _placed(int(found["last"]), found["year"], booked_on)
    for found in _WORDS.finditer(text):
        yield _placed(_ENGLISH.index(found["last"]) + 1, found["year"], booked_on)


def _between(first: int, last: int, found: re.Match[str], booked_on: date) -> Iterator[str]:
    """Both months of a list, or all of a range; a range over New Year begins in the year before."""
    is_list = found["link"] in "、,，和/"
    count = 2 if is_list else (last - first) % 12 + 1
    months = [first, last] if is_list else [(first - 1 + step) % 12 + 1 for step in range(count)]
    end = _placed(last, None, booked_on)
    for month in months:
        year = int(end[:4]) - (1 if month > last else 0)
        yield f"{int(found['year']) % 100 + 2000 if found['year'] and month == first else year}-{month:02d}"
