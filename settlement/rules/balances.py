"""Balances (余额): the canonical sign, the seed's two signs at the edge, what happens next.

Canonical: + = we owe the principal (C-09). The seed writes export balances that way and import
balances the other way round; both are shown only to people. Every function serves ``Decimal`` and
columns.
"""

from __future__ import annotations

from settlement.rules import money
from settlement.rules.either import Text, as_text, choose
from settlement.rules.money import Number
from settlement.rules.registry import rule

EXPORT, IMPORT, LOGISTICS = "export", "import", "logistics"


@rule("C-09", "IMP-BAL-01", "EXP-BAL-01", inputs=("principal_ledger",), codes=("BAL_COMPONENT_MISSING",))
def balance(received: Number, charged: Number, paid: Number) -> Number:
    """balance_cny, canonical: + = we owe the principal.

    Formula: received − charged − paid. Units: CNY. Rounding: to the fen. Errors: none; NULL where a part is.
    Source: decision C-09; the contract, order_balances.

    >>> balance(Decimal("620000.00"), Decimal("16000.00"), Decimal("590000.00"))
    Decimal('14000.00')
    """
    return money.round_half_up(received - charged - paid)


@rule("C-12", "IMP-BAL-01", inputs=("import_invoices.invoice_amount", "orders.agency_fee"))
def import_payable(goods_invoice: Number, agency_fee: Number) -> Number:
    """应付合计 of an import order: goods money, bank fee and taxes, and the agency fee.

    Formula: goods invoice + agency fee (in the balance, not in the invoice). Units: CNY. Rounding: to the fen.
    Errors: none. Source: decision C-12; W11.

    >>> import_payable(Decimal("1043738.09"), Decimal("8554.20"))
    Decimal('1052292.29')
    """
    return money.round_half_up(goods_invoice + agency_fee)


@rule("IMP-BAL-01", "IMP-BAL-02", "IMP-BAL-03", "C-09", inputs=("order_balances",), codes=("BAL_CLIENT_OVERDUE",))
def import_balance_seed(payable: Number, received: Number) -> Number:
    """The seed's import balance (余款): > 0 the client pays within 3 working days, < 0 the agency returns.

    Formula: payable − received = − canonical. Units: CNY. Rounding: to the fen. Errors: none. Source: S0 l.882–883; W11.

    >>> import_balance_seed(Decimal("1052292.29"), Decimal("1060000.00"))
    Decimal('-7707.71')
    """
    return money.round_half_up(payable - received)


@rule("EXP-BAL-01", "EXP-BAL-02", "EXP-BAL-03", "C-09", inputs=("order_balances",), codes=("BAL_CLIENT_OVERDUE",))
def export_balance_seed(received_net: Number, paid: Number) -> Number:
    """The seed's export balance: > 0 the agency returns, < 0 the client pays within 3 working days.

    Formula: received (net of fees) − paid = canonical. Units: CNY. Rounding: to the fen. Errors: none.
    Source: S0 l.815; W11.

    >>> export_balance_seed(Decimal("604000.00"), Decimal("610000.00"))
    Decimal('-6000.00')
    """
    return money.round_half_up(received_net - paid)


@rule("C-09", inputs=("order_balances.balance_cny",), codes=("BAL_SIGN_INCONSISTENT",))
def displayed_balance(kind: Text, canonical: Number) -> Number:
    """displayed_balance: export as it stands, import and logistics with the sign turned (+ = the client owes).

    Formula: export → b; import, logistics → −b. Units: CNY. Rounding: to the fen. Errors: none; another kind NULL.
    Source: decision C-09; the contract, order_balances.

    >>> displayed_balance("import", Decimal("-7292.29")), displayed_balance("export", Decimal("14000.00"))
    (Decimal('7292.29'), Decimal('14000.00'))
    """
    turned = (kind == IMPORT) | (kind == LOGISTICS)
    shown = choose((kind == EXPORT, canonical), (turned, -canonical), otherwise=None)
    return None if shown is None else money.round_half_up(shown)


@rule("IMP-BAL-02", "IMP-BAL-03", "EXP-BAL-02", "EXP-BAL-03", "C-09", inputs=("order_balances",))
def next_step(kind: Text, canonical: Number) -> Text:
    """What happens next with a balance, in Chinese with the figure.

    Formula: 0 → settled; > 0 → we owe (return, or keep, by the routes); < 0 → the client pays.
    Units: CNY. Rounding: none. Errors: none. Source: S0 l.815, 883; LOG-RCV-01.

    >>> next_step("import", Decimal("-7292.29"))
    '通知委托方补款 7292.29 元，3 个工作日内到账（IMP-BAL-02）'
    """
    owed, owing = as_text(money.round_half_up(canonical)), as_text(money.round_half_up(-canonical))
    return choose(
        (canonical == 0, "已结清，无需处理"),
        (
            (canonical > 0) & (kind == EXPORT),
            _said("应付委托方 ", owed, " 元，与客户确认退还委托方、付其他法人（须盖章付款委托书）或留存（EXP-BAL-02）"),
        ),
        (
            canonical > 0,
            _said("应退委托方 ", owed, " 元，与客户确认退还委托方、付其他法人（须盖章付款委托书）或留存（IMP-BAL-03）"),
        ),
        ((canonical < 0) & (kind == EXPORT), _said("通知委托方补款 ", owing, " 元，3 个工作日内到账（EXP-BAL-03）")),
        ((canonical < 0) & (kind == IMPORT), _said("通知委托方补款 ", owing, " 元，3 个工作日内到账（IMP-BAL-02）")),
        (canonical < 0, _said("委托方应付物流费 ", owing, " 元，收款后逐项销账（LOG-RCV-01）")),
        otherwise=None,
    )


def _said(before: str, figure: Text, after: str) -> Text:
    return before + figure + after
