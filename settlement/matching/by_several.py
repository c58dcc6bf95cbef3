"""Receipts whose text names several orders, and those bound to them by naming one of the same orders.

The relations find out who is bound together and fetch what ``sequence.py`` needs to settle them in turn.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import ibis.expr.types as ir

from settlement.matching.filling import ITEM_KEY
from settlement.matching.prepared import Prepared
from settlement.matching.relations import beside
from settlement.matching.sequence import Item, Outcome, Receipt, Target, settle
from settlement.matching.verdicts import PIECE_SCHEMA, VERDICT_SCHEMA, Placed


def bound_together(inputs: Prepared, named: ir.Table) -> ir.Table:
    """Of ``named`` (receipt x order) the receipts that name several orders, or one that such a receipt names."""
    wanted = named.filter(named.orders > 1).select("order_no").distinct()
    receipts = named.semi_join(wanted, "order_no").select("txn_id").distinct()
    return inputs.keep("bound_together", named.semi_join(receipts, "txn_id"))


def _items(inputs: Prepared, bound: ir.Table, items: ir.Table, variants: ir.Table) -> dict[tuple[str, str], list[Item]]:
    """Items of the orders named, by order and currency, oldest first."""
    orders = bound.select("order_no").distinct()
    columns = [*ITEM_KEY, "principal_id", "open", "room"]
    rows = items.semi_join(orders, "order_no").order_by("order_no", "currency", "arisen_on", "place", "purpose")
    offers = variants.semi_join(orders, "order_no").select(*ITEM_KEY, "amount").distinct()
    others: dict[tuple[str, ...], list[Decimal]] = defaultdict(list)
    for row in inputs.run(offers.order_by(*ITEM_KEY, "amount")):
        others[tuple(row[name] for name in ITEM_KEY)].append(row["amount"])
    found: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for row in inputs.run(rows.select(columns)):
        offered = tuple(others.get(tuple(row[name] for name in ITEM_KEY), ()))
        found[row["order_no"], row["currency"]].append(
            Item(row["order_no"], row["purpose"], row["principal_id"], row["open"], row["room"], offered)
        )
    return found


def _receipts(inputs: Prepared, bound: ir.Table, credits: ir.Table, small: ir.Table) -> list[Receipt]:
    orders = inputs.orders
    is_trade = orders.is_export | orders.is_import
    facts = orders.select("order_no", "is_live", order_currency="currency", is_trade=is_trade)
    rows = beside(beside(bound, facts, "order_no"), small, "currency")
    rows = beside(rows, credits.select("txn_id", "text"), "txn_id")
    in_currency = ~rows.is_trade.fill_null(False) | (rows.order_currency == rows.currency)
    rows = rows.mutate(
        in_currency=in_currency, is_live=rows.is_live.fill_null(True), is_trade=rows.is_trade.fill_null(True)
    )
    gathered: dict[str, list[dict]] = defaultdict(list)
    for row in inputs.run(rows.order_by("txn_id", "order_no")):
        gathered[row["txn_id"]].append(row)
    return [_receipt(group, inputs.limits) for group in gathered.values()]


def _receipt(rows: list[dict], limits) -> Receipt:
    first = rows[0]
    small = Decimal(0)
    if first["currency"] != "CNY":
        small = max(first["small"] or Decimal(0), first["amount"] * limits.short_share)
    targets = tuple(
        Target(
            row["order_no"],
            row["principal_id"],
            row["raw"],
            row["party"],
            row["shared"],
            row["is_live"],
            row["in_currency"],
            row["is_trade"],
        )
        for row in rows
    )
    return Receipt(
        txn_id=first["txn_id"],
        booked_on=first["booked_on"],
        amount=first["amount"],
        currency=first["currency"],
        said=first["said"],
        text=first["text"],
        bank_fee=first["bank_fee"] or Decimal(0),
        small=small,
        targets=targets,
        is_alike=all(row["is_alike"] for row in rows),
        is_unclear=first["is_unclear"],
    )


def _verdict(outcome: Outcome) -> dict[str, object]:
    row, targets = outcome.row, outcome.receipt.targets
    principals = {target.principal_id for target in targets}
    return {
        "txn_id": outcome.receipt.txn_id,
        "order_no": targets[0].order_no if len(targets) == 1 else None,
        "principal_id": next(iter(principals)) if len(principals) == 1 else None,
        "party": outcome.facts[0],
        "fit": outcome.facts[2],
        "rule": row.id,
        "posts": row.posts,
        "confidence": row.confidence,
        "note": outcome.note or None,
    }


def _undue(outcome: Outcome) -> list[dict[str, object]]:
    """Nothing is charged yet: the money waits on the order it names."""
    target, said = outcome.receipt.targets[0], outcome.receipt.said.strip("|")
    purpose = said if said and "|" not in said else "物流费" if not target.is_trade else "货款"
    return [
        {
            "order_no": target.order_no,
            "principal_id": target.principal_id,
            "purpose": purpose,
            "currency": outcome.receipt.currency,
            "amount": outcome.receipt.amount,
        }
    ]


def post_bound(
    inputs: Prepared, bound: ir.Table, credits: ir.Table, items: ir.Table, variants: ir.Table, small: ir.Table
) -> Placed:
    """Settle the receipts of ``bound`` in turn: their pieces and verdicts."""
    outcomes = settle(
        _receipts(inputs, bound, credits, small), _items(inputs, bound, items, variants), inputs.limits, inputs.rows
    )
    pieces = [
        {
            "txn_id": one.receipt.txn_id,
            "order_no": item.order_no,
            "principal_id": item.principal_id,
            "purpose": item.purpose,
            "currency": one.receipt.currency,
            "amount": amount,
        }
        for one in outcomes
        for item, amount in one.pieces
    ]
    for one in outcomes:
        if one.row.posts == "order" and one.facts[2] == "undue":
            pieces += [{"txn_id": one.receipt.txn_id, **piece} for piece in _undue(one)]
    return Placed(
        pieces=inputs.keep("bound_pieces", inputs.load(pieces, PIECE_SCHEMA)),
        verdicts=inputs.keep("bound_verdicts", inputs.load([_verdict(one) for one in outcomes], VERDICT_SCHEMA)),
    )
