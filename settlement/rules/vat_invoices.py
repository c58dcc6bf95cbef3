"""VAT invoices received (收到的增值税发票): numbers, arithmetic, status, what they are for.

CNY. Every function serves ``str`` or ``Decimal`` and columns. What does not belong here: holding an
invoice against the statement field by field, and using it once (relations).
"""

from __future__ import annotations

from decimal import Decimal

import ibis

from settlement.rules import money
from settlement.rules.either import Text, Truth, both, choose, exact, matches
from settlement.rules.money import Number
from settlement.rules.registry import rule

NORMAL = "正常"


@rule("EIV-03", inputs=("vat_invoices.einvoice_no",), codes=("VATINV_ARITHMETIC",))
def is_einvoice_no(number: Text) -> Truth:
    """Whether a 数电票号码 is 20 digits (year, region, channel, serial).

    Formula: 20 digits. Units: none. Rounding: none. Errors: none. Source: EIV-03; STA 2024 No.11.

    >>> is_einvoice_no("23312000000012345678"), is_einvoice_no("12345678")
    (True, False)
    """
    return matches(number, "[0-9]{20}")


@rule("EIV-07", "EIV-03", inputs=("vat_invoices",), codes=("VATINV_DUPLICATE",))
def invoice_key(einvoice_no: Text | None, code: Text | None, number: Text | None) -> Text:
    """What makes an invoice one invoice: its 20-digit number, else code and number joined by ``-``.

    Formula: 数电发票号码, else 发票代码-发票号码, else 发票号码. Units: none. Rounding: none.
    Errors: none; nothing known is empty. Source: EIV-07.

    >>> invoice_key(None, "3300194130", "01234567")
    '3300194130-01234567'
    """
    if money.is_column(einvoice_no, code, number):
        coded = ibis.cases((_there(code) != "", code + "-" + number), else_=number)
        return ibis.cases((_there(einvoice_no) != "", einvoice_no), else_=coded.fill_null(""))
    return einvoice_no or ("-".join(filter(None, (code, number))))


def _there(text: Text) -> Text:
    return text.fill_null("")


@rule(
    "EIV-04",
    inputs=("vat_invoices.ex_vat_amount", "vat_invoices.tax_amount", "vat_invoices.total_amount"),
    codes=("VATINV_ARITHMETIC",),
)
def total_difference(ex_vat: Number, tax: Number, total: Number) -> Number:
    """By how much an invoice does not add up; must be 0.00.

    Formula: 价税合计 − (金额 + 税额). Units: CNY. Rounding: to the fen. Errors: none. Source: EIV-04.

    >>> total_difference(Decimal("100000.00"), Decimal("13000.10"), Decimal("113000.00"))
    Decimal('-0.10')
    """
    return money.round_half_up(total - ex_vat - tax)


@rule("EIV-04", inputs=("vat_invoices", "vat_invoice"), codes=("VATINV_ARITHMETIC",))
def tax_difference(ex_vat: Number, levy_rate: Number, tax: Number) -> Number:
    """By how much a line's tax is off its rate, in absolute value; at most 0.06 a line, 1.27 summed over an invoice.

    Formula: |金额 × 税率 − 税额|. Units: CNY. Rounding: to 8 places, so that 0.06 is compared exactly.
    Errors: none. Source: EIV-04.

    >>> tax_difference(Decimal("100.33"), Decimal("0.13"), Decimal("13.10"))
    Decimal('0.05710000')
    """
    among = (ex_vat, levy_rate, tax)
    exact_tax = exact(ex_vat, among=among) * exact(levy_rate, among=among, rate=True)
    difference = money.round_half_up(exact_tax - exact(tax, among=among), 8)
    return difference.abs() if money.is_column(difference) else abs(difference)


@rule(
    "EIV-04", inputs=("vat_invoices.quantity", "vat_invoices.unit_price", "vat_invoice"), codes=("VATINV_ARITHMETIC",)
)
def price_difference(quantity: Number, unit_price: Number, ex_vat: Number) -> Number:
    """By how much quantity × unit price is off the amount, in absolute value; at most 0.01.

    Formula: |round(数量 × 单价) − 金额|. Units: CNY. Rounding: half up to the fen (a unit price has up to 8 places).
    Errors: none. Source: EIV-04.

    >>> price_difference(Decimal("3"), Decimal("33.33333333"), Decimal("100.00"))
    Decimal('0.00')
    """
    difference = money.round_half_up(money.multiply(quantity, unit_price) - ex_vat)
    return difference.abs() if money.is_column(difference) else abs(difference)


@rule("EIV-06", inputs=("vat_invoices.tax_rate_text",), codes=("VATINV_MISMATCH",))
def rate_of_text(text: Text) -> Number | None:
    """The levy rate of the 税率 column, as a fraction; NULL where it says no rate (免税, 不征税, ``***``).

    Formula: n% → n ÷ 100; 0% stays 0, another meaning than 免税 (``rate_meaning``). Units: fraction. Rounding: none.
    Errors: none. Source: EIV-06.

    >>> rate_of_text("13%"), rate_of_text("免税")
    (Decimal('0.13'), None)
    """
    is_percent = matches(text, "[0-9]+(?:[.][0-9]+)?%")
    if money.is_column(text):
        figure = text.replace("%", "").try_cast("decimal(18, 8)")
        nothing = ibis.literal(None, "decimal(18, 8)")
        return choose((is_percent, money.divide_half_up(figure, Decimal(100), 8)), otherwise=nothing)
    return Decimal(text.replace("%", "")).scaleb(-2) if is_percent else None


@rule("EIV-06", inputs=("vat_invoices.tax_rate_text",))
def rate_meaning(text: Text) -> Text:
    """What the 税率 column means: ``taxed``, ``zero`` (0%), ``exempt`` (免税), ``not_taxed`` (不征税) or ``mixed`` (``***``).

    Formula: by the word. Units: none. Rounding: none. Errors: none; anything else is ``""``. Source: EIV-06.

    >>> rate_meaning("0%"), rate_meaning("免税"), rate_meaning("***")
    ('zero', 'exempt', 'mixed')
    """
    return choose(
        (matches(text, "0+(?:[.]0+)?%"), "zero"),
        (matches(text, "[0-9]+(?:[.][0-9]+)?%"), "taxed"),
        (text == "免税", "exempt"),
        (text == "不征税", "not_taxed"),
        (matches(text, "[*]+"), "mixed"),
        otherwise="",
    )


@rule(
    "EIV-05",
    inputs=("vat_invoices.invoice_status", "vat_invoices.is_positive", "vat_invoices.total_amount"),
    codes=("VATINV_RED_OR_VOID",),
)
def is_red_or_void(status: Text, is_positive: Truth, total: Number) -> Truth:
    """Whether an invoice may not be used: 发票状态 other than 正常, 是否正数发票 否, or a negative total.

    Formula: status ≠ 正常 or not positive or total < 0. Units: CNY. Rounding: none. Errors: none; an empty status
    or flag of a column says nothing against it. Source: EIV-05.

    >>> is_red_or_void("正常", True, Decimal("113.00")), is_red_or_void("已红冲-全额", True, Decimal("113.00"))
    (False, True)
    """
    if money.is_column(status, is_positive, total):
        return (status != NORMAL).fill_null(False) | (~is_positive).fill_null(False) | (total < 0).fill_null(False)
    return status != NORMAL or not is_positive or total < 0


@rule("VAT-REF-14", inputs=("vat_invoices.goods_name", "service_word"), codes=("VATINV_NON_GOODS",))
def is_for_services(goods_name: Text, words: tuple[str, ...]) -> Truth:
    """Whether an invoice is for a service (物流, 货代, 报关, 服务费 ...): never matched to a declaration for a refund.

    Formula: the goods name holds one of the words (parameter ``service_word``). Units: none. Rounding: none.
    Errors: none. Source: VAT-REF-14.

    >>> is_for_services("*物流辅助服务*货代服务费", ("物流", "货代")), is_for_services("*玩具*毛绒玩具", ("物流", "货代"))
    (True, False)
    """
    if money.is_column(goods_name):
        held = [goods_name.contains(word) for word in words]
        return both(held[0].fill_null(False)) if len(held) == 1 else ibis.or_(*[one.fill_null(False) for one in held])
    return any(word in goods_name for word in words)


@rule(
    "C-25",
    "C-26",
    "EXP-INV-03",
    inputs=("goods.legal_unit", "vat_invoices.unit", "unit_alias"),
    codes=("VATINV_MISMATCH", "STMT_UNIT_NOT_LEGAL_FIRST"),
)
def same_unit(first: Text, second: Text, first_alias: Text | None, second_alias: Text | None) -> Truth:
    """Whether two 计量单位 are one: the same word, or the same unit in the alias table; quantities are never converted.

    Formula: word = word, or alias = alias. ``*_alias`` is what ``unit_alias`` has for the word (NULL = nothing).
    Units: none. Rounding: none. Errors: none. Source: decisions C-25, C-26.

    >>> same_unit("KG", "千克", "千克", "千克"), same_unit("件", "个", None, "个")
    (True, False)
    """
    if money.is_column(first, second):
        return (first == second) | (first_alias == second_alias).fill_null(False)
    return first == second or (first_alias is not None and first_alias == second_alias)
