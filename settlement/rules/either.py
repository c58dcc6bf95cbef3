"""One expression for a value and a column: choosing, comparing, reading text.

A rule lives once and serves ``Decimal``, ``str``, ``date`` and Ibis columns alike; these are the
few words for which Python and Ibis differ. Arithmetic on money is in ``money.py``.
"""

from __future__ import annotations

import re
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules.money import Number, is_column, wide

Text = str | ir.StringValue
Truth = bool | ir.BooleanValue


def choose(*branches: tuple[Truth, object], otherwise: object) -> object:
    """The value of the first branch whose condition is true, else ``otherwise``; a NULL condition is not true."""
    if any(is_column(condition, value) for condition, value in branches) or is_column(otherwise):
        return ibis.cases(*branches, else_=otherwise)
    return next((value for condition, value in branches if condition), otherwise)


def exact(value: Number, *, among: tuple[object, ...], rate: bool = False) -> Number:
    """``value`` wide enough to be a factor of an exact product (``money.wide``) where one of ``among`` is a column.

    DECIMAL(28,2), or DECIMAL(28,8) for a ``rate``; else a Decimal.
    """
    return wide(value, rate=rate) if is_column(value, *among) else Decimal(value)


def lesser(first: Number, second: Number) -> Number:
    """The smaller of two figures; NULL where either is NULL."""
    return choose((first <= second, first), (first > second, second), otherwise=_nothing(first, second))


def greater(first: Number, second: Number) -> Number:
    """The larger of two figures; NULL where either is NULL."""
    return choose((first >= second, first), (first < second, second), otherwise=_nothing(first, second))


def _nothing(first: Number, second: Number) -> object:
    column = next((value for value in (first, second) if isinstance(value, ir.Value)), None)
    return None if column is None else ibis.literal(None, column.type())


def both(*conditions: Truth) -> Truth:
    """Whether all hold."""
    whole = conditions[0]
    for condition in conditions[1:]:
        whole = whole & condition
    return whole


def negate(condition: Truth) -> Truth:
    """Whether it does not hold; NULL stays NULL."""
    return ~condition if is_column(condition) else not condition


def matches(text: Text, pattern: str) -> Truth:
    """Whether the whole text is of ``pattern`` (a pattern that Python's re and RE2 read alike)."""
    whole = f"^(?:{pattern})$"
    return text.re_search(whole) if is_column(text) else re.search(whole, text) is not None


def part(text: Text, pattern: str) -> Text:
    """The first group of the first match of ``pattern``; empty where there is none."""
    if is_column(text):
        return text.re_extract(pattern, 1).fill_null("")
    match = re.search(pattern, text)
    return "" if match is None else match.group(1) or ""


def replaced(text: Text, pattern: str, by: str) -> Text:
    """``text`` with every match of ``pattern`` replaced by plain text."""
    return text.re_replace(pattern, by) if is_column(text) else re.sub(pattern, by, text)


def slice_of(text: Text, start: int, length: int) -> Text:
    """``length`` characters from ``start`` (counted from 0)."""
    return text.substr(start, length) if is_column(text) else text[start : start + length]


def place_in(character: Text, alphabet: str) -> int | ir.IntegerValue:
    """Where ``character`` stands in ``alphabet``, counted from 0; -1 where it does not. Empty is 0 for a column."""
    return ibis.literal(alphabet).find(character) if is_column(character) else alphabet.find(character)


def as_text(value: object) -> Text:
    """A figure or date as text, decimals with all their places."""
    return value.cast("string") if is_column(value) else str(value)
