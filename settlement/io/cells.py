"""Cells of text as values of the kinds that `layouts.yaml` names; whole columns at a time (BNK-03, BNK-09).

Every kernel takes a string array (``""`` or NULL = absent) and returns ``(values, bad)``: the values, NULL where
absent or unreadable, and a mask of the cells that say something that is not of the kind. Nothing is
rounded, guessed or repaired beyond what is written here.

What belongs here: one cell, one kind. What does not: what a column means (`tables.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

Read = tuple[pa.Array, pa.Array]

MONEY = pa.decimal128(18, 2)
QUANTITY = pa.decimal128(18, 6)
RATE = pa.decimal128(18, 8)

# Zero-width and direction marks, which travel along when text is copied from a web page or a certificate dialog.
_INVISIBLE = "[\\x{200B}-\\x{200F}\\x{202A}-\\x{202E}\\x{2060}\\x{FEFF}\\x{00AD}]"
# What a spreadsheet shows where a formula failed: it is neither text nor absent.
_ERROR_VALUE = r"^#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|ERR!|GETTING_DATA|SPILL!|CALC!)$"
_SCIENTIFIC = r"^[0-9](\.[0-9]+)?E\+[0-9]{2}$"
_DASHES = "^[-\\x{2010}-\\x{2015}\\x{2212}]*$"
_NOISE = Decimal("0.000001")  # BNK-09
# Of figures with more decimals: a hundredth of the last place.
_FINE_NOISE = {6: Decimal("0.00000001"), 8: Decimal("0.0000000001")}
_LONG = pa.decimal128(36, 20)
_NO_CODE = "^[-/\\\\\\x{2010}-\\x{2015}\\x{2212}]+$"
_SIGNS = r"(?i)^(CNY|RMB|人民币|US|HK|JP|CN)?[¥$€£]|^(CNY|RMB|人民币)|(CNY|RMB|元)$"


def tidy(cells: pa.Array) -> pa.Array:
    """Text as one writes it: NFKC, invisible marks out, white space to single blanks, trimmed; ``""`` becomes NULL.

    A leading apostrophe and ``="..."`` (both make a spreadsheet keep digits as text) are taken off.
    """
    return _by_distinct(cells, _tidy)


def _by_distinct(cells: pa.Array | pa.ChunkedArray, kernel: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """A kernel on the distinct values only: most columns of a month hold few."""
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.string())
    if len(whole) < 64:
        return kernel(whole)
    encoded = whole.dictionary_encode()
    if len(encoded.dictionary) * 2 > len(whole):
        return kernel(whole)
    return kernel(encoded.dictionary).take(encoded.indices)


def _tidy(cells: pa.Array) -> pa.Array:
    if not pc.all(pc.string_is_ascii(cells), skip_nulls=True).as_py():
        cells = pc.utf8_normalize(pc.replace_substring_regex(cells, _INVISIBLE, ""), form="NFKC")
        # NFKC may bring forth what was taken out before it.
        cells = pc.replace_substring_regex(cells, _INVISIBLE, "")
    cells = _where(cells, r"[\x00-\x1F\x7F]|  ", lambda odd: pc.replace_substring_regex(odd, r"[\x00-\x20\x7F]+", " "))
    cells = pc.utf8_trim_whitespace(cells)
    cells = _where(cells, r"^(=\".*\"|'.*)$", _without_text_mark)
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def _without_text_mark(cells: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(cells, r"^(?:=\"(.*)\"|'(.*))$", r"\1\2"))


def _where(cells: pa.Array, pattern: str, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """``change`` applied to the cells that match ``pattern``; the others as they are."""
    hit = pc.fill_null(pc.match_substring_regex(cells, pattern), False)
    if not pc.any(hit).as_py():
        return cells
    return pc.replace_with_mask(cells, hit, change(cells.filter(hit)))


def _matches(cells: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(cells, pattern), False)


def _kept(values: pa.Array, bad: pa.Array) -> Read:
    return pc.if_else(bad, pa.scalar(None, values.type), values), bad


def text(cells: pa.Array) -> Read:
    """Text, tidied. Bad: a spreadsheet's error value such as ``#N/A``."""
    values = tidy(cells)
    return _kept(values, _matches(values, _ERROR_VALUE))


def code(cells: pa.Array) -> Read:
    """A number or name that identifies: tidied, upper-case, never a number (leading zeros stay).

    Dashes and slashes alone say that there is none. Bad: an error value, an uncalculated formula, and ``6.22E+18``,
    whose digits are lost (BNK-03).
    """
    values = _where(pc.utf8_upper(tidy(cells)), _NO_CODE, lambda none: pa.nulls(len(none), pa.string()))
    return _kept(values, pc.or_(_matches(values, _ERROR_VALUE + "|^="), _matches(values, _SCIENTIFIC)))


def account(cells: pa.Array) -> Read:
    """An account number: a code without the blanks that banks print between its digits."""
    values, bad = code(cells)
    return pc.replace_substring(values, " ", ""), bad


def is_scientific(values: pa.Array) -> pa.Array:
    """Where a code has lost its digits to scientific notation: `BNK_ACCOUNT_SCI_NOTATION`."""
    return _matches(pc.utf8_upper(tidy(values)), _SCIENTIFIC)


def plain_number(cells: pa.Array) -> pa.Array:
    """Figures as ``-1234.5``: signs, thousands, brackets, trailing minus and dashes resolved (BNK-03); else as written.

    Thousands need groups of three: ``12,34`` could be a decimal comma and stays as it is, which no kernel accepts.
    """
    values = tidy(cells)
    odd = pc.invert(pc.fill_null(pc.match_substring_regex(values, r"^-?[0-9]+(\.[0-9]+)?$"), True))
    if not pc.any(odd).as_py():
        return values
    return pc.replace_with_mask(values, odd, _resolved(values.filter(odd)))


def _resolved(cells: pa.Array) -> pa.Array:
    cells = _where(cells, _DASHES, lambda dashes: pa.nulls(len(dashes), pa.string()))
    # pc.replace_substring_regex takes RE2: no look-around, so each step is small and in this order.
    cells = pc.replace_substring_regex(cells, "[\\x{2010}-\\x{2015}\\x{2212}]", "-")
    cells = pc.replace_substring_regex(cells, r"^\((.*)\)$", r"-\1")
    cells = pc.replace_substring_regex(cells, r"^([^-+].*)-$", r"-\1")
    signed = _matches(cells, "^-")
    bare = pc.replace_substring_regex(cells, "^[-+]([^-+])", r"\1")
    for _ in range(2):
        bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(bare, _SIGNS, ""))
    # A minus may stand behind the currency sign: ¥-5.00. Two of them are no number.
    inner = _matches(bare, "^-")
    bare = pc.replace_substring_regex(bare, "^[-+]([0-9.])", r"\1")
    bare = _where(bare, r"^[0-9]{1,3}([, ][0-9]{3})+(\.[0-9]+)?$", lambda g: pc.replace_substring_regex(g, "[, ]", ""))
    bare = pc.replace_substring_regex(bare, r"^\.([0-9]+)$", r"0.\1")
    bare = pc.replace_substring_regex(bare, r"^([0-9]+)\.$", r"\1")
    minus = pc.if_else(pc.and_(signed, inner), "--", pc.if_else(pc.or_(signed, inner), "-", ""))
    return pc.binary_join_element_wise(minus, bare, "")


def _decimal(values: pa.Array, kind: pa.Decimal128Type) -> Read:
    """Exact decimals. Bad: not a number, more digits than the kind holds (zeros at the end count for nothing)."""
    whole = kind.precision - kind.scale
    values = _where(values, r"\.[0-9]*0$", lambda tail: pc.replace_substring_regex(tail, r"\.?0+$", ""))
    # RE2 repeats at most 1000 times and knows no look-ahead: leading zeros are eaten before the digits are counted.
    good = pc.match_substring_regex(values, rf"^-?0*[0-9]{{1,{whole}}}(\.[0-9]{{1,{kind.scale}}})?$")
    bad = pc.invert(pc.fill_null(good, True))
    return pc.cast(pc.if_else(bad, pa.scalar(None, pa.string()), values), kind), bad


def money(cells: pa.Array, *, from_workbook: bool = False) -> Read:
    """An amount as DECIMAL(18,2), exact. Bad: no number, or more than two decimals (it is never rounded).

    ``from_workbook``: a spreadsheet's own arithmetic leaves 0.0999999999767169 for 0.1; what is less than a
    millionth off two decimals is those two decimals (BNK-09).
    """
    return _decimal(_calculated(plain_number(cells), MONEY, _NOISE, from_workbook), MONEY)


def _calculated(values: pa.Array, kind: pa.Decimal128Type, noise: Decimal, from_workbook: bool) -> pa.Array:
    """Figures of a spreadsheet without the noise of its arithmetic; those of a text file as they are."""
    if not from_workbook:
        return values
    digits = f"^-?[0-9]{{1,{kind.precision - kind.scale - 1}}}\\.[0-9]{{{kind.scale + 1},20}}$"
    return _where(values, digits, lambda figures: _without_noise(figures, kind, noise))


def _without_noise(figures: pa.Array, kind: pa.Decimal128Type, noise: Decimal) -> pa.Array:
    exact = pc.cast(figures, _LONG)
    near = pc.cast(pc.round(exact, kind.scale), _LONG)
    is_noise = pc.less(pc.abs(pc.subtract(exact, near)), pa.scalar(noise, _LONG))
    return pc.if_else(is_noise, pc.cast(pc.cast(near, kind), pa.string()), figures)


def quantity(cells: pa.Array, *, from_workbook: bool = False, is_rounded: bool = False) -> Read:
    """A quantity as DECIMAL(18,6), exact. Bad: no number, more than six decimals (``is_rounded``: those are rounded)."""
    values = _calculated(plain_number(cells), QUANTITY, _FINE_NOISE[6], from_workbook)
    return _decimal(_rounded(values, QUANTITY) if is_rounded else values, QUANTITY)


def quote(cells: pa.Array, *, from_workbook: bool = False, is_rounded: bool = False) -> Read:
    """A quote as written, DECIMAL(18,8): per 100 stays per 100. Bad: no number, more than eight decimals
    (``is_rounded``: those are rounded)."""
    values = _calculated(plain_number(cells), RATE, _FINE_NOISE[8], from_workbook)
    return _decimal(_rounded(values, RATE) if is_rounded else values, RATE)


def _rounded(values: pa.Array, kind: pa.Decimal128Type) -> pa.Array:
    """Figures with more decimals than the kind holds, half up: the tax bureau prints fifteen of a price it divided."""
    digits = f"^-?[0-9]{{1,{kind.precision - kind.scale - 1}}}\\.[0-9]{{{kind.scale + 1},20}}$"
    return _where(values, digits, lambda figures: pc.cast(_half_up(figures, kind), pa.string()))


def _half_up(figures: pa.Array, kind: pa.Decimal128Type) -> pa.Array:
    rounded = pc.round(pc.cast(figures, _LONG), kind.scale, round_mode="half_towards_infinity")
    return pc.cast(rounded, kind)


def whole(cells: pa.Array) -> Read:
    """A whole number as BIGINT. Bad: anything else."""
    values = plain_number(cells)
    values = _where(values, r"\.0+$", lambda tail: pc.replace_substring_regex(tail, r"\.0+$", ""))
    bad = pc.invert(pc.fill_null(pc.match_substring_regex(values, "^-?[0-9]{1,18}$"), True))
    return pc.cast(pc.if_else(bad, pa.scalar(None, pa.string()), values), pa.int64()), bad


def rate(cells: pa.Array, *, percent_from: Decimal = Decimal(1), from_workbook: bool = False) -> Read:
    """A rate as a fraction, DECIMAL(18,8): ``13%``, ``13`` and ``0.13`` are 0.13; a bare 1 is one percent.

    A bare figure of ``percent_from`` or more is percent (the contract, section 1: of 1 or more). Bad: no number,
    negative, over 1 after that, or more decimals than the kind holds.
    """
    values = tidy(cells)
    marked = _matches(values, "%$")
    figures, bad = quote(pc.utf8_rtrim(pc.replace_substring(values, "%", ""), " "), from_workbook=from_workbook)
    one = pa.scalar(Decimal(1), RATE)
    percent = pc.or_(marked, pc.fill_null(pc.greater_equal(figures, pa.scalar(percent_from, RATE)), False))
    # A hundredth of a figure with at most eight decimals has ten; only what still fits eight is exact.
    shifted = pc.multiply(figures, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))
    wide = pc.if_else(percent, shifted, pc.cast(figures, shifted.type))
    kept = pc.cast(wide, RATE, safe=False)
    lossy = pc.fill_null(pc.not_equal(pc.cast(kept, shifted.type), wide), False)
    outside = pc.fill_null(pc.or_(pc.less(kept, pa.scalar(Decimal(0), RATE)), pc.greater(kept, one)), False)
    return _kept(kept, pc.or_(bad, pc.or_(lossy, outside)))


_YES, _NO = ("是", "Y", "YES", "TRUE", "1", "√"), ("否", "N", "NO", "FALSE", "0", "×")


def flag(cells: pa.Array) -> Read:
    """是 or 否 as boolean (also Y/N, TRUE/FALSE as a spreadsheet writes them, 1/0). Bad: any other word."""
    values = pc.utf8_upper(tidy(cells))
    yes = pc.is_in(values, pa.array(_YES))
    known = pc.or_(yes, pc.is_in(values, pa.array(_NO)))
    bad = pc.and_(pc.is_valid(values), pc.invert(known))
    return pc.if_else(known, yes, pa.scalar(None, pa.bool_())), bad
