"""Credits with open money: what matching works on this month, and what earlier months hold fast.

A credit that lies on an order, was decided by finance or is nobody's stays as it was. One that nobody
could place, or that lies whole on account by rule, is tried again on all that is known now.
"""

from __future__ import annotations

import ibis.expr.types as ir

from settlement.matching.names import account_key
from settlement.matching.prepared import Prepared
from settlement.matching.relations import NIL, money_sum
from settlement.matching.words import marks_in

DECISION = "DECISION"


def text_of(lines: ir.Table) -> ir.StringColumn:
    """Remittance text: summary + purpose + remark in upper case, a blank between them; never NULL."""
    parts = [lines[name].fill_null("") for name in ("summary", "purpose", "remark")]
    return (parts[0] + " " + parts[1] + " " + parts[2]).upper().strip()


def described(lines: ir.Table) -> ir.Table:
    """Statement lines with the text, the words in it, and the keys of the other side."""
    lines = lines.mutate(text=text_of(lines), payer_account=account_key(lines.counterparty_account))
    return lines.mutate(marks=marks_in(lines.text))


def standing(placed: ir.Table) -> ir.Table:
    """What earlier months left standing: one row a credit, principal, order and purpose, amount not 0."""
    net = placed.group_by("txn_id", "principal_id", "order_no", "purpose").agg(
        amount=money_sum(placed.amount), rule=placed.rule.max()
    )
    return net.filter(net.amount != NIL)


def held_credits(stands: ir.Table) -> ir.Table:
    """Per credit: how much stands (``placed``) and whether it is held fast (``fast``).

    Fast: a piece on an order, a piece of nobody's, or a decision of finance.
    """
    fast = stands.order_no.notnull() | stands.principal_id.isnull() | (stands.rule == DECISION)
    return stands.group_by("txn_id").agg(placed=money_sum(stands.amount), fast=fast.max())


def open_credits(inputs: Prepared, stands: ir.Table) -> ir.Table:
    """Credits of known own accounts that rules may place, whole: those held fast by nothing.

    Columns of the transaction, ``text``, ``marks``, ``payer_account``.
    """
    lines = inputs.transactions
    credits = lines.filter(lines.amount > NIL)
    own = inputs.own_accounts.select(own_account=inputs.own_accounts.account_no).distinct()
    known = credits.semi_join(own, credits.account_no == own.own_account)
    fast = held_credits(stands).filter(lambda t: t.fast)
    return described(known.anti_join(fast, "txn_id"))
