"""Text that people read: joining remittance text, masking a person's account (PRV-01)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def joined(*parts: ir.StringColumn) -> ir.StringColumn:
    """Remittance text (附言): the parts that are there, in order, with a blank between; NULL where none is."""
    whole = ibis.literal("")
    for part in parts:
        whole = whole + ibis.cases((ibis.coalesce(part, "") == "", ""), else_=ibis.literal(" ") + ibis.coalesce(part, ""))
    return whole.strip().nullif("")


def last_four(account: ir.StringColumn) -> ir.StringColumn:
    """A person's account number as everybody but the cashier sees it: ``****1234`` (PRV-01)."""
    return ibis.literal("****") + account.right(4)
