"""Cells that name one of a known set: currencies, months, the words a column allows.

As in `cells.py`, every kernel returns ``(values, bad)``.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.cells import MONEY, Read, text, tidy
from settlement.io.currencies import currencies, currency_of

_MONTH = r"^(?P<year>[12][0-9]{3}) ?[-/.年]? ?(?P<month>0?[1-9]|1[0-2]) ?月?(?:[-/.](?:0?1)(?: 00:00:00)?)?$"
# Which currencies a sign in an amount's cell can mean; the row says which it is.
_SIGN_MEANS = (
    (r"(?i)US\$", ("USD",)),
    (r"(?i)HK\$", ("HKD",)),
    (r"€", ("EUR",)),
    (r"£", ("GBP",)),
    (r"(?i)CNY|RMB|人民币|元", ("CNY",)),
    (r"(?i)JP ?¥", ("JPY",)),
    (r"¥", ("CNY", "JPY")),
)


def currency(cells: pa.Array) -> Read:
    """A currency as its ISO code: USD, 美元, 人民币. Bad: a currency that `currencies.yaml` does not know."""
    values = tidy(cells)
    encoded = values.dictionary_encode()
    codes = pa.array([currency_of(name) for name in encoded.dictionary.to_pylist()], pa.string())
    found = codes.take(encoded.indices)
    return found, pc.and_(pc.is_valid(values), pc.is_null(found))


def month(cells: pa.Array) -> Read:
    """A month as YYYY-MM: 2023-09, 2023年9月, 202309, and 2023-09-01 as Excel makes of it. Bad: anything else."""
    values = tidy(cells)
    parts = pc.extract_regex(values, _MONTH)
    found = pc.binary_join_element_wise(
        parts.field("year"), pc.utf8_lpad(parts.field("month"), width=2, padding="0"), "-"
    )
    matched = pc.fill_null(pc.match_substring_regex(values, _MONTH), False)
    found = pc.if_else(matched, found, pa.scalar(None, pa.string()))
    return found, pc.and_(pc.is_valid(values), pc.invert(matched))


def one_of(cells: pa.Array, allowed: tuple[str, ...]) -> Read:
    """Text that must be one of ``allowed`` (in upper case: RT). Bad: any other word."""
    values, bad = text(cells)
    values = pc.utf8_upper(values)
    known = pc.is_in(values, pa.array(allowed))
    bad = pc.or_(bad, pc.and_(pc.is_valid(values), pc.invert(known)))
    return pc.if_else(bad, pa.scalar(None, pa.string()), values), bad


def list_of(cells: pa.Array, allowed: tuple[str, ...]) -> Read:
    """Text of words joined by 、 ; or comma, each one of ``allowed``. Bad: any other word."""
    values, bad = text(cells)
    word = "(?:" + "|".join(re.escape(item) for item in allowed) + ")"
    fits = pc.match_substring_regex(values, rf"^{word}(?: ?[、;,/+] ?{word})*(?: ?[、;,/+])?$")
    bad = pc.or_(bad, pc.invert(pc.fill_null(fits, True)))
    return pc.if_else(bad, pa.scalar(None, pa.string()), values), bad


def disagrees_with_currency(cells: pa.Array, amounts: pa.Array, row_currency: pa.Array) -> pa.Array:
    """Where an amount cannot be of its row's currency: a ``$`` in a CNY row, decimals of a yen."""
    values = tidy(cells)
    wrong = pa.repeat(pa.scalar(False), len(values))
    odd = pc.fill_null(pc.match_substring_regex(values, r"[^0-9.,() +\-]"), False)
    if pc.any(odd).as_py():
        open_ones = odd
        for pattern, meant in _SIGN_MEANS:
            hit = pc.and_(open_ones, pc.fill_null(pc.match_substring_regex(values, pattern), False))
            other = pc.invert(pc.fill_null(pc.is_in(row_currency, pa.array(meant)), True))
            wrong = pc.or_(wrong, pc.and_(hit, other))
            open_ones = pc.and_(open_ones, pc.invert(hit))
        dollar = pc.and_(open_ones, pc.fill_null(pc.match_substring(values, "$"), False))
        wrong = pc.or_(wrong, pc.and_(dollar, pc.is_in(row_currency, pa.array(["CNY", "EUR", "GBP", "JPY"]))))
    without_decimals = pa.array([code for code, places in currencies().items() if places == 0])
    whole_only = pc.and_(pc.is_in(row_currency, without_decimals), pc.is_valid(amounts))
    if pc.any(whole_only).as_py():
        broken = pc.not_equal(pc.cast(pc.trunc(amounts), MONEY), amounts)
        wrong = pc.or_(wrong, pc.fill_null(pc.and_(whole_only, broken), False))
    return pc.fill_null(wrong, False)
