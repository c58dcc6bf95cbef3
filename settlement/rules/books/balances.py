"""Balances (余额): of each order and kind of business, each principal, each principal's account.

C-09, IMP-BAL-01..03, EXP-BAL-01..03. Canonical sign: + = we owe the principal; the seed's signs are shown
at the edge only: export as it is, import and logistics turned round.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import balances as formulas
from settlement.rules import money

RECEIVED = ["收款", "汇率差", "期初"]
CHARGED = ["代理费", "其他费用", "物流费", "手续费", "税金"]
PAID = ["付款", "购汇付款"]


def order_balances(postings: ir.Table, orders: ir.Table) -> ir.Table:
    """Balance of each order and kind (export, import, logistics) by the ledger so far: the columns of ``order_balances``.

    ``postings``: all so far. ``orders`` as ``facts.described_orders``. 账户 物流费 is the logistics side, unless the
    order is logistics only; 退税 and 垫付退税 are not part of an order's balance (they pass through). Set-offs and
    write-offs (抵账 转单 核销 更正) count as received.
    """
    of_orders = postings.filter(postings.order_no.notnull() & postings.account.notin(["退税", "垫付退税"]))
    joined = of_orders.join(
        orders.select("order_no", _owner="principal_id", _export="is_export", _import="is_import"), "order_no"
    )
    kind = ibis.cases(
        (joined.account == "物流费", "logistics"),
        (joined._export, "export"),
        (joined._import, "import"),
        else_="logistics",
    )
    sided = joined.mutate(_kind_of_order=kind)
    nil = money.decimal_literal(0)

    def total(condition):
        return ibis.coalesce(sided.amount_cny.sum(where=condition), nil).cast(money.MONEY)

    charged, paid = sided.kind.isin(CHARGED), sided.kind.isin(PAID)
    summed = sided.group_by("order_no", kind="_kind_of_order").agg(
        principal_id=sided._owner.min(),
        received_cny=total(~charged & ~paid),
        charged_cny=(-total(charged)).cast(money.MONEY),
        paid_cny=(-total(paid)).cast(money.MONEY),
    )
    balance = formulas.balance(summed.received_cny, summed.charged_cny, summed.paid_cny).cast(money.MONEY)
    based = summed.mutate(balance_cny=balance)
    return based.mutate(
        displayed_balance=formulas.displayed_balance(based.kind, based.balance_cny).cast(money.MONEY),
        next_step=formulas.next_step(based.kind, based.balance_cny),
    )


def principal_balances(before: ir.Table, now: ir.Table) -> ir.Table:
    """opening + movement = closing of each principal: from the ledger before the month and the month's postings.

    期初 of the first month is opening, not movement.
    """
    return _balances(before, now, ["principal_id"])


def principal_account_balances(before: ir.Table, now: ir.Table) -> ir.Table:
    """The same by principal and account; the accounts of a principal sum to the principal."""
    return _balances(before, now, ["principal_id", "account"])


def _balances(before: ir.Table, now: ir.Table, key: list[str]) -> ir.Table:
    nil = money.decimal_literal(0)
    is_opening = now.kind == "期初"
    carried = before.select(*key, _opening="amount_cny", _movement=nil)
    posted = now.select(
        *key,
        _opening=ibis.cases((is_opening, now.amount_cny), else_=nil).cast(money.MONEY),
        _movement=ibis.cases((is_opening, nil), else_=now.amount_cny).cast(money.MONEY),
    )
    together = carried.union(posted)
    summed = together.group_by(key).agg(
        opening=together._opening.sum().cast(money.MONEY), movement=together._movement.sum().cast(money.MONEY)
    )
    active = now.select(*key).distinct().mutate(_active=ibis.literal(True))
    joined = summed.left_join(active, [summed[k].identical_to(active[k]) for k in key], rname="{name}_active")
    with_closing = joined.mutate(closing=(joined.opening + joined.movement).cast(money.MONEY))
    return with_closing.filter(
        (with_closing.opening != 0) | (with_closing.closing != 0) | ibis.coalesce(with_closing._active, False)
    ).select(*key, "opening", "movement", "closing")
