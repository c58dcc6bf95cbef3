"""What is always true of the books (the contract, section 4): every invariant with its id and message.

What does not belong here: the relations that list the breaches (``breaches.py``), single columns
(``mart_schemas.py``), anything that may be out of line in an honest month (``audit.py``), how a breach
is shown (``asset_checks.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir

from settlement.checks import breaches as broken
from settlement.checks.breaches import NAMES_ORDER, NAMES_PRINCIPAL, Tables


@dataclass(frozen=True)
class Invariant:
    """One thing that is always true: ``reads`` are the published tables it needs, ``breaches`` lists what breaks it.

    ``on``: the table whose asset shows it, where that is not the last one read.
    """

    id: str
    statement: str
    message: str
    reads: tuple[str, ...]
    breaches: Callable[[Tables, str], ir.Table]
    on: str = ""

    @property
    def shown_on(self) -> str:
        """The table on whose asset the check shows; none that it reads may be made from that one."""
        return self.on or self.reads[-1]


_BALANCES = ("principal_balances", ("principal_id",))
_ACCOUNTS = ("principal_account_balances", ("principal_id", "account"))

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "rows_read_are_accepted_or_rejected",
        "rows_read = rows_accepted + rows_rejected, for every file, table and currency",
        "读入行数 ≠ 接受行数 + 拒绝行数",
        ("control_totals",),
        broken.control_rows,
    ),
    Invariant(
        "amounts_read_are_accepted_or_rejected",
        "amount_read = amount_accepted + amount_rejected, for every file, table and currency",
        "读入金额 ≠ 接受金额 + 拒绝金额",
        ("control_totals",),
        broken.control_amounts,
    ),
    Invariant(
        "a_transaction_is_published_once",
        "no txn_id stands twice in bank_transactions, in whatever months",
        "同一笔银行流水出现两次",
        ("bank_transactions",),
        broken.one_transaction_once,
    ),
    Invariant(
        "every_credit_is_allocated_or_open",
        "for each credit: Σ receipt_allocations up to the month + unmatched at the month = its amount",
        "收款金额 ≠ 已认领 + 未认领",
        ("bank_transactions", "receipt_allocations", "unmatched_receipts"),
        broken.credits,
    ),
    Invariant(
        "every_debit_is_allocated_or_open",
        "for each debit: Σ payment_allocations up to the month + unmatched at the month = its amount",
        "付款金额 ≠ 已核对 + 未核对",
        ("bank_transactions", "payment_allocations", "unmatched_payments"),
        broken.debits,
    ),
    Invariant(
        "nobodys_money_has_no_principal",
        "a piece for a principal's purpose names the principal, a piece for nobody's purpose names none",
        "款项用途与委托方不符",
        ("receipt_allocations",),
        broken.nobodys_money,
    ),
    Invariant(
        "the_ledger_holds_each_receipt_once",
        "Σ ledger postings of a credit for a principal = Σ its allocated pieces, in currency; nobody's money posts nothing",
        "收款入账金额 ≠ 认领金额",
        ("receipt_allocations", "principal_ledger"),
        broken.receipts_in_ledger,
    ),
    Invariant(
        "principal_opening_plus_movement_is_closing",
        "opening + movement = closing of every principal",
        "委托方期初 + 本期发生 ≠ 期末",
        ("principal_balances",),
        broken.adds_up("principal_balances"),
    ),
    Invariant(
        "account_opening_plus_movement_is_closing",
        "opening + movement = closing of every principal's account",
        "委托方分账户期初 + 本期发生 ≠ 期末",
        ("principal_account_balances",),
        broken.adds_up("principal_account_balances"),
    ),
    Invariant(
        "principal_closing_is_carried",
        "closing of the month before = opening, for every principal; in the first month the opening is 期初",
        "委托方上月期末 ≠ 本月期初",
        ("principal_ledger", "principal_balances"),
        broken.carried(*_BALANCES),
    ),
    Invariant(
        "account_closing_is_carried",
        "closing of the month before = opening, for every principal's account; in the first month it is 期初",
        "委托方分账户上月期末 ≠ 本月期初",
        ("principal_ledger", "principal_account_balances"),
        broken.carried(*_ACCOUNTS),
    ),
    Invariant(
        "principal_balance_is_its_ledger",
        "Σ principal_ledger up to the month, 期初 included = closing; Σ of the month without 期初 = movement",
        "分户账合计 ≠ 委托方期末或本期发生",
        ("principal_ledger", "principal_balances"),
        broken.ledger_is_balance(*_BALANCES),
    ),
    Invariant(
        "account_balance_is_its_ledger",
        "the same for every principal's account",
        "分户账合计 ≠ 委托方分账户期末或本期发生",
        ("principal_ledger", "principal_account_balances"),
        broken.ledger_is_balance(*_ACCOUNTS),
    ),
    Invariant(
        "accounts_sum_to_the_principal",
        "Σ of a principal's accounts = the principal: opening, movement, closing",
        "分账户合计 ≠ 委托方余额",
        ("principal_account_balances", "principal_balances"),
        broken.accounts_are_principal,
    ),
    Invariant(
        "order_balance_is_received_less_charged_less_paid",
        "balance_cny = received_cny − charged_cny − paid_cny",
        "订单余额 ≠ 已收 − 已计费 − 已付",
        ("order_balances",),
        broken.order_balance,
    ),
    Invariant(
        "displayed_balance_has_its_sign",
        "displayed_balance = balance of an export order, −balance of an import or logistics order (C-09)",
        "对账余额的正负号不对",
        ("order_balances",),
        broken.displayed_sign,
    ),
    Invariant(
        "invoice_is_net_plus_tax",
        "invoice_amount = ex_vat_amount + tax_amount (C-02), wherever there is an invoice amount",
        "开票金额 ≠ 不含税金额 + 税额",
        ("export_invoices", "import_invoices"),
        broken.invoice_parts,
    ),
    Invariant(
        "payable_is_within_the_quote",
        "Σ payable ≤ Σ vendor_quote of each order, vendor, charge code and currency that has a quote (LOG-AP-01)",
        "应付合计超过供应商报价",
        ("freight_charges",),
        broken.payable_within_quote,
    ),
    Invariant(
        "every_order_named_exists",
        "every order_no that a published row stands for is an order or an opening item",
        "订单号不存在",
        NAMES_ORDER,
        broken.orders_exist,
        on="principal_balances",
    ),
    Invariant(
        "every_principal_named_exists",
        "every principal_id that a published row stands for is in the principals master, or had a balance before",
        "委托方编号不存在",
        NAMES_PRINCIPAL,
        broken.principals_exist,
        on="principal_balances",
    ),
    Invariant(
        "an_order_is_settled_with_its_own_principal",
        "money on an order belongs to the order's principal, net of corrections",
        "订单记到了别的委托方名下",
        ("receipt_allocations", "principal_ledger"),
        broken.order_of_its_principal,
    ),
)


def breaches(tables: Tables, month: str) -> dict[str, ir.Table]:
    """Every invariant's id and its breaches, as expressions: run nothing until asked. Empty tables = all hold."""
    return {invariant.id: invariant.breaches(tables, month) for invariant in INVARIANTS}
