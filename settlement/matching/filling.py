"""Putting receipts onto items in order, as one relation: the first money pays the oldest item.

Receipts of one order and currency are laid end to end by date, items end to end by age; a piece is where the two
overlap. Nothing is paid beyond its room, no receipt beyond its amount, and no row is looked at twice.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.matching.relations import NIL, beside, money_sum
from settlement.rules.money import MONEY

ITEM_KEY = ("order_no", "purpose", "currency")


def left_of(items: ir.Table, pieces: ir.Table) -> ir.Table:
    """``items`` after ``pieces`` (order_no, purpose, currency, amount)."""
    sums = pieces.group_by(*ITEM_KEY).agg(put=money_sum(pieces.amount))
    rows = beside(items, sums, ITEM_KEY)
    gone = rows.put.fill_null(NIL)
    return rows.mutate(
        paid=(rows.paid + gone).cast(MONEY),
        open=ibis.greatest(rows.open - gone, NIL).cast(MONEY),
        room=ibis.greatest(rows.room - gone, NIL).cast(MONEY),
    ).drop("put")


def filled(receipts: ir.Table, items: ir.Table, group: tuple[str, ...] = ("order_no", "currency")) -> ir.Table:
    """Pieces of ``receipts`` (txn_id, booked_on, amount, turn and the columns of ``group``) on ``items``, oldest first.

    ``turn`` goes before the date: lower turns are filled first. ``group`` may add the purpose. Columns txn_id,
    order_no, purpose, amount (> 0).
    """
    of_order = ibis.window(group_by=group, order_by=["turn", "booked_on", "txn_id"], preceding=(None, 0))
    laid = receipts.mutate(upto=money_sum(receipts.amount).over(of_order))
    laid = laid.select("txn_id", *group, start=(laid.upto - laid.amount).cast(MONEY), upto=laid.upto.cast(MONEY))
    roomy = items.filter(items.room > NIL)
    by_age = ibis.window(group_by=group, order_by=["arisen_on", "place", "purpose"], preceding=(None, 0))
    spans = roomy.mutate(ends=money_sum(roomy.room).over(by_age))
    spans = spans.select(
        *group, item_purpose="purpose", begins=(spans.ends - spans.room).cast(MONEY), ends=spans.ends.cast(MONEY)
    )
    met = laid.inner_join(spans, group)
    piece = ibis.least(met.upto, met.ends) - ibis.greatest(met.start, met.begins)
    met = met.select("txn_id", "order_no", purpose="item_purpose", amount=piece.cast(MONEY))
    return met.filter(met.amount > NIL)
