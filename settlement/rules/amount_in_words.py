"""人民币大写: an amount in words, and words back to an amount, for values and for columns.

Both forms of the official examples are read (with or without 零 after 万 or 元, 正 for 整, 圆 for 元), so
documents are compared as numbers, never as text (CAP-01). Written is one form: 零 for every gap but
none between 元 and 角.
"""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.either import Text, choose, matches, part, replaced, slice_of
from settlement.rules.money import MONEY, Number
from settlement.rules.registry import rule

DIGITS = "零壹贰叁肆伍陆柒捌玖"
# Places from 千亿 down to 分. 亿 and 万 are written once a group of four.
_UNITS = ("仟", "佰", "拾", "亿", "仟", "佰", "拾", "万", "仟", "佰", "拾", "元", "角", "分")
# Applied in this order to digit-unit pairs such as 零仟零佰柒拾...; each a plain pattern for re and RE2.
_CONTRACTIONS = (
    ("零[仟佰拾]", "零"),
    ("零角零分$", "整"),
    ("零分$", ""),
    ("零角", "零"),
    ("零+", "零"),
    ("零亿", "亿"),
    ("零万", "万"),
    # No ten-thousands at all between 亿 and what follows: one 零 for the gap.
    ("亿万", "亿零"),
    ("零+", "零"),
    ("零元", "元"),
    ("^[零亿万]+", ""),
    ("^元整$", "零元整"),
    ("^元零?", ""),
)
_DIGIT = f"[{DIGITS[1:]}]"
_GROUP = f"零?(?:{_DIGIT}仟)?零?(?:{_DIGIT}佰)?零?(?:{_DIGIT}?拾)?零?{_DIGIT}?"
_FORM = (
    "(?:人民币)?(?:零元|(?:(?:(?:" + _GROUP + "万)?" + _GROUP + "亿)?(?:" + _GROUP + "万)?" + _GROUP + "元)?)"
    f"(?:零?{_DIGIT}角)?(?:零?{_DIGIT}分)?整?"
)
LARGEST = Decimal("999999999999.99")


@rule("CAP-01", inputs=("documents",), codes=("CAP_WORDS_MISMATCH",))
def amount_in_words(amount: Number) -> Text:
    """A CNY amount in words, with the prefix 人民币.

    Formula: digits and units by place, gaps contracted to one 零, 整 where there is no 分. Units: CNY.
    Rounding: half up to the fen before. Errors: ``ValueError`` for a negative amount or one of 10^12 and
    more (columns: NULL). Source: CAP-01 (支付结算办法, 正确填写票据).

    >>> amount_in_words(Decimal("16409.02"))
    '人民币壹万陆仟肆佰零玖元零贰分'
    >>> amount_in_words(Decimal("706680.00"))
    '人民币柒拾万陆仟陆佰捌拾元整'
    """
    rounded = money.round_half_up(amount)
    if money.is_column(rounded):
        digits = (rounded * 100).cast("int64").cast("string").lpad(len(_UNITS), "0")
        fits = (rounded >= 0) & (rounded <= ibis.literal(LARGEST, "decimal(18, 2)"))
        return choose((fits, _worded(digits)), otherwise=ibis.literal(None, "string"))
    if not 0 <= rounded <= LARGEST:
        raise ValueError(f"{amount} cannot be written in words: 0 to {LARGEST}")
    return _worded(str(int(rounded.scaleb(2))).zfill(len(_UNITS)))


def _worded(digits: Text) -> Text:
    words = slice_of(digits, 0, 1) + _UNITS[0]
    for place, unit in list(enumerate(_UNITS))[1:]:
        words = words + slice_of(digits, place, 1) + unit
    for number, digit in enumerate(DIGITS):
        words = words.replace(str(number), digit)
    for pattern, by in _CONTRACTIONS:
        words = replaced(words, pattern, by)
    return "人民币" + words


@rule("CAP-01", inputs=("documents",), codes=("CAP_WORDS_MISMATCH",))
def amount_of_words(words: Text) -> Number:
    """The amount that words say; every official variant is read.

    Formula: Σ digit × unit, within 亿, 万 and 元 groups. Units: CNY. Rounding: none. Errors: ``ValueError`` for a
    text that is no amount in words (columns: NULL). Source: CAP-01; 票据法 Art. 8.

    >>> amount_of_words("人民币壹拾万柒仟元零伍角叁分"), amount_of_words("人民币壹拾万零柒仟元伍角叁分")
    (Decimal('107000.53'), Decimal('107000.53'))
    """
    text = replaced(replaced(replaced(words, r"[\s　]", ""), "圆", "元"), "正$", "整")
    is_amount = matches(text, _FORM)
    body = replaced(text, "^人民币", "")
    says_something = matches(body, f".*[{DIGITS}拾].*[元角分]整?")
    yuan = part(body, "^(.*)元")
    above, below = part(yuan, "^(.*)亿"), replaced(yuan, "^.*亿", "")
    whole = _grouped(above) * 100_000_000 + _grouped(below)
    fen = _digit(part(body, f"({_DIGIT})角")) * 10 + _digit(part(body, f"({_DIGIT})分"))
    if isinstance(words, ir.Value):
        amount = whole.cast("decimal(18, 2)") + fen.cast("decimal(18, 2)") * ibis.literal(
            Decimal("0.01"), "decimal(3, 2)"
        )
        return choose((is_amount & says_something, money.round_half_up(amount)), otherwise=ibis.literal(None, MONEY))
    if not (is_amount and says_something):
        raise ValueError(f"no amount in words: {words!r}")
    return Decimal(whole * 100 + fen).scaleb(-2)


def _grouped(text: Text) -> int | ir.IntegerValue:
    """Up to eight places: ten-thousands before 万, the rest after."""
    return _thousands(part(text, "^(.*)万")) * 10_000 + _thousands(replaced(text, "^.*万", ""))


def _thousands(text: Text) -> int | ir.IntegerValue:
    ten = part(text, f"({_DIGIT})拾")
    # 拾元 without a digit before it is ten.
    bare_ten = choose((matches(text, f"(?:.*[^{DIGITS[1:]}])?拾.*"), 1), otherwise=0)
    return (
        _digit(part(text, f"({_DIGIT})仟")) * 1000
        + _digit(part(text, f"({_DIGIT})佰")) * 100
        + (_digit(ten) + bare_ten) * 10
        + _digit(part(text, f"({_DIGIT})$"))
    )


def _digit(character: Text) -> int | ir.IntegerValue:
    """The figure of one digit word; an empty text is 0."""
    if isinstance(character, ir.Value):
        return ibis.literal(DIGITS).find(character).cast("int64")
    return DIGITS.find(character) if character else 0
