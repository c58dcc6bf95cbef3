"""Identifiers (编号): unified social credit codes, customs declaration numbers, HS codes.

Text in, yes or no (or text) out, for ``str`` and for columns. A code that fails is never corrected.
"""

from __future__ import annotations

from settlement.rules.either import Text, Truth, both, choose, matches, place_in, slice_of
from settlement.rules.registry import rule

# GB 32100: no I, O, S, V, Z.
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = tuple(3**place % 31 for place in range(17))
# GB 11714, the organisation code inside: characters 9 to 17.
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@rule("USCC-01", "C-37", inputs=("principals.uscc", "own_company.uscc", "vat_invoices"), codes=("USCC_CHECK",))
def is_uscc(code: Text) -> Truth:
    """Whether a 统一社会信用代码 has 18 characters of the alphabet and the right last one.

    Formula: C18 = alphabet[(31 − Σ index(Ci) × 3^(i−1) mod 31) mod 31]. Units: none. Rounding: none.
    Errors: none; a failure is a warning, real codes that fail and old 15-digit numbers exist. Source: GB 32100.

    >>> is_uscc("91330000MA0TE5T087"), is_uscc("91330000MA0TE5T088"), is_uscc("330100600012345")
    (True, False, False)
    """
    total = sum(
        place_in(slice_of(code, place, 1), _CREDIT_ALPHABET) * weight for place, weight in enumerate(_CREDIT_WEIGHTS)
    )
    expected = (31 - total % 31) % 31
    # The pattern first: of a shorter text the places mean nothing.
    is_formed = matches(code, f"[{_CREDIT_ALPHABET}]{{18}}")
    return both(is_formed, place_in(slice_of(code, 17, 1), _CREDIT_ALPHABET) == expected)


@rule("USCC-01", inputs=("principals.uscc",), codes=("USCC_CHECK",))
def is_organisation_code(code: Text) -> Truth:
    """Whether characters 9 to 17 of a credit code are an organisation code with its own check character (KNOW).

    Formula: 11 − Σ index × weight mod 11; 10 is X, 11 is 0. Units: none. Rounding: none. Errors: none.
    Source: GB 11714 (KNOW): a warning only.

    >>> is_organisation_code("913300000000000191")
    True
    """
    total = sum(
        place_in(slice_of(code, 8 + place, 1), _ORGANISATION_ALPHABET) * weight
        for place, weight in enumerate(_ORGANISATION_WEIGHTS)
    )
    check = 11 - total % 11
    expected = choose(
        (check == 10, "X"), (check == 11, "0"), otherwise=check.cast("string") if _is_column(check) else str(check)
    )
    return both(matches(code, "[0-9A-Z]{18}"), slice_of(code, 16, 1) == expected)


def _is_column(value: object) -> bool:
    return hasattr(value, "cast")


@rule("CUS-01", inputs=("orders.declaration_no", "goods.declaration_no"), codes=("DECL_NO_FORMAT",))
def is_declaration_no(number: Text) -> Truth:
    """Whether a 报关单号 is 18 digits; 集中申报 has I or E in place 9.

    Formula: 8 digits, one of 0 1 I E, 9 digits. Units: none. Rounding: none. Errors: none. Source: CUS-01.

    >>> is_declaration_no("310420230512345678"), is_declaration_no("31042023051234567")
    (True, False)
    """
    return matches(number, "[0-9]{8}[01IE][0-9]{9}")


@rule("CUS-01", inputs=("orders.declaration_no", "orders.services"), codes=("DECL_DIRECTION",))
def declaration_direction(number: Text) -> Text:
    """``import`` or ``export`` by place 9 of a declaration number; ``""`` for a number of another form.

    Formula: 1, I → import; 0, E → export. Units: none. Rounding: none. Errors: none. Source: CUS-01.

    >>> declaration_direction("310420230512345678"), declaration_direction("310420231512345678")
    ('export', 'import')
    """
    flag = slice_of(number, 8, 1)
    is_formed = is_declaration_no(number)
    return choose(
        (both(is_formed, (flag == "1") | (flag == "I")), "import"),
        (both(is_formed, (flag == "0") | (flag == "E")), "export"),
        otherwise="",
    )


@rule("CUS-02", inputs=("goods.declaration_no", "goods.item_no"))
def refund_filing_no(declaration_no: Text, item_no: Text) -> Text:
    """The 21-digit number of refund filing: declaration, "0", two digits of the item.

    Formula: 18 + "0" + item, two digits. Units: none. Rounding: none. Errors: none. Source: CUS-02.

    >>> refund_filing_no("310420230512345678", "1")
    '310420230512345678001'
    """
    padded = ("0" + item_no).right(2) if _is_column(item_no) else item_no.zfill(2)
    return declaration_no + "0" + padded


@rule("CUS-03", inputs=("goods.hs_code", "refund_rates.hs_code"), codes=("HS_FORMAT",))
def is_hs_code(code: Text) -> Truth:
    """Whether a 商品编码 is 10 digits (a text: leading zeros count).

    Formula: 10 digits. Units: none. Rounding: none. Errors: none. Source: CUS-03.

    >>> is_hs_code("9503009000"), is_hs_code("950300900")
    (True, False)
    """
    return matches(code, "[0-9]{10}")
